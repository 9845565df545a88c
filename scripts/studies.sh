#!/usr/bin/env bash
# Runs what takes too long for every change: the replays and studies that scripts/test.sh leaves out.
#
#   scripts/studies.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
load_env
cd "$ROOT"
FEATURES=(--locked --workspace --exclude keel-node --features "runtime-benchmarks,try-runtime")
export SKIP_WASM_BUILD=1 PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED-20200312}"

step "Long replays" cargo test "${FEATURES[@]}" --tests -- --ignored
step "Convergence" cargo run --locked -p keel-math --example convergence check
step "Providers" cargo run --locked -p keel-runtime --example providers check
step "Discovery" cargo run --locked -p keel-runtime --features runtime-benchmarks,try-runtime --example discovery
summary
