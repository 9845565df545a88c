#!/usr/bin/env bash
# Installs what building and testing Keel needs on a bare Debian or Ubuntu and writes the environment to
# .keel/env. Idempotent: a second run only checks, and where nothing is missing it needs no package manager,
# root or network.
#
#   scripts/setup.sh [--build-only]     --build-only leaves out Node.js and the JavaScript packages
#
# KEEL_RUST=debian takes Debian's Rust instead of rustup's.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
ENV_FILE="$ROOT/.keel/env"
BUILD_ONLY=
case "$#:${1:-}" in
0:) ;;
1:--build-only) BUILD_ONLY=1 ;;
*) die "usage: scripts/setup.sh [--build-only]" ;;
esac

# The Rust toolchain on this machine, whatever its processor.
case "$(uname -m)" in
x86_64) HOST=x86_64-unknown-linux-gnu NODE_ARCH=x64 ;;
aarch64 | arm64) HOST=aarch64-unknown-linux-gnu NODE_ARCH=arm64 ;;
*) die "this set-up knows x86_64 and aarch64, and this is $(uname -m)" ;;
esac

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif has sudo; then
		sudo "$@"
	else
		die "this needs root and there is no sudo: run as root \`$*\`, then run this again"
	fi
}

# libclang_folder: where bindgen finds libclang, or nothing.
libclang_folder() {
	local folder
	for folder in "${LIBCLANG_PATH:-}" "$(llvm-config --libdir 2>/dev/null || true)" /usr/lib /usr/lib64 /usr/local/lib; do
		[ -d "$folder" ] || continue
		folder="$(find -L "$folder" -maxdepth 4 \( -name 'libclang.so*' -o -name 'libclang-[0-9]*.so*' \) 2>/dev/null | sort | head -n 1 || true)"
		[ -z "$folder" ] || { dirname "$folder" && return; }
	done
}

# present PACKAGE: whether what the Debian package is for is there, wherever it came from.
present() {
	case "$1" in
	ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] || [ -e /etc/ssl/cert.pem ] ;;
	build-essential) has cc && has c++ && has make ;;
	libclang-dev) [ -n "$(libclang_folder)" ] ;;
	lld) has ld.lld || has lld ;;
	protobuf-compiler) has protoc ;;
	nodejs) has node ;;
	*) has "$1" ;;
	esac
}

# install PACKAGE...: those of them that are missing, by apt-get.
APT_UPDATED=
install() {
	local missing=() package
	for package in "$@"; do present "$package" || missing+=("$package"); done
	[ ${#missing[@]} = 0 ] && return
	has apt-get || die "missing, and there is no apt-get to install them with: ${missing[*]} (names of Debian's packages). \
Install them by your system's means and run this again"
	note "installing: ${missing[*]}"
	[ -n "$APT_UPDATED" ] || as_root apt-get update -qq || note "apt-get could not update its lists; trying with the old ones"
	APT_UPDATED=1
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
		die "apt-get could not install: ${missing[*]}"
	for package in "${missing[@]}"; do
		present "$package" || die "apt-get installed $package, but what it is for is still not found"
	done
}

# ---- Node.js ----

# The oldest that will do stands in scripts/e2e/package.json.
NODE_LEAST="$(sed -n 's/.*"node": ">=\([0-9.]*\)".*/\1/p' "$ROOT/scripts/e2e/package.json")"
OWN_NODE="$ROOT/.keel/nodejs"
# node_will_do VERSION: whether it is at least NODE_LEAST.
node_will_do() { [ "$(printf '%s\n' "$NODE_LEAST" "${1#v}" | sort -V | head -n 1)" = "$NODE_LEAST" ]; }
own_node() { [ -x "$OWN_NODE/bin/node" ] && node_will_do "$("$OWN_NODE/bin/node" --version)"; }

need_nodejs() {
	NODE_PATH_ENTRY=
	if own_node; then
		NODE_PATH_ENTRY="$OWN_NODE/bin:"
	elif ! has node; then
		install nodejs npm
		node_will_do "$(node --version)" || take_own_node
	elif ! node_will_do "$(node --version)"; then
		[ "${KEEL_NODEJS:-}" = own ] || die "Node.js here is $(node --version) ($(command -v node)), and Keel's scripts need \
$NODE_LEAST or later. Put a newer one first on PATH (https://nodejs.org/en/download), or run \
\`KEEL_NODEJS=own scripts/setup.sh\`, which puts one into .keel/nodejs for Keel alone; then run this again"
		take_own_node
	fi
	export PATH="$NODE_PATH_ENTRY$PATH"
	present npm || install npm
}

# A Node.js in .keel, from the npm registry: what Debian 12 and Ubuntu 24.04 have is too old.
take_own_node() {
	note "taking a Node.js of our own into .keel/nodejs: the one here is $(node --version), and $NODE_LEAST is needed"
	present npm || install npm
	local folder
	folder="$(mktemp -d)"
	(cd "$folder" && npm install --no-audit --no-fund --no-save --loglevel=error "node-linux-$NODE_ARCH@22" >/dev/null) ||
		die "Node.js $NODE_LEAST or later is needed and could not be had from npm: install one (https://nodejs.org/en/download) \
and run this again"
	mkdir -p "$OWN_NODE"
	cp -R "$folder/node_modules/node-linux-$NODE_ARCH/." "$OWN_NODE/"
	rm -rf "$folder"
	own_node || die "the Node.js from npm does not run here: install $NODE_LEAST or later (https://nodejs.org/en/download) and run this again"
	NODE_PATH_ENTRY="$OWN_NODE/bin:"
}

# ---- Rust ----

rustup_way() {
	if ! has rustup && [ -x "$HOME/.cargo/bin/rustup" ]; then export PATH="$HOME/.cargo/bin:$PATH"; fi
	if ! has rustup; then
		note "no rustup here: trying to install it"
		local installer done=
		installer="$(mktemp)"
		if curl --proto '=https' --tlsv1.2 -sSf --max-time 60 https://sh.rustup.rs -o "$installer" 2>/dev/null &&
			sh "$installer" -y --profile minimal --default-toolchain none >/dev/null 2>&1; then
			done=1
		fi
		rm -f "$installer"
		[ -n "$done" ] || return 1
		export PATH="$HOME/.cargo/bin:$PATH"
	fi
	rustup run "$RUST_VERSION" rustc --version >/dev/null 2>&1 ||
		rustup toolchain install "$RUST_VERSION" --profile minimal --component clippy,rustfmt >/dev/null 2>&1 || return 1
	rustup target list --installed --toolchain "$RUST_VERSION" 2>/dev/null | grep -qx wasm32v1-none ||
		rustup target add wasm32v1-none --toolchain "$RUST_VERSION" >/dev/null 2>&1 || return 1
	RUST_PATH="$(dirname "$(command -v rustup)")"
}

# What Debian's packages of Rust are for.
debian_rust() { [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -x /usr/bin/cargo-clippy ] && [ -x /usr/bin/cargo-fmt ]; }

debian_way() {
	if [ "${KEEL_RUST:-}" != debian ]; then
		note "rustup cannot add the Wasm target here: taking Debian's Rust and building the target from its own source"
	fi
	if ! debian_rust; then
		has apt-get || die "rustup cannot install Rust $RUST_VERSION with the target wasm32v1-none here (is there a network?), and \
there is no apt-get to install Debian's Rust with: install one of the two and run this again"
		[ -n "$APT_UPDATED" ] || as_root apt-get update -qq || true
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web >/dev/null || die "apt-get could not install Debian's Rust"
	fi
	RUST_PATH=/usr/bin
	export PATH="/usr/bin:$PATH"
	local sysroot lib linker build
	sysroot="$(/usr/bin/rustc --print sysroot)"
	lib="$sysroot/lib/rustlib/wasm32v1-none/lib"
	if ! ls "$lib"/libcore-*.rlib >/dev/null 2>&1; then
		build="$(mktemp -d)"
		mkdir -p "$build/src"
		printf '[package]\nname = "sysroot"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$build/Cargo.toml"
		echo '#![no_std]' >"$build/src/lib.rs"
		(cd "$build" && env -u CARGO_TARGET_DIR RUSTFLAGS="-C embed-bitcode=yes" RUSTC_BOOTSTRAP=1 /usr/bin/cargo build --release \
			--target wasm32v1-none -Z build-std=core,alloc --quiet)
		as_root mkdir -p "$lib"
		as_root cp "$build"/target/wasm32v1-none/release/deps/lib{core,alloc,compiler_builtins}-*.rlib "$lib/"
		rm -rf "$build"
	fi
	linker="$sysroot/lib/rustlib/$HOST/bin/rust-lld"
	[ -e "$linker" ] || { as_root mkdir -p "$(dirname "$linker")" && as_root ln -s "$(command -v lld)" "$linker"; }
}

say "What building needs"
install ca-certificates curl git build-essential clang libclang-dev lld mold protobuf-compiler
NODE_PATH_ENTRY=
if [ -z "$BUILD_ONLY" ]; then
	need_nodejs
elif own_node; then
	NODE_PATH_ENTRY="$OWN_NODE/bin:"
fi

say "Rust with the wasm32v1-none target"
if [ "${KEEL_RUST:-}" = debian ]; then debian_way; else rustup_way || debian_way; fi

mkdir -p "$ROOT/.keel"
# Values are quoted: a path may hold anything.
TRIPLE="$(printf '%s' "$HOST" | tr 'a-z-' 'A-Z_')"
cat >"$ENV_FILE.new" <<ENV
# Written by scripts/setup.sh; sourced by the other scripts. Source it yourself before calling cargo by hand.
export PATH=$(printf '%q' "$NODE_PATH_ENTRY$RUST_PATH"):"\$PATH"
[ -n "\${CARGO_TARGET_DIR:-}" ] || export CARGO_TARGET_DIR=$(printf '%q' "$ROOT/target")
export WASM_BUILD_WORKSPACE_HINT=$(printf '%q' "$ROOT")
export CARGO_TARGET_${TRIPLE}_LINKER=clang
export CARGO_TARGET_${TRIPLE}_RUSTFLAGS="-C link-arg=-fuse-ld=mold"
[ -n "\${LIBCLANG_PATH:-}" ] || export LIBCLANG_PATH=$(printf '%q' "$(libclang_folder)")
ENV
mv "$ENV_FILE.new" "$ENV_FILE"
# shellcheck disable=SC1090
. "$ENV_FILE"

if [ -z "$BUILD_ONLY" ]; then
	say "JavaScript packages"
	PACKAGES="$ROOT/scripts/e2e/node_modules"
	# The lock file that they were installed from lies beside them.
	if ! cmp -s "$ROOT/scripts/e2e/package-lock.json" "$PACKAGES/.keel-lock.json"; then
		# npm empties what a link leads to, which is another checkout's.
		[ ! -L "$PACKAGES" ] || rm "$PACKAGES"
		(cd "$ROOT/scripts/e2e" && npm ci --no-audit --no-fund --loglevel=error) ||
			die "npm could not install the packages in scripts/e2e/package-lock.json: is there a network?"
		cp "$ROOT/scripts/e2e/package-lock.json" "$PACKAGES/.keel-lock.json"
	fi
	note "node    $(node --version)"
fi
note "rust    $(cd "$ROOT" && rustc --version)"
note "env     $ENV_FILE (source it before calling cargo by hand)"
