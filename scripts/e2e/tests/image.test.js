// The image's stages, played without a container engine: docker/Dockerfile's own instructions, in a root of
// their own where this user may make one, and otherwise as far as an ordinary user can.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "../lib/chain.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const KEEL_NODE = process.env.KEEL_NODE;
const FILE = readFileSync(join(ROOT, "docker/Dockerfile"), "utf8");

/** Instructions `[name, rest]`, a list for each stage. */
function stages(text) {
	const lines = text.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, "").split("\n").filter(Boolean);
	const all = [];
	for (const line of lines) {
		const [, name, rest] = /^(\w+)\s+(.*)$/.exec(line);
		if (name === "FROM") all.push([]);
		else all.at(-1).push([name, rest]);
	}
	return all;
}

const [build, final] = stages(FILE);
const of = (stage, wanted) => stage.filter(([name]) => name === wanted).map(([, rest]) => rest);
const one = (stage, wanted) => {
	const found = of(stage, wanted);
	assert.equal(found.length, 1, `one ${wanted}`);
	return found[0];
};
/** The arguments after the image's name in the documented `docker run`. */
const documented = /^# +docker run .* keel-node (.*)$/m.exec(FILE)[1].split(/\s+/);

const TEMPORARY = mkdtempSync(join(tmpdir(), "keel-image-"));
const mounts = `mount -t tmpfs none ${TEMPORARY} && mkdir ${TEMPORARY}/usr && mount --bind /usr ${TEMPORARY}/usr && chroot --userspec=1:1 / true`;
/** Whether this user can make a root directory of its own, with mounts nobody else sees. */
const rooted =
	process.getuid() === 0 && spawnSync("unshare", ["--mount", "--propagation", "private", "sh", "-c", mounts]).status === 0;
const nodes = new Set();
const sweep = () => {
	for (const child of nodes) {
		try {
			process.kill(-child.pid, "SIGKILL");
		} catch {
			// It has ended.
		}
	}
	rmSync(TEMPORARY, { recursive: true, force: true, maxRetries: 5 });
};
after(sweep);
process.once("exit", sweep);

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
let roots = 0;

/**
 * A shell script that plays the instructions of a final stage and then runs the image's command with `given`.
 * What apt-get would install is the machine's own: the base image is this system, read-only, with empty
 * /etc/passwd and homes.
 */
function script(stage, given) {
	const root = join(TEMPORARY, `root-${roots++}`);
	const environment = { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
	let user = "root";
	const inside = () =>
		`chroot --userspec=$(field ${user} 3):$(field ${user} 4) ${root} env -i HOME=$(field ${user} 6) ` +
		Object.entries(environment).map(([name, value]) => `${name}=${quote(value)}`).join(" ");
	const lines = [
		"set -eu",
		`mkdir -p ${root} && cd ${root} && mkdir -p usr etc proc dev tmp home root var/lib/apt/lists`,
		"for folder in bin sbin lib lib64; do if [ -L /$folder ]; then cp -P /$folder .; elif [ -d /$folder ]; then mkdir $folder && mount --bind /$folder $folder; fi; done",
		"mount --bind /usr usr && mount -o remount,ro,bind usr && mount -t tmpfs none usr/local && mkdir usr/local/bin",
		"mount --rbind /dev dev && mount --rbind /proc proc && chmod 1777 tmp",
		"for file in login.defs nsswitch.conf ld.so.cache; do [ ! -e /etc/$file ] || cp /etc/$file etc/; done; mkdir etc/skel",
		// What an engine puts into every container.
		"echo 127.0.0.1 localhost >etc/hosts; echo nameserver 127.0.0.1 >etc/resolv.conf",
		"echo root:x:0:0:root:/root:/bin/sh >etc/passwd; echo root:x:0: >etc/group; touch etc/shadow etc/gshadow",
		// Of packages only the certificates are needed that are not in /usr.
		"mkdir -p var/played && cp -rL /etc/ssl/certs var/played/ 2>/dev/null || true",
		`cat >usr/local/bin/apt-get <<'STUB'
#!/bin/sh
echo "(played) apt-get $*" >&2
case "$*" in *install*ca-certificates*) mkdir -p /etc/ssl && cp -r /var/played/certs /etc/ssl/ ;; esac
STUB
chmod +x usr/local/bin/apt-get`,
		`field() { grep "^$1:" ${root}/etc/passwd | cut -d: -f$2; }`,
	];
	for (const [name, rest] of stage) {
		if (name === "RUN") lines.push(`${inside()} /bin/sh -c ${quote(rest)}`);
		else if (name === "USER") user = rest;
		else if (name === "ENV") {
			for (const [, key, value] of rest.matchAll(/(\w+)=(\S+)/g)) environment[key] = value;
		} else if (name === "COPY") {
			const [, to] = rest.replace(/^--from=\S+ /, "").split(/\s+/);
			lines.push(`install -D -m 755 ${quote(KEEL_NODE)} ${root}${to}`);
		} else if (name === "VOLUME") {
			// As engines do: a directory that the image lacks is made, and root's.
			lines.push(`mkdir -p ${root}${rest}`);
		} else assert.ok(["ARG", "LABEL", "EXPOSE", "ENTRYPOINT", "CMD", "WORKDIR"].includes(name), `${name} is not played`);
	}
	const entry = [...JSON.parse(one(stage, "ENTRYPOINT")), ...given];
	lines.push(`cd / && exec ${inside()} ${entry.map(quote).join(" ")}`);
	return { root, text: lines.join("\n") };
}

/** Runs a played image until it ends or says what `says` matches. */
async function play(stage, given, says) {
	const { root, text } = script(stage, given);
	const child = spawn("unshare", ["--mount", "--propagation", "private", "bash", "-c", text], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
	nodes.add(child);
	const run = { root, out: "", code: undefined };
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (run.out += data));
	child.on("close", (code) => (nodes.delete(child), (run.code = code ?? -1)));
	run.stop = async () => {
		if (run.code === undefined) process.kill(-child.pid, "SIGKILL");
		await until("it has ended", () => run.code !== undefined);
	};
	await until(`the image says ${says}`, () => says.test(run.out) || run.code !== undefined, 180_000);
	return run;
}

async function freePort() {
	const server = createServer();
	await new Promise((resolve) => server.listen(0, resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return String(port);
}

describe("the image", () => {
	it("exposes what the node listens on, and runs as somebody who is not root", () => {
		assert.deepEqual(one(final, "EXPOSE").split(/\s+/).sort(), ["30333", "9615", "9944"]);
		assert.notEqual(one(final, "USER"), "root");
		assert.deepEqual(JSON.parse(one(final, "CMD")), documented, "what it runs without arguments is what is documented");
	});

	it("knows its commit", () => {
		const variable = /--build-arg (\w+)="\$\(git rev-parse HEAD\)"/.exec(FILE)?.[1];
		assert.ok(variable, "the documented build says which commit it is");
		for (const stage of [build, final]) assert.deepEqual(of(stage, "ARG"), [variable]);
		assert.match(one(final, "LABEL"), new RegExp(`org\\.opencontainers\\.image\\.revision="\\$${variable}"`));
		const [order] = of(build, "RUN").filter((rest) => rest.includes("release.sh"));
		assert.match(order, new RegExp(`^SUBSTRATE_CLI_GIT_COMMIT_HASH="\\$${variable}" scripts/release\\.sh build /release$`));
		const copied = final.findIndex(([name, rest]) => name === "COPY" && rest.startsWith("--from=build /release/keel-node "));
		assert.ok(copied >= 0, "what was built is what runs");
	});

	it("builds from its context alone", () => {
		// The first layer has these files only.
		const context = join(TEMPORARY, "context with a space");
		mkdirSync(context);
		const ignored = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n").filter(Boolean);
		assert.ok(ignored.includes(".git") && ignored.includes("**/node_modules"));
		for (const [name, rest] of build) {
			if (name === "RUN") {
				if (rest.includes("release.sh")) break;
				const { status, stdout, stderr } = spawnSync("bash", ["-c", rest], { cwd: context, encoding: "utf8", env: { ...process.env, KEEL_ENV: "" } });
				assert.equal(status, 0, stdout + stderr);
				assert.ok(existsSync(join(context, ".keel/env")));
			} else if (name === "COPY" && rest !== ". .") {
				const files = rest.split(/\s+/);
				const to = files.pop();
				for (const file of files) {
					const { status, stderr } = spawnSync("bash", ["-c", `mkdir -p ${quote(join(context, to))} && tar -c --exclude=node_modules -C ${quote(ROOT)} ${file} | tar -x -C ${quote(context)}`], { encoding: "utf8" });
					assert.equal(status, 0, stderr);
				}
			}
		}
	});

	it("starts as documented, shows its RPC and its metrics to the outside, and keeps its chain in the volume", { timeout: 600_000 }, async (t) => {
		const ports = { rpc: await freePort(), prometheus: await freePort() };
		const moved = ["--port", "0", "--rpc-port", ports.rpc, "--prometheus-port", ports.prometheus];
		// Answers on another address than 127.0.0.1 only if it listens on all: as what comes from outside a
		// container does.
		const answers = async (port, path) => (await fetch(`http://127.0.0.2:${port}${path}`)).ok;
		const started = /Running JSON-RPC server: addr=0\.0\.0\.0/;
		if (!rooted) {
			t.diagnostic("NOT PLAYED: users, owners and the volume, for which this has to be root. The command itself is.");
			const home = mkdtempSync(join(TEMPORARY, "home-"));
			const child = spawn(KEEL_NODE, [...documented, ...moved], { detached: true, env: { ...process.env, XDG_DATA_HOME: home } });
			nodes.add(child);
			let out = "";
			for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (out += data));
			await until("it runs", () => started.test(out) || child.exitCode !== null, 180_000);
			assert.match(out, started);
			assert.ok(await answers(ports.rpc, "/health"));
			assert.ok(await answers(ports.prometheus, "/metrics"));
			return;
		}
		const run = await play(final, [...documented, ...moved], started);
		assert.match(run.out, started);
		assert.ok(await answers(ports.rpc, "/health"));
		await until("the metrics are there", () => answers(ports.prometheus, "/metrics").catch(() => false));
		await run.stop();

		// A key where chains are kept by default, which is quicker to see than a chain.
		const volume = one(final, "VOLUME");
		const keep = ["key", "generate-node-key", "--chain", "local", "--default-base-path"];
		const key = await play(final, keep, /12D3Koo/);
		await key.stop();
		const kept = join(key.root, volume, "keel-node/chains/keel_local/network/secret_ed25519");
		assert.ok(existsSync(kept), `nothing is kept in ${volume}:\n${key.out}`);
		assert.notEqual(statSync(kept).uid, 0);

		// The same image, were its volume root's: this can fail.
		const broken = final.map(([name, rest]) => [name, rest.replace(/ *&& mkdir \S+ && chown \S+ \S+/, "")]);
		const refused = await play(broken, keep, /12D3Koo/);
		await refused.stop();
		assert.match(refused.out, /ermission denied/);
	});
});
