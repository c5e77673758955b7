#!/usr/bin/env bash
# shellcheck source=deploy/cargo_tool.sh
# Fuzzes every parser of bytes that come from outside, each for SECONDS_EACH (60) seconds on one core:
#
#   tests/fuzz/run.sh                       # all targets of tests/fuzz/targets
#   tests/fuzz/run.sh webhook dates         # these alone
#
# Prints executions and seconds of each target. What was learnt stays in target/fuzz/corpus, and the next run begins with it. An
# input that fails ends the run with status 1 and is kept in target/fuzz/artifacts. Status 77: this machine has no C++ compiler,
# or cargo-fuzz is not here and cannot be fetched.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0

SECONDS_EACH="${SECONDS_EACH:-60}"
CARGO_FUZZ_VERSION=0.13.2
work="$PWD/target/fuzz"

command -v c++ >/dev/null || { echo "libFuzzer needs a C++ compiler, and there is none (Debian: g++)."; exit 77; }

# Where it is built, that takes a minute.
. deploy/cargo_tool.sh
cargo_tool cargo-fuzz "$CARGO_FUZZ_VERSION"
[ "$tool" = cargo-fuzz ] || PATH="$PATH:$PWD/$(dirname "$tool")"

tests/fuzz/lock.sh
# Without a sanitizer of addresses: the program has no unsafe code, and so a stable compiler is enough.
cargo fuzz build --fuzz-dir tests/fuzz --target-dir "$work" --sanitizer none
rm -rf "$work/seeds"
python3 tests/fuzz/seeds.py "$work/seeds"
built="$work/$(rustc -vV | sed -n 's/^host: //p')/release"

targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
  for file in tests/fuzz/targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi
failed=0
# A folder of its own to run in: the configuration may name files there.
run_in="$(mktemp -d)"
trap 'rm -rf "$run_in"' EXIT
for target in "${targets[@]}"; do
  mkdir -p "$work/corpus/$target" "$work/artifacts/$target" "$work/logs"
  log="$work/logs/$target.log" status=0
  (cd "$run_in" && "$built/$target" -max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
    -print_final_stats=1 -artifact_prefix="$work/artifacts/$target/" "$work/corpus/$target" "$work/seeds/$target") \
    >"$log" 2>&1 || status=$?
  runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  seconds="$(sed -n 's/^Done [0-9]* runs in \([0-9]*\) second.*/\1/p' "$log")"
  if [ "$status" = 0 ]; then
    printf '%-22s %10s executions in %4s s, nothing found\n' "$target" "$runs" "$seconds"
  else
    failed=1
    printf '%-22s FAILED after %s executions:\n' "$target" "${runs:-?}"
    grep -v -e '^INFO' -e '^#[0-9]' "$log" | tail -40
  fi
done
exit "$failed"
