#!/usr/bin/env bash
# Runs the end-to-end suite against a node that is already built; each test file starts its own.
#
#   scripts/e2e/run.sh [tests/NAME.test.js ...]     all of them if none is named
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
load_env
cd "$ROOT"
export KEEL_NODE="${KEEL_NODE:-$(node_binary)}"
[ -x "$KEEL_NODE" ] || die "there is no node $KEEL_NODE: build it first (cargo build -p keel-node), or name one with KEEL_NODE"

# What checks the invariants of a running node's state, and the runtime an upgrade is rehearsed with.
env SKIP_WASM_BUILD=1 cargo build --locked -p keel-runtime --example try_state --features runtime-benchmarks,try-runtime
cargo run --locked -p keel-rehearsal -- "$CARGO_TARGET_DIR/rehearsal.wasm"

cd scripts/e2e
[ $# -gt 0 ] || set -- tests/
export KEEL_TRY_STATE="$CARGO_TARGET_DIR/debug/examples/try_state"
export KEEL_NEXT_RUNTIME="$CARGO_TARGET_DIR/rehearsal.wasm"
node --test --test-concurrency=1 --test-reporter=spec "$@"
