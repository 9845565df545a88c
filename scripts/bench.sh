#!/usr/bin/env bash
# Generates runtime/src/weights/ from a run of the benchmarks on the Wasm runtime.
#
#   scripts/bench.sh [pallet_name ...]     all of Keel's pallets and the oracle by default
#
# Needs frame-omni-bencher; installs it when missing (about half an hour, once per machine). OMNI_BENCHER
# names another binary.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
load_env
cd "$ROOT"

BENCHER="${OMNI_BENCHER:-frame-omni-bencher}"
if ! command -v "$BENCHER" >/dev/null; then
	say "Installing frame-omni-bencher"
	# Its own test runtime is of no use here.
	env -u CARGO_TARGET_DIR SKIP_WASM_BUILD=1 cargo install frame-omni-bencher --version 0.28.0 --no-default-features
fi

# The Wasm is optimised whatever the profile of the native side is; the tests' features spare a second build
# of that.
say "Building the runtime with its benchmarks"
cargo build --locked -p keel-runtime --features runtime-benchmarks,try-runtime
WASM="$CARGO_TARGET_DIR/debug/wbuild/keel-runtime/keel_runtime.wasm"

PALLETS=("$@")
[ ${#PALLETS[@]} -gt 0 ] || PALLETS=(pallet_asset_tx_payment pallet_asset_registry pallet_oracle pallet_prices pallet_risk_parameters pallet_vaults
	pallet_liquidations pallet_stability_pool pallet_auctions pallet_insurance_fund pallet_circuit_breaker pallet_clock pallet_emergency pallet_margin pallet_perpetuals
	pallet_liquidity_pool)
for pallet in "${PALLETS[@]}"; do
	step "$pallet" "$BENCHER" v1 benchmark pallet --runtime "$WASM" --genesis-builder-preset development \
		--pallet "$pallet" --extrinsic '*' --steps "${STEPS:-50}" --repeat "${REPEAT:-20}" \
		--output "runtime/src/weights/$pallet.rs"
	# Where the machine keeps its files is nobody's concern; this script is the command.
	# shellcheck disable=SC2016
	sed -i '/^\/\/ Executed Command:/,/^$/d; s/HOSTNAME: `[^`]*`, //' "runtime/src/weights/$pallet.rs"
done
cargo fmt -p keel-runtime
summary
