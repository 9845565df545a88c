#!/usr/bin/env bash
# Replays a recorded crash against a real node.
#
#   scripts/crash.sh [march-2020 | black-thursday | may-2021] [--workers-off] [--vaults N] [--all] [--hours N] [--spacing SECONDS]
#
# --workers-off    leaves every liquidation to the block itself
# --vaults N       how many vaults, 1 to 3000; 540 if it is left out
# --all            the whole recording, not only the days of the crash: up to 45,000 blocks
# --hours N        only the N hours before the lowest price of ETH in them
# --spacing S      seconds between blocks, 2 to 60; 60 if it is left out
#
# Prints a table and a summary and leaves an HTML report in reports/, or in the directory that KEEL_REPORTS
# names.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
KEEL_REPORTS="$(absolute "${KEEL_REPORTS:-$ROOT/reports}")"
load_env
cd "$ROOT"
need_node
if ! mkdir -p "$KEEL_REPORTS" 2>/dev/null || [ ! -w "$KEEL_REPORTS" ]; then
	die "cannot write to $KEEL_REPORTS: choose another place for the report with KEEL_REPORTS"
fi
export KEEL_NODE="$BINARY" KEEL_REPORTS
exec node scripts/e2e/crash/replay.js "$@"
