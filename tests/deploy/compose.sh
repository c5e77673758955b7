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
    echo "compose.sh: SKIPPED, nothing was tested: docker compose is not installed (package docker-compose)" >&2
    exit 77
fi
$compose version | head -n 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$compose -f deploy/compose.yaml config >"$work/read.yaml"
# What it makes of the file.
for line in 'read_only: true' 'network_mode: service:vpn' 'condition: service_healthy' NET_ADMIN /usr/bin/vetbridge; do
    grep -q -- "$line" "$work/read.yaml" || { echo "compose.sh: not in what compose reads: $line" >&2; exit 1; }
done
# It would not let just anything pass.
mkdir "$work/deploy"
sed 's/read_only:/read_onyl:/' deploy/compose.yaml >"$work/deploy/compose.yaml"
if $compose -f "$work/deploy/compose.yaml" config >/dev/null 2>&1; then
    echo "compose.sh: compose takes a key that does not exist" >&2
    exit 1
fi
echo "deploy/compose.yaml is valid ($(($(date +%s) - began))s)"
