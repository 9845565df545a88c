// Starts a keel-node for a test or a replay and stops it again.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const freePort = () =>
	new Promise((resolve, reject) => {
		const server = createServer();
		server.on("error", reject);
		server.listen(0, "127.0.0.1", () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});

export class KeelNode {
	constructor({ sealing = "manual", args = [] } = {}) {
		this.sealing = sealing;
		this.args = args;
	}

	/** Start, on the base path of the last run if there was one. Resolves when the node answers. */
	async start() {
		this.basePath ??= await mkdtemp(join(tmpdir(), "keel-"));
		this.port ??= await freePort();
		const binary = process.env.KEEL_NODE;
		if (!binary) throw new Error("KEEL_NODE must name the keel-node binary; scripts/e2e/run.sh sets it");
		const args = [
			"--dev",
			...(this.sealing ? ["--sealing", String(this.sealing)] : []),
			"--base-path", this.basePath,
			"--rpc-port", String(this.port),
			"--port", String(await freePort()),
			"--no-prometheus", "--no-telemetry", "--no-mdns",
			"--rpc-max-connections", "50",
			"--state-pruning", "archive",
			...this.args,
		];
		this.logFile = join(this.basePath, "node.log");
		const log = createWriteStream(this.logFile, { flags: "a" });
		this.process = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
		this.tail = "";
		for (const stream of [this.process.stdout, this.process.stderr]) {
			stream.on("data", (data) => {
				log.write(data);
				this.tail = (this.tail + data).slice(-20_000);
			});
		}
		this.exited = new Promise((resolve) => this.process.on("exit", resolve));
		// Whatever becomes of the test, no node outlives it.
		process.once("exit", () => this.process.kill("SIGKILL"));
		await this.#untilUp();
		return this;
	}

	async #untilUp() {
		const begin = Date.now();
		let gone = false;
		this.exited.then(() => (gone = true));
		while (Date.now() - begin < 60_000) {
			if (gone) throw new Error(`the node stopped while starting:\n${this.tail}`);
			try {
				const answer = await fetch(`http://127.0.0.1:${this.port}/health`);
				if (answer.ok) return;
			} catch {
				// not yet
			}
			await new Promise((r) => setTimeout(r, 100));
		}
		throw new Error(`the node did not answer within 60 s:\n${this.tail}`);
	}

	get url() {
		return `ws://127.0.0.1:${this.port}`;
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
		if (this.basePath) await rm(this.basePath, { recursive: true, force: true });
	}
}
