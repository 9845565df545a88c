// What the README, docs/ and the scripts' own headers tell a reader to run and where they send a reader to.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Starts of what is a command, after variables and `. .keel/env &&`. */
const COMMAND = /^(?:\. \.keel\/env$|scripts\/[\w/.-]+\.sh\b|(?:cargo|node|docker|npm|npx|keel-node) \S|"\$CARGO_TARGET_DIR"\S)/;

const markdown = (root) => ["README.md", ...readdirSync(join(root, "docs")).filter((f) => f.endsWith(".md")).map((f) => `docs/${f}`)];

/** Files whose first comment says how they are run. */
function headed(root) {
	const inside = (folder, ending) => readdirSync(join(root, folder)).filter((f) => f.endsWith(ending)).map((f) => `${folder}/${f}`);
	return [...inside("scripts", ".sh"), ...inside("scripts/e2e", ".sh"), "docker/Dockerfile"];
}

/** Rust examples: their first comment is a document. */
const examples = ["runtime/examples/discovery.rs", "runtime/examples/docs/main.rs", "runtime/examples/providers/main.rs", "runtime/examples/try_state.rs", "pallets/math/examples/convergence.rs"];

/** Without what comes before the command itself. */
export const bare = (command) => command.replace(/^\. \.keel\/env && /, "").replace(/^(?:[A-Z_]+=\S+ )+/, "");

/** What is run, whatever its arguments. */
export function program(command) {
	const words = bare(command).split(/\s+/);
	if (words[0] === "cargo") {
		const after = (flag) => (words.includes(flag) ? ` ${flag} ${words[words.indexOf(flag) + 1]}` : "");
		return `cargo ${words[1]}${after("--example") || after("-p")}`;
	}
	if (["node", "docker", "npm", "npx"].includes(words[0])) return `${words[0]} ${words[1]}`;
	if (/keel-node$/.test(words[0])) return "keel-node";
	return words[0] === "." ? words.join(" ") : words[0];
}

/**
 * The words that choose what a command does: options, and what is written in small letters. Capitals stand
 * for what the reader fills in.
 */
export function choices(command) {
	const rest = bare(command).replace(/"[^"]*"/g, "").split(/[\s[\]|]+/).slice(1);
	return rest.filter((word) => /^(--?[a-z][\w-]*(=\S+)?|[a-z][\w./-]*)$/.test(word) && word !== program(command).split(" ")[1]);
}

/** Lines of a shell block, without comments. */
const lines = (block) => block.split("\n").map((l) => l.replace(/(^|\s+)#.*$/, "").trim()).filter(Boolean);

/** Code of a document: fenced blocks by language, and spans. */
function code(text) {
	const blocks = [];
	const rest = text.replace(/^```(\w*)\n([\s\S]*?)^```$/gm, (_, language, block) => (blocks.push({ language, block }), ""));
	const spans = [...rest.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
	return { blocks, spans };
}

/** Commands `{ file, command }` of every document, in order, each once a file. */
export function commands(root) {
	const found = [];
	const add = (file, command) => {
		if (COMMAND.test(bare(command)) && !found.some((f) => f.file === file && f.command === command)) found.push({ file, command });
	};
	const document = (file, text) => {
		const { blocks, spans } = code(text);
		for (const { language, block } of blocks) if (["", "sh", "bash"].includes(language)) for (const line of lines(block)) add(file, line);
		for (const span of spans) add(file, span);
	};
	for (const file of markdown(root)) document(file, readFileSync(join(root, file), "utf8"));
	for (const file of examples) {
		const text = readFileSync(join(root, file), "utf8");
		document(file, text.split("\n").filter((l) => l.startsWith("//!")).map((l) => l.replace(/^\/\/! ?/, "")).join("\n"));
	}
	for (const file of headed(root)) {
		const text = readFileSync(join(root, file), "utf8");
		const header = text.split("\n").slice(0, 40).filter((l) => l.startsWith("#   "));
		for (const line of header) add(file, line.slice(4).split(/\s{2,}/)[0]);
		// What an error tells the reader to run.
		for (const [, span] of text.matchAll(/\\`([^`\n]+)\\`/g)) add(file, span);
	}
	for (const [, command] of readFileSync(join(root, "scripts/e2e/demo.js"), "utf8").matchAll(/^ {2}\w+ +(scripts\/\S+\.sh [\w-]+)/gm)) {
		add("scripts/e2e/demo.js", command);
	}
	return found;
}

/** The README's scripts in JavaScript. */
export const snippets = (root) =>
	code(readFileSync(join(root, "README.md"), "utf8")).blocks.filter(({ language }) => language === "js").map(({ block }) => block);

/** Paths `{ file, path, context }` that a document names; `context` is the folders of the same line. */
export function paths(root) {
	const found = [];
	const inTree = (span) => span.includes("/") && existsSync(join(root, span.split("/")[0]));
	for (const file of markdown(root)) {
		for (const line of readFileSync(join(root, file), "utf8").split("\n")) {
			const links = [...line.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, link]) => link).filter((link) => !/^\w+:/.test(link));
			for (const link of links) found.push({ file, path: link, link: true, context: [] });
			const spans = [...line.matchAll(/`([^`]+)`/g)].map(([, span]) => span).flatMap((span) => (COMMAND.test(bare(span)) ? span.split(/\s+/) : [span]));
			const named = spans.filter((span) => /^[\w.*-]+(\/[\w.*-]+)*\/?$/.test(span) && (inTree(span) || /\/$|\.(rs|js|sh|md|toml|svg)$/.test(span)));
			const context = named.filter((path) => path.endsWith("/") || path.includes("/")).map((path) => path.replace(/[^/]*$/, ""));
			for (const path of named) found.push({ file, path, link: false, context });
		}
	}
	return found;
}

/** Items `{ file, pallet, item }` of the runtime that a document names, as `vaults.open`. */
export function items(root) {
	const found = [];
	for (const file of markdown(root)) {
		for (const span of code(readFileSync(join(root, file), "utf8")).spans) {
			const [, pallet, item] = /^([a-z]\w*)\.([A-Za-z]\w*)(?:\(.*)?$/.exec(span) ?? [];
			if (pallet && !/^(rs|js|sh|md|toml|svg|json|html)$/.test(item)) found.push({ file, pallet, item });
		}
	}
	return found;
}
