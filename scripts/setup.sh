#!/usr/bin/env bash
# Installs what building and testing Keel needs on a bare Debian or Ubuntu and writes the environment to .keel/env.
# Idempotent: a second run only checks.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

APT_UPDATED=
apt_install() {
	local missing=()
	for p in "$@"; do dpkg -s "$p" >/dev/null 2>&1 || missing+=("$p"); done
	[ ${#missing[@]} = 0 ] && return 0
	command -v apt-get >/dev/null || die "these packages are missing and there is no apt-get: ${missing[*]}. Install them by your system's means and run this again."
	note "installing: ${missing[*]}"
	[ -n "$APT_UPDATED" ] || { as_root apt-get update -qq && APT_UPDATED=1; }
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

say "System packages"
apt_install ca-certificates curl git build-essential clang libclang-dev lld mold protobuf-compiler
if ! command -v node >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 18 ]; then
	apt_install nodejs npm
fi
command -v npm >/dev/null || apt_install npm

rustup_way() {
	if ! command -v rustup >/dev/null && [ -x "$HOME/.cargo/bin/rustup" ]; then export PATH="$HOME/.cargo/bin:$PATH"; fi
	if ! command -v rustup >/dev/null; then
		note "no rustup here: trying to install it"
		curl --proto '=https' --tlsv1.2 -sSf --max-time 60 https://sh.rustup.rs -o /tmp/rustup-init.sh 2>/dev/null || return 1
		sh /tmp/rustup-init.sh -y --profile minimal --default-toolchain none >/dev/null 2>&1 || return 1
		export PATH="$HOME/.cargo/bin:$PATH"
	fi
	rustup run "$RUST_VERSION" rustc --version >/dev/null 2>&1 ||
		rustup toolchain install "$RUST_VERSION" --profile minimal --component clippy,rustfmt >/dev/null 2>&1 || return 1
	rustup target add wasm32v1-none --toolchain "$RUST_VERSION" >/dev/null 2>&1 || return 1
	RUST_PATH="$(dirname "$(command -v rustup)")"
}

debian_way() {
	note "rustup cannot add the Wasm target here: taking Debian's Rust and building the target from its own source"
	apt_install rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web
	RUST_PATH=/usr/bin
	export PATH="/usr/bin:$PATH"
	local sysroot lib
	sysroot="$(/usr/bin/rustc --print sysroot)"
	lib="$sysroot/lib/rustlib/wasm32v1-none/lib"
	if ! ls "$lib"/libcore-*.rlib >/dev/null 2>&1; then
		local build
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
	local linker="$sysroot/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld"
	[ -e "$linker" ] || { as_root mkdir -p "$(dirname "$linker")" && as_root ln -s /usr/bin/lld "$linker"; }
}

say "Rust with the wasm32v1-none target"
if [ "${KEEL_RUST:-}" = debian ]; then debian_way; else rustup_way || debian_way; fi

mkdir -p "$ROOT/.keel"
cat >"$ENV_FILE" <<ENV
# Written by scripts/setup.sh; sourced by the other scripts. Source it yourself before calling cargo by hand.
export PATH="$RUST_PATH:\$PATH"
export CARGO_TARGET_DIR="\${CARGO_TARGET_DIR:-$ROOT/target}"
export WASM_BUILD_WORKSPACE_HINT="$ROOT"
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=clang
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C link-arg=-fuse-ld=mold"
export LIBCLANG_PATH="\${LIBCLANG_PATH:-$(dirname "$(find /usr/lib -name 'libclang.so*' 2>/dev/null | sort | head -1)")}"
ENV
. "$ENV_FILE"

say "JavaScript packages"
if [ "$ROOT/scripts/e2e/package-lock.json" -nt "$ROOT/scripts/e2e/node_modules/.package-lock.json" ] ||
	[ ! -d "$ROOT/scripts/e2e/node_modules" ]; then
	(cd "$ROOT/scripts/e2e" && npm ci --no-audit --no-fund --loglevel=error)
	touch "$ROOT/scripts/e2e/node_modules/.package-lock.json"
fi

note "rust    $(cd "$ROOT" && rustc --version)"
note "node    $(node --version)"
note "env     $ENV_FILE (source it before calling cargo by hand)"
