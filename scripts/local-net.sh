#!/usr/bin/env bash
# Three validators on this machine (Alice, Bob, Charlie): the local preset, Aura and GRANDPA, a Prometheus port each.
# Ctrl-C stops them; run it again and they go on where they were. `--fresh` starts from the first block.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
load_env
cd "$ROOT"
BINARY="${KEEL_NODE:-$(node_binary)}"
[ -x "$BINARY" ] || cargo build --locked -p keel-node

DATA="$ROOT/.keel/local-net"
[ "${1:-}" = --fresh ] && rm -rf "$DATA"
PIDS=()
trap 'kill "${PIDS[@]}" 2>/dev/null || true; wait 2>/dev/null || true' EXIT INT TERM

# Alice's libp2p identity is fixed, so that the others can name her.
NODE_KEY=0000000000000000000000000000000000000000000000000000000000000001
PEER=12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp
start() { # name number extra...
	local name="$1" number="$2"
	shift 2
	mkdir -p "$DATA/$name"
	"$BINARY" --chain local "--$name" --validator --base-path "$DATA/$name" --port $((30333 + number)) \
		--rpc-port $((9944 + number)) --prometheus-port $((9615 + number)) "$@" >"$DATA/$name/node.log" 2>&1 &
	PIDS+=($!)
	note "$name: ws://127.0.0.1:$((9944 + number)), metrics http://127.0.0.1:$((9615 + number))/metrics, log $DATA/$name/node.log"
}
say "Three validators"
start alice 0 --node-key "$NODE_KEY"
start bob 1 --unsafe-force-node-key-generation --bootnodes "/ip4/127.0.0.1/tcp/30333/p2p/$PEER"
start charlie 2 --unsafe-force-node-key-generation --bootnodes "/ip4/127.0.0.1/tcp/30333/p2p/$PEER"

say "Waiting for a finalised block"
for _ in $(seq 60); do
	finalised="$(curl -sf -H 'Content-Type: application/json' -d '{"id":1,"jsonrpc":"2.0","method":"chain_getFinalizedHead","params":[]}' \
		http://127.0.0.1:9944 2>/dev/null | sed -n 's/.*"result":"\(0x[0-9a-f]*\)".*/\1/p')" || true
	number="$(curl -sf -H 'Content-Type: application/json' -d "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"chain_getHeader\",\"params\":[\"$finalised\"]}" \
		http://127.0.0.1:9944 2>/dev/null | sed -n 's/.*"number":"\(0x[0-9a-f]*\)".*/\1/p')" || true
	if [ -n "$number" ] && [ $((number)) -gt 0 ]; then
		note "block $((number)) is final. Ctrl-C stops them."
		[ "${KEEL_ONCE:-}" = 1 ] && exit 0
		wait
	fi
	sleep 1
done
die "no block was finalised within a minute; the logs above say why"
