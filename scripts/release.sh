#!/usr/bin/env bash
# Builds a release: the node and the runtime's Wasm under the profile `production`, the metadata hash in the
# Wasm.
#
#   scripts/release.sh                      builds into release/ and reports what it is
#   scripts/release.sh build [DIRECTORY]    builds only
#   scripts/release.sh wasm [DIRECTORY]     builds the Wasm only
#   scripts/release.sh report [NODE WASM]   the Wasm's hash, spec version, metadata hash and sizes; of release/ by default
#   scripts/release.sh check                builds the Wasm from two directories and compares
#
# A report fails if the Wasm carries no metadata hash; KEEL_METADATA_HASH=no lets it, for other builds than
# releases.
#
# Reproducible: the same commit and the same Rust make the same Wasm, wherever the repository lies and whoever
# builds. What is committed is built, in a place that is the same on every machine, because the names of
# symbols depend on it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
# Another place makes another Wasm: KEEL_RELEASE_BASE is for trying this script.
BASE="${KEEL_RELEASE_BASE:-/var/tmp/keel-release}"
WASM_NAME=keel_runtime.compact.compressed.wasm

usage() { die "usage: scripts/release.sh [build [DIRECTORY] | wasm [DIRECTORY] | report [NODE WASM] | check]"; }

# What is built. Without a Git repository, as in an image, SUBSTRATE_CLI_GIT_COMMIT_HASH says which commit
# this is.
find_commit() {
	COMMIT="${SUBSTRATE_CLI_GIT_COMMIT_HASH:-}"
	IN_GIT=
	if [ "$(git -C "$ROOT" rev-parse --show-toplevel 2>/dev/null)" = "$(cd "$ROOT" && pwd -P)" ]; then
		IN_GIT=1
		local head
		head="$(git -C "$ROOT" rev-parse HEAD)"
		[ -z "$(git -C "$ROOT" status --porcelain --untracked-files=no)" ] ||
			die "there are changes that are not committed, and a release is a commit: commit or stash them"
		case "$head" in "$COMMIT"*) ;; *) die "SUBSTRATE_CLI_GIT_COMMIT_HASH is $COMMIT, and this is $head: unset it" ;; esac
		COMMIT="$head"
		SOURCE_DATE_EPOCH="$(git -C "$ROOT" log -1 --format=%ct)"
	fi
	[[ "$COMMIT" =~ ^[0-9a-f]{11,40}$ ]] || die "which commit is this? There is no Git repository here, and \
SUBSTRATE_CLI_GIT_COMMIT_HASH is \`$COMMIT\`: set it to the commit's hash, 11 to 40 hexadecimal digits \
(docker build: --build-arg COMMIT=\"\$(git rev-parse HEAD)\")"
	COMMIT="${COMMIT:0:11}"
	export SUBSTRATE_CLI_GIT_COMMIT_HASH="$COMMIT" SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-0}"
}

# The committed files in the place where releases are built, and the environment of the build.
prepare() {
	find_commit
	mkdir -m 700 "$BASE" 2>/dev/null || true
	if [ ! -O "$BASE" ] || [ -L "$BASE" ]; then die "$BASE belongs to somebody else: releases are built there, so move it away"; fi
	exec 9>"$BASE/lock"
	flock -n 9 || die "another release is being built in $BASE: wait for it"
	rm -rf "$BASE/source"
	mkdir "$BASE/source"
	# Dated now: cargo takes for built what is older than the last build, and a commit may be.
	if [ -n "$IN_GIT" ]; then
		git -C "$ROOT" archive HEAD | tar -xm -C "$BASE/source"
	else
		tar -c -C "$ROOT" --exclude=./.git --exclude=./.keel --exclude=./target --exclude=node_modules . | tar -xm -C "$BASE/source"
	fi

	# What would make another Wasm of the same commit.
	local name
	for name in RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_INCREMENTAL SKIP_WASM_BUILD FORCE_WASM_BUILD SUBSTRATE_RUNTIME_TARGET \
		$(compgen -e | grep -E '^(WASM_|CARGO_PROFILE_|CARGO_BUILD_)' || true); do unset "$name"; done
	export CARGO_TARGET_DIR="$BASE/target" WASM_BUILD_WORKSPACE_HINT="$BASE/source" WASM_BUILD_NO_COLOR=1
	cd "$BASE/source"
	# Cargo's home by the same name for everybody, and without a space, which RUSTFLAGS cannot carry.
	ln -sfn "$(cd "${CARGO_HOME:-$HOME/.cargo}" && pwd -P)" "$BASE/cargo"
	export CARGO_HOME="$BASE/cargo"
	local map folder triple
	[ -d "$CARGO_HOME/registry/src" ] || cargo fetch --locked
	map="--remap-path-prefix=$BASE/source=/keel --remap-path-prefix=$BASE/target=/target"
	for folder in "$CARGO_HOME"/registry/src/*; do map="$map --remap-path-prefix=$folder=/registry"; done
	map="$map --remap-path-prefix=$(rustc --print sysroot)=/rust"
	export WASM_BUILD_RUSTFLAGS="$map"
	triple="CARGO_TARGET_$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')_RUSTFLAGS"
	export "$triple"="${!triple:-} $map"
}

# take DIRECTORY FILE...: copies what was built.
take() {
	local to="$1"
	shift
	mkdir -p "$to"
	cp "$@" "$to/"
}

wasm_built() { echo "$CARGO_TARGET_DIR/production/wbuild/keel-runtime/$WASM_NAME"; }

# Paths of this machine in the Wasm would make another Wasm elsewhere.
no_paths() {
	local plain
	plain="$(dirname "$(wasm_built)")/${WASM_NAME%.compressed.wasm}.wasm"
	[ -f "$plain" ] || die "the build left no $plain"
	if grep -aqF -e "$BASE/" -e "$(readlink -f "$CARGO_HOME")/" "$plain"; then
		die "the Wasm names directories of this machine: a mapping is missing in scripts/release.sh"
	fi
}

# Checking the native side is enough: the Wasm comes from the build script.
build_wasm() {
	prepare
	say "The runtime's Wasm at commit $COMMIT, $(rustc --version)"
	cargo check --locked --profile production --features metadata-hash -p keel-runtime
	no_paths
	take "$1" "$(wasm_built)"
	note "Wasm                 $(size "$1/$WASM_NAME")"
	note "Wasm's blake2-256    $(hash_of "$1/$WASM_NAME")"
}

build() {
	prepare
	say "Node and runtime at commit $COMMIT, $(rustc --version)"
	cargo build --locked --profile production --features metadata-hash -p keel-node
	no_paths
	take "$1" "$(wasm_built)" "$CARGO_TARGET_DIR/production/keel-node"
	note "built into           $1"
	note "Wasm's blake2-256    $(hash_of "$1/$WASM_NAME")"
}

hash_of() { printf '0x%s' "$(b2sum -l 256 "$1" | cut -d' ' -f1)"; }
size() { stat -L -c %s "$1" | sed ':a; s/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/; ta; s/$/ bytes/'; }

# What the chain itself says is asked of the node, on a chain of its own that is thrown away.
report() {
	[ -x "$1" ] || die "$1 is no program: build a release first (scripts/release.sh), or name a keel-node"
	[ -f "$2" ] || die "there is no Wasm $2: build a release first (scripts/release.sh), or name one"
	say "$1"
	note "node                 $("$1" --version), $(size "$1")"
	note "node's blake2-256    $(hash_of "$1")"
	note "Wasm                 $2, $(size "$2")"
	note "Wasm's blake2-256    $(hash_of "$2")"
	KEEL_NODE="$1" node "$ROOT/scripts/e2e/release.js" "$2"
}

# Same commit, two directories (one with a space in its name), two homes of cargo's.
check() {
	local folder commit here there
	folder="$(mktemp -d)"
	commit="$(git -C "$ROOT" rev-parse HEAD)" || die "this compares two clones of a Git repository, and there is none here"
	git clone -q "$ROOT" "$folder/another place"
	git -C "$folder/another place" checkout -q --detach "$commit"
	mkdir "$folder/cargo"
	ln -s "$(cd "${CARGO_HOME:-$HOME/.cargo}/registry" && pwd)" "$folder/cargo/registry"
	rm -rf "$BASE/target/production/wbuild"
	"$ROOT/scripts/release.sh" wasm "$folder/here"
	rm -rf "$BASE/target/production/wbuild"
	"$folder/another place/scripts/setup.sh" --build-only
	CARGO_HOME="$folder/cargo" "$folder/another place/scripts/release.sh" wasm "$folder/there"
	here="$(hash_of "$folder/here/$WASM_NAME")"
	there="$(hash_of "$folder/there/$WASM_NAME")"
	rm -rf "$folder"
	note "$ROOT: $here"
	note "$folder/another place: $there"
	[ "$here" = "$there" ] || die "the same commit made two different Wasm files"
	note "the same"
}

OUT="$(absolute "${2:-$ROOT/release}")"
load_env
case "$#:${1:-}" in
0:) build "$ROOT/release" && report "$ROOT/release/keel-node" "$ROOT/release/$WASM_NAME" ;;
1:build | 2:build) build "$OUT" ;;
1:wasm | 2:wasm) build_wasm "$OUT" ;;
1:report) report "$ROOT/release/keel-node" "$ROOT/release/$WASM_NAME" ;;
3:report) report "$OUT" "$(absolute "$3")" ;;
1:check) check ;;
*) usage ;;
esac
