# Shared by the scripts beside it; sourced, not run.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
ENV_FILE="$ROOT/.keel/env"
RUST_VERSION="$(sed -n 's/^channel = "\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")"

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
	printf '\033[1merror:\033[0m %s\n' "$*" >&2
	exit 1
}
minutes() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# step NAME COMMAND...: run it, show how long it took, remember the result for the summary.
SUMMARY=()
FAILED=0
step() {
	local name="$1" begin=$SECONDS
	shift
	say "$name"
	if "$@"; then
		SUMMARY+=("ok      $(minutes $((SECONDS - begin)))  $name")
	else
		SUMMARY+=("FAILED  $(minutes $((SECONDS - begin)))  $name")
		FAILED=1
	fi
}
summary() {
	say "Summary ($(minutes $SECONDS) in all)"
	printf '    %s\n' "${SUMMARY[@]}"
	return $FAILED
}

load_env() {
	[ -f "$ENV_FILE" ] || "$ROOT/scripts/setup.sh"
	# shellcheck disable=SC1090
	. "$ENV_FILE"
}

node_binary() { echo "$CARGO_TARGET_DIR/debug/keel-node"; }
