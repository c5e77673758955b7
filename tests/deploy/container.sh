#!/usr/bin/env bash
# Builds the image of deploy/Containerfile with buildah, makes the archive of it that a release has, loads that, and
# has tests/deploy/image.rs run the program in what was loaded: as the image's user, on a root that cannot be
# written, with OpenVPMS over TLS. Needs root, buildah, debootstrap and the right to mount.
#
#   tests/deploy/container.sh                    with target/release/vetbridge, else target/debug/vetbridge
#   VETBRIDGE=FILE tests/deploy/container.sh     with another program
#   FULL=1 tests/deploy/container.sh             with the program compiled in the image (minutes); QUICK=1 beside it
#                                                compiles without optimising
#   PULL=1 tests/deploy/container.sh             the same on the pinned images, which come from a registry
#   FRESH=1 tests/deploy/container.sh            makes the Debian below the image anew, however young the last one is
#   SAVE=FILE tests/deploy/container.sh          puts the archive there, once it passed
#
# Debian's packages come from $DEBIAN_MIRROR, else from deb.debian.org. Its security updates come from
# $DEBIAN_SECURITY_MIRROR, else from beside that: the same address with "-security" behind it.
set -euo pipefail
cd "$(dirname "$0")/../.."
DEBIAN_MIRROR="${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
DEBIAN_SECURITY_MIRROR="${DEBIAN_SECURITY_MIRROR:-${DEBIAN_MIRROR%/}-security}"
SUITE=bookworm
export PATH="$PATH:/usr/sbin:/sbin"

step() { printf '== container: %s (%ss)\n' "$1" "$SECONDS"; }
skip() {
  echo "container.sh: SKIPPED, nothing was tested: $1" >&2
  exit 77
}
[ "$(id -u)" = 0 ] || skip "this needs root: sudo -E env \"PATH=\$PATH\" $0"
for tool in buildah debootstrap unshare chroot python3; do
  command -v "$tool" >/dev/null || skip "$tool is not installed: apt-get install buildah debootstrap python3"
done
unshare --mount sh -c 'mount -t tmpfs -o size=1m tmpfs /mnt' 2>/dev/null || skip "nothing can be mounted here"

program="${VETBRIDGE:-target/release/vetbridge}"
[ -n "${VETBRIDGE:-}" ] || [ -x "$program" ] || program=target/debug/vetbridge
[ -n "${FULL:-}${PULL:-}" ] || [ -x "$program" ] || { echo "container.sh: there is no $program: build it first" >&2; exit 1; }

# Images of its own, gone at the end.
work=$(mktemp -d)
driver=overlay
b() { buildah --root "$work/images" --runroot "$work/run" --storage-driver "$driver" "$@"; }
cleanup() {
  b umount --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# Inside a container there may be no overlays; vfs copies everything instead.
b from scratch >/dev/null 2>&1 || { rm -rf "$work/images" "$work/run"; driver=vfs; }

# A release has the time of its commit in it, and so has its image: every file that is added, and what is written about them.
at=()
[ -z "${SOURCE_DATE_EPOCH:-}" ] || at=(--timestamp "$SOURCE_DATE_EPOCH")

# layer FROM NAME TAR FOLDER: makes an image of another one, or of nothing ("scratch"), with the files of a tar in a
# folder.
layer() {
  local container
  container=$(b from "$1")
  b add --quiet "$container" "$3" "$4" >/dev/null
  b commit --quiet "${at[@]}" --rm "$container" "localhost/$2" >/dev/null
}

arguments=(--build-arg "VETBRIDGE_COMMIT=${VETBRIDGE_COMMIT:-}")
if [ -n "${PULL:-}" ]; then
  arguments+=(--pull)
else
  # The pinned images come from a registry. Here Debian is made from Debian's packages, once a day: the main suite lacks what
  # was mended since its last point release, which is in the other two.
  base=target/ci/debian-$SUITE-updated.tar
  if [ -n "${FRESH:-}" ] || [ -z "$(find "$base" -size +0 -mmin -1440 2>/dev/null)" ]; then
    step "Debian $SUITE"
    mkdir -p target/ci
    debian="$work/debian"
    if ! debootstrap --variant=minbase "$SUITE" "$debian" "$DEBIAN_MIRROR" >"$work/debootstrap.log" 2>&1; then
      tail -5 "$work/debootstrap.log" >&2
      skip "debootstrap cannot make Debian $SUITE here"
    fi
    printf 'deb %s main\n' "$DEBIAN_MIRROR $SUITE" "$DEBIAN_MIRROR $SUITE-updates" "$DEBIAN_SECURITY_MIRROR $SUITE-security" \
      >"$debian/etc/apt/sources.list"
    # Without the updates there is no image, rather than one that lacks them and does not say so.
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive unshare --mount --propagation private sh -ec '
      mount -t proc proc "$1/proc"
      chroot "$1" apt-get update -q -o APT::Update::Error-Mode=any
      chroot "$1" apt-get dist-upgrade -q -y
    ' sh "$debian" >"$work/upgrade.log" 2>&1 || { tail -20 "$work/upgrade.log" >&2; exit 1; }
    # Neither when it was made nor how nor on which machine: of the same packages it is the same.
    rm -rf "$debian"/var/{cache,log}/* "$debian"/var/lib/apt/lists/* "$debian"/var/lib/dpkg/*-old "$debian"/dev/*
    rm -f "$debian"/etc/{hostname,resolv.conf}
    tar --sort=name --mtime=@0 -C "$debian" -cf "$base.new" . && mv "$base.new" "$base"
    rm -rf "$debian"
  fi
  step "images in place of the pinned ones"
  layer scratch debian "$base" /
  arguments+=(--pull-never --build-arg DEBIAN_IMAGE=localhost/debian --build-arg RUST_IMAGE=localhost/rust)
  if [ -n "${FULL:-}" ]; then
    # This machine's Rust. What its cargo has fetched is not fetched again.
    tar -C "$(rustc --print sysroot)" --exclude=lib/rustlib/src -cf "$work/rust.tar" bin lib
    layer localhost/debian rust "$work/rust.tar" /usr/local
    rm "$work/rust.tar"
    container=$(b from localhost/rust)
    b run --isolation chroot "$container" -- sh -c \
      'apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev' >/dev/null 2>&1
    cargo fetch --locked --quiet
    b config --env CARGO_HOME=/cargo --env CARGO_NET_OFFLINE=true "$container"
    if [ -n "${QUICK:-}" ]; then
      b config --env CARGO_PROFILE_RELEASE_LTO=off --env CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
        --env CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 "$container"
    fi
    b commit --quiet --rm "$container" localhost/rust >/dev/null
    arguments+=(--volume "${CARGO_HOME:-$HOME/.cargo}/registry:/cargo/registry")
  else
    # Its cargo has the program ready. All other steps are the Containerfile's own.
    mkdir -p "$work/ready/usr/local/bin" "$work/ready/ready"
    cp "$program" "$work/ready/ready/vetbridge"
    cat >"$work/ready/usr/local/bin/cargo" <<'EOF'
#!/bin/sh
set -e
[ "$*" = "build --release --locked --bin vetbridge" ] || { echo "cargo $*: not what was expected" >&2; exit 1; }
ls Cargo.toml Cargo.lock build.rs .cargo/config.toml src/main.rs >/dev/null
mkdir -p target/release
cp /ready/vetbridge target/release/vetbridge
EOF
    chmod 755 "$work/ready/usr/local/bin/cargo"
    tar -C "$work/ready" -cf "$work/ready.tar" usr ready
    layer localhost/debian rust "$work/ready.tar" /
  fi
fi

step "the image ($driver)"
b build --quiet "${at[@]}" --isolation chroot --format docker -f deploy/Containerfile -t localhost/vetbridge \
  "${arguments[@]}" . >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; exit 1; }

step "the archive"
# In Docker's form, which Podman loads as well: the OCI form has no health check.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
archive="$work/vetbridge.tar"
b push --quiet localhost/vetbridge "docker-archive:$archive.made:localhost/vetbridge:$version"
python3 deploy/image_archive.py "$archive.made" "$archive"
rm "$archive.made"
b rmi --all --force >/dev/null
b pull --quiet "docker-archive:$archive" >/dev/null
image="localhost/vetbridge:$version"

step "no update is missing"
container=$(b from --pull-never "$image")
b run --isolation chroot --user 0 "$container" -- sh -ec '
  apt-get update -q -o APT::Update::Error-Mode=any
  apt-cache policy | grep -q -e "-security/main"
  apt-get --simulate dist-upgrade' >"$work/updates" 2>&1 || { tail -5 "$work/updates" >&2; exit 1; }
! grep "^Inst" "$work/updates" || { echo "container.sh: the image lacks these updates of Debian" >&2; exit 1; }
b rm "$container" >/dev/null

b inspect --type image "$image" >"$work/image.json"
container=$(b from --pull-never "$image")
root=$(b mount "$container")
printf 'image: %s MB\n' "$(du -sm "$root" | cut -f1)"

step "the program in the image"
IMAGE_ROOT="$root" IMAGE_CONFIG="$work/image.json" \
  cargo test --locked --test deploy -- --ignored --nocapture --test-threads=1 image::
step "done"
[ -z "${SAVE:-}" ] || mv "$archive" "$SAVE"
