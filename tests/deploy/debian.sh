#!/usr/bin/env bash
# shellcheck source=tests/deploy/root.sh disable=SC2154
# Builds the Debian package from the release program, has lintian look at it, rates the units, and lives through its life in a
# clean Debian root: installed, used by root beside a running and a stopped service, updated, removed, purged. There is no
# systemd in this root: the service runs as its unit says (user, directories, credentials, a socket that it reports to).
# tests/deploy/install.sh has it run by systemd.
#
#   cargo build --release --locked && cargo build --locked --example simulators && tests/deploy/debian.sh
#
# VETBRIDGE=FILE takes another program. Exits with 77 where a machine cannot do this: it needs root, debootstrap and the right to
# have mounts and a network of its own. Nothing outside target/ is touched.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { echo "This needs root: sudo -E env \"PATH=\$PATH\" $0"; exit 77; }
  command -v lintian >/dev/null || { echo "lintian is missing: apt-get install lintian dpkg-dev man-db iproute2 debootstrap"; exit 77; }
  unshare --net --mount true 2>/dev/null || { echo "This machine gives nobody a network of their own."; exit 77; }
  deploy/debian/build.sh >/dev/null
  bash -euc '. tests/deploy/root.sh; trap end_root EXIT; make_root target/ci/root-base'
  exec unshare --net --mount --propagation private "$0" inside
fi

. tests/deploy/root.sh
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
stop() { [ -z "${1:-}" ] || { kill "$1" 2>/dev/null && wait "$1" 2>/dev/null; } || true; }
# The service is not this shell's own child, but one of its job.
stop_service() {
  [ -n "${SERVICE:-}" ] || return 0
  kill "$(cat "$ROOT/run/vetbridge.pid")"
  wait "$SERVICE" || fail "the service ended with $?"
  SERVICE=
}
trap 'status=$?; stop_service; stop "${SIMULATORS:-}"; stop "${MANAGER:-}"; end_root; exit $status' EXIT
ip link set lo up

package="$(ls target/deb/vetbridge_*.deb)"
version="$(dpkg-deb --field "$package" Version)"
[ "${version%-*}" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" ] ||
  fail "the package is $version: deploy/debian/changelog and Cargo.toml"
[ "$version" = "$(dpkg-parsechangelog --file deploy/debian/changelog --show-field Version)" ] || fail "deploy/debian/changelog"

# The oldest C library that the page promises.
promised="$(grep -o 'needs glibc [0-9.]*[0-9]' docs/tasks/install.md | grep -o '[0-9.]*$' | sort -V | tail -n 1)"
needed="$(dpkg-deb --field "$package" Depends | grep -o 'libc6 (>= [0-9.]*' | grep -o '[0-9.]*$' | sort -V | tail -n 1)"
dpkg --compare-versions "$needed" le "$promised" || fail "the package needs glibc $needed, docs/tasks/install.md says $promised"

say "lintian ($package)"
# Warnings count as well; what is meant stands in deploy/debian/lintian-overrides with its reason.
lintian --allow-root --fail-on error,warning "$package" || fail "lintian"

say "a machine on which somebody is called vetbridge"
make_root target/ci/root-debian
cp "$package" "$ROOT/root/vetbridge.deb"
in_root useradd --shell /bin/bash vetbridge
in_root dpkg --install /root/vetbridge.deb >"$ROOT.out" 2>&1 && fail "the service would run as a person"
grep --quiet 'a user vetbridge who can log in' "$ROOT.out" || { cat "$ROOT.out" >&2; fail "nobody is told why"; }
[ ! -e "$ROOT/usr/bin/vetbridge" ] || fail "the program is there all the same"
in_root userdel vetbridge

say "the package is installed"
in_root dpkg --install /root/vetbridge.deb
[ "$(in_root stat -c '%a %U %G' /etc/vetbridge/vetbridge.toml)" = "640 root vetbridge" ] || fail "the configuration's place"
[ -z "$(in_root dpkg-query --show --showformat '${Conffiles}' vetbridge)" ] || fail "an update would ask about a conffile"
[ "$(in_root stat -c '%a %U %G' /var/lib/vetbridge /etc/vetbridge | tr '\n' ' ')" = \
  "700 vetbridge vetbridge 750 root vetbridge " ] || fail "the directories"
[ ! -e "$ROOT/etc/systemd/system/multi-user.target.wants/vetbridge.service" ] || fail "it starts before it is configured"
in_root vetbridge --version
in_root vetbridge check && fail "it runs without a configuration"
for file in usr/share/bash-completion/completions/vetbridge usr/share/zsh/vendor-completions/_vetbridge \
  usr/share/fish/vendor_completions.d/vetbridge.fish usr/share/doc/vetbridge/docs/tasks/install.md; do
  [ -s "$ROOT/$file" ] || fail "$file is missing"
done
# What changes for a clinic, as CHANGELOG.md has it, and whose code is in the program.
in_root zcat /usr/share/doc/vetbridge/changelog.gz | cmp --silent - CHANGELOG.md || fail "changelog.gz is not CHANGELOG.md"
in_root zgrep --quiet '^ring ' /usr/share/doc/vetbridge/third-party-notices.gz || fail "the notices of others do not name ring"

python3 tests/deploy/links.py "$ROOT/usr/share/doc/vetbridge" --root "$ROOT"

say "the units"
for unit in vetbridge.service vetbridge@.service; do
  # Every page that the unit names, and every page of a command.
  for page in $(sed -n 's/^Documentation=//p' "deploy/$unit" | tr ' ' '\n' | sed -n 's/^man:\(.*\)(1)$/\1/p'); do
    in_root man --warnings "$page" >/dev/null || fail "$unit names $page(1)"
  done
  rating="$(in_root systemd-analyze security --offline=true --threshold=20 "/lib/systemd/system/$unit")" ||
    fail "$unit: $(tail -n 1 <<<"$rating")"
  tail -n 1 <<<"$rating"
done
in_root systemd-analyze verify --man=yes vetbridge.service vetbridge@east.service 2>&1 | tee "$ROOT.out"
! grep --quiet vetbridge "$ROOT.out" || fail "systemd-analyze verify"

say "the demo"
in_root vetbridge demo --for 10s | tail -n 4

say "a configured service, as its unit runs it"
"${SIMULATORS_PROGRAM:-target/debug/examples/simulators}" 127.0.0.1:8080 127.0.0.1:8090 >"$ROOT.simulators" &
SIMULATORS=$!
cat >>"$ROOT/etc/vetbridge/vetbridge.toml" <<'TOML'
[openvpms]
url = "http://127.0.0.1:8080/openvpms"
username = "healthengine"
password = { credential = "openvpms.password" }
[healthengine]
url = "http://127.0.0.1:8090/pms-api/v1"
api_key = "the-api-key"
vendor = "Example Vets Bridge"
contact = "it@examplevets.com.au"
environment = "DEV"
[[practice]]
id = "1234567"
key = "the-practice-key"
locations = [98]
live_hours = { monday = ["08:00-18:00"] }
TOML
install -m 600 /dev/stdin "$ROOT/etc/vetbridge/openvpms.password" <<<changeit
# What LoadCredential= makes of it.
in_root sh -c 'install -d -o vetbridge -m 0500 /run/credentials &&
  install -o vetbridge -m 0400 /etc/vetbridge/openvpms.password /run/credentials/'

# The other end of NOTIFY_SOCKET: what the service reports is a line.
cat >"$ROOT.manager.py" <<'PYTHON'
import os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
print("listening", flush=True)
while True:
    print(manager.recv(4096).decode(), flush=True)
PYTHON
python3 "$ROOT.manager.py" "$ROOT/run/notify" >>"$ROOT.reported" &
MANAGER=$!

until_it() {
  local what=$1 _
  shift
  for _ in $(seq 120); do
    "$@" >"$ROOT.out" 2>&1 && return 0
    sleep 0.5
  done
  cat "$ROOT.out" "$ROOT.service" >&2
  fail "not within a minute: $what"
}

until_it "somebody hears what the service reports" grep --quiet listening "$ROOT.reported"

start() {
  : >"$ROOT.reported"
  in_root sh -c 'echo $$ >/run/vetbridge.pid && exec "$@"' sh \
    env NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=3000000 CREDENTIALS_DIRECTORY=/run/credentials STATE_DIRECTORY=/var/lib/vetbridge \
    setpriv --reuid vetbridge --regid vetbridge --init-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    sh -c "umask 077; exec $(sed -n 's/^ExecStart=//p' deploy/vetbridge.service)" >"$ROOT.service" 2>&1 &
  SERVICE=$!
  until_it "it is ready" grep --quiet READY=1 "$ROOT.reported"
  until_it "the watchdog is fed" grep --quiet WATCHDOG=1 "$ROOT.reported"
  until_it "in step" in_root vetbridge status
}

as_root() { in_root env CREDENTIALS_DIRECTORY=/etc/vetbridge vetbridge "$@"; }

# The state belongs to the service, whatever root did to it.
owned() {
  local others
  others="$(in_root find /var/lib/vetbridge ! -user vetbridge)"
  [ -z "$others" ] || fail "not the service's own: $others"
  [ "$(in_root stat -c %a /var/lib/vetbridge)" = 700 ] || fail "the state is open to others"
}

start
until_it "a booking is confirmed" grep --quiet '^confirmed' "$ROOT.simulators"
as_root check >"$ROOT.out" || { cat "$ROOT.out" >&2; fail "check beside the running service"; }
in_root vetbridge state verify
in_root vetbridge state export /root/running.jsonl
owned
stop_service
grep --quiet STOPPING=1 "$ROOT.reported" || fail "it does not say that it stops"

say "root works at the state of the stopped service"
as_root check >"$ROOT.out" || { cat "$ROOT.out" >&2; fail "check beside the stopped service"; }
in_root vetbridge state verify
in_root vetbridge state export /root/stopped.jsonl
in_root vetbridge bookings | grep confirmed
[ "$(grep -c 36127212 "$ROOT/root/stopped.jsonl")" -gt 0 ] || fail "the booking is not in the export"
owned
# A rehearsal reads secrets that only root can read, so root stays root for it. What it leaves is the service's all the same.
as_root rehearse --book --for 1s >"$ROOT.out" 2>&1 || { cat "$ROOT.out" >&2; fail "the rehearsal"; }
in_root test -e /var/lib/vetbridge/rehearsal-lock || fail "the rehearsal booked without its lock"
owned
# A command that calls the servers does so as the service's user, which cannot read what root alone can.
as_root resync --offline-too >"$ROOT.out" 2>&1 && fail "the service's user reads root's secrets"
in_root sh -c 'chgrp vetbridge /etc/vetbridge/openvpms.password && chmod 640 /etc/vetbridge/openvpms.password'
as_root resync --offline-too >"$ROOT.out" 2>&1 || { cat "$ROOT.out" >&2; fail "the resync"; }
owned

say "an update over itself, with a changed configuration"
cp "$ROOT/etc/vetbridge/vetbridge.toml" "$ROOT.before"
state_before="$(in_root vetbridge state verify)"
in_root dpkg --install /root/vetbridge.deb >"$ROOT.out" 2>&1 </dev/null || { cat "$ROOT.out" >&2; fail "the update"; }
cmp "$ROOT/etc/vetbridge/vetbridge.toml" "$ROOT.before" || fail "the configuration changed"
[ "$(in_root vetbridge state verify)" = "$state_before" ] || fail "the state changed"
start
stop_service

say "an update to a later version, which says something else where the configuration goes, and back"
dpkg-deb --raw-extract "$package" "$ROOT.later"
sed -i 's/^Version: .*/Version: 99.0.0-1/' "$ROOT.later/DEBIAN/control"
echo '# What a later version says.' >>"$ROOT.later/usr/share/vetbridge/vetbridge.toml"
dpkg-deb -Zgzip -z1 --root-owner-group --build "$ROOT.later" "$ROOT/root/later.deb" >/dev/null
for step in later:99.0.0-1 "vetbridge:$version"; do
  in_root dpkg --install "/root/${step%%:*}.deb" >"$ROOT.out" 2>&1 </dev/null || { cat "$ROOT.out" >&2; fail "to ${step#*:}"; }
  [ "$(in_root dpkg-query --show --showformat '${Version} ${db:Status-Status}' vetbridge)" = "${step#*:} installed" ] ||
    fail "it is not ${step#*:}"
  cmp "$ROOT/etc/vetbridge/vetbridge.toml" "$ROOT.before" || fail "the configuration changed"
  [ -z "$(ls "$ROOT/etc/vetbridge" | grep dpkg)" ] || fail "dpkg left another configuration"
  start
  stop_service
done
in_root vetbridge state import --replace /root/running.jsonl >"$ROOT.out" 2>&1 || { cat "$ROOT.out" >&2; fail "the restore"; }
in_root vetbridge bookings | grep --quiet confirmed || fail "the booking is gone"
owned
start
stop_service

say "removed"
printf '0 2 * * * root /usr/bin/vetbridge state export --force /root/vetbridge-backup.jsonl\n' >"$ROOT/etc/cron.d/vetbridge"
cp "$ROOT/root/running.jsonl" "$ROOT/root/vetbridge-backup.jsonl"
cp "$ROOT/root/running.jsonl" "$ROOT/root/vetbridge-day-1.jsonl.incomplete"
in_root dpkg --remove vetbridge >"$ROOT.out"
grep --quiet 'the nightly backup fails' "$ROOT.out" || fail "the removal does not say what becomes of the nightly backup"
cmp "$ROOT/etc/vetbridge/vetbridge.toml" "$ROOT.before" || fail "the removal deleted the configuration"
[ -s "$ROOT/etc/vetbridge/openvpms.password" ] || fail "the removal deleted a secret"
[ -e "$ROOT/var/lib/vetbridge/db" ] || fail "the removal deleted the state"
[ ! -e "$ROOT/usr/bin/vetbridge" ] || fail "the removal left the program"

say "purged"
in_root dpkg --purge vetbridge | tee "$ROOT.out"
grep --quiet 'left in /var/lib/vetbridge' "$ROOT.out" || fail "the purge does not say what it left"
grep --quiet 'shred -u /root/vetbridge-backup.jsonl' "$ROOT.out" || fail "the purge does not name the backup"
grep --quiet 'shred -u /root/vetbridge-day-1.jsonl.incomplete' "$ROOT.out" || fail "the purge does not name the incomplete backup"
[ ! -e "$ROOT/etc/cron.d/vetbridge" ] || fail "the purge left a job that fails each night"
[ ! -e "$ROOT/etc/vetbridge" ] || fail "the purge left secrets"
[ -e "$ROOT/var/lib/vetbridge/db" ] || fail "the purge deleted the state"

say "installed again, the state is there; a unit that hides the package's is named"
touch "$ROOT/etc/systemd/system/vetbridge.service"
in_root dpkg --install /root/vetbridge.deb >"$ROOT.out" 2>&1
grep --quiet '/etc/systemd/system/vetbridge.service hides the unit' "$ROOT.out" || fail "nobody is told of the unit"
in_root vetbridge state verify 2>&1 | tail -n 1
say "done"
