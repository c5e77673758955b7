#!/usr/bin/env bash
# vetbridge for Windows: built here for there, and used under Wine as an administrator would use it. Wine is no Windows: see
# docs/windows.md for what this cannot show.
#
#   tests/deploy/windows.sh check        whether it compiles for Windows, and nothing else
#   tests/deploy/windows.sh              a build without optimisation, and a round of everything
#   tests/deploy/windows.sh full         an optimised build, and 20 rounds of kill -9
#   tests/deploy/windows.sh build DIR    the optimised program and its installer, into DIR, once both were started under Wine
#   EXE=FILE tests/deploy/windows.sh …   with a program for Windows that is there, and without a build of it
#
# Needs Debian's own Rust with the sources of its standard library, mingw, Wine and NSIS:
#   rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64, and but for `check` wine wine64 nsis procps python3
# `build` does without Wine, and says that nothing was started. KILL_ROUNDS=N makes other rounds of kill -9, and 0 none.
# What is built stays in target/windows, so that the next build is a short one.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
mode=${1:-short}
case $mode in check | short | full | build) ;; *) echo "windows.sh: no such mode: $mode" >&2 && exit 1 ;; esac
[ "$mode" != build ] || : "${2:?build DIR}"

skip() {
  echo "windows.sh: SKIPPED, nothing was tested: $1" >&2
  exit 77
}
export PATH=$PATH:/usr/lib/wine
packages="rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64 wine wine64 nsis procps python3"
tools=(x86_64-w64-mingw32-gcc x86_64-w64-mingw32-strip)
[ "$mode" = check ] || tools+=(makensis python3)
case $mode in short | full) tools+=(wine wineserver64) ;; esac
for tool in "${tools[@]}"; do
  command -v "$tool" >/dev/null ||
    skip "$tool is missing: apt-get install --no-install-recommends $packages"
done
if [ -z "${EXE:-}" ]; then
  [ -x /usr/bin/cargo ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std" ] ||
    skip "the sources of Rust's standard library are missing: apt-get install --no-install-recommends $packages"
fi

built=$PWD/target/windows
# What was tried is not mistaken for what was built.
[ -z "${EXE:-}" ] || built=$PWD/target/windows/tried
mkdir -p "$built"
part_began=0
part() { printf '\n== windows: %s (%ss, the part before took %ss)\n' "$1" "$SECONDS" $((SECONDS - part_began)) && part_began=$SECONDS; }
fail() {
  echo "windows.sh: $1" >&2
  exit 1
}

part "build"
build() {
  # Two compilers must not share what they have built, so this one has directories of its own. RUSTC_BOOTSTRAP lets a compiler that
  # Debian ships for its own machine build the standard library for another system; the program itself uses nothing unstable.
  profile=(--profile dev)
  folder=debug
  case $mode in full | build)
    profile=(--profile simulation)
    folder=simulation
    ;;
  esac
  does=build
  [ "$mode" != check ] || does=check
  (
    # Cargo adds the folders of its own toolchain to the path; a rustup would choose another one.
    export PATH=/usr/bin:/bin:/usr/sbin:/sbin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0
    export CARGO_HOME=$built/cargo CARGO_TARGET_DIR=$built/build CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_SIMULATION_DEBUG=0
    export CARGO_PROFILE_SIMULATION_INCREMENTAL=false
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
    export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar
    unset RUSTFLAGS RUSTC_WRAPPER RUSTUP_TOOLCHAIN
    if [ "$folder" != debug ]; then
      # Neither a path of this machine nor the time of the build stands in what is given to others.
      RUSTFLAGS="--remap-path-prefix=$root=/source --remap-path-prefix=$CARGO_HOME=/cargo"
      RUSTFLAGS+=" --remap-path-prefix=$(/usr/bin/rustc --print sysroot)=/rust -Clink-arg=-Wl,--no-insert-timestamp"
      CFLAGS_x86_64_pc_windows_gnu="-ffile-prefix-map=$root=/source -ffile-prefix-map=$CARGO_HOME=/cargo"
      export RUSTFLAGS CFLAGS_x86_64_pc_windows_gnu
    fi
    # A copy of the sources without a repository is told its commit (deploy/release.sh).
    export VETBRIDGE_COMMIT=${VETBRIDGE_COMMIT:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
    /usr/bin/rustc --version
    /usr/bin/cargo "$does" --locked --quiet "${profile[@]}" -Zbuild-std=std,panic_unwind --target x86_64-pc-windows-gnu
  )
  if [ "$mode" = check ]; then
    echo "It compiles for Windows ($SECONDS s)."
    exit 0
  fi
  x86_64-w64-mingw32-strip -o "$built/vetbridge.exe" "$built/build/x86_64-pc-windows-gnu/$folder/vetbridge.exe"
  ls -l "$built/vetbridge.exe"
  [ "$folder" = debug ] || ! grep -qF "$root/" "$built/vetbridge.exe" || fail "the program holds paths of this machine ($root)"
  if [ -n "${VETBRIDGE_COMMIT:-}" ] && ! grep -qF "$VETBRIDGE_COMMIT" "$built/vetbridge.exe"; then
    fail "the program does not name the commit $VETBRIDGE_COMMIT"
  fi
}
if [ -z "${EXE:-}" ]; then
  build
else
  [ "$mode" != check ] || fail "check compiles, so it takes no EXE"
  [ -f "$EXE" ] || fail "there is no program $EXE"
  cp "$EXE" "$built/vetbridge.exe"
  echo "A TRIAL: the program is $EXE, and was not built here."
fi
foreign=$(x86_64-w64-mingw32-objdump -p "$built/vetbridge.exe" | sed -n 's/^\tDLL Name: //p' | tr 'A-Z' 'a-z' |
  grep -vxE 'api-ms-win-.*|kernel32.dll|ntdll.dll|advapi32.dll|ws2_32.dll|user32.dll|bcrypt.dll|bcryptprimitives.dll|crypt32.dll|secur32.dll|shell32.dll|msvcrt.dll|userenv.dll|ole32.dll|oleaut32.dll|psapi.dll|version.dll|powrprof.dll|pdh.dll|iphlpapi.dll|winmm.dll|kernelbase.dll|ktmw32.dll' || true)
[ -z "$foreign" ] || fail "the program needs libraries that are no part of Windows: $foreign"

part "installer"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
fast=()
[ "$mode" != short ] || fast=(-DFAST)
python3 deploy/notices.py >"$built/THIRD-PARTY-NOTICES.txt"
makensis -V2 "${fast[@]}" -DPROGRAM="$built/vetbridge.exe" -DNOTICES="$built/THIRD-PARTY-NOTICES.txt" -DVERSION="$version" \
  -DOUTPUT="$built/vetbridge-setup.exe" deploy/windows/vetbridge.nsi
ls -l "$built/vetbridge-setup.exe"
# hand_over DIR: DIR is seen from the repository.
hand_over() (
  cd "$root"
  mkdir -p "$1"
  cp "$built/vetbridge.exe" "$built/vetbridge-setup.exe" "$1"
)
if [ "$mode" = build ] && ! { command -v wine && command -v wineserver64; } >/dev/null; then
  hand_over "$2"
  echo "LEFT OUT: whether program and installer start. There is no Wine: apt-get install --no-install-recommends wine wine64"
  exit 0
fi

part "a Windows without anything on it"
work=$(mktemp -d)
export WINEPREFIX=$work/prefix WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
unset DISPLAY VETBRIDGE_CONFIG
background=()
# A release is not held up for long.
demo_time=15s
[ "$mode" != build ] || demo_time=10s
finish() {
  for process in "${background[@]}"; do kill -9 "$process" 2>/dev/null || true; done
  wineserver64 -k </dev/null >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT
# Services live only while the server does.
mkdir "$WINEPREFIX"
wineserver64 -p </dev/null >/dev/null 2>&1 || fail "Wine's server does not start"
timeout 300 wineboot -i </dev/null >/dev/null 2>&1 || fail "Wine makes no Windows"
# Wine gives a service ten seconds to appear, which a busy machine can take. It reads this when it starts.
timeout 60 wine reg add 'HKLM\System\CurrentControlSet\Control' /v ServicesPipeTimeout /t REG_SZ /d 90000 /f \
  </dev/null >/dev/null 2>&1 || fail "Wine's registry cannot be written"
wineserver64 -k </dev/null >/dev/null 2>&1 || true
sleep 1
wineserver64 -p </dev/null >/dev/null 2>&1 || fail "Wine's server does not start again"
c=$WINEPREFIX/drive_c
if [ ! -e "$c/windows/system32/bcryptprimitives.dll" ]; then
  x86_64-w64-mingw32-gcc -shared -s -o "$c/windows/system32/bcryptprimitives.dll" tests/deploy/windows_random.c -ladvapi32
fi
mkdir "$c/trial"
cp "$built/vetbridge.exe" "$c/trial/"
cd "$c/trial"

# on SECONDS ARGUMENT…: the program with a limit; its output, without carriage returns, is in $out and its status in $status.
out='' status=0
on() {
  local limit=$1
  shift
  for _ in 1 2 3; do
    status=0
    timeout "$limit" wine 'C:\trial\vetbridge.exe' "$@" </dev/null >"$work/out" 2>&1 || status=$?
    out=$(tr -d '\r' <"$work/out")
    # A service that this machine gives no time to may be asked again; so may Wine, which now and then cannot start icacls.
    case $out in *'it took too long'* | *'os error 1359'*) ;; *) return 0 ;; esac
  done
}
expect() {
  [ "$status" = "$1" ] || fail "line ${BASH_LINENO[0]}: status $status instead of $1: $out"
  shift
  local words
  for words in "$@"; do
    case $out in *"$words"*) ;; *) fail "line ${BASH_LINENO[0]}: \"$words\" is missing: $out" ;; esac
  done
  case $out in *'\\?\'*) fail "no path for people: $out" ;; esac
}
windows() {
  status=0
  timeout 60 wine "$@" </dev/null >"$work/out" 2>&1 || status=$?
  out=$(tr -d '\r' <"$work/out")
}

log() { cat "$c/ProgramData/vetbridge/logs/"*.log 2>/dev/null | tr -d '\r'; }
logs() {
  for _ in $(seq 60); do
    case $(log) in *"$1"*) return 0 ;; esac
    sleep 0.5
  done
  fail "the service's log lacks \"$1\": $(log)"
}

part "--version, --help, demo"
on 30 --version
expect 0 "vetbridge $version"
on 30 --help
expect 0 'Ctrl-C' 'service '
on 120 demo --for "$demo_time"
expect 0 "Both sides agree."
echo "$out" | tail -n 8

installed="$c/Program Files/vetbridge"
install_it() { timeout 120 wine "$built/vetbridge-setup.exe" /S </dev/null >"$work/out" 2>&1 || fail "installer: $?"; }
# first_installation: the program is there, its check was against the example, and so nothing was started.
first_installation() {
  install_it
  cmp "$built/vetbridge.exe" "$installed/vetbridge.exe" || fail "the program is not where it belongs: $(ls "$c/Program Files")"
  grep -q '^ring ' "$installed/THIRD-PARTY-NOTICES.txt" || fail "the notices of others do not name ring"
  cmp -s "$installed/vetbridge.example.toml" "$c/ProgramData/vetbridge/vetbridge.toml" || fail "there is no example"
  windows sc query vetbridge
  [ "$status" != 0 ] || fail "it was installed although check does not pass: $out"
}

if [ "$mode" = build ]; then
  part "the installer"
  first_installation
  windows 'C:\Program Files\vetbridge\vetbridge.exe' --version
  expect 0 "vetbridge $version"
  windows 'C:\Program Files\vetbridge\vetbridge.exe' check
  expect 2 'C:\ProgramData\vetbridge\vetbridge.toml'
  hand_over "$2"
  part "done"
  exit 0
fi

part "what somebody else has put there, or could change"
rm -rf "$c/ProgramData/vetbridge"
own=$c/ProgramData/vetbridge
# Wine takes whose a file is, and who may change it, from the owner and the mode that it has here.
planted() {
  rm -rf "$own"
  mkdir "$own"
  printf '[openvpms]\r\n' >"$own/vetbridge.toml"
}
mkdir -p "$c/My clinic"
good="$c/My clinic/vetbridge.toml"
sed -E 's/^(password|api_key|key) = .*/\1 = "a-secret-of-32-letters-0123456789"/' "$root/config/vetbridge.example.toml" >"$good"
if [ "$(id -u)" = 0 ]; then
  planted && chown -R 65534 "$own"
  on 30 service prepare
  expect 1 'C:\ProgramData\vetbridge belongs to ' 'who may be no administrator' 'delete it' '/setowner'
  on 30 service install --config 'C:\My clinic\vetbridge.toml'
  expect 1 'C:\ProgramData\vetbridge belongs to '
  windows sc query vetbridge
  [ "$status" != 0 ] || fail "the service is there all the same: $out"
  # An administrator's own directory, to which somebody else has added a file; refused at the second attempt too.
  planted && chown 65534 "$own/vetbridge.toml"
  for _ in 1 2; do
    on 30 service prepare
    expect 1 'C:\ProgramData\vetbridge\vetbridge.toml belongs to '
  done
  chown 0 "$own/vetbridge.toml"
else
  echo "LEFT OUT: files of somebody else. Only root can make some: sudo tests/deploy/windows.sh"
fi
planted
on 30 service prepare
expect 0 'is ready for configuration, state and log'
# The program, the configuration and what is above them, when everybody may change it.
chmod 777 "$c/trial"
on 30 service install --config 'C:\My clinic\vetbridge.toml'
expect 1 'C:\trial can be changed by every user' 'below C:\Program Files'
chmod 755 "$c/trial"
chmod 666 "$good"
on 30 service install --config 'C:\My clinic\vetbridge.toml'
expect 1 'C:\My clinic\vetbridge.toml can be changed by every user'
chmod 644 "$good"
# The directory was deleted and made anew by somebody while the service was installed.
cp "$good" "$own/vetbridge.toml"
on 60 service install
expect 0
planted && chmod 777 "$own"
on 90 service start
expect 1 'The service ended at once, with status '
logs 'C:\ProgramData\vetbridge can be changed by every user of this computer'
on 60 service uninstall
expect 0
# The folder of the program.
on 30 service prepare --program-folder 'C:\new folder'
expect 0 'C:\new folder is ready for the program'
mkdir -m 777 "$c/open"
touch "$c/open/version.dll"
for _ in 1 2; do
  on 30 service prepare --program-folder 'C:\open'
  expect 1 'C:\open was open to every user' 'empty or new one'
done
status=0
timeout 120 wine "$built/vetbridge-setup.exe" /S '/D=C:\open' </dev/null >"$work/out" 2>&1 || status=$?
[ "$status" = 2 ] && [ "$(ls "$c/open")" = version.dll ] || fail "the installer takes an open folder ($status): $(ls "$c/open")"
# One that was closed after somebody else had put something there; and one that is as it should be.
if [ "$(id -u)" = 0 ]; then
  chmod 755 "$c/open"
  chown 65534 "$c/open/version.dll"
  on 30 service prepare --program-folder 'C:\open'
  expect 1 'C:\open\version.dll belongs to '
  chown 0 "$c/open/version.dll"
  on 30 service prepare --program-folder 'C:\open'
  expect 0 'C:\open is ready for the program'
fi
rm -rf "$own"

part "check, with paths of Windows and CRLF"
on 30 check
expect 2 'C:\ProgramData\vetbridge\vetbridge.toml'
timeout 1500 wine 'C:\trial\vetbridge.exe' demo --for 24m --port 38685 </dev/null >"$work/demo" 2>&1 &
background+=($!)
for _ in $(seq 100); do
  demo=$(sed -n 's/\r$//; s/^Commands .* --config "\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$work/demo")
  [ -z "$demo" ] || break
  sleep 0.3
done
[ -n "${demo:-}" ] || fail "the demo does not start: $(cat "$work/demo")"
demo=$(winepath -u "$demo" 2>/dev/null)
mkdir -p "$c/My clinic"
printf 'changeit\r\n' >"$c/My clinic/password.txt"
# As an administrator writes it: with the servers of the demo, in the editor of Windows.
sed -e "s/^password = .*/password = { file = 'C:\\\\My clinic\\\\password.txt' }/" \
  -e "s/^path = .*/path = 'C:\\\\My clinic\\\\state'/" -e 's/^listen = .*/listen = "127.0.0.1:38686"/' \
  -e 's/$/\r/' "$demo" >"$c/My clinic/vetbridge.toml"
on 60 check --config 'C:\My clinic\vetbridge.toml'
expect 0 'C:\My clinic\vetbridge.toml  the configuration is valid' 'C:\My clinic\state will be made' 'No problem found.'
printf '[state]\r\npath = "C:\\users"\r\n' >bad.toml
on 30 check --offline --config bad.toml
expect 2 'in single quotes'

part "run: a second instance, the lock, export and import, Ctrl-C"
timeout 300 wine 'C:\trial\vetbridge.exe' run --config 'C:\My clinic\vetbridge.toml' </dev/null >"$work/run" 2>&1 &
wrapper=$!
background+=("$wrapper")
for _ in $(seq 100); do
  grep -q 'vetbridge runs' "$work/run" && break
  sleep 0.3
done
runs=$(pgrep -P "$wrapper") || fail "it does not run: $(cat "$work/run")"
on 30 run --config 'C:\My clinic\vetbridge.toml'
expect 1 'C:\My clinic\state is in use by another vetbridge (process '
on 30 state export --config 'C:\My clinic\vetbridge.toml' 'C:\My clinic\backup.jsonl'
expect 0 'backup.jsonl'
on 30 state verify --config 'C:\My clinic\vetbridge.toml'
expect 0 'so these are the records' 'records can be read'
on 30 state import --replace --config 'C:\My clinic\vetbridge.toml' 'C:\My clinic\backup.jsonl'
expect 1 'Stop it first (vetbridge service stop)'
kill -INT "$runs"
wait "$wrapper" || fail "Ctrl-C ended it with status $?: $(tail -n 3 "$work/run")"
grep -q 'Stopping: what is in flight' "$work/run" || fail "no clean end: $(tail -n 3 "$work/run")"
on 30 state import --replace --config 'C:\My clinic\vetbridge.toml' 'C:\My clinic\backup.jsonl'
expect 0 'What was there before is in C:\My clinic\state\replaced-'
on 30 state verify --config 'C:\My clinic\vetbridge.toml'
expect 0

part "the service: install, start, query, reload, stop, a wrong configuration, uninstall"
on 30 service start
expect 1 'vetbridge service install'
on 60 service install --config 'C:\My clinic\vetbridge.toml' --log-level debug
expect 0 'NT SERVICE\vetbridge' 'C:\My clinic\vetbridge.toml'
windows reg query 'HKLM\System\CurrentControlSet\Services\vetbridge'
expect 0 'vetbridge.exe --config "C:\My clinic\vetbridge.toml" --log-level debug service run' 'NT SERVICE\vetbridge'
windows reg query 'HKLM\System\CurrentControlSet\Services\EventLog\Application\vetbridge'
expect 0 'EventCreate.exe'
windows sc start vetbridge
expect 0
logs 'vetbridge runs.'
on 30 service status
expect 0 'The service runs.'
windows sc query vetbridge
expect 0 'RUNNING'
on 30 status --config 'C:\My clinic\vetbridge.toml'
case $out in *1234567*) ;; *) fail "status says nothing of the practice: $out" ;; esac
on 30 service reload
expect 0
logs 'was read again and is in force'
windows sc stop vetbridge
expect 0
logs 'Stopping: what is in flight'
on 60 service stop
expect 0 'The service is stopped.'
on 60 service start
expect 0 'The service runs.'
on 60 service restart
expect 0 'The service is stopped.' 'The service runs.'
printf 'nonsense\r\n' >>"$c/My clinic/vetbridge.toml"
on 60 service restart
expect 1 'The service is stopped.' 'with status 2'
logs 'vetbridge.toml'
on 60 service uninstall
expect 0 'still in C:\ProgramData\vetbridge'
windows sc query vetbridge
[ "$status" != 0 ] || fail "the service is still there: $out"
on 30 service run
expect 1

part "the installer"
rm -rf "$c/ProgramData/vetbridge"
first_installation
# Filled in, the next installation starts it.
sed -e 's/^nonsense.*//' -e '/^path = /d' "$c/My clinic/vetbridge.toml" >"$c/ProgramData/vetbridge/vetbridge.toml"
install_it
logs 'vetbridge runs.'
windows reg query 'HKLM\System\CurrentControlSet\Services\vetbridge'
expect 0 '"C:\Program Files\vetbridge\vetbridge.exe" --config' 'service run'
[ -e "$c/ProgramData/vetbridge/state/db" ] || fail "the state is not where it belongs"
# Over itself: it goes on.
install_it
on 30 service status
expect 0
# changes_nothing OF: an installer that is refused leaves the program, which gets the date of 2020, and the service, which runs on.
changes_nothing() {
  local lines
  lines=$(log | wc -l)
  touch -d 2020-01-01 "$installed/vetbridge.exe"
  status=0
  timeout 120 wine "$built/vetbridge-setup.exe" /S </dev/null >"$work/out" 2>&1 || status=$?
  [ "$status" = 2 ] || fail "the installer says $status of $1"
  [ "$(date -r "$installed/vetbridge.exe" +%Y)" = 2020 ] || fail "the program was replaced in spite of $1"
  [ ! -e "$installed/vetbridge.exe.new" ] || fail "the program that was not installed is left"
  on 30 service status
  expect 0
  case $(log | tail -n "+$((lines + 1))") in *Stopping*) fail "the service was stopped in spite of $1" ;; esac
}
as_installed() { windows 'C:\Program Files\vetbridge\vetbridge.exe' "$@"; }
usual=$c/ProgramData/vetbridge/vetbridge.toml
cp "$usual" "$work/usual.toml"
# The new program refuses the configuration: a key that an update does away with is like a word that no version knows.
printf 'nonsense\r\n' >>"$usual"
changes_nothing "a configuration that the new program refuses"
# A service with another configuration is judged by that one, and keeps it. The usual one is refused all the while.
sed -i '/^nonsense/d' "$c/My clinic/vetbridge.toml"
as_installed --config 'C:\My clinic\vetbridge.toml' --log-level debug service install
expect 0
on 60 service restart
expect 0
install_it
[ "$(date -r "$installed/vetbridge.exe" +%Y)" != 2020 ] || fail "the program of a service with another configuration was not replaced"
on 30 service status
expect 0
windows reg query 'HKLM\System\CurrentControlSet\Services\vetbridge'
expect 0 '"C:\Program Files\vetbridge\vetbridge.exe" --config "C:\My clinic\vetbridge.toml" --log-level debug service run'
# What the service ran with it goes on with, even if `service install` refuses it meanwhile; status 1 says so.
chmod 666 "$c/My clinic/vetbridge.toml"
touch -d 2020-01-01 "$installed/vetbridge.exe"
status=0
timeout 120 wine "$built/vetbridge-setup.exe" /S </dev/null >"$work/out" 2>&1 || status=$?
[ "$status" = 1 ] || fail "the installer says $status of a configuration that everybody may change"
[ "$(date -r "$installed/vetbridge.exe" +%Y)" != 2020 ] || fail "the program was not replaced"
on 30 service status
expect 0
chmod 644 "$c/My clinic/vetbridge.toml"
cp "$work/usual.toml" "$usual"
printf 'nonsense\r\n' >>"$c/My clinic/vetbridge.toml"
changes_nothing "another configuration that the new program refuses"
# A service that somebody has set up in another way.
as_installed --config 'C:\ProgramData\vetbridge\vetbridge.toml' service install
expect 0
on 60 service restart
expect 0
windows reg add 'HKLM\System\CurrentControlSet\Services\vetbridge' /v ImagePath /d 'C:\trial\vetbridge.exe run' /t REG_EXPAND_SZ /f
expect 0
changes_nothing "a service that is not its own"
# What check finds fault with, and the service runs with all the same, holds up no update.
sed 's/^listen = .*/listen = "0.0.0.0:38686"\r/' "$work/usual.toml" >"$usual"
as_installed --config 'C:\ProgramData\vetbridge\vetbridge.toml' service install
expect 0
as_installed check --offline
expect 1 'listens on every address'
install_it
[ "$(date -r "$installed/vetbridge.exe" +%Y)" != 2020 ] || fail "an update was held up by what check finds fault with"
on 30 service status
expect 0
cp "$work/usual.toml" "$usual"
# One that cannot be written whole changes nothing: the former program is there, and the service runs.
log_was=$(log | wc -l)
cp "$installed/vetbridge.exe" "$work/former.exe"
mkdir "$installed/vetbridge.exe.new"
status=0
timeout 120 wine "$built/vetbridge-setup.exe" /S </dev/null >"$work/out" 2>&1 || status=$?
[ "$status" = 2 ] || fail "the installer says $status of a program that it cannot write"
cmp -s "$work/former.exe" "$installed/vetbridge.exe" || fail "the former program is gone"
on 30 service status
expect 0
case $(log | tail -n "+$((log_was + 1))") in *Stopping*) fail "the service was stopped for a program that cannot be written" ;; esac
rm -rf "$installed/vetbridge.exe.new"
# A program in use, here by a prompt, is not replaced, and the service goes on with it.
touch -d 2020-01-01 "$installed/vetbridge.exe"
timeout 300 wine 'C:\Program Files\vetbridge\vetbridge.exe' demo --for 5m --port 38785 </dev/null >"$work/prompt" 2>&1 &
prompt=$!
background+=("$prompt")
for _ in $(seq 100); do
  ! grep -q '^Commands' "$work/prompt" || break
  sleep 0.3
done
grep -q '^Commands' "$work/prompt" || fail "the prompt does not start: $(cat "$work/prompt")"
status=0
timeout 120 wine "$built/vetbridge-setup.exe" /S </dev/null >"$work/out" 2>&1 || status=$?
[ "$status" = 2 ] || fail "the installer says $status of a program that it cannot replace"
[ "$(date -r "$installed/vetbridge.exe" +%Y)" = 2020 ] || fail "a program in use was replaced"
[ ! -e "$installed/vetbridge.exe.new" ] || fail "the program that was not installed is left"
on 30 service status
expect 0
kill -INT "$(pgrep -P "$prompt")"
wait "$prompt" || true
install_it
[ "$(date -r "$installed/vetbridge.exe" +%Y)" != 2020 ] || fail "the program was not replaced"
[ ! -e "$installed/vetbridge.exe.new" ] || fail "the program is there twice"
on 30 service status
expect 0
# Stopped by a person, it stays so.
on 60 service stop
install_it
on 30 service status
expect 1
on 60 service start
expect 0
# A service that cannot be removed keeps its program and the uninstaller.
cp "$installed/vetbridge.exe" "$work/kept.exe"
on 60 service stop
expect 0
printf 'int main(void) { return 1; }\n' | x86_64-w64-mingw32-gcc -s -x c -o "$work/fails.exe" -
cp --remove-destination "$work/fails.exe" "$installed/vetbridge.exe"
timeout 120 wine "$installed/uninstall.exe" /S </dev/null >"$work/out" 2>&1 || fail "uninstaller: $?"
sleep 10
[ -e "$installed/uninstall.exe" ] && [ -e "$installed/vetbridge.exe" ] || fail "removed without its service: $(ls "$installed")"
windows reg query 'HKLM\Software\vetbridge'
expect 0
cp --remove-destination "$work/kept.exe" "$installed/vetbridge.exe"
on 60 service start
expect 0
# An uninstaller copies itself to another place, goes on there and removes itself last.
timeout 120 wine "$installed/uninstall.exe" /S </dev/null >"$work/out" 2>&1 || fail "uninstaller: $?"
for _ in $(seq 240); do
  [ -e "$installed" ] || break
  sleep 0.5
done
[ ! -e "$installed" ] || fail "still there: $(ls "$installed")"
windows sc query vetbridge
[ "$status" != 0 ] || fail "the service is still there: $out"
[ -e "$c/ProgramData/vetbridge/state/db" ] && [ -e "$c/ProgramData/vetbridge/vetbridge.toml" ] || fail "state was removed"

# The project's own tests, with this program in place of the one that they build.
cat >"$work/vetbridge" <<EOF
#!/bin/sh
exec wine '$built/vetbridge.exe' "\$@"
EOF
chmod +x "$work/vetbridge"
cd "$root"
rounds=${KILL_ROUNDS:-2}
[ "$mode" = short ] || rounds=${KILL_ROUNDS:-20}
part "kill -9: $rounds rounds"
if [ "$rounds" = 0 ]; then
  echo "LEFT OUT: kill -9 (KILL_ROUNDS=0)"
else
  VETBRIDGE_PROGRAM=$work/vetbridge ROUNDS=$rounds cargo test --locked --test kill -- --nocapture kill_9
fi
part "done"
