#!/usr/bin/env bash
# Walks docs/tasks/give-reception-the-status-page.md with a real sshd: the account is made by the page's own commands, and the
# files are those of the page. It reaches the status page, and can do nothing else. Everything happens in a mount and a network
# namespace, on a copy of /etc. Needs root, sshd and adduser (Debian: openssh-server, openssh-client, adduser, iproute2).
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/sbin:/sbin"
skip() {
  echo "reception.sh: SKIPPED, nothing was tested: $1" >&2
  exit 77
}
fail() {
  echo "reception.sh: $1" >&2
  [ -z "${work:-}" ] || tail -n 20 "$work"/*log >&2
  exit 1
}
if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || skip "this needs root: sudo $0"
  for tool in sshd ssh sftp ssh-keygen adduser curl python3 ip unshare; do
    command -v "$tool" >/dev/null ||
      skip "$tool is not installed: apt-get install openssh-server openssh-client adduser curl python3 iproute2"
  done
  unshare --net --mount true 2>/dev/null || skip "this machine gives nobody a network of their own"
  exec unshare --net --mount --propagation private "$0" inside
fi

work=$(mktemp -d)
pids=()
# The copy of /etc has the machine's passwords, so it goes whatever else happens. The walk's own status stays.
cleanup() {
  local status=$?
  set +e
  kill "${pids[@]}" 2>/dev/null
  cd /
  # A process that is still ending can hold it.
  umount --lazy /etc 2>/dev/null
  rm -rf "$work" || status=1
  exit "$status"
}
trap cleanup EXIT
cp -a /etc "$work/etc"
mount --bind "$work/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /home
mkdir -m 1777 /home/open
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /etc/ssh/sshd_config.d
ip link set lo up
id sshd >/dev/null 2>&1 || useradd --system --no-create-home --home-dir /run/sshd --shell /usr/sbin/nologin sshd
! id status >/dev/null 2>&1 || skip "this machine has a user called status"

page=docs/tasks/give-reception-the-status-page.md
# block START: the lines of a block of the page from the one that begins like this.
block() { awk -v start="$1" '/^```/ { on = 0 } index($0, start) == 1 { on = 1 } on' "$page"; }
ssh-keygen -q -t ed25519 -N "" -f "$work/key"
ssh-keygen -q -t ed25519 -N "" -f "$work/host"
cat >"$work/sshd_config" <<CONFIG
Include /etc/ssh/sshd_config.d/*.conf
Port 2222
ListenAddress 127.0.0.1
HostKey $work/host
PidFile none
UsePAM yes
X11Forwarding yes
Subsystem sftp internal-sftp
CONFIG

# The account, by the page's commands; the editor writes what the page shows.
commands=$(block "sudo adduser" | sed 's/^sudo //; /^sudoedit/d')
[ "$(wc -l <<<"$commands")" = 3 ] || fail "the page makes the account otherwise: $commands"
sh -ec "$commands" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "the page's commands"; }
block "restrict" | sed "s|ssh-ed25519 .*|$(cut -d ' ' -f 1,2 "$work/key.pub") reception|" >/home/status/.ssh/authorized_keys
[ "$(wc -l </home/status/.ssh/authorized_keys)" = 1 ] || fail "the page has no line for authorized_keys"

start_sshd() {
  "$(command -v sshd)" -t -f "$work/sshd_config" || fail "sshd does not take the page's file"
  "$(command -v sshd)" -D -e -f "$work/sshd_config" >>"$work/sshd.log" 2>&1 &
  pids+=($!)
  sshd=$!
  for _ in $(seq 100); do ! listens 2222 || return 0; sleep 0.1; done
  fail "sshd does not listen"
}
options=(-F none -i "$work/key" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no
  -o "UserKnownHostsFile=$work/known" -o ExitOnForwardFailure=yes -o LogLevel=ERROR)
reception() { timeout 10 ssh "${options[@]}" -p 2222 "$@"; }
listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# forwarded OPTION FORWARDING PORT: true once somebody listens on the port, false if ssh ended before.
forwarded() {
  ssh "${options[@]}" -p 2222 -N "$1" "$2" status@127.0.0.1 2>>"$work/log" &
  way=$!
  pids+=("$way")
  for _ in $(seq 100); do
    ! listens "$3" || return 0
    kill -0 "$way" 2>/dev/null || return 1
    sleep 0.2
  done
  fail "ssh neither ends nor stands: $*"
}
for port in 8686 8687; do
  python3 -m http.server --bind 127.0.0.1 --directory "$work/etc/ssh/sshd_config.d" "$port" >/dev/null 2>&1 &
  pids+=($!)
done
answers() { curl -s -o /dev/null --noproxy '*' --max-time 3 "http://127.0.0.1:$1/"; }

# Before sshd knows what the account may do it listens where it likes, so what follows is sshd's refusal.
start_sshd
forwarded -R 9001:127.0.0.1:8687 9001 && answers 9001 || fail "the account does not listen before the page forbids it"
kill "$sshd" "$way"
wait "$sshd" "$way" 2>/dev/null || true

block "Match User" >/etc/ssh/sshd_config.d/status.conf
grep -q PermitOpen /etc/ssh/sshd_config.d/status.conf || fail "the page has no file for sshd"
start_sshd
forwarded -L 9002:127.0.0.1:8686 9002 && answers 9002 || fail "the status page is not reached"
forwarded -L 9003:127.0.0.1:8687 9003 && ! answers 9003 || fail "another port of the machine is reached"
! forwarded -R 9004:127.0.0.1:8687 9004 || fail "the account listens on a port of the machine"
! forwarded -R /home/open/socket:127.0.0.1:8687 9005 || fail "the account listens on a socket of the machine"
! reception status@127.0.0.1 id >"$work/out" 2>&1 || fail "a command runs"
! grep -q uid= "$work/out" || fail "a command runs"
grep -q "not available" "$work/out" || { cat "$work/out" >&2; fail "nobody is told that the account is not available"; }
echo id | reception -T status@127.0.0.1 >"$work/out" 2>&1 || true
! grep -q uid= "$work/out" || fail "there is a shell"
! timeout 10 sftp "${options[@]}" -P 2222 -b /dev/null status@127.0.0.1 >>"$work/log" 2>&1 || fail "there is sftp"
[ "$(stat -c %U /home/status /home/status/.ssh /home/status/.ssh/authorized_keys | sort -u)" = root ] || fail "the account owns its files"
echo "reception reaches port 8686, and nothing else: no other port, no listening, no command, no shell, no sftp (${SECONDS}s)"
