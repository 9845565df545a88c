#!/usr/bin/env bash
# Three validators on this machine (Alice, Bob, Charlie): the local preset, Aura and GRANDPA, a Prometheus
# port each. Ctrl-C stops them; run it again and they go on where they were.
#
#   scripts/local-net.sh [--fresh]     --fresh starts from the first block
#
# KEEL_RPC_PORT, KEEL_P2P_PORT and KEEL_METRICS_PORT choose the first of three consecutive ports each, in
# place of 9944, 30333 and 9615; KEEL_DATA another directory than .keel for the data; KEEL_NODE a node that is
# built already. With KEEL_ONCE=1 it ends when a block is final.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
load_env
cd "$ROOT"
DATA="$KEEL_DATA/local-net"
FRESH=
case "$#:${1:-}" in
0:) ;;
1:--fresh) FRESH=1 ;;
*) die "usage: scripts/local-net.sh [--fresh]" ;;
esac
need_node

choose_ports 3 KEEL_RPC_PORT=9944 KEEL_P2P_PORT=30333 KEEL_METRICS_PORT=9615
need_chain "$DATA" local "$FRESH"

PIDS=()
# shellcheck disable=SC2317 # Called by the trap.
stop() {
	trap - EXIT INT TERM HUP
	[ ${#PIDS[@]} = 0 ] || kill "${PIDS[@]}" 2>/dev/null || true
	wait
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Alice's libp2p identity is fixed, so that the others can name her.
NODE_KEY=0000000000000000000000000000000000000000000000000000000000000001
PEER=12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp
start() { # name number extra...
	local name="$1" number="$2"
	shift 2
	local log="$DATA/$name/node.log"
	mkdir -p "$DATA/$name"
	: >"$log"
	"$BINARY" --chain local "--$name" --validator --base-path "$DATA/$name" --port $((KEEL_P2P_PORT + number)) \
		--rpc-port $((KEEL_RPC_PORT + number)) --prometheus-port $((KEEL_METRICS_PORT + number)) "$@" >"$log" 2>&1 &
	PIDS+=($!)
	await_rpc $! "$log" $((KEEL_RPC_PORT + number)) || { tail -n 20 "$log" && die "$name did not start; the end of its log is above"; }
	note "$name: ws://127.0.0.1:$((KEEL_RPC_PORT + number)), metrics http://127.0.0.1:$((KEEL_METRICS_PORT + number))/metrics, log $log"
}
ask() { # method params: the result's first hexadecimal number
	curl -sf --max-time 5 -H 'Content-Type: application/json' -d "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"$1\",\"params\":$2}" \
		"http://127.0.0.1:$KEEL_RPC_PORT" 2>/dev/null || true
}
say "Three validators"
start alice 0 --node-key "$NODE_KEY"
start bob 1 --unsafe-force-node-key-generation --bootnodes "/ip4/127.0.0.1/tcp/$KEEL_P2P_PORT/p2p/$PEER"
start charlie 2 --unsafe-force-node-key-generation --bootnodes "/ip4/127.0.0.1/tcp/$KEEL_P2P_PORT/p2p/$PEER"

# A block that becomes final now: what was final when they stopped last does not count.
say "Waiting for a finalised block"
FIRST=
for _ in $(seq 90); do
	finalised="$(ask chain_getFinalizedHead '[]' | sed -n 's/.*"result":"\(0x[0-9a-f]*\)".*/\1/p')"
	number="$(ask chain_getHeader "[\"$finalised\"]" | sed -n 's/.*"number":"\(0x[0-9a-f]*\)".*/\1/p')"
	if [ -n "$number" ]; then
		FIRST="${FIRST:-$((number))}"
		if [ $((number)) -gt "$FIRST" ]; then
			note "block $((number)) is final. Ctrl-C stops them."
			[ "${KEEL_ONCE:-}" = 1 ] && exit 0
			wait -n || true
			die "a validator has stopped; its log says why"
		fi
	fi
	sleep 1
done
die "no block was finalised within 90 seconds; the logs above say why"
