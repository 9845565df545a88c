#!/usr/bin/env bash
# From nothing to a development chain with prices and vaults. Ctrl-C stops it; run it again and it goes on where it was.
# `--fresh` starts from the first block.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

say "1/3 What building needs"
scripts/setup.sh
load_env

say "2/3 The node (the first build takes up to half an hour on two cores; cargo shows how far it is)"
cargo build --locked -p keel-node

say "3/3 The chain"
DATA="$ROOT/.keel/dev"
[ "${1:-}" = --fresh ] && rm -rf "$DATA"
mkdir -p "$DATA"
"$(node_binary)" --dev --base-path "$DATA" --rpc-port "${KEEL_RPC_PORT:-9944}" --rpc-cors all >"$DATA/node.log" 2>&1 &
NODE=$!
trap 'kill $NODE 2>/dev/null || true; wait $NODE 2>/dev/null || true' EXIT INT TERM
note "node log: $DATA/node.log"
node scripts/e2e/demo.js "ws://127.0.0.1:${KEEL_RPC_PORT:-9944}" || {
	tail -n 20 "$DATA/node.log"
	die "the chain did not come up; the end of its log is above"
}
