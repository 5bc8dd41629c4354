#!/bin/bash
# The tools against real files, processes and mounts: what fetch does on bad days, and that enter
# passes status and signals through and leaves nothing behind. Needs no network.
set -u
cd "$(dirname "$0")/../.." || exit 1
t=$(mktemp -d)
trap 'rm -rf "$t"; [ -z "${server:-}" ] || kill "$server"' EXIT
number=0 failed=0
tap() { # NAME STATUS: 0 is well; what was said stands in $t/said
	number=$((number + 1))
	if [ "$2" = 0 ]; then echo "ok $number - $1"; return; fi
	failed=$((failed + 1))
	echo "not ok $number - $1"
	sed 's/^/#   /' "$t/said"
}
said() { grep -qF -- "$1" "$t/said"; }

# ---- fetch: a mirror of two files, and a lock that names them
mkdir -p "$t/mirror/pool/main/a" "$t/empty"
head -c 300000 /dev/urandom >"$t/mirror/pool/main/a/one"
head -c 70000 /dev/urandom >"$t/mirror/pool/main/a/two+1"
sum() { sha256sum <"$1" | cut -d' ' -f1; }
one=$(sum "$t/mirror/pool/main/a/one") two=$(sum "$t/mirror/pool/main/a/two+1")
printf '%s\n' "# a comment" "set $one 300000 pool/main/a/one one 1 all" "name 1 $two 70000 pool/main/a/two+1" >"$t/lock"
fetch() { CUVETTE_CACHE=$t/cache CUVETTE_ORIGINS=$origins tools/fetch "$@" >"$t/said" 2>&1; }
origins=file://$t/mirror
have() { [ "$(sum "$t/cache/dl/$one")" = "$one" ] && [ "$(sum "$t/cache/dl/$two")" = "$two" ]; }

fetch "$t/lock" && have
tap "fetch brings the files of both kinds of lock" $?
mv "$t/mirror" "$t/gone"
fetch "$t/lock" && have
tap "fetch asks nobody for what the cache has" $?
rm -rf "$t/cache"
! fetch "$t/lock" && said pool/main/a/one && said "pool/main/a/two+1" && said "$origins/pool/main/a/one"
tap "fetch names every missing file and each origin tried" $?
mv "$t/gone" "$t/mirror"
origins="file://$t/empty file://$t/mirror" fetch "$t/lock" && have
tap "fetch goes on to the next origin" $?

rm -rf "$t/cache"; mkdir -p "$t/cache/dl"
head -c 100000 "$t/mirror/pool/main/a/one" >"$t/cache/dl/$one.part"
fetch "$t/lock" && have && [ ! -e "$t/cache/dl/$one.part" ]
tap "fetch goes on where a download stopped" $?
rm -rf "$t/cache"; mkdir -p "$t/cache/dl"
head -c 100000 /dev/urandom >"$t/cache/dl/$one.part"
fetch "$t/lock" && have
tap "fetch starts anew when what it had was wrong" $?

cp -r "$t/mirror" "$t/bad"
printf x >>"$t/bad/pool/main/a/one"
rm -rf "$t/cache"
! origins=file://$t/bad fetch "$t/lock" && said "$one" && said "$(sum "$t/bad/pool/main/a/one")" && said pool/main/a/one &&
	[ ! -e "$t/cache/dl/$one" ] && said "CUVETTE_ORIGINS=URL make" && said "make relock" && ! said "goes on from there"
tap "a wrong sha256 stops it with both hashes and leaves nothing under the name" $?

rm -rf "$t/cache"
python3 -u -m http.server -d "$t/mirror" --bind 127.0.0.1 0 >"$t/server" 2>&1 &
server=$!
for _ in $(seq 100); do
	port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$t/server")
	[ -z "$port" ] || break
	sleep 0.1
done
mkdir -p "$t/cache/dl"
head -c 100000 "$t/mirror/pool/main/a/one" >"$t/cache/dl/$one.part"
origins=http://127.0.0.1:$port fetch "$t/lock" && have
tap "fetch copes with a server that cannot resume" $?
rm -rf "$t/cache"
for n in 1 2 3; do
	CUVETTE_CACHE=$t/cache CUVETTE_ORIGINS=http://127.0.0.1:$port tools/fetch "$t/lock" >"$t/said.$n" 2>&1 &
	runs[n]=$!
done
status=0
for n in 1 2 3; do wait "${runs[n]}" || status=1; done
cat "$t"/said.? >"$t/said"
[ "$status" = 0 ] && have && [ -z "$(find "$t/cache/dl" -name '*.*')" ]
tap "three runs share one cache" $?
echo "no hash here" >"$t/lock2"
! fetch "$t/lock2" && said "no line with sha256"
tap "fetch refuses a file that is no lock" $?

# ---- qemu/run on the host: its paths are the host's, wherever they lie
mkdir -p "$t/else/where"
outside() { # SETTING... -- ARGUMENT...: what would be run in the tool root, a word a line
	local words=()
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	env -i PATH="$PATH" here="$PWD/qemu" "${words[@]}" bash -c 'usage_die() { echo "$*"; builtin exit 2; }
		exec() { shift; printf "%s\n" "$@"; }; . qemu/lib/outside.sh; outside_enter "$@"' - "$@" >"$t/said" 2>&1
}
words() { [ "$(tr '\n' ' ' <"$t/said")" = "$* " ]; }
outside WORK=notes DATA=none MEM=4G -- --batch notes/x.ipynb
words --net env WORK=./notes DATA=none MEM=4G qemu/run --batch ./notes/x.ipynb
tap "paths of the checkout stay" $?
outside WORK="$t/else/where" DATA="$t/else/data.img" O="$t/else" -- --batch "$t/else/where/a b.py"
grep -qxF "WORK=/mnt/WORK" "$t/said" && grep -qxF "DATA=/mnt/DATA/data.img" "$t/said" && grep -qxF "O=/mnt/O" "$t/said" &&
	grep -qxF "$t/else/where:/mnt/WORK" "$t/said" && grep -qxF "$t/else:/mnt/DATA" "$t/said" && grep -qxF "/mnt/WORK/a b.py" "$t/said"
tap "paths elsewhere are shown below /mnt" $?
outside WORK="$t/else/new" -- && grep -qxF "$t/else:/mnt/WORK" "$t/said" && grep -qxF "WORK=/mnt/WORK/new" "$t/said"
tap "a folder that is made is made on the host" $?
! outside DATA="$t/none/data.img" -- && said "there is no folder $t/none"
tap "a place without a folder is named" $?
! outside WORK="$t/else/where" -- --batch "$t/lock" && said "outside the shared folder $t/else/where"
tap "a batch file outside the shared folder is refused" $?

# ---- enter: one tool root inside another
if [ -z "${CUVETTE_INSIDE:-}" ] || ! ls -d "$CUVETTE_CACHE"/toolroot/*.enter-* >/dev/null 2>&1; then
	echo "1..$number"
	exit $((failed > 0))
fi
enter() { CUVETTE_INSIDE='' tools/enter "$@" >"$t/said" 2>&1; }
mark=$((RANDOM + 40000))
alive() { pgrep -f "sleep $mark" >>"$t/said"; }

enter sh -c 'exit 7'; [ $? = 7 ]
tap "enter passes the exit status" $?
enter sh -c 'kill -SEGV $$'; [ $? = 139 ]
tap "enter dies of the signal that the command died of" $?
enter no-such-command; [ $? = 127 ]
tap "enter says 127 for a command that does not exist" $?
JUPYTER_TOKEN=whisper BUILD_HOST=loud enter sh -c '[ "$JUPYTER_TOKEN" = whis"per" ] && [ -z "${BUILD_HOST:-}" ] &&
	! grep -q whis"per" /proc/1/cmdline'
tap "enter hands a token on, by the environment alone, and nothing that it does not know" $?
enter sh -c 'ip -o link | grep -vc " lo:" && exit 1; ip -o addr show lo | grep 127.0.0.1'
tap "enter leaves no network but lo" $?
enter sh -c '! touch /here && touch /tmp/here && test -w /src'
tap "the tool root is read-only, /tmp and the checkout are not" $?
enter sh -c "setsid sleep $mark & exit 3"; [ $? = 3 ] && ! alive
tap "nothing outlives the command" $?

started() { for _ in $(seq 100); do grep -q up "$t/said" && return 0; sleep 0.1; done; return 1; }
: >"$t/said"
CUVETTE_INSIDE='' tools/enter sh -c 'trap "echo term; exit 9" TERM; echo up; while :; do sleep 0.1; done' >"$t/said" 2>&1 &
pid=$!
started && kill -TERM $pid; wait $pid; [ $? = 9 ] && said term
tap "a signal reaches the command" $?
: >"$t/said"
CUVETTE_INSIDE='' tools/enter sh -c "echo up; sleep $mark & sleep $mark" >"$t/said" 2>&1 &
pid=$!
started && kill -KILL $pid; wait $pid 2>/dev/null
for _ in $(seq 50); do alive || break; sleep 0.1; done
! alive && ! grep -q "$CUVETTE_CACHE/toolroot" /proc/self/mounts
tap "killed, it leaves no process and no mount" $?

# ---- alone: two builds of one folder
until_there() { for _ in $(seq 100); do [ -e "$1" ] && return 0; sleep 0.1; done; return 1; }
CUVETTE_INSIDE='' make -n all programs check unit test vm fuzz storm kernel-check bench-x clean >"$t/plan"
grep 'tools/enter.* make \|rm -rf' "$t/plan" | grep -v 'alone build \|O=build \(test\|vm\|fuzz\|storm\|bench-x\)$' >"$t/said"
[ ! -s "$t/said" ] && [ "$(grep -c 'alone build ' "$t/plan")" -ge 11 ]
tap "whatever of make builds does it alone" $?
tools/alone "$t/out" sh -c "touch $t/first; until [ -e $t/go ]; do sleep 0.05; done; rm -r $t/out" & first=$!
until_there "$t/first"
tools/alone "$t/out" sh -c "touch $t/out/second; [ -e $t/go ] && [ $t/out -ef /proc/self/fd/9 ]" 2>"$t/said" & second=$!
for _ in $(seq 100); do said waiting && break; sleep 0.1; done
[ ! -e "$t/out/second" ] && said "somebody else builds in $t/out"
tap "the second one waits, and says so" $?
tools/alone "$t/other" true
tap "not who builds elsewhere" $?
touch "$t/go"; wait $first && wait $second && [ -e "$t/out/second" ]
tap "its turn comes, in the new folder when the first deletes it" $?
tools/alone "$t/out" sh -c 'exit 7'
[ $? = 7 ]
tap "and the exit status is the command's" $?

# ---- patches: what is made of a patched source is made anew with each other list of them
mkdir -p "$t/tree/tools/deps" "$t/tree/kernel-config/patches" "$t/cache/dl"
cp Makefile "$t/tree"; cp tools/cached tools/musl-gcc "$t/tree/tools"; cp tools/deps/build tools/deps/EPOCH "$t/tree/tools/deps"
echo "linux-source-1 1 kernel-source 1 x" >"$t/tree/tools/deps/LOCK"; : >"$t/cache/dl/kernel-source"
for name in $(sed -n "s/^recipes='\(.*\)'/\1/p" tools/deps/build); do
	printf '# needs:\n# takes:\n' >"$t/tree/tools/deps/$name"
done
echo 'cat "$here"/lwip-*.patch >"$out/patched"' >>"$t/tree/tools/deps/lwip"
printf '#!/bin/sh\ncat kernel-config/patches/* >"$2/vmlinux"\n' >"$t/tree/kernel-config/build"; chmod +x "$t/tree/kernel-config/build"
made_of() { # WORD...: both are made of these patches, and only if they were not
	local made
	for made in 1 2; do
		(cd "$t/tree" && CUVETTE_INSIDE=1 CUVETTE_CACHE=$t/cache make --no-print-directory build/.sysroot build/boot/vmlinux) >"$t/said" 2>&1 || return 1
	done
	! said KERNEL && [ "$(tr '\n' ' ' <"$t/tree/build/sysroot/patched")" = "$*" ] && [ "$(tr '\n' ' ' <"$t/tree/build/boot/vmlinux")" = "$*" ]
}
patch_is() { # NAME WORD, of both; no newer than what was made
	local file
	for file in "tools/deps/lwip-$1.patch" "kernel-config/patches/$1.patch"; do
		if [ -n "$2" ]; then echo "$2" >"$t/tree/$file"; touch -d @1 "$t/tree/$file"; else rm "$t/tree/$file"; fi
	done
}
patch_is a one; patch_is b two; made_of one two ""
tap "patches go into what is made" $?
patch_is c three; made_of one two three ""
tap "one more, though it is an old file" $?
patch_is b other; made_of one other three ""
tap "another text in one" $?
patch_is b ''; made_of one three ""
tap "one less" $?
patch_is c ''; patch_is b two; made_of one two ""
tap "and as it was at first" $?

# ---- what upstream's options make of each other in the appliance's busybox
"${O:-build}/sysroot/bin/busybox" wget -T 2 -O - http://127.0.0.1:1/ >"$t/said" 2>&1
[ $? = 1 ] && said "can't connect"
tap "busybox: wget takes a time limit" $?
echo "1..$number"
exit $((failed > 0))
