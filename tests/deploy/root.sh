# shellcheck shell=bash
# A clean Debian root for the scripts beside this one, which read this file. Nothing of it is run on its own.
#
# make_root PLACE        a root of its own below target/ci, with systemd, sudo and certificates; the first time from the mirror
# in_root COMMAND…       in $ROOT, with none of this machine's settings
# boot / in_booted COMMAND…   the same with systemd running in it, as in a container

DEBIAN_SUITE="${DEBIAN_SUITE:-bookworm}"
# Empty: where debootstrap has Debian from by itself.
DEBIAN_MIRROR="${DEBIAN_MIRROR:-}"
# What the package depends on and the pages type, so that installing it needs no network.
IN_ROOT=systemd,sudo,ca-certificates,man-db

cannot() {
  printf '%s\n' "$*" >&2
  exit 77
}

say() { printf '%s (%ss)\n' "$*" "$SECONDS"; }

make_root() {
  local base="target/ci/debian-$DEBIAN_SUITE"
  [ "$(id -u)" = 0 ] || cannot "This is not root, which making a Debian root needs: sudo -E env \"PATH=\$PATH\" $0"
  command -v debootstrap >/dev/null || cannot "debootstrap is missing: apt-get install debootstrap"
  unshare --mount true 2>/dev/null || cannot "This machine does not let a process have its own mounts."
  if [ ! -e "$base/made" ]; then
    say "a Debian root ($DEBIAN_SUITE)"
    rm -rf "$base"
    mkdir -p "$base"
    debootstrap --variant=minbase --include="$IN_ROOT" "$DEBIAN_SUITE" "$base/root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} \
      >"$base/log" 2>&1 || { tail -n 3 "$base/log" >&2; cannot "debootstrap cannot make a Debian root here."; }
    rm -rf "$base"/root/var/cache/apt/archives/*.deb "$base"/root/var/lib/apt/lists/*
    touch "$base/made"
  fi
  ROOT="$PWD/$1"
  rm -rf --one-file-system "$ROOT"
  mkdir -p "$ROOT"
  cp -a "$base/root/." "$ROOT/"
  echo clinic >"$ROOT/etc/hostname"
  printf '127.0.0.1 localhost clinic\n' >"$ROOT/etc/hosts"
}

in_root() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    unshare --mount --propagation private sh -c 'root=$1; shift
      mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && exec chroot "$root" "$@"' \
    sh "$ROOT" "$@"
}

# What the first process of the container does before it is systemd: its own mounts, and only harmless devices.
boot() {
  cat >"$ROOT.init" <<'INIT'
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t sysfs -o ro sysfs "$root/sys"
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
  for controller in memory pids; do
    mkdir "$root/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "$root/sys/fs/cgroup/$controller"
  done
  mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
fi
# Not chroot: in one of those the kernel gives nobody a namespace of users, which the unit wants.
cd "$root"
pivot_root . mnt
umount --lazy /mnt
# Outside of containers systemd does this itself: what it mounts for a service (credentials) has to arrive in its namespace.
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --show-status=0 \
  --log-target=journal
INIT
  # Nobody logs in at a terminal of this container.
  for unit in console-getty.service getty.target; do
    ln -sf /dev/null "$ROOT/etc/systemd/system/$unit"
  done
  unshare --fork --kill-child --pid --mount --uts --ipc --cgroup \
    sh "$ROOT.init" "$ROOT" </dev/null >"$ROOT.log" 2>&1 &
  BOOTED=$!
  local _
  for _ in $(seq 100); do
    INIT_PROCESS="$(tr -d ' ' <"/proc/$BOOTED/task/$BOOTED/children")" || break
    [ -n "$INIT_PROCESS" ] && in_booted systemctl is-system-running --quiet 2>/dev/null && return 0
    kill -0 "$BOOTED" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 5 "$ROOT.log" >&2
  cannot "systemd does not start in a container here."
}

in_booted() {
  nsenter --target "$INIT_PROCESS" --mount --pid --uts --ipc --cgroup --root --wd \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# The container ends with its first process.
end_root() {
  [ -z "${BOOTED:-}" ] || { kill -KILL "$BOOTED" 2>/dev/null && wait "$BOOTED" 2>/dev/null; } || true
  [ -z "${ROOT:-}" ] || rm -rf --one-file-system "$ROOT" "$ROOT".*
}
