# shellcheck shell=bash
# For the scripts that read this file: programs that cargo builds, each in a pinned version.
#
# cargo_tool NAME VERSION [ARGUMENT…]: has $tool name the program of that crate: the one that is installed, else one that is built
# below target/ci, with these arguments for `cargo install`. Ends with 77 where its sources cannot be fetched. A build that fails
# for another reason is an error.
cargo_tool() {
  local name=$1 version=$2 own="target/ci/$1" log="target/ci/$1.log"
  shift 2
  for tool in "$name" "$own/bin/$name"; do
    if has_version "$tool" "${name#cargo-}" "$version"; then return; fi
  done
  echo "Building $name $version."
  mkdir -p "$own"
  if CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 RUSTFLAGS="" \
    cargo install "$name" --locked --version "$version" "$@" \
    --root "$own" --force --target-dir target/ci/build --quiet 2>"$log"; then
    return
  fi
  cat "$log" >&2
  if grep -q -E "failed to (download|fetch|query|get successful)|[Uu]nable to update|[Cc]ould(n't| not) resolve" "$log"; then
    echo "$name $version is not here, and its sources cannot be fetched." >&2
    exit 77
  fi
  echo "$name $version cannot be built; the lines above say why." >&2
  exit 1
}

# Some name their version alone, others as cargo calls them.
has_version() {
  { "$1" --version || "$1" "$2" --version; } 2>/dev/null | grep -q -E "(^| )${3//./\\.}\$"
}
