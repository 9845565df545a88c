# shellcheck shell=bash
# Shared by the scripts beside it; sourced, not run.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# What setup.sh writes. Another one is for trying the scripts with other tools than theirs.
ENV_FILE="${KEEL_ENV:-$ROOT/.keel/env}"
# shellcheck disable=SC2034 # Used by setup.sh.
RUST_VERSION="$(sed -n 's/^channel = "\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")"

# A caller's path, made independent of the directory, which the scripts change.
absolute() { case "$1" in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }
[ -z "${KEEL_NODE:-}" ] || KEEL_NODE="$(absolute "$KEEL_NODE")"
[ -z "${CARGO_TARGET_DIR:-}" ] || { CARGO_TARGET_DIR="$(absolute "$CARGO_TARGET_DIR")" && export CARGO_TARGET_DIR; }
# Data of the chains that scripts start.
KEEL_DATA="$(absolute "${KEEL_DATA:-$ROOT/.keel}")"

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
	printf '\033[1merror:\033[0m %s\n' "$*" >&2
	exit 1
}
minutes() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# step NAME COMMAND...: runs it, shows how long it took, remembers the result for the summary.
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
	return "$FAILED"
}

# The environment that setup.sh wrote; set up again if there is none or the project has moved since.
load_env() {
	[ -f "$ENV_FILE" ] || "$ROOT/scripts/setup.sh"
	# shellcheck disable=SC1090
	. "$ENV_FILE"
	if [ -n "${KEEL_ENV:-}" ] || [ "${WASM_BUILD_WORKSPACE_HINT:-}" = "$ROOT" ]; then return; fi
	"$ROOT/scripts/setup.sh"
	# shellcheck disable=SC1090
	. "$ENV_FILE"
}

node_binary() { echo "$CARGO_TARGET_DIR/debug/keel-node"; }

# need_node: sets BINARY to the node to run, which is KEEL_NODE or else the one built here (and builds that).
need_node() {
	BINARY="${KEEL_NODE:-}"
	if [ -z "$BINARY" ]; then
		BINARY="$(node_binary)"
		[ -x "$BINARY" ] || cargo build --locked -p keel-node
	fi
	[ -x "$BINARY" ] || die "KEEL_NODE names $BINARY, which is no program; name a keel-node or unset it"
}

# choose_ports COUNT VARIABLE=DEFAULT...: sets each variable that is unset, and refuses if one of the COUNT
# consecutive ports from there on is taken. A node whose RPC port is taken would listen on a random one, and a
# script would feed whatever chain has the port.
choose_ports() {
	local count="$1" wanted=() argument name i
	shift
	for argument in "$@"; do
		name="${argument%%=*}"
		[ -n "${!name:-}" ] || printf -v "$name" %s "${argument#*=}"
		[[ "${!name}" =~ ^[1-9][0-9]{0,4}$ ]] || die "$name is \`${!name}\`, which is no port: a number from 1 to 65535 is"
		for ((i = 0; i < count; i++)); do wanted+=("$name=$((${!name} + i))"); done
	done
	node "$ROOT/scripts/e2e/lib/ports.js" "${wanted[@]}" ||
		die "stop what has the port, or choose another with the variable that is named above"
}

# need_chain DIRECTORY CHAIN FRESH: a directory for the data of the chain that BINARY makes; thrown away first
# if FRESH says so. Refuses data of another chain, and what no script put there. The directory remembers what
# it was begun with.
need_chain() {
	local stamp="$1/chain.b2sum" now
	if [ -d "$1" ] && [ -n "$(ls -A "$1")" ] && [ ! -e "$stamp" ]; then
		die "$1 is not empty, and does not say which chain it is of, as what this script puts there does: move it away, or set \
KEEL_DATA to another directory"
	fi
	[ -z "$3" ] || rm -rf "$1"
	if ! mkdir -p "$1" 2>/dev/null || [ ! -w "$1" ]; then die "cannot write to $1: choose another place with KEEL_DATA"; fi
	now="$("$BINARY" export-chain-spec --chain "$2" 2>/dev/null | b2sum | cut -d' ' -f1)" ||
		die "$BINARY cannot say what the chain \`$2\` is"
	if [ -e "$stamp" ] && [ "$(cat "$stamp")" != "$now" ]; then
		die "the data in $1 are of a chain that another runtime began: run this with --fresh to throw them away, or set KEEL_DATA \
to another directory to keep them"
	fi
	printf '%s\n' "$now" >"$stamp"
}

# await_rpc PID LOG PORT: waits until the node PID listens on PORT. Fails if it is gone or listens elsewhere.
await_rpc() {
	local address
	for _ in $(seq 600); do
		address="$(sed -n 's/.*Running JSON-RPC server: addr=\([0-9.:]*\).*/\1/p' "$2" 2>/dev/null | tail -n 1)"
		[ "$address" = "127.0.0.1:$3" ] && return
		[ -z "$address" ] || { note "the node listens on $address: port $3 was taken meanwhile" && return 1; }
		kill -0 "$1" 2>/dev/null || { note "the node has stopped" && return 1; }
		sleep 0.1
	done
	note "the node did not open port $3 within a minute"
	return 1
}
