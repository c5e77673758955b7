#!/bin/sh
# Power cuts and a small disk for real: the program's state is on an ext4 in a file (see tests/kill/power.rs) and on a tmpfs of
# three megabytes (tests/kill/full.rs). Needs root, loop devices and mkfs.ext4.
#
#   sudo tests/power_cut.sh             100 cuts
#   sudo CUTS=5 SEED=7 tests/power_cut.sh
set -eu
cd "$(dirname "$0")/.."
skip() {
    echo "power_cut.sh: SKIPPED, nothing was tested: $1" >&2
    exit 77
}
[ "$(id -u)" = 0 ] || skip "this needs root: sudo -E env \"PATH=\$PATH\" $0"
command -v mkfs.ext4 >/dev/null || skip "mkfs.ext4 is not installed (package e2fsprogs)"
# A container may show loop devices and not let anybody mount them, so one is mounted.
probe=$(mktemp -d)
can_mount() {
    mkdir "$probe/ext4" "$probe/tmpfs" && truncate -s 8M "$probe/image" && mkfs.ext4 -q -F "$probe/image" &&
        mount -o loop "$probe/image" "$probe/ext4" && umount "$probe/ext4" &&
        mount -t tmpfs -o size=1m tmpfs "$probe/tmpfs" && umount "$probe/tmpfs"
}
if why=$(can_mount 2>&1); then rm -rf "$probe"; else
    rm -rf "$probe"
    skip "loop devices and tmpfs cannot be mounted here: $why"
fi
export CUTS="${CUTS:-100}"
exec cargo test --test kill -- --ignored --nocapture --test-threads=1
