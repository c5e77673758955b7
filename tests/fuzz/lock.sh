#!/usr/bin/env bash
# Gives the fuzz targets the program's own versions of its dependencies, and sees that Cargo.toml beside this pins what the program
# does not have: the same commit is fuzzed with the same crates.
set -euo pipefail
cd "$(dirname "$0")/../.."
own=tests/fuzz/Cargo.lock
cp Cargo.lock "$own"
cargo metadata --format-version 1 --quiet --manifest-path tests/fuzz/Cargo.toml >/dev/null
packages() { sed -n '/^name = /{s/^name = "\(.*\)"/\1/;h;n;s/^version = "\(.*\)"/\1/;H;x;s/\n/ /p}' "$1" | sort; }
comm -13 <(packages Cargo.lock) <(packages "$own") | while read -r name version; do
  [ "$name" = vetbridge-fuzz ] || grep -q "^$name = \"=$version\"\$" tests/fuzz/Cargo.toml || {
    echo "tests/fuzz/Cargo.toml does not pin $name, which is new there: $name = \"=$version\"" >&2
    exit 1
  }
done
