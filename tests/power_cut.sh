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
[ "$(id -u)" = 0 ] || skip "this needs root"
command -v mkfs.ext4 >/dev/null || skip "mkfs.ext4 is not installed (package e2fsprogs)"
losetup -f >/dev/null 2>&1 || skip "there are no loop devices here"
export CUTS="${CUTS:-100}"
exec cargo test --test kill -- --ignored --nocapture --test-threads=1
