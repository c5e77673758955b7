#!/usr/bin/env bash
# Builds the Debian package from a release program that is there already, and says where it is:
#
#   cargo build --release --locked && deploy/debian/build.sh
#
# VETBRIDGE=FILE takes another program. MAINTAINER="Name <address>" says who answers for the package, in place of a made-up
# address. Needs Python. Exits with 77 if cargo-deb can neither be found nor built.
set -euo pipefail
cd "$(dirname "$0")/../.."

CARGO_DEB_VERSION=3.8.0
program="${VETBRIDGE:-target/release/vetbridge}"
out=target/deb

[ -x "$program" ] || { echo "$program is missing: cargo build --release --locked" >&2; exit 1; }

# What PyPI has is too old to read this edition's Cargo.toml. Building it takes two minutes of one core.
find_cargo_deb() {
  local own=target/ci/cargo-deb
  if [ "$(cargo-deb --version 2>/dev/null)" = "cargo-deb $CARGO_DEB_VERSION" ]; then
    cargo_deb=cargo-deb
    return
  fi
  cargo_deb="$own/bin/cargo-deb"
  [ "$("$cargo_deb" --version 2>/dev/null)" = "cargo-deb $CARGO_DEB_VERSION" ] && return
  echo "Building cargo-deb $CARGO_DEB_VERSION."
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install cargo-deb --locked --version "$CARGO_DEB_VERSION" --no-default-features --features gzip,lzma \
    --root "$own" --force --target-dir target/ci/build --quiet || {
    echo "cargo-deb $CARGO_DEB_VERSION is not here and cannot be built here." >&2
    exit 77
  }
}

find_cargo_deb
rm -rf "$out"
mkdir -p "$out/man"
install -m 755 "$program" "$out/vetbridge"
"$program" man "$out/man"
"$program" completions bash >"$out/vetbridge.bash"
"$program" completions zsh >"$out/_vetbridge"
"$program" completions fish >"$out/vetbridge.fish"

python3 deploy/notices.py | gzip -9n >"$out/third-party-notices.gz"
gzip -9n <CHANGELOG.md >"$out/changelog.gz"

# The date of everything in the package is that of its changelog, so that the same sources make the same bytes.
SOURCE_DATE_EPOCH="$(date -d "$(sed -n 's/^ -- .*>  //p' deploy/debian/changelog | head -1)" +%s)"
export SOURCE_DATE_EPOCH
"$cargo_deb" --no-build --no-strip ${MAINTAINER:+--maintainer "$MAINTAINER"} --output "$out/"
ls "$out"/*.deb
