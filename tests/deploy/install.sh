#!/usr/bin/env bash
# shellcheck source=tests/deploy/root.sh disable=SC2154
# Walks docs/tasks/install.md and the pages it leads to, in a clean Debian with systemd, from the package to the first confirmed
# booking, and says how long that takes. Everything typed is taken from the pages. Then the same service is updated by its page to
# a later version and back, stopped, restored and removed.
#
#   cargo build --release --locked && cargo build --locked --example simulators && tests/deploy/install.sh
#
# VETBRIDGE=FILE takes another program. Exits with 77 where a machine cannot do this: it needs root, debootstrap, and the right
# to have mounts, a network and processes of its own. Nothing outside target/ is touched.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { echo "This needs root: sudo -E env \"PATH=\$PATH\" $0"; exit 77; }
  unshare --net --mount true 2>/dev/null || { echo "This machine gives nobody a network of their own."; exit 77; }
  command -v ip >/dev/null || { echo "ip, of Debian's package iproute2, is missing."; exit 77; }
  deploy/debian/build.sh >/dev/null
  # The one time that the network of this machine is needed: the base of all roots.
  bash -euc '. tests/deploy/root.sh; trap end_root EXIT; make_root target/ci/root-base'
  # The tar of a release, with the program of the package.
  VETBRIDGE=target/deb/vetbridge OUT=target/ci/tar WITHOUT="deb windows image sbom" deploy/release.sh >/dev/null
  exec unshare --net --mount --propagation private "$0" inside
fi

. tests/deploy/root.sh
trap 'status=$?; [ -z "${SIMULATORS:-}" ] || kill "$SIMULATORS" 2>/dev/null || true; end_root; exit $status' EXIT
# The address that the pages have for OpenVPMS.
ip link set lo up
ip address add 10.8.0.1/32 dev lo

make_root target/ci/root-install
cp target/deb/vetbridge_*.deb "$ROOT/root/"
(cd "$ROOT/root" && sha256sum vetbridge_*.deb >SHA256SUMS)
rm -f "$ROOT/usr/bin/editor"
install -m 755 tests/deploy/editor.sh "$ROOT/usr/bin/editor"
boot
in_booted systemctl --version | head -n 1

heard="$ROOT.simulators"
"${SIMULATORS_PROGRAM:-target/debug/examples/simulators}" 10.8.0.1:8080 127.0.0.1:8090 >"$heard" &
SIMULATORS=$!

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  in_booted journalctl --unit 'vetbridge*' --no-pager --lines 30 >&2 || true
  exit 1
}

# until_it WHAT COMMAND…: repeats a command until it succeeds, for at most a minute.
until_it() {
  local what=$1 out _
  shift
  for _ in $(seq 120); do
    out="$("$@" 2>&1)" && return 0
    sleep 0.5
  done
  fail "not within a minute: $what: $out"
}

# type_line LINE: in a terminal of the container, as its administrator.
type_line() {
  printf '  $ %s\n' "$1"
  typed=$((typed + 1))
  in_terminal "$1"
}

in_terminal() {
  in_booted sh -c 'cd && exec script --quiet --return --command "$1" /dev/null' sh "$1" </dev/null >"$ROOT.out" 2>&1
}

# What systemd has of the service under this name.
property() { in_booted systemctl show --value --property "$1" vetbridge; }

# systemd notes the moment also when the service gets ready. What counts is what it hears of it later, on a third of WatchdogSec.
is_fed() { [ "$(property WatchdogTimestampMonotonic)" -gt $(($(property ActiveEnterTimestampMonotonic) + 5000000)) ]; }

# walk PAGE: types what stands in its blocks without a language, up to "Without the package". What the blocks with a language
# show is what is to be written in the editor that was opened before.
walk() {
  local page=$1 blocks="$ROOT.blocks" number=0 line
  printf '%s\n' "$page"
  rm -rf "$blocks"
  mkdir "$blocks"
  awk -v into="$blocks" '
    /^## Without the package/ { exit }
    /^```/ && !inside { inside = 1; file = sprintf("%s/%02d.%s", into, ++number, /^```$/ ? "typed" : "shown"); next }
    /^```/ { inside = 0; close(file); next }
    inside { print > file }
  ' "$page"
  while number=$((number + 1)); block="$(ls "$blocks" | sed -n "${number}p")"; [ -n "$block" ]; do
    [ "${block#*.}" = typed ] || continue
    : >"$ROOT/root/shown"
    local next
    for next in $(ls "$blocks" | sed -n "$((number + 1)),\$p"); do
      [ "${next#*.}" = shown ] || break
      cat "$blocks/$next" >>"$ROOT/root/shown"
    done
    while IFS= read -r line; do
      if [[ "$line" == *"vetbridge status"* ]]; then
        type_line "$line" || until_it "$line" in_terminal "$line"
      else
        type_line "$line" || { cat "$ROOT.out" >&2; fail "$page: $line"; }
      fi
    done <"$blocks/$block"
  done
}

# What the log says of it.
RELOADED='was read again'

typed=0
began=$SECONDS
for page in install get-access link-a-practice; do
  walk "docs/tasks/$page.md"
done
until_it "a confirmed booking" grep --quiet '^confirmed ' "$heard"
grep --quiet '^1 in the diary' "$heard" || until_it "the appointment" grep --quiet '^1 in the diary' "$heard"
took=$((SECONDS - began))
cat "$heard"
printf 'From the package to the first confirmed booking: %d.%d minutes, %d commands, no question.\n' \
  $((took / 60)) $((took % 60 / 6)) "$typed"
in_booted vetbridge bookings

say "the service is what its unit says"
[ "$(property User)" = vetbridge ] || fail "the user"
pid="$(property MainPID)"
[ "$(in_booted sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status")" = "$(in_booted id -u vetbridge)" ] ||
  fail "the user of process $pid"
# Of a process whose memory is nobody's to read the kernel gives its files to root.
[ "$(in_booted stat -c %U "/proc/$pid/mem")" = root ] || fail "whoever is vetbridge reads the memory of process $pid"
in_booted systemctl reload vetbridge || fail "the reload"
until_it "the reload" in_booted sh -c "journalctl --unit vetbridge --no-pager | grep --quiet '$RELOADED'"
in_booted systemd-analyze verify vetbridge.service vetbridge@east.service 2>&1 | sed 's/^/  /'
until_it "the watchdog is fed" is_fed
[ "$(property MainPID)" = "$pid" ] && [ "$(property NRestarts)" = 0 ] || fail "it was started again"

say "an update to a later version and back, as the page has both"
# The package that the page installs: this program under a later version.
installed="$(in_booted dpkg-query --show --showformat '${Version}' vetbridge)"
later="$(grep -o 'apt install \./vetbridge_[^ ]*\.deb' docs/tasks/update-vetbridge.md | head -n 1)" later="${later##*/}"
version="${later#*_}" version="${version%_*}"
dpkg --compare-versions "$version" gt "$installed" || fail "the page updates to $version, and this is $installed"
dpkg-deb --raw-extract target/deb/vetbridge_*.deb "$ROOT.later"
sed -i "s/^Version: .*/Version: $version/" "$ROOT.later/DEBIAN/control"
dpkg-deb -Zgzip -z1 --root-owner-group --build "$ROOT.later" "$ROOT/root/$later" >/dev/null
before="$(in_booted sha256sum /etc/vetbridge/vetbridge.toml)"
walk docs/tasks/update-vetbridge.md
[ "$(in_booted dpkg-query --show --showformat '${Version}' vetbridge)" = "$installed" ] || fail "the way back"
in_booted grep --quiet " upgrade vetbridge:[a-z0-9]* $installed $version" /var/log/dpkg.log || fail "the update to $version"
in_booted test -s /root/vetbridge-before-update.jsonl || fail "the backup"
[ "$(in_booted sha256sum /etc/vetbridge/vetbridge.toml)" = "$before" ] || fail "the configuration changed"
[ "$(property MainPID)" != "$pid" ] || fail "it was not restarted"
until_it "in step after the update" in_booted vetbridge status
rm "$ROOT/root/$later"

say "an update while the configuration is refused is an update all the same"
in_booted sh -c 'cp /etc/vetbridge/vetbridge.toml /root/right.toml; echo "[wrong]" >>/etc/vetbridge/vetbridge.toml'
in_booted sh -c 'cd && apt-get install --reinstall --yes --quiet ./vetbridge_*.deb' >"$ROOT.out" 2>&1 </dev/null ||
  { cat "$ROOT.out" >&2; fail "the update"; }
grep --quiet 'did not start again' "$ROOT.out" || { cat "$ROOT.out" >&2; fail "nobody is told that it did not start"; }
in_booted dpkg --audit | grep . && fail "the package is not whole"
in_booted cp /root/right.toml /etc/vetbridge/vetbridge.toml
until_it "in step with the configuration as it was" in_booted vetbridge status

say "root exports and verifies the state of the running and of the stopped service, and restores it"
in_booted vetbridge state verify
in_booted vetbridge state export /root/running.jsonl
in_booted systemctl stop vetbridge
in_booted vetbridge state verify
in_booted vetbridge state export /root/stopped.jsonl
in_booted vetbridge check >"$ROOT.out" 2>&1 && fail "check has the secrets without being told where they are"
in_booted env CREDENTIALS_DIRECTORY=/etc/vetbridge vetbridge check >"$ROOT.out" || { cat "$ROOT.out"; fail "check"; }
in_booted vetbridge state import --replace /root/running.jsonl >/dev/null 2>&1 || fail "the import"
[ "$(in_booted stat -c %U /var/lib/vetbridge/db)" = vetbridge ] || fail "the state is not the service's own any more"
in_booted systemctl start vetbridge
until_it "in step after the restore" in_booted vetbridge status
in_booted vetbridge bookings | grep --quiet confirmed || fail "the booking is gone"

say "a second vetbridge on this machine"
in_booted sh -c 'install -d -m 0750 -g vetbridge /etc/vetbridge/east
  sed "s/^enabled = .*//; s/^\[\[practice\]\]/&\nenabled = false/; s/{ credential = .* }/\"x\"/" /etc/vetbridge/vetbridge.toml \
    >/etc/vetbridge/east/vetbridge.toml
  printf "[admin]\nlisten = \"127.0.0.1:8696\"\n" >/root/east; cat /root/east >>/etc/vetbridge/east/vetbridge.toml'
in_booted systemctl start vetbridge@east && fail "it started on the state of the first one"
in_booted journalctl --unit vetbridge@east --no-pager | grep 'Write path = "/var/lib/vetbridge-east"' | head -n 1
printf '[state]\npath = "/var/lib/vetbridge-east"\n' >>"$ROOT/etc/vetbridge/east/vetbridge.toml"
# What openSUSE has there. The first one was started without it.
in_booted install -D -m 644 /etc/ssl/certs/ca-certificates.crt /var/lib/ca-certificates/ca-bundle.pem
in_booted systemctl start vetbridge@east || fail "vetbridge@east"
in_booted vetbridge status --config /etc/vetbridge/east/vetbridge.toml | head -n 3
for sees in "vetbridge vetbridge" "vetbridge@east ca-certificates vetbridge-east"; do
  own="${sees%% *}"
  pid="$(in_booted systemctl show --value --property MainPID "$own")"
  seen="$(in_booted nsenter --target "$pid" --mount ls /var/lib | xargs)"
  [ "$seen" = "${sees#* }" ] || fail "$own sees in /var/lib: $seen"
done
in_booted nsenter --target "$pid" --mount test -s /var/lib/ca-certificates/ca-bundle.pem || fail "$own sees no authorities"
in_booted rm -r /var/lib/ca-certificates
in_booted sh -c 'cat /sys/fs/cgroup/memory/system.slice/vetbridge.service/memory.max_usage_in_bytes 2>/dev/null ||
  cat /sys/fs/cgroup/system.slice/vetbridge.service/memory.peak 2>/dev/null' | sed 's/$/ bytes of memory at most/'

say "removed, everything stops"
in_booted apt-get remove --yes --quiet vetbridge >"$ROOT.out" 2>&1 </dev/null || { cat "$ROOT.out" >&2; fail "the removal"; }
in_booted systemctl is-active vetbridge vetbridge@east && fail "it still runs"

say "without the package"
in_booted apt-get purge --yes --quiet vetbridge >"$ROOT.out" 2>&1 </dev/null || { cat "$ROOT.out" >&2; fail "the purge"; }
in_booted sh -c 'rm -r /var/lib/vetbridge /var/lib/vetbridge-east && userdel vetbridge'
tar -xzf target/ci/tar/vetbridge-*.tar.gz -C "$ROOT/root"
folder="$(cd "$ROOT/root" && ls -d vetbridge-*-linux-*)"
sed -n '/^## Without the package/,$p' docs/tasks/install.md | grep '^sudo ' >"$ROOT/root/$folder/commands"
[ "$(wc -l <"$ROOT/root/$folder/commands")" -ge 10 ] || fail "the page has too few commands"
by_the_page() { in_booted sh -exc "cd '/root/$folder' && . ./commands"; }
by_the_page || fail "the page's commands"
[ "$(in_booted stat -c '%a %U %G' /var/lib/vetbridge /etc/vetbridge | tr '\n' ' ')" = \
  "700 vetbridge vetbridge 750 root vetbridge " ] || fail "the directories"
in_booted systemctl cat vetbridge.service vetbridge@east.service >/dev/null || fail "the units"
for page in $(sed -n 's/^Documentation=//p' deploy/vetbridge.service | tr ' ' '\n' | sed -n 's/^man:\(.*\)(1)$/\1/p'); do
  in_booted man "$page" >/dev/null || fail "the unit names $page(1)"
done
echo "# The clinic's own." >>"$ROOT/etc/vetbridge/vetbridge.toml"
by_the_page || fail "the same commands as an update"
grep --quiet "The clinic's own" "$ROOT/etc/vetbridge/vetbridge.toml" || fail "an update took the configuration away"

say "from the tar to the package"
# removal N: the commands of the section's block of that number: 1 the files, 2 before them, 3 after them, 4 the state.
removal() {
  sed -n '/^### Without the package/,/^### Several/p' docs/operations.md |
    awk -v block="$1" '/^```text/ { on = ++number == block; next } /^```/ { on = 0 } on' >"$ROOT/root/$folder/commands"
  [ "$(wc -l <"$ROOT/root/$folder/commands")" = "$2" ] || fail "docs/operations.md has other commands in block $1"
}
in_booted systemctl enable vetbridge@east >/dev/null 2>&1 || fail "an instance of the tar's unit"
removal 1 4
in_booted sh -c 'cd && apt-get install --yes --quiet ./vetbridge_*.deb' >"$ROOT.out" 2>&1 </dev/null || fail "the package beside the tar"
grep --quiet 'vetbridge.service hides the unit' "$ROOT.out" || fail "nobody is told of the unit that hides the package's"
in_booted apt-get remove --yes --quiet vetbridge >"$ROOT.out" 2>&1 </dev/null || fail "the removal"
by_the_page || fail "the page's commands"
in_booted sh -c 'cd && apt-get install --yes --quiet ./vetbridge_*.deb' >"$ROOT.out" 2>&1 </dev/null || fail "the package after the tar"
wants=/etc/systemd/system/multi-user.target.wants
[ "$(in_booted ls "$wants" | grep vetbridge)" = vetbridge@east.service ] || fail "what is enabled is not what was"
in_booted systemctl reenable vetbridge@east >/dev/null 2>&1 || fail "the instance is not enabled anew"
[[ "$(in_booted readlink "$wants/vetbridge@east.service")" == */lib/systemd/system/vetbridge@.service ]] || fail "the link of the instance"
! grep 'hides the unit' "$ROOT.out" || fail "a unit of the tar is left"
[[ "$(in_booted systemctl show --value --property FragmentPath vetbridge)" == */lib/systemd/system/vetbridge.service ]] || fail "the unit"
in_booted vetbridge --version >/dev/null || fail "the program"
grep --quiet "The clinic's own" "$ROOT/etc/vetbridge/vetbridge.toml" || fail "the package took the configuration away"

say "the tar for good"
in_booted apt-get remove --yes --quiet vetbridge >"$ROOT.out" 2>&1 </dev/null || fail "the removal"
sed -n '/^## Without the package/,$p' docs/tasks/install.md | grep '^sudo ' >"$ROOT/root/$folder/commands"
by_the_page || fail "the page's commands"
in_booted sh -c 'systemctl enable vetbridge vetbridge@east; cd /etc/systemd/system
  mkdir -p vetbridge.service.d vetbridge@east.service.d /var/lib/vetbridge-east
  touch /etc/cron.d/vetbridge /root/vetbridge-2027-02-15.jsonl vetbridge.service.d/override.conf' >/dev/null 2>&1
for block in "2 3" "1 4" "3 2"; do
  removal "${block% *}" "${block#* }"
  by_the_page || fail "the page's commands"
done
[ -d "$ROOT/var/lib/vetbridge" ] && [ -e "$ROOT/root/vetbridge-2027-02-15.jsonl" ] || fail "the record of bookings is gone"
removal 4 3
by_the_page || fail "the page's commands"
left="$(in_booted find /etc /var/lib /usr/bin /usr/local /root/vetbridge-2027-02-15.jsonl -name '*vetbridge*' 2>/dev/null |
  grep -v '^/var/lib/\(dpkg\|systemd\)/' || true)"
[ -z "$left" ] || fail "this is left: $left"
in_booted id vetbridge >/dev/null 2>&1 && fail "the user is left"
say "done"
