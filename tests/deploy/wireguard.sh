#!/usr/bin/env bash
# Walks the WireGuard part of docs/network.md: the two ends are two network namespaces of this machine, with the
# page's own configuration, the page's own firewall, and deploy/wireguard/wg0.example.conf. A third one is a container on
# the OpenVPMS server, of which a port is published as Docker does it. Then each end gets another address, and at last
# the clinic's end is a router, with OpenVPMS behind it. Needs root, wg-quick, nft, and a kernel with WireGuard or
# wireguard-go (Debian: wireguard-tools, nftables, wireguard-go).
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/sbin:/sbin"
skip() {
  echo "wireguard.sh: SKIPPED, nothing was tested: $1" >&2
  exit 77
}
fail() {
  echo "wireguard.sh: $1" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || skip "this needs root: sudo $0"
for tool in ip wg wg-quick nft python3 curl; do
  command -v "$tool" >/dev/null ||
    skip "$tool is not installed: apt-get install iproute2 wireguard-tools wireguard-go nftables curl python3"
done
own=vetbridge-$$
ip netns add "$own-clinic" 2>/dev/null || skip "there are no network namespaces here"
work=$(mktemp -d)
cleanup() {
  for end in clinic bridge openvpms container; do
    in_end "$end" wg-quick down "$work/$end/wg0.conf" >/dev/null 2>&1 || true
    # All that is left in a namespace of ours was started here.
    for pid in $(ip netns pids "$own-$end" 2>/dev/null); do kill "$pid" 2>/dev/null || true; done
    ip netns del "$own-$end" 2>/dev/null || true
  done
  rm -rf "$work"
}
# in_end END COMMAND…: runs it in the namespace. wireguard-go has one socket for each name of a tunnel, hence a
# folder of its own.
in_end() {
  local end=$1
  shift
  mkdir -p "$work/$end/run"
  ip netns exec "$own-$end" sh -c 'mkdir -p /var/run/wireguard && mount --bind "$0/run" /var/run/wireguard &&
    mount --bind "$0/../hosts" /etc/hosts && exec "$@"' "$work/$end" "$@"
}
trap cleanup EXIT
umask 077
ip netns add "$own-bridge"
mkdir "$work/clinic" "$work/bridge"
# Where the clinic is, as far as names say.
clinic_is_at() { printf '127.0.0.1 localhost\n%s vpn.examplevets.com.au\n' "$1" >"$work/hosts"; }
clinic_is_at 203.0.113.1

# The internet between them.
ip link add "c$$" netns "$own-clinic" type veth peer name "b$$" netns "$own-bridge"
ip -n "$own-clinic" addr add 203.0.113.1/24 dev "c$$"
ip -n "$own-bridge" addr add 203.0.113.2/24 dev "b$$"
for end in clinic bridge; do
  ip -n "$own-$end" link set lo up
  wg genkey >"$work/$end/key"
  wg pubkey <"$work/$end/key" >"$work/$end/public"
done
ip -n "$own-clinic" link set "c$$" up
ip -n "$own-bridge" link set "b$$" up

# block START: the fenced block of the page that begins with this line.
block() { awk -v start="$1" '/^```/ { if (on) exit; next } $0 == start { on = 1 } on' docs/network.md; }
awk '/^```ini/ { on = 1; next } /^```/ { on = 0 } on' docs/network.md |
  sed "s|replace-with-the-key-of-the-clinic|$(cat "$work/clinic/key")|
       s|replace-with-the-public-key-of-the-machine-of-vetbridge|$(cat "$work/bridge/public")|
       s|/etc/wireguard/|$work/|" >"$work/clinic/wg0.conf"
sed "s|replace-with-the-key-of-this-machine|$(cat "$work/bridge/key")|
     s|replace-with-the-public-key-of-the-clinic|$(cat "$work/clinic/public")|" deploy/wireguard/wg0.example.conf >"$work/bridge/wg0.conf"
! grep -n replace-with "$work"/*/wg0.conf || fail "a key was not filled in"
block "# /etc/wireguard/vetbridge.nft" >"$work/vetbridge.nft"
grep -q 8443 "$work/vetbridge.nft" && grep -q "$work/vetbridge.nft" "$work/clinic/wg0.conf" || fail "the page has no firewall"
# Somebody else's rules, which are there before and afterwards.
printf 'table inet theirs {\n  chain input {\n    type filter hook input priority 10; policy accept;\n  }\n}\n' | in_end clinic nft -f -
in_end clinic nft -c -f "$work/vetbridge.nft"
for end in clinic bridge; do
  in_end "$end" wg-quick up "$work/$end/wg0.conf" >"$work/$end/log" 2>&1 || {
    cat "$work/$end/log" >&2
    # wg-quick says that the kernel has none also where something else went wrong afterwards.
    grep -q "Unknown device type\|not supported" "$work/$end/log" && ! grep -q "Configuration parsing" "$work/$end/log" &&
      skip "neither the kernel nor wireguard-go has WireGuard here"
    exit 1
  }
done

# OpenVPMS's two ports, on every address of its end.
for port in 8443 8080; do
  in_end clinic python3 -m http.server --bind 0.0.0.0 --directory "$work/clinic/run" "$port" >/dev/null 2>&1 &
done
# reached PORT SECONDS: true if it answers the machine of vetbridge.
reached() { in_end bridge curl -s -o /dev/null --noproxy '*' --max-time "$2" "http://10.8.0.1:$1/"; }
until_reached() {
  local try
  for try in $(seq 40); do
    reached 8443 1 && return
    [ "$try" -lt 40 ] || fail "10.8.0.1:8443 is not reached through the tunnel: $1"
    sleep 0.25
  done
}
until_reached "at the start"
! reached 8080 2 || fail "10.8.0.1:8080 is reached, though the firewall lets 8443 through alone"
in_end bridge wg show wg0 latest-handshakes | awk '$2 == 0 { exit 1 }' || fail "there was no handshake"

# A port that Docker publishes is led elsewhere before the chain `input` sees it, and is forwarded.
ip netns add "$own-container"
mkdir "$work/container"
ip link add "d$$" netns "$own-clinic" type veth peer name "e$$" netns "$own-container"
ip -n "$own-clinic" addr add 172.17.0.1/16 dev "d$$"
ip -n "$own-clinic" link set "d$$" up
ip -n "$own-container" addr add 172.17.0.2/16 dev "e$$"
ip -n "$own-container" link set "e$$" up
ip -n "$own-container" route add default via 172.17.0.1
in_end clinic sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
printf 'table ip docker {\n  chain prerouting {\n    type nat hook prerouting priority dstnat; policy accept;
    tcp dport 3306 dnat to 172.17.0.2:3306\n  }\n}\n' | in_end clinic nft -f -
in_end container python3 -m http.server --bind 0.0.0.0 --directory "$work/clinic/run" 3306 >/dev/null 2>&1 &
for try in $(seq 40); do
  in_end bridge curl -s -o /dev/null --noproxy '*' --max-time 1 http://203.0.113.1:3306/ && break
  [ "$try" -lt 40 ] || fail "the published port does not answer outside of the tunnel, so it says nothing"
  sleep 0.25
done
! reached 3306 2 || fail "10.8.0.1:3306 is reached, a port that Docker publishes"

! in_end bridge ip route get 198.51.100.1 2>&1 | grep -q wg0 || fail "more than OpenVPMS goes through the tunnel"

# moved END DEVICE FROM TO: that end has another address from here on.
moved() {
  ip -n "$own-$1" addr del "$3/24" dev "$2"
  ip -n "$own-$1" addr add "$4/24" dev "$2"
}
# The machine of vetbridge sends by itself, so the clinic hears where it is.
moved bridge "b$$" 203.0.113.2 203.0.113.12
until_reached "vetbridge's machine has another address"
# The clinic does not, so it is looked for by its name.
moved clinic "c$$" 203.0.113.1 203.0.113.21
! reached 8443 2 || fail "the clinic is reached at an address that it has no more"
clinic_is_at 203.0.113.21
follow() { in_end bridge "$@" deploy/wireguard/follow-endpoint.sh wg0 "$work/bridge/wg0.conf"; }
follow env
! reached 8443 2 || fail "an end that was heard a moment ago is looked for"
follow env SILENT_AFTER=-1
until_reached "the clinic has another address"
echo "through the tunnel 10.8.0.1:8443 is reached, and neither 10.8.0.1:8080 nor a port that Docker publishes is; it finds its way to other addresses (${SECONDS}s)"

# Loaded a second time, it is there once, and what is somebody else's is there still.
in_end clinic nft -f "$work/vetbridge.nft"
[ "$(in_end clinic nft list tables | sort | tr '\n' ' ')" = "table inet theirs table inet vetbridge table ip docker " ] || fail "the firewall's tables"

# The clinic's end is its router. OpenVPMS is behind it.
in_end bridge wg-quick down "$work/bridge/wg0.conf" >/dev/null 2>&1
ip netns add "$own-openvpms"
mkdir "$work/openvpms"
ip link add "l$$" netns "$own-clinic" type veth peer name "o$$" netns "$own-openvpms"
ip -n "$own-clinic" addr add 192.168.1.1/24 dev "l$$"
ip -n "$own-clinic" link set "l$$" up
ip -n "$own-openvpms" addr add 192.168.1.10/24 dev "o$$"
ip -n "$own-openvpms" link set "o$$" up
ip -n "$own-openvpms" route add default via 192.168.1.1
allowed="$(grep -o 'AllowedIPs = [0-9./, ]*192[0-9./]*' docs/network.md)"
sed -i "s|^AllowedIPs = .*|$allowed|" "$work/bridge/wg0.conf"
block "# /etc/wireguard/vetbridge.nft of the router" >"$work/vetbridge.nft"
in_end clinic nft -f "$work/vetbridge.nft"
in_end clinic sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
in_end bridge wg-quick up "$work/bridge/wg0.conf" >>"$work/bridge/log" 2>&1 ||
  { cat "$work/bridge/log" >&2; fail "the tunnel to the router"; }
for port in 8443 8080; do
  in_end openvpms python3 -m http.server --bind 0.0.0.0 --directory "$work/clinic/run" "$port" >/dev/null 2>&1 &
done
behind() { in_end bridge curl -s -o /dev/null --noproxy '*' --max-time "$2" "http://$1/"; }
for try in $(seq 40); do
  behind 192.168.1.10:8443 1 && break
  [ "$try" -lt 40 ] || fail "OpenVPMS behind the router is not reached"
  sleep 0.25
done
! behind 192.168.1.10:8080 2 || fail "another port of OpenVPMS is reached"
! behind 10.8.0.1:8443 2 || fail "the router itself is reached"
echo "behind a router 192.168.1.10:8443 is reached, and nothing else (${SECONDS}s)"
