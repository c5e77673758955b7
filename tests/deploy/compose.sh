#!/bin/sh
# Has compose itself judge deploy/compose.yaml: docker's plugin, else docker-compose (Debian's package of that
# name). Starts nothing.
set -eu
cd "$(dirname "$0")/../.."
began=$(date +%s)
if docker compose version >/dev/null 2>&1; then
    compose="docker compose"
elif command -v docker-compose >/dev/null; then
    compose=docker-compose
else
    echo "compose.sh: SKIPPED, nothing was tested: docker compose is not installed: apt-get install docker-compose" >&2
    exit 77
fi
$compose version | head -n 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$compose -f deploy/compose.yaml config >"$work/read.yaml"
# What it makes of the file.
for line in 'read_only: true' 'network_mode: service:network' 'condition: service_healthy' NET_ADMIN /usr/bin/vetbridge; do
    grep -q -- "$line" "$work/read.yaml" || { echo "compose.sh: not in what compose reads: $line" >&2; exit 1; }
done
# The container that has the network is none that could end: what shares it would be left without one.
if [ "$(grep -c 'network_mode: service:network' "$work/read.yaml")" != 2 ] ||
    ! sed -n '/^  network:/,/^  [a-z]*:$/p' "$work/read.yaml" | grep -q infinity; then
    echo "compose.sh: vpn and vetbridge are not both in the network of a container that only sleeps" >&2
    exit 1
fi
# It would not let just anything pass.
mkdir "$work/deploy"
sed 's/read_only:/read_onyl:/' deploy/compose.yaml >"$work/deploy/compose.yaml"
if $compose -f "$work/deploy/compose.yaml" config >/dev/null 2>&1; then
    echo "compose.sh: compose takes a key that does not exist" >&2
    exit 1
fi
echo "deploy/compose.yaml is valid ($(($(date +%s) - began))s)"
