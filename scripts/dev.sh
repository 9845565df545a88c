#!/usr/bin/env bash
# From nothing to a development chain with prices and vaults. Ctrl-C stops it; run it again and it goes on
# where it was.
#
#   scripts/dev.sh [--fresh]     --fresh starts from the first block
#
# KEEL_RPC_PORT, KEEL_P2P_PORT and KEEL_METRICS_PORT choose other ports than 9944, 30333 and 9615, and
# KEEL_DATA another directory than .keel for the chain's data. KEEL_NODE names a node that is built already.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
FRESH=
case "$#:${1:-}" in
0:) ;;
1:--fresh) FRESH=1 ;;
*) die "usage: scripts/dev.sh [--fresh]" ;;
esac

say "1/3 What building needs"
scripts/setup.sh
load_env

choose_ports 1 KEEL_RPC_PORT=9944 KEEL_P2P_PORT=30333 KEEL_METRICS_PORT=9615

say "2/3 The node (the first build takes up to half an hour on two cores; cargo shows how far it is)"
[ -n "${KEEL_NODE:-}" ] || cargo build --locked -p keel-node
need_node

say "3/3 The chain"
DATA="$KEEL_DATA/dev"
need_chain "$DATA" dev "$FRESH"
LOG="$DATA/node.log"
: >"$LOG"
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

"$BINARY" --dev --base-path "$DATA" --rpc-port "$KEEL_RPC_PORT" --port "$KEEL_P2P_PORT" \
	--prometheus-port "$KEEL_METRICS_PORT" --rpc-cors all >"$LOG" 2>&1 &
NODE=$!
PIDS+=("$NODE")
note "node log: $LOG"
if await_rpc "$NODE" "$LOG" "$KEEL_RPC_PORT"; then
	node scripts/e2e/demo.js "ws://127.0.0.1:$KEEL_RPC_PORT" &
	PIDS+=("$!")
	# Either ending is the end: without the node the feeder would wait for another on its port.
	wait -n || true
fi
tail -n 20 "$LOG"
die "the chain stopped; the end of its log is above"
