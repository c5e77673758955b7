#!/bin/sh
# How large the program is, and how much of it each crate is.
#
#   benches/size.sh                          builds the release with its symbols, in a folder of its own
#   benches/size.sh target/…/vetbridge       looks at a program that has its symbols
#
# A function counts for the first crate in its name that is not the standard library: what a generic
# function of the standard library does for a crate is that crate's. Tables without names (zones,
# letters, texts) are in .rodata and count for none.
set -eu
cd "$(dirname "$0")/.."
if [ $# -gt 0 ]; then
    program=$1
else
    CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --locked --target-dir target/size
    program=target/size/release/vetbridge
fi
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$program"
echo "as released   $(stat -c %s "$stripped") bytes"
size -A -d "$stripped" | awk '$2 > 100000 && $1 ~ /^\./ { printf "  %-12s %9d\n", $1, $2 }'
echo "code by crate, KiB"
nm --print-size --demangle=rust "$program" | awk '
    BEGIN { split("core alloc std", names, " "); for (n in names) is_std[names[n]] = 1 }
    $3 ~ /^[tTwW]$/ {
        size = hex($2)
        $1 = $2 = $3 = ""
        crate = "other (C, start of the program)"
        rest = $0
        after_one = 0
        while (match(rest, /[A-Za-z_][A-Za-z0-9_]*(\[[0-9a-f]+\])?::/)) {
            found = substr(rest, RSTART, RLENGTH - 2)
            sub(/\[.*/, "", found)
            goes_on = after_one && RSTART == 1
            rest = substr(rest, RSTART + RLENGTH)
            after_one = 1
            # What follows another name is a module, and no crate.
            if (goes_on || found ~ /^[A-Z]/) continue
            if (!(found in is_std)) { crate = found; break }
            crate = "std"
        }
        sum[crate] += size
    }
    END { for (crate in sum) printf "%9.0f  %s\n", sum[crate] / 1024, crate }
    function hex(text,    n, i) {
        n = 0
        for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", tolower(substr(text, i, 1))) - 1
        return n
    }' | sort -rn | head -n "${CRATES:-40}"
