#!/usr/bin/env bash
# Sets up and runs every test: formatting, lints, pallets, runtime, node, end to end.
#
#   scripts/test.sh [--fast]     --fast leaves out clippy and the end-to-end part
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

# Property tests draw the same cases every time, so that a change is what a new failure comes from. Another seed, or none
# (PROPTEST_RNG_SEED=), explores further.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED-20200312}"
[ -n "$PROPTEST_RNG_SEED" ] || unset PROPTEST_RNG_SEED

FAST=
case "$#:${1:-}" in
0:) ;;
1:--fast) FAST=1 ;;
*) die "usage: scripts/test.sh [--fast]" ;;
esac

step "Set-up" scripts/setup.sh
[ $FAILED = 0 ] || { summary; exit 1; }
load_env

step "Formatting" cargo fmt --all --check
if command -v shellcheck >/dev/null; then
	step "Scripts" shellcheck -x -P SCRIPTDIR scripts/*.sh scripts/e2e/run.sh .ci/run
else
	note "LEFT OUT: the scripts are not linted, for there is no shellcheck here"
fi
if [ -z "$FAST" ]; then
	step "Lints" env SKIP_WASM_BUILD=1 cargo clippy --locked --workspace --exclude keel-node --all-targets \
		--features runtime-benchmarks,try-runtime -- -D warnings
fi
step "Pallets and runtime: unit, property, journey and replay tests" \
	env SKIP_WASM_BUILD=1 cargo test --locked --workspace --exclude keel-node --features runtime-benchmarks,try-runtime
step "Documentation is what the runtime says" scripts/docs.sh --check
if [ -z "$FAST" ]; then
	step "Node: build with the Wasm runtime" cargo build --locked -p keel-node
	step "Node: tests" cargo test --locked -p keel-node
	if [ $FAILED = 0 ]; then
		step "End to end: Polkadot.js against the node" scripts/e2e/run.sh
	fi
fi
summary
