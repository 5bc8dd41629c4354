#!/bin/sh
# svd against the real kernel, without a virtual machine: root, or a user namespace; a /run and a pid namespace of its own.
# usage: tests/system/svd.sh   (BIN=DIR: where svd and svctl are, default build/bin)
set -eu

NAME=svd
. "$(dirname "$0")/lib.sh"
failed_shows() { svctl status || :; }
if [ "${1-}" != --inside ]; then
	need svd svctl
	export ROOT=1
	[ "$(id -u)" = 0 ] || { ROOT=0; own_world --map-root-user; }
	own_world
fi

mkdir /run/units /run/t
cd /run/t

svctl() { "$BIN/svctl" "$@"; }
state_is() { [ "$(svctl status | awk -v u="$1" '$1 == u { print $2 }')" = "$2" ]; }
pid_of() { svctl status | awk -v u="$1" '$1 == u { print $3 }'; }
# script NAME: a program from stdin
script() {
	{ echo '#!/bin/sh'; cat; } >"/run/t/$1"
	chmod +x "/run/t/$1"
}
unit() { cat >"/run/units/$1.unit"; }
start_svd() {
	"$BIN/svd" /run/units /run/svd 2>>console &
	svd=$!
}

# --- the units -------------------------------------------------------------------------------------------
script daemon <<'E2'
# daemon NAME [SIGNAL]: tells that it is ready, notes when it is told to stop
trap 'date +%s%N >/run/t/$1.stopped; exit 0' "${2:-TERM}"
sleep "${DELAY:-0}"
echo "info $1: begins with $CUVETTE_FDS"
date +%s%N >>"/run/t/$1.started"
echo ready >&3
while :; do sleep 0.1; done
E2
script crash <<'E2'
date +%s%N >>/run/t/crash.times
echo "err crash: goes down" >&2
exit 3
E2
script stubborn <<'E2'
trap '' TERM
echo ready >&3
while :; do sleep 0.1; done
E2
script talker <<'E2'
i=0
while [ $i -lt 20000 ]; do echo "line $i of a unit that talks too much"; i=$((i + 1)); done
echo done >/run/t/talker.done
while :; do sleep 1; done
E2
script artist <<'E2'
printf 'begins \033[31mred\033[0m \302\2331m \303\274\n'
printf 'err artist: \033[2J\302\2332J gone\n'
E2
script flood <<'E2'
# ends at once and leaves a child that never stops telling
yes nonsense >&3 &
echo $! >>/run/t/flood.pids
exit 3
E2
script look <<'E2'
{ echo "fds=$CUVETTE_FDS"; echo "files=$(ulimit -n)"; echo "nice=$(nice)"; cat <&4; ls -l /proc/$$/fd; cat /proc/$$/status; } >/run/t/look.out 2>&1
E2
script turner <<'E2'
echo ready >&3
while [ ! -e /run/t/turn ]; do sleep 0.05; done
echo poweroff >&3
while :; do sleep 1; done
E2

echo 'hello from a file' >/run/t/note
unit base <<'E2'
exec /run/t/daemon base
env DELAY=0.3
ready notify
restart always
E2
unit upper <<'E2'
# comes after base and stops before it
exec /run/t/daemon upper PWR
after base
ready notify
shutdown-signal PWR
E2
unit once <<'E2'
exec /bin/sh -c "echo did it > /run/t/once.out"
ready exit
E2
unit crash <<'E2'
exec /run/t/crash
restart failure
E2
unit stubborn <<'E2'
exec /run/t/stubborn
ready notify
stop-ms 300
E2
unit talker <<'E2'
exec /run/t/talker
log-bytes 16k
E2
unit artist <<'E2'
exec /run/t/artist
ready exit
E2
unit flood <<'E2'
exec /run/t/flood
when /run/t/flooding
ready notify
E2
unit look <<'E2'
exec /run/t/look
ready exit
after once
socket look.sock /run/t/look.sock stream 0660 root root
file note /run/t/note r
file absent /run/t/absent r optional
open-files 777
nice 5
E2
unit rests <<'E2'
exec /run/t/no-such-program
when /run/t/no-such-thing
E2
unit who <<'E2'
exec /bin/sh -c "grep -E '^(Uid|Groups|NoNewPrivs|CapEff|CapAmb|CapBnd):' /proc/self/status; ls -l /proc/self/fd"
ready exit
restart never
user nobody
caps net_raw kill
E2
unit turner <<'E2'
exec /run/t/turner
ready notify
may poweroff
E2
unit gone <<'E2'
exec /run/t/no-such-program
restart never
E2
unit typo <<'E2'
exec /bin/true
reedy notify
E2
unit ring1 <<'E2'
exec /bin/true
after ring2
E2
unit ring2 <<'E2'
exec /bin/true
after ring1
E2

# --- start -----------------------------------------------------------------------------------------------
trap 'echo asked >/run/t/asked' USR2
start_svd
verdict 'a unit is up when it has told so' within 10 state_is base up
verdict 'a unit comes up after the one it waits for' within 10 state_is upper up
order() { [ "$(cat base.started)" -lt "$(cat upper.started)" ]; }
verdict 'order: the upper one began after the lower one was ready' order
verdict 'a task that ends with 0 is done' within 10 state_is once done
verdict 'the task did its work' grep -q 'did it' once.out
verdict 'passed fds are named in order, a missing optional one is left out' grep -qx 'fds=look.sock:note' look.out
verdict 'a passed file can be read at its place' grep -qx 'hello from a file' look.out
verdict 'its limit of open files is that of its file' grep -qx 'files=777' look.out
verdict 'and its priority' grep -qx nice=5 look.out
no_more_fds() { ! grep -E ' [5-9]+[0-9]* -> ' look.out | grep -v 'look.out\|/dev/null\|pipe\|look$'; }
verdict 'no other fd reaches a unit' no_more_fds
verdict 'the socket has its mode' test "$(stat -c %a look.sock)" = 660
verdict 'a unit without what it serves rests' within 10 state_is rests done
if [ "$ROOT" = 1 ]; then
	verdict 'a unit with a user ends well' within 10 state_is who done
	svctl log who >who.out
	rights() { # uid 65534, no groups, no_new_privs, kill (5) and net_raw (13) alone
		grep -q 'Uid:.65534.65534.65534.65534' who.out && grep -q 'NoNewPrivs:.1' who.out &&
			[ "$(grep -c 'Cap\(Eff\|Amb\|Bnd\):.0*2020$' who.out)" = 3 ]
	}
	verdict 'it has its user and exactly its capabilities' rights
fi
svctl boot >boot.out
in_boot() { grep -q '^svd ' boot.out && grep -q '^base ' boot.out && [ "$(grep -c '^upper ' boot.out)" = 1 ]; }
verdict 'the boot table has svd and the units' in_boot

# --- what is wrong is said, and costs nothing else ----------------------------------------------------------
verdict 'an unknown key names file, line and the nearest key' grep -q 'typo.unit:2: key reedy is unknown; the nearest is ready' console
verdict 'a cycle is named' grep -q 'cycle: ring1 -> ring2 -> ring1' console
verdict 'a wrong unit is failed' state_is typo failed
verdict 'a program that is not there is an error that names it' grep -q 'gone cannot be started: execve: No such file' console
unknown() { ! svctl restart bsae 2>out && grep -q 'nearest is base' out; }
verdict 'svctl names the nearest unit' unknown
usage() { svctl stauts 2>out; [ $? = 2 ] && grep -q 'nearest is status' out; }
verdict 'svctl names the nearest command' usage

# --- crash, back-off, logs -------------------------------------------------------------------------------
five_starts() { [ "$(wc -l <crash.times)" -ge 5 ]; }
verdict 'a unit that crashes is started again' within 10 five_starts
# The waits are 100, 200, 400, 800 ms; a loaded machine shifts each beginning a little.
backs_off() {
	awk '{ t[NR] = $1 / 1e6 } END { exit !(t[5] - t[4] > 600 && t[4] - t[3] > 250 && t[5] - t[1] > 1300) }' crash.times
}
verdict 'each wait is twice the one before' backs_off
verdict 'errors of a unit reach the console' grep -q '^err crash: goes down' console
verdict 'a log keeps what a unit printed' sh -c "'$BIN/svctl' log base | grep -q 'info base: begins with notify'"
unreadable() { # as for anybody but root, whom no mode stops
	chmod 0 /run/svd/log/base
	! command setpriv --inh-caps=-all --bounding-set=-all "$BIN/svctl" log base 2>out
	chmod 600 /run/svd/log/base
	grep -qx 'err svctl: log of base: only root may read logs' out
}
verdict 'svctl says why a log is not shown' unreadable
missing() { ! svctl log bsae 2>out && grep -qx 'err svctl: there is no log of bsae; the nearest is base' out; }
verdict 'and which one may have been meant' missing
drawn() { svctl log artist | grep -q "$(printf '\033\\[31mred')"; }
verdict 'what a unit printed is as it was in a file' within 10 drawn
command script -qec "'$BIN/svctl' log artist" /dev/null >terminal.out </dev/null
verdict 'on a terminal nothing of it is obeyed' grep -q "begins ?\[31mred?\[0m ??1m $(printf '\303\274')" terminal.out
verdict 'nor on the console' within 10 grep -q '^err artist: ?\[2J??2J gone$' console
verdict 'the talker is not held up' within 20 test -e talker.done
last_line() { grep -q 'line 19999 ' /run/svd/log/talker; }
verdict 'the end of a long output is there' within 5 last_line
small() { [ "$(cat /run/svd/log/talker /run/svd/log/talker.1 | wc -c)" -le 16384 ]; }
verdict 'a log stays within its size' small

# --- restart, and a supervisor that dies ---------------------------------------------------------------------
old=$(pid_of base)
svctl restart base
changed() { svctl status | awk -v o="$old" '$1 == "base" && $2 == "up" && $3 != o { f = 1 } END { exit !f }'; }
verdict 'svctl restart gives a new process' within 10 changed

pids() { svctl status | awk '$1 == "base" || $1 == "upper" || $1 == "stubborn" { print $3 }'; }
before=$(pids)
kill -KILL $svd
wait $svd 2>/dev/null || true
sleep 0.3
start_svd
same() { [ "$(pids)" = "$before" ]; }
verdict 'a new svd adopts what runs' within 5 same
verdict 'adopted units are up' state_is upper up
runs_once() { [ "$(wc -l <once.out)" = 1 ] && state_is once done; }
verdict 'a task that was done is not done again' runs_once
old=$(pid_of base)
kill -KILL "$old"
verdict 'an adopted unit that dies is started again' within 10 changed
svctl boot >boot.out
verdict 'the boot table keeps first times only' in_boot
touch turn
verdict 'power off asked by a unit reaches the parent' within 5 test -e asked

# --- a unit that floods its notify FIFO ---------------------------------------------------------------------------
touch flooding
svctl restart flood
ended_twice() { [ "$(wc -l <flood.pids)" -ge 2 ]; }
verdict 'the end of a unit whose child floods the notify FIFO is seen' within 10 ended_twice
old=$(pid_of base)
svctl restart base
verdict 'the flood holds no other unit up' within 10 changed
verdict 'the flood is said once for each process' test "$(grep -c nonsense console)" -le "$(wc -l <flood.pids)"
rm flooding
xargs kill <flood.pids 2>/dev/null || :
verdict 'the unit rests when it is not wanted any more' within 10 state_is flood done

# --- kill -9 while starts are under way: nothing runs twice -----------------------------------------------------
for pause in 0.01 0.02 0.05 0.1 0.15; do
	kill -KILL $svd
	wait $svd 2>/dev/null || true
	start_svd
	sleep $pause
done
within 5 state_is upper up
twins() { for p in base upper stubborn turner; do [ "$(grep -lz "^/run/t/${p}\$" /proc/[0-9]*/cmdline 2>/dev/null | wc -l)" -le 1 ] || return 1; done; [ "$(pgrep -fc '/run/t/daemon base')" = 1 ]; }
verdict 'five killed supervisors leave every unit once' within 20 twins

# --- a full /run ---------------------------------------------------------------------------------------------
dd if=/dev/zero of=/run/fill bs=64k 2>/dev/null || true
old=$(pid_of base)
kill -KILL "$old"
verdict 'a unit is started again while /run is full' within 10 changed
rm -f /run/fill

# --- stop -----------------------------------------------------------------------------------------------------
rm -f base.stopped upper.stopped
date +%s%N >stop.began
kill -TERM $svd
wait $svd && ended=0 || ended=$?
date +%s%N >stop.ended
verdict 'svd ends with 0 on SIGTERM' test "$ended" = 0
reverse() { [ "$(cat upper.stopped)" -lt "$(cat base.stopped)" ]; }
verdict 'units stop in reverse order, each with its signal' reverse
verdict 'a unit that does not obey is killed after its time' grep -q 'stubborn did not end within 300 ms and is killed' console
quick() { [ $(($(cat stop.ended) - $(cat stop.began))) -lt 10000000000 ]; }
verdict 'stopping takes less than 10 s' quick
# (A child of a killed script may still be on its way to becoming sleep.)
verdict 'nothing is left' within 20 sh -c '! pgrep -f "^/bin/sh /run/t/"'

verdict_end
