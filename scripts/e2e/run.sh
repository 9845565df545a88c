#!/usr/bin/env bash
# Runs the end-to-end suite against a node that is already built; each test file starts its own.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
load_env
cd "$ROOT/scripts/e2e"
KEEL_NODE="${KEEL_NODE:-$(node_binary)}" node --test --test-concurrency=1 --test-reporter=spec tests/
