#!/usr/bin/env bash
# Replays a recorded crash against a real node.
#
#   scripts/crash.sh [march-2020 | black-thursday | may-2021] [--workers-off] [--vaults N] [--all] [--spacing SECONDS]
#
# Prints a table and a summary and leaves an HTML report in reports/.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
load_env
cd "$ROOT"
BINARY="${KEEL_NODE:-$(node_binary)}"
[ -x "$BINARY" ] || cargo build --locked -p keel-node
mkdir -p reports
KEEL_NODE="$BINARY" KEEL_REPORTS="$ROOT/reports" node scripts/e2e/crash/replay.js "$@"
