// Starts a keel-node for a test or a replay and stops it again.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createWriteStream, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The address in the log line of a node that has opened its RPC port. */
const LISTENING = /Running JSON-RPC server: addr=(127\.0\.0\.1:\d+)/;

/** Nodes whose data are still there. However this process ends, neither a node nor its data outlive it. */
const nodes = new Set();
process.once("exit", () => {
	for (const node of nodes) {
		node.process?.kill("SIGKILL");
		rmSync(node.basePath, { recursive: true, force: true, maxRetries: 5 });
	}
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

export class KeelNode {
	constructor({ sealing = "manual", args = [] } = {}) {
		this.sealing = sealing;
		this.args = args;
	}

	/** Start, on the base path of the last run if there was one. Resolves when the node answers. */
	async start() {
		this.basePath ??= await mkdtemp(join(tmpdir(), "keel-"));
		nodes.add(this);
		const binary = process.env.KEEL_NODE;
		if (!binary) throw new Error("KEEL_NODE must name the keel-node binary; scripts/e2e/run.sh sets it");
		const args = [
			"--dev",
			...(this.sealing ? ["--sealing", String(this.sealing)] : []),
			"--base-path", this.basePath,
			// The system gives free ones: a port that is looked for beforehand may be taken meanwhile.
			"--rpc-port", "0",
			"--port", "0",
			"--no-prometheus", "--no-telemetry", "--no-mdns",
			"--rpc-max-connections", "50",
			"--state-pruning", "archive",
			...this.args,
		];
		this.logFile = join(this.basePath, "node.log");
		const log = createWriteStream(this.logFile, { flags: "a" });
		this.process = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
		this.tail = "";
		this.address = undefined;
		for (const stream of [this.process.stdout, this.process.stderr]) {
			stream.on("data", (data) => {
				log.write(data);
				this.tail = (this.tail + data).slice(-20_000);
				this.address ??= LISTENING.exec(this.tail)?.[1];
			});
		}
		this.exited = new Promise((resolve) => {
			this.process.on("exit", resolve);
			this.process.on("error", (error) => {
				this.tail += `${binary}: ${error.message}`;
				resolve();
			});
		});
		await this.#untilUp();
		return this;
	}

	async #untilUp() {
		const begin = Date.now();
		let gone = false;
		this.exited.then(() => (gone = true));
		while (Date.now() - begin < 180_000) {
			if (gone) throw new Error(`the node stopped while starting:\n${this.tail}`);
			try {
				if (this.address && (await fetch(`http://${this.address}/health`)).ok) return;
			} catch {
				// not yet
			}
			await new Promise((r) => setTimeout(r, 100));
		}
		throw new Error(`the node did not answer within three minutes:\n${this.tail}`);
	}

	get url() {
		return `ws://${this.address}`;
	}

	/** Stop it; the data stay. `start` continues where it was. */
	async stop(signal = "SIGTERM") {
		if (this.process && this.process.exitCode === null) {
			this.process.kill(signal);
			await this.exited;
		}
	}

	/** Stop it and throw the data away. */
	async destroy() {
		await this.stop("SIGKILL");
		if (this.basePath) await rm(this.basePath, { recursive: true, force: true, maxRetries: 5 });
		nodes.delete(this);
	}
}
