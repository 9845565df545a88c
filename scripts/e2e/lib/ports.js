// Whether ports are free: `node ports.js KEEL_RPC_PORT=9944 …`. Names those that are not and ends with 1.

import { createServer } from "node:net";

/** Whether this process can listen on a port of every address. */
function free(port, host) {
	return new Promise((resolve) => {
		const server = createServer();
		server.on("error", (error) => resolve(!["EADDRINUSE", "EACCES"].includes(error.code)));
		server.listen({ port, host, ipv6Only: host === "::", exclusive: true }, () => server.close(() => resolve(true)));
	});
}

/** Description of what listens on a port: the chain, if it is a node. */
async function chainAt(port) {
	try {
		const answer = await fetch(`http://127.0.0.1:${port}`, {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ id: 1, jsonrpc: "2.0", method: "system_chain", params: [] }),
			signal: AbortSignal.timeout(1_000),
		});
		const { result } = await answer.json();
		return typeof result === "string" ? `a node of the chain "${result}"` : "something else";
	} catch {
		return "something else";
	}
}

/** `what` after `ms` milliseconds. It keeps the process alive, which a request that is never answered does not. */
const after = (ms, what) => new Promise((resolve) => setTimeout(resolve, ms, what));

let taken = false;
const seen = new Map();
for (const argument of process.argv.slice(2)) {
	const [name, value] = argument.split("=");
	const port = /^\d+$/.test(value) ? Number(value) : NaN;
	if (!(port >= 1 && port <= 65_535)) {
		console.error(`    ${name} is \`${value}\`, which is no port: a number from 1 to 65535 is`);
		taken = true;
	} else if (seen.has(port)) {
		console.error(`    ${name} and ${seen.get(port)} are both ${port}: each needs a port of its own`);
		taken = true;
	} else if (!((await free(port, "0.0.0.0")) && (await free(port, "::")))) {
		const who = await Promise.race([chainAt(port), after(1_500, "something else")]);
		console.error(`    port ${port} is taken by ${who}; ${name} chooses another`);
		taken = true;
	}
	seen.set(port, name);
}
process.exit(taken ? 1 : 0);
