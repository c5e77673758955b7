#!/usr/bin/env bash
# Builds the image of deploy/Containerfile with buildah, and has tests/deploy/image.rs run the program in it: as
# the image's user, on a root that cannot be written, with OpenVPMS over TLS. Needs root, buildah, debootstrap
# and the right to mount.
#
#   tests/deploy/container.sh                                   with target/release/vetbridge, else target/debug/vetbridge
#   VETBRIDGE=/usr/bin/vetbridge tests/deploy/container.sh      with another program
#   FULL=1 tests/deploy/container.sh                            with the program built from source in the image (minutes);
#                                                               QUICK=1 beside it has that done without optimising
#   PULL=1 tests/deploy/container.sh                            on the pinned Debian image instead of one made with debootstrap
#
# Debian's packages come from $MIRROR.
set -euo pipefail
cd "$(dirname "$0")/../.."
MIRROR="${MIRROR:-http://deb.debian.org/debian}"
SUITE=bookworm
export PATH="$PATH:/usr/sbin:/sbin"

step() { printf '== container: %s (%ss)\n' "$1" "$SECONDS"; }
skip() {
  echo "container.sh: SKIPPED, nothing was tested: $1" >&2
  exit 77
}
[ "$(id -u)" = 0 ] || skip "this needs root"
for tool in buildah debootstrap unshare chroot; do
  command -v "$tool" >/dev/null || skip "$tool is not installed"
done
unshare --mount sh -c 'mount -t tmpfs -o size=1m tmpfs /mnt' 2>/dev/null || skip "nothing can be mounted here"

program="${VETBRIDGE:-target/release/vetbridge}"
[ -n "${VETBRIDGE:-}" ] || [ -x "$program" ] || program=target/debug/vetbridge
[ -n "${FULL:-}" ] || [ -x "$program" ] || { echo "container.sh: there is no $program: build it first" >&2; exit 1; }

# Images of its own, gone at the end.
work=$(mktemp -d)
b() { buildah --root "$work/images" --runroot "$work/run" --storage-driver vfs "$@"; }
cleanup() {
  b umount --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# import NAME: makes an image of the tar on standard input.
import() {
  local container
  container=$(b from scratch)
  cat >"$work/import.tar"
  b add --quiet "$container" "$work/import.tar" / >/dev/null
  rm "$work/import.tar"
  b commit --quiet --rm "$container" "localhost/$1" >/dev/null
}

pull=--pull-never
[ -z "${PULL:-}" ] || pull=--pull
arguments=(--build-arg "VETBRIDGE_COMMIT=${VETBRIDGE_COMMIT:-}")
if [ -z "${PULL:-}" ]; then
  # The pinned images come from a registry. Here Debian is made from Debian's packages, once.
  base=target/ci/debian-$SUITE-minbase.tar
  if [ ! -s "$base" ]; then
    step "Debian $SUITE from $MIRROR"
    mkdir -p target/ci
    if ! debootstrap --variant=minbase "$SUITE" "$work/debian" "$MIRROR" >"$work/debootstrap.log" 2>&1; then
      tail -5 "$work/debootstrap.log" >&2
      skip "debootstrap cannot make Debian $SUITE here"
    fi
    rm -rf "$work"/debian/var/cache/apt/archives/*.deb "$work"/debian/dev/*
    tar -C "$work/debian" -cf "$base.new" . && mv "$base.new" "$base"
    rm -rf "$work/debian"
  fi
  import debian <"$base"
  arguments+=(--build-arg DEBIAN_IMAGE=localhost/debian)
fi
if [ -z "${FULL:-}" ]; then
  step "the program: $program"
  mkdir -p "$work/program/source/target/release"
  cp "$program" "$work/program/source/target/release/vetbridge"
  tar -C "$work/program" -c source | import program
  arguments+=(--build-arg PROGRAM=localhost/program)
elif [ -z "${PULL:-}" ]; then
  # The toolchain of this machine, on the same Debian.
  step "an image with this machine's Rust"
  toolchain=$(rustc --print sysroot)
  container=$(b from localhost/debian)
  b run --isolation chroot "$container" -- sh -c \
    'apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev ca-certificates' >/dev/null 2>&1
  b add --quiet "$container" "$toolchain" /usr/local/rust >/dev/null
  b config --env PATH=/usr/local/rust/bin:/usr/local/bin:/usr/bin:/bin --env CARGO_HOME=/cargo "$container"
  # What is in the registry's cache here is not fetched again.
  cargo fetch --locked --quiet
  b config --env CARGO_NET_OFFLINE=true "$container"
  arguments+=(--volume "${CARGO_HOME:-$HOME/.cargo}/registry:/cargo/registry")
  if [ -n "${QUICK:-}" ]; then
    b config --env CARGO_PROFILE_RELEASE_LTO=off --env CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
      --env CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 "$container"
  fi
  b commit --quiet --rm "$container" localhost/rust >/dev/null
  arguments+=(--build-arg RUST_IMAGE=localhost/rust)
fi

step "the image"
b build --quiet --isolation chroot --format docker "$pull" -f deploy/Containerfile -t localhost/vetbridge \
  "${arguments[@]}" . >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; exit 1; }
b inspect --type image localhost/vetbridge >"$work/image.json"
container=$(b from localhost/vetbridge)
root=$(b mount "$container")
printf 'image: %s MB\n' "$(du -sm "$root" | cut -f1)"

step "the program in the image"
IMAGE_ROOT="$root" IMAGE_CONFIG="$work/image.json" \
  cargo test --locked --test deploy -- --ignored --nocapture --test-threads=1 image::
step "done"
