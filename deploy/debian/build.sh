#!/usr/bin/env bash
# shellcheck source=deploy/cargo_tool.sh
# Builds the Debian package from a release program that is there already, and says where it is:
#
#   cargo build --release --locked && deploy/debian/build.sh
#
# VETBRIDGE=FILE takes another program. MAINTAINER="Name <address>" says who answers for the package, in place of a made-up
# address. Needs Python. Exits with 77 if cargo-deb is not here and cannot be fetched.
set -euo pipefail
cd "$(dirname "$0")/../.."

CARGO_DEB_VERSION=3.8.0
program="${VETBRIDGE:-target/release/vetbridge}"
out=target/deb

[ -x "$program" ] || { echo "$program is missing: cargo build --release --locked" >&2; exit 1; }

# What PyPI has is too old to read this edition's Cargo.toml. Building it takes two minutes of one core.
. deploy/cargo_tool.sh
cargo_tool cargo-deb "$CARGO_DEB_VERSION" --no-default-features --features gzip,lzma
rm -rf "$out"
mkdir -p "$out/man"
install -m 755 "$program" "$out/vetbridge"
"$program" man "$out/man"
"$program" completions bash >"$out/vetbridge.bash"
"$program" completions zsh >"$out/_vetbridge"
"$program" completions fish >"$out/vetbridge.fish"

python3 deploy/notices.py | gzip -9n >"$out/third-party-notices.gz"
gzip -9n <CHANGELOG.md >"$out/changelog.gz"

# The pages. What has another place in a package of Debian is linked there.
mkdir "$out/pages"
cp -r README.md docs "$out/pages/"
find "$out/pages" -name '*.md' -exec sed -i -E 's|\]\(((\.\./)*)CHANGELOG\.md|](\1changelog.gz|
  s|\]\(config/vetbridge\.example\.toml|](examples/vetbridge.example.toml|
  s|\]\(LICENSE-APACHE|](/usr/share/common-licenses/Apache-2.0|; s|\]\(LICENSE-MIT|](copyright|' {} +

# The date of everything in the package is that of its changelog, so that the same sources make the same bytes.
SOURCE_DATE_EPOCH="$(date -d "$(sed -n 's/^ -- .*>  //p' deploy/debian/changelog | head -1)" +%s)"
export SOURCE_DATE_EPOCH
"$tool" --no-build --no-strip ${MAINTAINER:+--maintainer "$MAINTAINER"} --output "$out/"
ls "$out"/*.deb
