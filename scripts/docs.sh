#!/usr/bin/env bash
# Writes docs/parameters.md, docs/governance.md, docs/powers.md, docs/costs.md and docs/defaults.md from the runtime.
#
#   scripts/docs.sh [--check]     --check writes nothing and fails if they are stale
set -euo pipefail
. "$(dirname "$0")/lib.sh"
load_env
cd "$ROOT"
# With the features of the tests, so that nothing is built twice.
exec env SKIP_WASM_BUILD=1 cargo run --locked --quiet -p keel-runtime --example docs \
	--features runtime-benchmarks,try-runtime -- "$@"
