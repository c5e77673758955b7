#!/bin/sh
# WireGuard looks the name of the other end up once, when the tunnel starts. This looks it up again where nothing was
# heard of that end for longer than a live tunnel is ever silent: `follow-endpoint.sh wg0`, twice a minute. It does
# nothing where all is well. docs/network.md says when it is needed.
set -eu
interface=$1
# A handshake is repeated every two minutes.
silent_after=${SILENT_AFTER:-135}
config=/etc/wireguard/$interface.conf
[ $# -lt 2 ] || config=$2

now=$(date +%s)
wg show "$interface" latest-handshakes | while read -r peer at; do
  [ $((now - at)) -gt "$silent_after" ] || continue
  endpoint=$(tr -d ' \t\r' <"$config" | awk -v wanted="$peer" '
    function tell() { if (key == wanted && endpoint != "") print endpoint }
    /^\[/ { tell(); key = endpoint = "" }
    tolower($0) ~ /^publickey=/ { key = substr($0, 11) }
    tolower($0) ~ /^endpoint=/ { endpoint = substr($0, 10) }
    END { tell() }')
  [ -z "$endpoint" ] || wg set "$interface" peer "$peer" endpoint "$endpoint"
done
