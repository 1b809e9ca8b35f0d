#!/usr/bin/env bash
# Makes the Debian package of the program, with its manual pages and its completions. Needs cargo-deb (`cargo install cargo-deb`).
# `host/deb.sh PROGRAM` compiles nothing: PROGRAM is `target/release/altmin`, built before.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${1:-}
if [[ -z $program ]]; then
    cargo build --release --locked -p altmin
    program=${CARGO_TARGET_DIR:-target}/release/altmin
fi
rm -rf target/deb
mkdir -p target/deb
"$program" man --out target/deb/man
"$program" completions bash > target/deb/altmin
"$program" completions zsh > target/deb/_altmin
"$program" completions fish > target/deb/altmin.fish
cargo deb -p altmin --no-build
