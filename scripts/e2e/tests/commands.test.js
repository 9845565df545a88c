// What the documents tell a reader to run, is run: every command of the README, of docs/, of the scripts' own
// headers and of the examples has a recipe here that runs it in short form, with every option that is named.
//
// A new command in a document fails the first test until a recipe runs it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { hexToU8a, stringCamelCase } from "@polkadot/util";
import { Chain, until } from "../lib/chain.js";
import { choices, commands, items, paths, program, snippets } from "../lib/documented.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const TEMPORARY = mkdtempSync(join(tmpdir(), "keel commands "));
const KEEL_NODE = process.env.KEEL_NODE;
/** Where releases are built: what RUSTFLAGS carry has no spaces. */
const RELEASES = mkdtempSync(join(tmpdir(), "keel-release-"));
const started = new Set();
const end = (child, signal) => {
	try {
		process.kill(-child.pid, signal);
	} catch {
		// It has ended.
	}
};
const sweep = () => {
	for (const child of started) end(child, "SIGKILL");
	for (const folder of [TEMPORARY, RELEASES]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
};
after(sweep);
process.once("exit", sweep);

/** Starts a shell command in a process group of its own; `out` is all it said so far. */
function start(command, { cwd = ROOT, env = {} } = {}) {
	const child = spawn("bash", ["-c", command], { cwd, env: { ...process.env, ...env }, detached: true, stdio: ["ignore", "pipe", "pipe"] });
	started.add(child);
	const run = { child, out: "" };
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (run.out += data));
	run.ended = new Promise((resolve) => child.on("close", (code, signal) => (started.delete(child), resolve(code ?? signal))));
	return run;
}

/** Runs a shell command and expects it to end with `code`, having said what `says` matches. */
async function run(command, { code = 0, says = /(?:)/, timeout = 240_000, ...options } = {}) {
	const running = start(command, options);
	const timer = setTimeout(() => ((running.out += `\n(killed after ${timeout} ms)`), end(running.child, "SIGKILL")), timeout);
	const ended = await running.ended;
	clearTimeout(timer);
	assert.equal(ended, code, `\`${command}\` ended with ${ended}:\n${running.out.slice(-4_000)}`);
	assert.match(running.out, says);
	return running.out;
}

/** A port from which on `count` are free. */
async function freePorts(count) {
	const free = (port) =>
		new Promise((resolve) => {
			const server = createServer();
			server.on("error", () => resolve(false));
			server.listen(port, () => server.close(() => resolve(true)));
		});
	for (let tries = 0; tries < 100; tries++) {
		const first = 20_000 + Math.floor(Math.random() * 10_000);
		const all = await Promise.all(Array.from({ length: count }, (_, i) => free(first + i)));
		if (all.every(Boolean)) return first;
	}
	throw new Error("no free ports");
}

/** Ports for `count` nodes, by the variables that choose them. */
async function ports(count) {
	const first = await freePorts(3 * count);
	return {
		KEEL_RPC_PORT: String(first),
		KEEL_P2P_PORT: String(first + count),
		KEEL_METRICS_PORT: String(first + 2 * count),
	};
}

/** Examples are built with the features of the workspace's tests, so that nothing is built twice. */
const example = (name, given) =>
	`. .keel/env && SKIP_WASM_BUILD=1 cargo build --locked --quiet --workspace --exclude keel-node --features runtime-benchmarks,try-runtime \
--example ${name} && "$CARGO_TARGET_DIR/debug/examples/${name}" ${given}`;

/**
 * A copy of the scripts, in a folder with a space in its name, with a `cargo` that only writes down what it
 * is asked.
 */
const scratch = (() => {
	let made;
	return async () => {
		if (made) return made;
		const folder = join(TEMPORARY, "a copy");
		const tools = join(TEMPORARY, "tools");
		const log = join(TEMPORARY, "cargo.log");
		mkdirSync(tools);
		for (const path of ["scripts", ".ci", "docker", "rust-toolchain.toml", "Cargo.toml", "Cargo.lock", ".gitignore", "runtime/src/weights", "node/build.rs"]) {
			cpSync(join(ROOT, path), join(folder, path), { recursive: true, filter: (from) => !from.endsWith("node_modules") });
		}
		symlinkSync(join(ROOT, "scripts/e2e/node_modules"), join(folder, "scripts/e2e/node_modules"));
		const tool = (name, lines) => writeFileSync(join(tools, name), ["#!/bin/bash", ...lines].join("\n") + "\n", { mode: 0o755 });
		tool("cargo", [
			`echo "cargo $*" >>'${log}'`,
			`env | grep -E '^(WASM_BUILD_RUSTFLAGS|SOURCE_DATE_EPOCH|SUBSTRATE_CLI_GIT_COMMIT_HASH)=' >>'${log}'`,
			'[ -z "${FAIL:-}" ] || { [[ "$*" != *"$FAIL"* ]] || exit 1; }',
			'if [[ "$*" == *"--profile production"* ]]; then',
			'	mkdir -p "$CARGO_TARGET_DIR/production/wbuild/keel-runtime"',
			'	cd "$CARGO_TARGET_DIR/production/wbuild/keel-runtime"',
			'	echo "wasm ${DIFFERS:+$RANDOM$RANDOM}" >keel_runtime.compact.compressed.wasm',
			'	echo "wasm ${LEAKS:-}" >keel_runtime.compact.wasm',
			'	printf "#!/bin/sh\\necho keel-node 0.1.0\\n" >"$CARGO_TARGET_DIR/production/keel-node"',
			"fi",
		]);
		// What a benchmark writes must be a file of weights that there is.
		tool("bencher", [
			`echo "bencher $*" >>'${log}'`,
			'while [ $# -gt 0 ]; do [ "$1" = --output ] && { [ -f "$2" ] || { echo "$2 is new"; exit 1; }; }; shift; done',
		]);
		const environment = join(TEMPORARY, "env");
		writeFileSync(environment, `. '${folder}/.keel/env'\nexport PATH='${tools}':"$PATH"\n`);
		const env = { KEEL_ENV: environment, CARGO_TARGET_DIR: join(TEMPORARY, "target"), KEEL_RELEASE_BASE: RELEASES };
		const asked = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
		await run("scripts/setup.sh", { cwd: folder });
		made = {
			folder,
			tools,
			env,
			asked,
			/** Runs in the copy; returns what cargo and the bencher were asked meanwhile. */
			async run(command, options = {}) {
				const before = asked().length;
				await run(command, { cwd: folder, ...options, env: { ...env, ...options.env } });
				return asked().slice(before);
			},
		};
		return made;
	};
})();

/** What the Dockerfile's header says of `docker build` or `docker run`. */
function dockerLines(subcommand) {
	return [...readFileSync(join(ROOT, "docker/Dockerfile"), "utf8").matchAll(/^# +(docker .*)$/gm)]
		.map(([, line]) => line)
		.filter((line) => line.startsWith(`docker ${subcommand} `));
}

/**
 * How each program of the documents is run: `runs` are the commands, `does` runs them where it takes more
 * than to expect that they end well. `stands` names what stands for a documented word.
 */
const RECIPES = [
	{
		program: "scripts/setup.sh",
		runs: ["scripts/setup.sh", "scripts/setup.sh --build-only"],
		async does() {
			const { folder, tools } = await scratch();
			// All is installed, and there is neither a package manager nor a way to become root.
			const path = join(tools, "path");
			mkdirSync(path);
			for (const from of ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].filter((from) => existsSync(from))) {
				for (const name of readdirSync(from)) {
					if (!/^(dpkg|apt|sudo|node$)/.test(name) && !existsSync(join(path, name))) {
						rmSync(join(path, name), { force: true });
						symlinkSync(join(from, name), join(path, name));
					}
				}
			}
			symlinkSync(process.execPath, join(path, "node"));
			const rust = (await run('. .keel/env && dirname "$(command -v cargo)"')).trim();
			const env = { PATH: `${path}:${rust}` };
			for (const command of this.runs) await run(command, { cwd: folder, env });
			// An old Node.js is refused with what to do, and building alone needs none.
			rmSync(join(path, "node"));
			writeFileSync(join(path, "node"), "#!/bin/sh\necho v18.19.1\n", { mode: 0o755 });
			await run("scripts/setup.sh", { cwd: folder, env, code: 1, says: /v18\.19\.1.*20\.10 or later.*KEEL_NODEJS=own/s });
			await run("scripts/setup.sh --build-only", { cwd: folder, env });
			rmSync(path, { recursive: true });
			await run("scripts/setup.sh", { cwd: folder });
		},
	},
	{
		program: "scripts/test.sh",
		runs: ["scripts/test.sh", "scripts/test.sh --fast"],
		async does() {
			const copy = await scratch();
			const asked = await copy.run("scripts/test.sh --fast", { says: /ok .*Formatting/ });
			assert.match(asked, /cargo test --locked --workspace/);
			assert.doesNotMatch(asked, /clippy|keel-rehearsal/);
			await copy.run("scripts/test.sh --fast", { env: { FAIL: "test --locked" }, code: 1, says: /FAILED .*Pallets/ });
			// Without --fast it runs the suite that this file is a part of; with a failure before, it leaves
			// that out.
			const all = await copy.run("scripts/test.sh", { env: { FAIL: "clippy" }, code: 1, says: /FAILED .*Lints/ });
			assert.match(all, /cargo build --locked -p keel-node/);
		},
	},
	{
		program: "scripts/docs.sh",
		runs: ["scripts/docs.sh", "scripts/docs.sh --check"],
		async does() {
			const copy = await scratch();
			assert.match(await copy.run("scripts/docs.sh"), /--example docs .*-- *$/m);
			// Whether they are stale, scripts/test.sh asks.
			assert.match(await copy.run("scripts/docs.sh --check"), /--example docs .*-- --check$/m);
			assert.match(readFileSync(join(ROOT, "scripts/test.sh"), "utf8"), /scripts\/docs\.sh --check/);
		},
	},
	{
		program: "scripts/bench.sh",
		runs: ["scripts/bench.sh", "scripts/bench.sh pallet_vaults"],
		stands: { pallet_name: "pallet_vaults" },
		async does() {
			// The benchmarks themselves take hours: what is run is the script, on a bencher that looks at
			// what it is asked.
			const copy = await scratch();
			const one = await copy.run("scripts/bench.sh pallet_vaults", { env: { OMNI_BENCHER: "bencher" } });
			assert.match(one, /cargo build .*-p keel-runtime --features runtime-benchmarks/);
			const all = await copy.run("scripts/bench.sh", { env: { OMNI_BENCHER: "bencher" } });
			const benched = [...all.matchAll(/--pallet (\w+)/g)].map(([, pallet]) => `${pallet}.rs`).sort();
			const files = readdirSync(join(ROOT, "runtime/src/weights")).filter((file) => file.startsWith("pallet_")).sort();
			assert.deepEqual(benched, files, "every file of weights is benchmarked");
		},
	},
	{
		program: "scripts/release.sh",
		runs: ["scripts/release.sh", "scripts/release.sh build", "scripts/release.sh wasm", "scripts/release.sh report", "scripts/release.sh check"],
		async does() {
			const copy = await scratch();
			const commit = "0123456789abcdef0123456789abcdef01234567";
			await copy.run("scripts/release.sh build", { code: 1, says: /which commit is this\?.*--build-arg COMMIT/s });
			const env = { SUBSTRATE_CLI_GIT_COMMIT_HASH: commit, SOURCE_DATE_EPOCH: "1" };
			const built = await copy.run("scripts/release.sh build ../built", { env });
			assert.match(built, /cargo build --locked --profile production --features metadata-hash -p keel-node/);
			assert.match(built, /SUBSTRATE_CLI_GIT_COMMIT_HASH=0123456789a$/m);
			assert.match(built, /WASM_BUILD_RUSTFLAGS=.*--remap-path-prefix=\S+\/source=\/keel .*=\/registry/);
			assert.ok(existsSync(join(TEMPORARY, "built/keel-node")));
			// A release is a commit, and the same commit is the same Wasm.
			const git = "git -c user.name=a -c user.email=a@b";
			await run(`${git} init -q . && ${git} add . && ${git} commit -qm a`, { cwd: copy.folder });
			assert.match(await copy.run("scripts/release.sh wasm"), /SOURCE_DATE_EPOCH=\d{10}/);
			await copy.run("scripts/release.sh build", { env: { SUBSTRATE_CLI_GIT_COMMIT_HASH: commit }, code: 1, says: /unset it/ });
			await copy.run("scripts/release.sh wasm", { env: { LEAKS: `${RELEASES}/source` }, code: 1, says: /names directories/ });
			await copy.run("scripts/release.sh check", { says: /the same/ });
			await copy.run("scripts/release.sh check", { env: { DIFFERS: "1" }, code: 1, says: /two different Wasm files/ });
			await copy.run("echo >>Cargo.toml; scripts/release.sh", { code: 1, says: /not committed/ });
			await copy.run("scripts/release.sh report /nothing /here", { code: 1, says: /is no program/ });
			await copy.run("scripts/release.sh bogus", { code: 1, says: /usage/ });

			// The report of the node that is here: its Wasm is the genesis' code.
			const spec = JSON.parse((await run(`'${KEEL_NODE}' export-chain-spec --chain dev 2>/dev/null`)).trim());
			const wasm = join(TEMPORARY, "runtime.wasm");
			writeFileSync(wasm, hexToU8a(spec.genesis.runtimeGenesis.code));
			const report = `scripts/release.sh report '${KEEL_NODE}' '${wasm}'`;
			const said = await run(report, { env: { KEEL_METADATA_HASH: "no" }, says: /metadata hash +0x[0-9a-f]{64}/ });
			assert.match(said, /Wasm's blake2-256 +0x[0-9a-f]{64}/);
			assert.match(said, /runtime +keel \d+/);
		},
	},
	{
		program: "scripts/crash.sh",
		runs: [
			"scripts/crash.sh march-2020 --vaults 30 --hours 1",
			"scripts/crash.sh black-thursday --vaults 30 --hours 1 --workers-off",
			"scripts/crash.sh may-2021 --vaults 30 --all --hours 1 --spacing 30",
		],
		async does() {
			for (const command of this.runs) {
				const reports = mkdtempSync(join(TEMPORARY, "reports "));
				const said = await run(command, { env: { KEEL_REPORTS: reports }, says: /Still unsafe at the end +0$/m });
				assert.match(said, /Times a vault was found unsafe +[1-9]/, `nothing happened in \`${command}\``);
				assert.equal(readdirSync(reports).length, 1);
			}
			for (const wrong of ["nothing", "--vaults 0", "--vaults x", "--spacing 61", "--hours 0", "--bogus"]) {
				await run(`scripts/crash.sh ${wrong}`, { code: 2, says: /usage/ });
			}
		},
	},
	{
		program: "scripts/local-net.sh",
		runs: ["scripts/local-net.sh", "scripts/local-net.sh --fresh"],
		async does() {
			const env = { ...(await ports(3)), KEEL_DATA: join(TEMPORARY, "local net"), KEEL_ONCE: "1" };
			// Somebody else's files are not thrown away.
			mkdirSync(join(env.KEEL_DATA, "local-net"), { recursive: true });
			writeFileSync(join(env.KEEL_DATA, "local-net/thesis"), "");
			await run("scripts/local-net.sh --fresh", { env, code: 1, says: /does not say which chain it is of/ });
			assert.ok(existsSync(join(env.KEEL_DATA, "local-net/thesis")));
			rmSync(join(env.KEEL_DATA, "local-net/thesis"));
			// Nor are those of a chain that another runtime began.
			writeFileSync(join(env.KEEL_DATA, "local-net/chain.b2sum"), "another\n");
			await run("scripts/local-net.sh", { env, code: 1, says: /another runtime began.*--fresh/s });
			await run("scripts/local-net.sh --fresh", { env, says: /block \d+ is final/ });
			for (const [name, value] of Object.entries(env).filter(([name]) => /PORT/.test(name))) {
				const last = Number(value) + 2;
				const server = createServer((socket) => socket.destroy()).listen(last, "127.0.0.1");
				await run("scripts/local-net.sh", { env, code: 1, says: new RegExp(`port ${last} is taken.*${name}`, "s") });
				await new Promise((resolve) => server.close(resolve));
			}
		},
	},
	{
		program: "scripts/dev.sh",
		runs: ["scripts/dev.sh", "scripts/dev.sh --fresh", "node scripts/e2e/referendum.js"],
		async does() {
			const env = { ...(await ports(1)), KEEL_DATA: join(TEMPORARY, "dev") };
			const url = `ws://127.0.0.1:${env.KEEL_RPC_PORT}`;
			const running = async (command) => {
				const dev = start(command, { env });
				await until("the chain runs", () => /Keel is running/.test(dev.out) || dev.child.exitCode !== null, 240_000);
				assert.match(dev.out, /Keel is running/, dev.out.slice(-4_000));
				return dev;
			};
			const interrupted = async (dev) => {
				process.kill(dev.child.pid, "SIGINT");
				await until("it has stopped", () => dev.child.exitCode !== null, 30_000);
				await assert.rejects(fetch(url.replace("ws", "http")), "its node has stopped too");
			};
			// `--fresh` throws away what an earlier chain left.
			mkdirSync(join(env.KEEL_DATA, "dev"), { recursive: true });
			for (const file of ["chain.b2sum", "old"]) writeFileSync(join(env.KEEL_DATA, "dev", file), "of another\n");
			let dev = await running("exec scripts/dev.sh --fresh");
			assert.ok(!existsSync(join(env.KEEL_DATA, "dev/old")));
			const metrics = await fetch(`http://127.0.0.1:${env.KEEL_METRICS_PORT}/metrics`);
			assert.ok(metrics.ok);

			// A second one does not feed the first one's chain.
			const other = { ...env, KEEL_DATA: join(TEMPORARY, "second") };
			await run("scripts/dev.sh", { env: other, code: 1, says: /is taken by a node of the chain "Keel Development"; KEEL_RPC_PORT/ });
			const moved = { ...other, ...(await ports(1)), KEEL_METRICS_PORT: env.KEEL_METRICS_PORT };
			await run("scripts/dev.sh", { env: moved, code: 1, says: /KEEL_METRICS_PORT chooses another/ });

			// Beside the feeder: the README's script, and a referendum.
			for (const snippet of snippets(ROOT)) {
				const file = join(TEMPORARY, "snippet.mjs");
				writeFileSync(file, snippet.replaceAll("ws://127.0.0.1:9944", url).replaceAll('"./', `"${ROOT}/`));
				await run(`node '${file}'`, { says: /collateral/ });
			}
			await run(`node scripts/e2e/referendum.js ${url}`, { says: /enacted/ });

			const chain = await Chain.connect(url);
			let height;
			try {
				height = await chain.height();
				assert.deepEqual(unknown(chain), [], "named in a document, and not in the runtime");
			} finally {
				await chain.disconnect();
			}
			await interrupted(dev);

			// It goes on where it was, and ends when its node does.
			dev = start("exec scripts/dev.sh", { env });
			const answers = () => fetch(`${url.replace("ws", "http")}/health`).then(({ ok }) => ok, () => false);
			await until("the node answers", async () => dev.child.exitCode !== null || (await answers()), 180_000);
			assert.equal(dev.child.exitCode, null, dev.out.slice(-4_000));
			const again = await Chain.connect(url);
			try {
				assert.ok((await again.height()) >= height);
			} finally {
				await again.disconnect();
			}
			const { out } = await start(`ps -o pid= --ppid ${dev.child.pid} | head -n 1 | xargs kill -9`);
			assert.equal(await dev.ended, 1, out);
			assert.match(dev.out, /the chain stopped/);
		},
	},
	{
		program: "node scripts/e2e/referendum.js",
		runs: ["node scripts/e2e/referendum.js"],
		within: "scripts/dev.sh",
	},
	{
		program: "cargo run --example discovery",
		runs: ["cargo run -p keel-runtime --example discovery --features runtime-benchmarks,try-runtime -- 100 200"],
		does: () => run(example("discovery", "100 200"), { says: /200 .* µs/, timeout: 600_000 }),
	},
	{
		program: "cargo run --example convergence",
		runs: ["cargo run -p keel-math --example convergence check"],
		stands: { docs: "check" },
		within: "scripts/studies.sh",
	},
	{
		program: "cargo run --example providers",
		runs: ["cargo run -p keel-runtime --example providers check"],
		stands: { docs: "check" },
		within: "scripts/studies.sh",
	},
	{
		program: "scripts/studies.sh",
		runs: ["scripts/studies.sh", "cargo run --example convergence", "cargo run --example providers"],
		async does() {
			// The studies take half an hour: what is run is the script, and it asks for each.
			const copy = await scratch();
			const asked = await copy.run("scripts/studies.sh", { says: /ok .*Providers/ });
			assert.match(asked, /cargo test .*-- --ignored/);
			for (const study of ["convergence check", "providers check", "discovery"]) assert.match(asked, new RegExp(`--example ${study}`));
			await copy.run("scripts/studies.sh", { env: { FAIL: "providers" }, code: 1, says: /FAILED .*Providers/ });
		},
	},
	{
		program: "scripts/e2e/run.sh",
		runs: ["scripts/e2e/run.sh tests/commands.test.js"],
		stands: { "tests/NAME.test.js": "tests/commands.test.js", "tests/perpetuals.test.js": "tests/commands.test.js" },
		async does() {
			// It runs this file. What it cannot run, it names.
			await run("scripts/e2e/run.sh", { env: { KEEL_NODE: "/nothing" }, code: 1, says: /no node \/nothing: build it first/ });
			for (const [file] of readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/tests\/\w+\.test\.js/g)) {
				assert.ok(existsSync(join(ROOT, "scripts/e2e", file)), file);
			}
		},
	},
	{
		program: ". .keel/env",
		runs: [". .keel/env"],
		does: () => run('. .keel/env && cargo --version && [ -n "$CARGO_TARGET_DIR" ]', { says: /^cargo / }),
	},
	{
		program: "cargo build -p keel-node",
		runs: ["cargo build --profile production -p keel-node"],
		// The build in another profile takes too long; this asks whether there is such a package and such a
		// profile.
		does: async () => {
			await run(". .keel/env && cargo pkgid --locked --offline -p keel-node", { says: /keel-node/ });
			assert.match(readFileSync(join(ROOT, "Cargo.toml"), "utf8"), /^\[profile\.production\]$[^[]*^lto = "fat"$[^[]*^codegen-units = 1$/m);
		},
	},
	{
		program: "keel-node",
		runs: ["keel-node --help", "keel-node --version"],
		does: async () => {
			await run(`'${KEEL_NODE}' --help`, { says: /--sealing/ });
			await run(`'${KEEL_NODE}' --version`, { says: /^keel-node \d+\.\d+\.\d+-[0-9a-f]{11}$/m });
		},
	},
	// These two are played by tests/image.test.js, from what the Dockerfile's header says.
	{ program: "docker build", runs: dockerLines("build"), within: "tests/image.test.js" },
	{ program: "docker run", runs: dockerLines("run"), within: "tests/image.test.js" },
];

/** What the documents name of the runtime and it has not. */
function unknown({ api }) {
	const pallets = new Map(api.runtimeMetadata.asV16.pallets.map((pallet) => [stringCamelCase(pallet.name.toString()), pallet]));
	return items(ROOT)
		.filter(({ pallet }) => pallet !== "chain")
		.filter(({ pallet, item }) => {
			const views = pallets.get(pallet)?.viewFunctions.map((view) => view.name.toString()) ?? [];
			const kinds = [api.tx, api.events, api.query, api.errors, api.consts];
			return !views.includes(item) && !kinds.some((kind) => kind[pallet]?.[item]);
		})
		.map(({ file, pallet, item }) => `${file}: ${pallet}.${item}`);
}

describe("what the documents say", () => {
	it("every command has a recipe that runs it with every option", () => {
		const found = commands(ROOT);
		assert.ok(found.length > 20, "the documents were read");
		const missing = [];
		for (const { file, command } of found) {
			const recipe = RECIPES.find((recipe) => recipe.program === program(command));
			if (!recipe) {
				missing.push(`${file}: \`${command}\` has no recipe`);
				continue;
			}
			const run = recipe.runs.flatMap(choices);
			for (const word of choices(command)) {
				if (!run.includes(recipe.stands?.[word] ?? word)) missing.push(`${file}: no run of \`${recipe.program}\` has \`${word}\``);
			}
		}
		assert.deepEqual(missing, []);
	});

	it("every recipe is of a command that is documented", () => {
		const named = new Set(commands(ROOT).map(({ command }) => program(command)));
		assert.deepEqual(RECIPES.map((recipe) => recipe.program).filter((name) => !named.has(name)), []);
	});

	it("what is run elsewhere, is run there", () => {
		for (const { program, within } of RECIPES.filter(({ within }) => within)) {
			const runs = RECIPES.find((recipe) => recipe.program === within)?.runs;
			if (runs) assert.ok(runs.some((run) => run.startsWith(program)), `${within} runs ${program}`);
			else assert.ok(existsSync(join(ROOT, "scripts/e2e", within)), `${within} plays ${program}`);
		}
		// One command, in the README and in the file that is played.
		const readme = commands(ROOT).filter(({ file, command }) => file === "README.md" && command.startsWith("docker "));
		for (const { command } of readme) assert.ok(dockerLines(program(command).split(" ")[1]).includes(command), command);
	});

	it("every path that is named exists", () => {
		const made = new Set(["reports/", "release/", ".keel/", ".keel/env"]);
		const there = (path) => existsSync(join(ROOT, path.replace(/\*.*$/, "")));
		const files = new Set();
		const walk = (folder) => {
			for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
				if (/^(node_modules|target|\..*)$/.test(entry.name)) continue;
				if (entry.isDirectory()) walk(join(folder, entry.name));
				else files.add(entry.name);
			}
		};
		walk(".");
		const missing = paths(ROOT).filter(({ file, path, link, context }) => {
			if (link) return !existsSync(join(ROOT, dirname(file), path));
			if (made.has(path) || there(path) || context.some((folder) => there(join(folder, path)))) return false;
			return path.includes("/") || !files.has(path);
		});
		assert.deepEqual(missing.map(({ file, path }) => `${file}: ${path}`), []);
	});

	for (const recipe of RECIPES.filter(({ within }) => !within)) {
		it(`runs ${recipe.program}`, { timeout: 900_000 }, async () => {
			if (recipe.does) return recipe.does();
			for (const command of recipe.runs) await run(command);
		});
	}
});
