#!/usr/bin/env bash
# Makes everything that a release consists of, in target/release-artefacts (OUT=DIRECTORY for another place):
#
#   deploy/release.sh                                 # of the commit that is checked out; all parts, or an error
#   WITHOUT="deb windows image" deploy/release.sh     # leaves these parts out, and says so
#   deploy/release.sh --twice                         # makes it in two folders and compares every byte
#   UNRELEASED=yes deploy/release.sh                  # tries it before the changelog has the version
#   VETBRIDGE=FILE deploy/release.sh                  # tries the rest with a program that is there: seconds, and no release
#   SIGN_KEY=KEY deploy/release.sh                    # has GnuPG sign the checksums with that key
#   MAINTAINER="Name <address>" deploy/release.sh     # who answers for the Debian package
#
# See docs/releases.md. A copy of the sources without a repository needs VETBRIDGE_COMMIT and SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C TZ=UTC CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
umask 022

OUT="${OUT:-target/release-artefacts}"
WITHOUT="${WITHOUT:-}"

SIGN_KEY="${SIGN_KEY:-}"

fail() { echo "release.sh: $*" >&2; exit 1; }
step() { printf '== %s (%ss)\n' "$1" "$SECONDS"; }
is_left_out() { [[ " $WITHOUT " == *" $1 "* ]]; }

for part in $WITHOUT; do
  case $part in deb | windows | image | sbom) ;; *) fail "WITHOUT knows deb, windows, image and sbom, not $part" ;; esac
done

# A trial with another program is no release: what is tried may be unfinished.
TRIED="${VETBRIDGE:+$(readlink -f "$VETBRIDGE")}"
[ -z "${VETBRIDGE:-}" ] || [ -x "$TRIED" ] || fail "there is no program $VETBRIDGE"
unset VETBRIDGE
# A signature that nobody can make is noticed before the work, not after it.
if [ -n "$SIGN_KEY" ]; then
  gpg --batch --list-secret-keys "$SIGN_KEY" >/dev/null 2>&1 || fail "GnuPG has no secret key $SIGN_KEY: gpg --list-secret-keys"
fi

# What the release is made of. A repository of somebody else around the sources does not count.
if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; then
  [ -n "$TRIED" ] || [ -z "$(git status --porcelain)" ] ||
    fail "there are changes that are not committed; commit them or set them aside"
  VETBRIDGE_COMMIT="$(git rev-parse --short=12 HEAD)"
  SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
fi
[ -n "${VETBRIDGE_COMMIT:-}" ] && [ -n "${SOURCE_DATE_EPOCH:-}" ] ||
  fail "this is no repository: say VETBRIDGE_COMMIT and SOURCE_DATE_EPOCH"
export VETBRIDGE_COMMIT SOURCE_DATE_EPOCH

VERSION="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)"
TARGET="$(rustc -vV | sed -n 's/^host: //p')"
WINDOWS_TARGET=x86_64-pc-windows-gnu

# Both changelogs name the version first, or it would be published under a name that may still come to mean something else.
latest="$(sed -n 's/^## //p' CHANGELOG.md | head -1)"
packaged="$(sed -n '1s/^vetbridge (\(.*\)-[^-]*) .*/\1/p' deploy/debian/changelog)"
[ "$packaged" = "$VERSION" ] || fail "Cargo.toml has version $VERSION, and deploy/debian/changelog begins with $packaged"
if [ -z "$TRIED" ] && [ "${UNRELEASED:-}" != yes ] && [ "${latest%% *}" != "$VERSION" ]; then
  fail "CHANGELOG.md begins with \"$latest\" and not with $VERSION and its date (docs/releases.md, \"Versions\");" \
    "UNRELEASED=yes tries it all the same"
fi

# The release in two folders of different names and depths. What is tried may have changes that are not committed.
twice() {
  local work first second different=0 of="$VETBRIDGE_COMMIT" changed
  if [ -n "$TRIED" ]; then
    changed="$(git stash create)"
    of="${changed:-$of}"
    export VETBRIDGE="$TRIED"
  fi
  work="$(mktemp -d "${TMPDIR:-/tmp}/vetbridge-release-XXXXXX")"
  # Expanded now: at the exit the function and its variables are gone.
  trap "rm -rf ${work@Q}" EXIT
  first="$work/one" second="$work/another/folder/much/deeper"
  for copy in "$first" "$second"; do
    step "the release in $copy"
    mkdir -p "$copy"
    git archive "$of" | tar -x -C "$copy"
    # Tools that were built already are no part of the release.
    if [ -d target/ci ]; then mkdir -p "$copy/target" && ln -s "$(pwd -P)/target/ci" "$copy/target/ci"; fi
    # A signature has the time in it.
    OUT=target/release-artefacts WITHOUT="$WITHOUT" SIGN_KEY= "$copy/deploy/release.sh"
  done
  step "comparison"
  first+=/target/release-artefacts second+=/target/release-artefacts
  [ "$(ls "$first")" = "$(ls "$second")" ] || fail "the two have other files: $(ls "$first" "$second")"
  for file in "$first"/*; do
    if cmp -s "$file" "$second/${file##*/}"; then
      echo "equal      ${file##*/}"
    else
      echo "DIFFERENT  ${file##*/}"
      different=1
    fi
  done
  # What to look at, for who wants to know why.
  if [ "$different" = 1 ]; then
    mkdir -p "$OUT-differences"
    cp -r "$first" "$OUT-differences/one"
    cp -r "$second" "$OUT-differences/two"
    fail "two builds of one commit differ; both are in $OUT-differences"
  fi
  rm -rf "$OUT"
  mkdir -p "$(dirname "$OUT")"
  cp -r "$first" "$OUT"
  sign
  echo "Two builds of $VETBRIDGE_COMMIT are equal, byte by byte. One of them is in $OUT."
}

# The checksums are signed, and with them all that they are of.
sign() {
  if [ -n "$SIGN_KEY" ]; then
    gpg --batch --yes --local-user "$SIGN_KEY" --armor --detach-sign --output "$OUT/SHA256SUMS.asc" "$OUT/SHA256SUMS"
    gpg --batch --verify "$OUT/SHA256SUMS.asc" "$OUT/SHA256SUMS" || fail "the signature that was made is not a good one"
  else
    echo "NOT SIGNED: SIGN_KEY=KEY has GnuPG sign SHA256SUMS"
  fi
}

# needed_glibc PROGRAM: the oldest C library that it starts on. A packed table of relocations has a name in place of a version.
needed_glibc() {
  readelf --version-info --wide "$1" | grep -o 'GLIBC_[0-9A-Z_.]*' |
    sed -n 's/^GLIBC_ABI_DT_RELR$/2.36/p; s/^GLIBC_\([0-9][0-9.]*\)$/\1/p' | sort -V | tail -n 1
}

# No path of this machine stands in the program: neither of the sources nor of the crates nor of the compiler.
build() {
  program="$TRIED"
  if [ -n "$program" ]; then return; fi
  local crates="${CARGO_HOME:-$HOME/.cargo}" remap="--remap-path-prefix"
  local here
  here="$(pwd -P)"
  # On top of what .cargo/config.toml says; a RUSTFLAGS would take the place of both.
  env -u RUSTFLAGS CFLAGS="-ffile-prefix-map=$here=/source -ffile-prefix-map=$crates=/cargo ${CFLAGS:-}" \
    cargo --config "build.rustflags=['$remap=$here=/source', '$remap=$crates=/cargo', '$remap=$(rustc --print sysroot)=/rust']" \
    build --release --locked --bin vetbridge
  program="$here/target/release/vetbridge"
  for path in "$here" "$crates"; do
    if grep -q -F -e "$path/" "$program"; then fail "the program holds paths of this machine ($path)"; fi
  done
  "$program" --version | grep -q -F "$VETBRIDGE_COMMIT" || fail "--version does not name the commit $VETBRIDGE_COMMIT"
  # What was built on a later system does not start on the one that the page promises.
  local promised needed
  promised="$(grep -o 'needs glibc [0-9.]*[0-9]' docs/tasks/install.md | grep -o '[0-9.]*$' | sort -V | tail -n 1)" || true
  needed="$(needed_glibc "$program")" || true
  [ -n "$promised" ] || fail "docs/tasks/install.md does not say which glibc the program needs"
  [ -n "$needed" ] || fail "readelf, of Debian's package binutils, does not say which glibc the program needs"
  [ "$(printf '%s\n' "$needed" "$promised" | sort -V | tail -n 1)" = "$promised" ] ||
    fail "the program needs glibc $needed, and docs/tasks/install.md promises $promised: build it on the Debian of that page"
}

build_info() {
  echo "version    $VERSION"
  echo "commit     $VETBRIDGE_COMMIT"
  echo "program    $("$program" --version | head -1)"
  echo "date       $(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)"
  echo "rustc      $(rustc --version)"
  echo "compiler   $(cc --version | head -1)"
  echo "linker     $(ld --version | head -1)"
  echo "C library  $(ldd --version 2>&1 | head -1)"
  [ -z "$TRIED" ] || echo "A TRIAL: the program was not built for this. It is no release."
}

# pack FOLDER ARCHIVE: the same bytes for the same files.
pack() {
  tar --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w \
    -C "$(dirname "$1")" -cf - "$(basename "$1")" | gzip -n -9 >"$2"
}

make_tar() {
  local name="vetbridge-$VERSION-$TARGET" folder
  folder="$staging/$name"
  mkdir -p "$folder"/{man,completions,config}
  install -m 755 "$program" "$folder/vetbridge"
  "$program" man "$folder/man" >/dev/null 2>&1
  for shell in bash elvish fish powershell zsh; do "$program" completions "$shell" >"$folder/completions/vetbridge.$shell"; done
  install -m 644 config/vetbridge.example.toml "$folder/config/"
  cp -r docs "$folder/docs"
  # What the pages lead to, and what "Without the package" installs.
  install -d "$folder"/deploy/{debian,wireguard}
  cp -r deploy/{compose.yaml,vetbridge.service,vetbridge@.service,monitoring,proxy,kubernetes} "$folder/deploy/"
  # One by one: wg0.conf, where somebody made it, holds the key of a VPN, and git ignores it.
  cp deploy/wireguard/{Containerfile,Containerfile.dockerignore,follow-endpoint.sh,wg0.example.conf} "$folder/deploy/wireguard/"
  cp deploy/debian/{sysusers.conf,tmpfiles.conf,vetbridge.toml} "$folder/deploy/debian/"
  install -m 644 README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$folder/"
  python3 deploy/notices.py >"$folder/THIRD-PARTY-NOTICES.txt"
  grep -q '^ring ' "$folder/THIRD-PARTY-NOTICES.txt" || fail "the notices of others do not name ring: are they empty?"
  build_info >"$folder/BUILD-INFO.txt"
  pack "$folder" "$OUT/$name.tar.gz"
}

# make_sbom TARGET [SUFFIX]: what the program for that system is made of.
make_sbom() {
  local list="$OUT/vetbridge-$VERSION${2:-}.cdx.json"
  python3 deploy/sbom.py "$1" >"$list"
  grep -q '"name": "tokio"' "$list" || fail "the list of parts does not name tokio: is it empty?"
}

# part NAME COMMAND…: a part that another script makes.
part() {
  local name=$1
  shift
  if is_left_out "$name"; then return; fi
  step "$name"
  VETBRIDGE="$program" "$@" || fail "$1 failed ($?); WITHOUT=$name leaves it out"
}

make_deb() { deploy/debian/build.sh && cp target/deb/*.deb "$OUT/"; }

make_windows() {
  tests/deploy/windows.sh build "$staging/windows" &&
    cp "$staging/windows/vetbridge-setup.exe" "$OUT/vetbridge-$VERSION-setup.exe" &&
    { is_left_out sbom || make_sbom "$WINDOWS_TARGET" -windows; }
}

# The image is tried as an archive that was loaded, and that archive is the one which is published. Its Debian is made from
# Debian's packages of now, security updates included; PULL=1 takes the pinned images of a registry, and the same updates.
make_image() {
  FRESH=1 SAVE="$staging/image.tar" tests/deploy/container.sh && gzip -n -9 <"$staging/image.tar" >"$OUT/vetbridge-$VERSION-image.tar.gz"
}

make_all() {
  staging="$(mktemp -d "${TMPDIR:-/tmp}/vetbridge-staging-XXXXXX")"
  trap 'rm -rf "$staging"' EXIT
  rm -rf "$OUT"
  mkdir -p "$OUT"
  OUT="$(cd "$OUT" && pwd -P)"
  step "the program: vetbridge $VERSION, commit $VETBRIDGE_COMMIT"
  build
  step "the tar"
  make_tar
  if ! is_left_out sbom; then
    step "the list of parts"
    make_sbom "$TARGET"
  fi
  part deb make_deb
  part windows make_windows
  part image make_image
  step "checksums"
  (cd "$OUT" && sha256sum -- * >SHA256SUMS && sha256sum --check --quiet SHA256SUMS && cat SHA256SUMS)
  sign
  is_left_out deb || [ -n "${MAINTAINER:-}" ] ||
    echo "MADE UP: the Debian package's maintainer. MAINTAINER=\"Name <address>\" says who answers for it"
  for name in $WITHOUT; do echo "LEFT OUT: $name"; done
  step "done: $OUT"
}

case "${1:-}" in
  "") make_all ;;
  --twice) twice ;;
  *) fail "the only option is --twice" ;;
esac
