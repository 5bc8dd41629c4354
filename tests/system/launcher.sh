#!/bin/bash
# qemu/run around a machine that is played: readers that leave, terminals that go, two at a time. What is played writes and
# reads the FIFOs as QEMU does: its writes wait.
set -u
cd "$(dirname "$0")/../.." || exit 1
t=$(mktemp -d "${TMPDIR:-/tmp}/launcher.XXXXXX")
trap 'rm -rf "$t"' EXIT
number=0 failed=0
tap() {	# name, status
	number=$((number + 1))
	[ "$2" = 0 ] && { echo "ok $number - $1"; return; }
	failed=$((failed + 1))
	echo "not ok $number - $1"
	tail -n 5 "$t/said" | sed 's/^/#   /'
}

mkdir "$t/boot" "$t/work" "$t/bin"
touch "$t/boot/vmlinux" "$t/boot/system.img" "$t/boot/cmdline"
echo 'print(1)' >"$t/work/a.py"
cat >"$t/bin/qemu-system-x86_64" <<'QEMU'
#!/bin/bash
# Says what PLAY has, in turn: a file for the output, a line for the control port, or waits to be told to power off.
echo "$*" >>"$PLAY_DIR/qemu"
for word; do
	[[ $word != file,id=output,* ]] || output=${word#*path=} output=${output%%,*}
	[[ $word != file,id=control,* ]] || control=${word#*path=} input=${control#*input-path=} control=${control%%,*}
done
IFS='|' read -ra acts <<<"$PLAY"
for act in "${acts[@]}"; do
	case $act in
	lines) seq -f "line %g of the notebook's output" 20000 >"$output" ;;
	poweroff)
		echo waiting >>"$PLAY_DIR/acts"
		IFS= read -r line <"$input"
		echo "told $line" >>"$PLAY_DIR/acts"
		sleep 0.5
		echo "off" >>"$PLAY_DIR/acts"
		;;
	*) echo "$act" >"$control" ;;
	esac
done
QEMU
chmod +x "$t/bin/qemu-system-x86_64"
run() {	# PLAY, SETTING... -- ARGUMENT...
	local play=$1 settings=()
	shift
	while [ "$1" != -- ]; do settings+=("$1"); shift; done
	shift
	env PATH="$t/bin:$PATH" PLAY="$play" PLAY_DIR="$t" CUVETTE_INSIDE=1 BOOT="$t/boot" RUN="$t/run" WORK="$t/work" \
		ACCEL=tcg "${settings[@]}" timeout -k 5 60 qemu/run "$@" </dev/null
}

run 'lines|exit 7' -- --batch "$t/work/a.py" >"$t/out" 2>"$t/said"
[ $? = 7 ] && [ "$(wc -l <"$t/out")" = 20000 ]
tap "a batch's output comes whole, and its status" $?

{ run 'lines|exit 7' -- --batch "$t/work/a.py" 2>"$t/said"; echo $? >"$t/status"; } | head -n 1 >"$t/out"
[ "$(cat "$t/status")" = 7 ] && [ "$(wc -l <"$t/out")" = 1 ]
tap "a reader who leaves stops no batch" $?

{ run 'lines|exit 7' -- --batch "$t/work/a.py" 2>"$t/said" >/dev/full; echo $? >"$t/status"; }
[ "$(cat "$t/status")" = 7 ] && grep -q 'output' "$t/said"
tap "output that cannot be written stops no batch, and is said" $?

: >"$t/said"
{ run 'stage a 1|exit 7' -- --batch "$t/work/a.py" 2>&1 >"$t/out"; echo $? >"$t/status"; } | true
[ "$(cat "$t/status")" = 7 ]
tap "a reader of the messages who leaves stops no batch" $?

# The window is closed: its terminal is gone, and everybody in it is told SIGHUP.
closed() {	# PLAY, ARGUMENT...: how the machine was stopped is in acts
	local play=$1
	shift
	rm -f "$t/acts"
	PLAY=$play run_on_terminal "$@"
	diff <(printf 'waiting\ntold poweroff\noff\n') "$t/acts"
}
run_on_terminal() {
	env PATH="$t/bin:$PATH" PLAY_DIR="$t" CUVETTE_INSIDE=1 BOOT="$t/boot" RUN="$t/run" WORK="$t/work" ACCEL=tcg \
		python3 -c 'import os, pty, sys, time
pid, terminal = pty.fork()
if not pid:
    os.execvp(sys.argv[2], sys.argv[2:])
end = time.monotonic() + 60
while not os.path.exists(sys.argv[1]) and time.monotonic() < end:
    time.sleep(0.1)
os.close(terminal)
os.waitpid(pid, 0)' "$t/acts" qemu/run "$@"
}
closed poweroff >"$t/said" 2>&1
tap "a terminal that is closed: the machine is told to power off, and gets its time" $?
closed 'poweroff|lines' --batch "$t/work/a.py" >"$t/said" 2>&1
tap "a batch's too" $?

# What is killed cannot clear up: the next start does, and leaves alone what runs.
await() {	# COMMAND...: true as soon as it is
	local end=$((SECONDS + 60))
	until "$@"; do
		((SECONDS < end)) || { echo "not within 60 s: $*"; return 1; }
		sleep 0.05
	done
}
began() { [ "$(grep -cs waiting "$t/acts")" = "$1" ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
folders() { find "$t/run" -maxdepth 1 -name 'vm.*' | sort; }
background() {	# its process is $!
	env PATH="$t/bin:$PATH" PLAY=poweroff PLAY_DIR="$t" CUVETTE_INSIDE=1 BOOT="$t/boot" RUN="$t/run" WORK="$t/work" ACCEL=tcg \
		qemu/run </dev/null >"$t/said" 2>&1 &
}
rm -f "$t/acts"
background
first=$!
{ await began 1 && played=$(cat "$t/run"/vm.*/pid) && kill -KILL "$first" && await gone "$played"; } >>"$t/said"
tap "killed, qemu/run takes QEMU with it" $?
wait "$first" 2>/dev/null
left=$(folders) running=
# Who followed the console ends a moment later, and with it the locks.
await flock -n "$t/run/data.img" true && await flock -n "$left" true
background
second=$!
await began 2 >>"$t/said" && running=$(folders) && [ -n "$left" ] && [ -d "$running" ] && [ "$running" != "$left" ]
tap "the next start clears away what it left" $?
run 'exit 0' -- --batch "$t/work/a.py" 2>>"$t/said" && [ "$(folders)" = "$running" ]
tap "but nothing of a machine that runs" $?
kill -TERM "$second"
wait "$second"
[ $? = 0 ] && [ -z "$(folders)" ] && grep -q '^off' "$t/acts"
tap "which ends as if it had been alone" $?

# Many at a time, as a loop over notebooks starts them: none takes a port that another has just found free.
: >"$t/qemu"
run 'exit 0' PORT=8888 FORWARD=8080 -- --batch "$t/work/a.py" 2>"$t/said" && grep -q 'user,id=net ' "$t/qemu" && ! grep -q hostfwd "$t/qemu"
tap "a batch takes no port of the host" $?

# What containers publish is reached from the host where it is asked for, by its 127.0.0.1 alone.
: >"$t/qemu"
run gone DATA=none PORT=28888 FORWARD='28080 29000:80 25353/udp' -- 2>"$t/said"
grep -q 'user,id=net,hostfwd=tcp:127.0.0.1:28888-:8888,hostfwd=tcp:127.0.0.1:28080-:28080,hostfwd=tcp:127.0.0.1:29000-:80,hostfwd=udp:127.0.0.1:25353-:25353 ' "$t/qemu"
tap "FORWARD leads from 127.0.0.1 to the machine's ports" $?
: >"$t/qemu"
! run gone DATA=none PORT=28888 FORWARD=28888 -- 2>"$t/said" && grep -q "FORWARD has port 28888 of 127.0.0.1, which is JupyterLab's" "$t/said" && [ ! -s "$t/qemu" ]
tap "JupyterLab's own port is refused with a sentence" $?
coproc listener { python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); input()'; }
read -r taken <&"${listener[0]}"
! run gone DATA=none PORT=28888 FORWARD="$taken" -- 2>"$t/said" && grep -q "port $taken of 127.0.0.1 is in use: give FORWARD another one" "$t/said" && [ ! -s "$t/qemu" ]
tap "so is one that somebody has" $?
echo >&"${listener[1]}"

# The Makefile's half of the host, beside programs that say what they were called with.
mkdir -p "$t/checkout/tools" "$t/checkout/qemu"
cp Makefile "$t/checkout"
cp tools/alone "$t/checkout/tools"
printf '#!/bin/sh\nprintf "<%%s>" "${0##*/}" "$@" "$WORK" "$APPEND"; echo\n' | tee "$t/checkout/tools/enter" >"$t/checkout/qemu/run"
printf '#!/bin/sh\n' | tee "$t/checkout/tools/toolroot" >"$t/checkout/tools/fetch"
chmod +x "$t/checkout"/*/*
name="work/it's  a (1) & b;.ipynb"
env -u CUVETTE_INSIDE -u MAKEFLAGS make -C "$t/checkout" -s run NOTEBOOK="$name" WORK="/my (own) work" APPEND='a="b  c"' \
	>"$t/said" 2>&1 && grep -qxF "<run><--batch><$name></my (own) work><a=\"b  c\">" "$t/said" &&
	grep -qF "<enter><tools/alone><build><make>" "$t/said" && grep -qF "<NOTEBOOK=$name>" "$t/said"
tap "make run hands every name on as it is" $?
clean() { env -u CUVETTE_INSIDE -u MAKEFLAGS make -C "$t/checkout" -s clean >"$t/said" 2>&1; }
mkdir -p "$t/checkout/build/run"
: >"$t/checkout/build/run/data.img"
exec 7>"$t/checkout/build/run/data.img"
flock 7
! clean && grep -q 'a machine runs with build/run/data.img: stop it first' "$t/said" && [ -e "$t/checkout/build/run/data.img" ]
tap "make clean does not take the data disk of a machine that runs" $?
exec 7>&-
clean && [ ! -e "$t/checkout/build" ]
tap "but that of one that is off" $?
echo "1..$number"
exit $((failed != 0))
