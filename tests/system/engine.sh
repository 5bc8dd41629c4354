#!/bin/sh
# engined's shipped program in its jail, on this kernel and without boxd: what it tells, what it keeps, how it ends.
# usage: tests/system/engine.sh   (needs root and Landlock; BIN=DIR: where engined is, default build/bin)
set -eu

NAME=engined
. "$(dirname "$0")/lib.sh"
failed_shows() { cat log console notify control; }
if [ "${1-}" != --inside ]; then
	[ "$(id -u)" = 0 ] || skip "engined becomes user 101: that takes root"
	need engined
	own_world
fi

ROOT=/run/root
mkdir -p $ROOT/proc $ROOT/images/lab $ROOT/data/engine $ROOT/run/cuvette
chown 101:101 $ROOT/data/engine
chmod 700 $ROOT/data/engine
mount -t proc proc $ROOT/proc
cp "$BIN/engined" $ROOT/engined
cat >$ROOT/images/lab/image.json <<'E'
{"schema":1,"name":"lab","digest":"sha256:ab","config":{"Cmd":["lab"],"User":"1000:100"}}
E
cd /run
cat >good.yaml <<'E'
services:
  lab:
    image: lab
    network_mode: host
    environment: {JUPYTER_TOKEN: '${JUPYTER_TOKEN}'}
E
sed 's/image: lab/&\n    memlimit: 1g/' good.yaml >bad.yaml
echo "console=ttyS0" >cmdline
echo '{}' >config

# start COMPOSE [CONFIG-JSON]: as svd passes the files
start() {
	echo "${2:-{\}}" >config
	for file in notify console control boot log; do : >$file; done
	CUVETTE_FDS=notify:compose:cmdline:config:console:control:boot chroot $ROOT /engined 3>>notify 4<"$1" \
		5<cmdline 6<config 7>>"${CONSOLE:-console}" 8<>control 9>>boot 2>log &
	pid=$!
}
ends_with() { # STATUS SIGNAL
	status=0
	kill "-$2" $pid
	wait $pid || status=$?
	[ $status = "$1" ] || { echo "ended with $status"; return 1; }
}
alive() { kill -0 $pid; }
said() { grep -qF -- "$2" "$1"; }
not_said() { ! said "$@"; }
status_is() { grep -Eq "^$1:[[:space:]]+$2\$" "/proc/$pid/status" || { cat "/proc/$pid/status"; return 1; }; }
token() { sed 's/.*"token":"\([0-9a-f]*\)".*/\1/' $ROOT/data/engine/token.json; }

start good.yaml
verdict "tells that it is ready" within 10 said notify ready
if said log landlock; then skip "this kernel has no Landlock"; fi
verdict "is user 101" status_is Uid "101.101.101.101"
verdict "is group 101" status_is Gid "101.101.101.101"
verdict "has no capability" status_is CapPrm 0000000000000000
verdict "can get none back" status_is CapBnd 0000000000000000
verdict "has no_new_privs" status_is NoNewPrivs 1
verdict "has a system call list" status_is Seccomp 2
verdict "waits for boxd" within 5 said log "boxd.sock"
verdict "keeps the token for itself" test "$(stat -c '%a %u' $ROOT/data/engine/token.json)" = "600 101"
verdict "makes a token of 48 hex digits" test "$(token | tr -d "\n" | wc -c)" = 48
verdict "does not log the token" not_said log "$(token)"
first=$(token)
verdict "ends at once by SIGTERM" ends_with 0 TERM

echo garbage >$ROOT/data/engine/containers/lab.json
start good.yaml
verdict "takes a broken document for a new container" within 10 said notify ready
verdict "sets the broken one aside" test -e $ROOT/data/engine/containers/lab.json.bad
verdict "knows the token of this boot again" test "$(token)" = "$first"
verdict "ends by SIGPWR when nothing runs" ends_with 0 PWR

start bad.yaml
verdict "names line and nearest key of a mistake" within 10 said console \
	'compose.yaml:4: unknown key "memlimit" in service lab; did you mean "mem_limit"?'
verdict "is not ready then" not_said notify ready
verdict "stays, so that nothing starts again in a circle" alive
verdict "leaves the machine up" not_said notify poweroff
verdict "still ends by SIGTERM" ends_with 0 TERM

start bad.yaml '{"batch":"work/a.ipynb"}'
verdict "ends a batch that cannot start" within 10 said control "exit 125"
verdict "says why" said control "error Cuvette starts no service: compose.yaml:4"
verdict "powers off after it" within 5 said notify poweroff
ends_with 0 TERM

mkfifo silent
exec 3<>silent	# its reader, which reads nothing
dd if=/dev/zero of=silent bs=4096 count=64 oflag=nonblock 2>dd.log || :
CONSOLE=silent
start bad.yaml '{"batch":"work/a.ipynb"}'
CONSOLE=
verdict "is not held up by a console that nobody reads" within 10 said control "exit 125"
ends_with 0 TERM

start good.yaml '{"token":""}'
verdict "refuses an empty token" within 10 said console "token: is empty: a notebook without a token is open to everybody"
ends_with 0 TERM

mount -t tmpfs -o size=4k,nr_inodes=2,uid=101,gid=101,mode=700 full $ROOT/data/engine
start good.yaml
verdict "goes on when the data disk is full" within 10 said notify ready
verdict "says what to do" said console "free some space under /data"
ends_with 0 TERM

verdict_end
