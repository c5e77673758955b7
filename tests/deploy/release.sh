#!/usr/bin/env bash
# What deploy/release.sh makes in seconds, from a program that is there already: the tar, the list of parts, what it was built with,
# and the checksums. Made in two folders and compared, looked into, and refused where it has to be.
#
#   cargo build --release --locked && tests/deploy/release.sh
#
# VETBRIDGE=FILE takes another program. Package, installer and image have scripts of their own; that two builds of the program are
# equal takes two builds: deploy/release.sh --twice.
set -euo pipefail
cd "$(dirname "$0")/../.."
program="$(readlink -f "${VETBRIDGE:-target/release/vetbridge}")"
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
step() { printf '== release: %s (%ss)\n' "$1" "$SECONDS"; }
mkdir -p target/ci
work="$(mktemp -d "$PWD/target/ci/release-XXXXXX")"
trap 'rm -rf "$work"' EXIT

step "twice"
out="$work/made"
OUT="$out" WITHOUT="deb windows image" VETBRIDGE="$program" deploy/release.sh --twice >"$work/log" 2>&1 ||
  { tail -n 20 "$work/log" >&2; fail "the release"; }
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)"
target="$(rustc -vV | sed -n 's/^host: //p')"
name="vetbridge-$version-$target"
[ "$(ls "$out" | tr '\n' ' ')" = "SHA256SUMS $name.tar.gz vetbridge-$version.cdx.json " ] || fail "other files: $(ls "$out")"
grep -q 'are equal, byte by byte' "$work/log" || fail "nothing was compared"

step "checksums"
(cd "$out" && sha256sum --check --strict --quiet SHA256SUMS) || fail "the checksums"
[ "$(wc -l <"$out/SHA256SUMS")" = 2 ] || fail "a file has no checksum"
cp -r "$out" "$work/changed"
printf x >>"$work/changed/$name.tar.gz"
(cd "$work/changed" && sha256sum --check --quiet SHA256SUMS 2>/dev/null) >/dev/null && fail "a changed file has the same checksum"

step "the tar"
tar -xzf "$out/$name.tar.gz" -C "$work"
folder="$work/$name"
[ "$("$folder/vetbridge" --version)" = "$("$program" --version)" ] || fail "the program"
man --warnings --local-file "$folder/man/vetbridge.1" >/dev/null 2>&1 || ! command -v man >/dev/null || fail "the manual"
python3 tests/deploy/links.py "$folder"
for line in '^version ' '^commit ' '^rustc ' '^compiler ' '^linker ' '^C library ' '^A TRIAL'; do
  grep -q "$line" "$folder/BUILD-INFO.txt" || fail "BUILD-INFO.txt has no line $line"
done
tar -tvzf "$out/$name.tar.gz" | awk '$2 != "0/0" { exit 1 }' || fail "the files are not root's"
rm "$folder/vetbridge"
! grep -rlF -e "$PWD" -e "${CARGO_HOME:-$HOME/.cargo}/" "$folder" "$out"/*.json || fail "these files hold paths of this machine"

step "the lists of parts"
# named FILE: the crates of a list; used TARGET: those that cargo builds for that system.
named() {
  python3 -c 'import json, sys
for part in json.load(sys.stdin)["components"]: print(part["name"], part["version"])' <"$1" | sort
}
used() {
  cargo tree --locked --target "$1" --edges normal,build --prefix none --format '{p}' |
    sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' | grep -v '^vetbridge ' | sort -u
}
for system in "$target" x86_64-pc-windows-gnu; do
  python3 deploy/sbom.py "$system" >"$work/$system.json"
  diff <(named "$work/$system.json") <(used "$system") || fail "the list for $system is not what cargo builds"
done
cmp -s "$work/$target.json" "$out/vetbridge-$version.cdx.json" || fail "the list of the release is another one"
for crate in windows-service winsafe tracing-appender; do
  named "$work/x86_64-pc-windows-gnu.json" | grep -q "^$crate " || fail "the list of the installer does not name $crate"
done

step "refusals"
# refused WHAT SAYS: a copy of the sources of which one thing is wrong.
copy="$work/copy"
refused() {
  (cd "$copy" && VETBRIDGE= VETBRIDGE_COMMIT=0123456789ab SOURCE_DATE_EPOCH=1 deploy/release.sh >"$work/log" 2>&1) &&
    fail "$1 is released"
  grep -q -F -e "$2" "$work/log" || { cat "$work/log" >&2; fail "$1: nobody is told so"; }
}
mkdir -p "$copy"
cp -r CHANGELOG.md Cargo.toml deploy "$copy/"
sed -i '0,/^## .*/s//## Unreleased/' "$copy/CHANGELOG.md"
refused "a version that the changelog does not have" 'CHANGELOG.md begins with "Unreleased"'
sed -i "0,/^## .*/s//## $version (2027-01-31)/" "$copy/CHANGELOG.md"
sed -i "1s/($version-/(99.0.0-/" "$copy/deploy/debian/changelog"
refused "a package of another version" "deploy/debian/changelog begins with 99.0.0"
step "done"
