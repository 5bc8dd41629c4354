# podman_guest.bash - the part of podman.sh inside the guest.
# shellcheck source=../vm/lib_guest.bash
. /payload/lib_guest.bash
# shellcheck source=lib_podman.bash
. /payload/lib_podman.bash
status() { "$@" >/dev/null 2>&1; echo $?; }
running() { [ "$(field "$1" '{{.State.Running}}')" = true ]; }
state() { field "$1" '{{.State.Status}}'; }
# What a container leaves: mounts, cgroups, the runtime's state, its processes.
traces() {
	echo "mounts: $(cut -d' ' -f5 /proc/self/mountinfo | sort | tr '\n' ' ')"
	find /sys/fs/cgroup -type d -name 'libpod-*' | sed 's/libpod-.*/libpod-/' | sort | uniq -c
	find /run/box-oci /run/crun /run/runc -mindepth 1 -maxdepth 1 -type d ! -name '.*' 2>/dev/null
	cat /proc/[0-9]*/comm 2>/dev/null | grep -xE 'conmon|sleep|box|crun|runc'
	return 0
}

say "$(uname -r), runtime $RUNTIME: $($RUNTIME --version | head -n 1)"
before=$(traces)

# ---- run
is "run: output" "$(p run --rm $I echo hello)" hello
is "run: exit status" "$(status p run --rm $I sh -c 'exit 42')" 42
is "run: a signal ends it" "$(status p run --rm --pid host $I sh -c 'kill -9 $$')" 137
is "run: environment" "$(p run --rm -e A=one -e 'B=two words' $I sh -c 'echo $A $B $HOME')" "one two words /root"
is "run: user by name" "$(p run --rm -u u $I sh -c 'id -u; id -g; pwd' | tr '\n' ' ')" "1000 100 / "
is "run: user by number and working directory" "$(p run --rm -u 7:8 -w /tmp $I sh -c 'id -u; id -g; pwd' | tr '\n' ' ')" "7 8 /tmp "
like "run: -t gives a terminal" "$(p run --rm -t $I sh -c 'tty; ls -l /dev/console' | tr -d '\r')" '^/dev/(pts/0|console)$'
is "run: -i reads standard input" "$(echo from outside | timeout 60 podman --runtime "$RUNTIME" run --rm -i $I cat)" "from outside"
is "run: --read-only" "$(p run --rm --read-only $I sh -c 'touch /x 2>/dev/null || echo refused; touch /tmp/x && echo tmp')" "refused
tmp"
is "run: the root is writable otherwise" "$(p run --rm $I sh -c 'touch /x && echo fine')" fine
is "run: --cap-drop all" "$(p run --rm --cap-drop all $I grep CapEff /proc/self/status | cut -f2)" 0000000000000000
is "run: --cap-drop one" "$(status p run --rm --cap-drop chown $I sh -c 'touch /f && busybox chown 5 /f')" 1
like "run: podman's own capabilities" "$(p run --rm $I grep CapBnd /proc/self/status)" 00000000800405fb
is "run: limits are seen inside" "$(p run --rm --memory 64m --pids-limit 21 --cpus 0.5 $I cat \
	/sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max | tr '\n' ' ')" "67108864 21 50000 100000 "
is "run: --cgroup-conf writes any file" "$(p run --rm --cgroup-conf memory.high=33554432 $I cat /sys/fs/cgroup/memory.high)" 33554432
like "run: a fork bomb meets --pids-limit" "$(p run --rm --pids-limit 4 $I sh -c 'i=0; while [ $i -lt 6 ]; do sleep 9 & i=$((i+1)); done' 2>&1)" "can't fork"
p run --name oom --memory 16m --memory-swap 16m --tmpfs /big:size=100m $I dd if=/dev/zero of=/big/x bs=1M count=90 >/dev/null 2>&1
is "run: beyond --memory it is killed, and podman knows why" "$(field oom '{{.State.ExitCode}} {{.State.OOMKilled}}')" "137 true"
p rm oom >/dev/null
is "run: --tmpfs with its options" "$(p run --rm --tmpfs /t:size=1m,mode=700 $I sh -c 'stat -c %a /t; grep " /t " /proc/self/mounts | cut -d" " -f3')" "700
tmpfs"
mkdir -p /tmp/v; echo outside >/tmp/v/file
is "run: -v read-only" "$(p run --rm -v /tmp/v:/v:ro $I sh -c 'cat /v/file; touch /v/x 2>/dev/null || echo refused' | tr '\n' ' ')" "outside refused "
is "run: -v read-write" "$(p run --rm -v /tmp/v:/v $I sh -c 'echo inside >/v/new'; cat /tmp/v/new)" inside
is "run: one file as a volume" "$(p run --rm -v /tmp/v/file:/etc/one:ro $I cat /etc/one)" outside
is "run: a named volume keeps what was written" "$(p run --rm -v vol:/d $I sh -c 'echo kept >/d/x'; p run --rm -v vol:/d $I cat /d/x)" kept
p volume rm vol >/dev/null
is "run: podman's filter is on" "$(p run --rm $I grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status | tr -d '\t' | tr '\n' ' ')" "NoNewPrivs:0 Seccomp:2 "
is "run: seccomp=unconfined" "$(p run --rm --security-opt seccomp=unconfined $I grep '^Seccomp:' /proc/self/status | cut -f2)" 0
echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' >/tmp/profile.json
like "run: a filter of one's own" "$(p run --rm --security-opt seccomp=/tmp/profile.json $I mkdir /x 2>&1)" 'Not supported'
is "run: no-new-privileges" "$(p run --rm --security-opt no-new-privileges $I grep NoNewPrivs /proc/self/status | cut -f2)" 1
is "run: a map of user ids" "$(p run --rm --uidmap 0:100000:5000 --gidmap 0:200000:5000 $I sh -c 'cat /proc/self/uid_map /proc/self/gid_map; touch /f; stat -c %u /f' |
	tr -s ' \n' ' ')" " 0 100000 5000 0 200000 5000 0 "
like "run: --userns=auto" "$(p run --rm --userns=auto $I cat /proc/self/uid_map)" '^ +0 +2[0-9]{5} '
is "run: --init" "$(p run --rm --init $I cat /proc/1/comm)" podman-init
is "run: --hostname, --ulimit, --oom-score-adj, --sysctl" "$(p run --rm --hostname box --ulimit nofile=77:88 --oom-score-adj 123 \
	--sysctl kernel.msgmax=4321 $I sh -c 'hostname; ulimit -n; cat /proc/self/oom_score_adj /proc/sys/kernel/msgmax' | tr '\n' ' ')" "box 77 123 4321 "
is "run: --device" "$(p run --rm --device /dev/null:/dev/mine $I sh -c 'echo x >/dev/mine && stat -c %t:%T /dev/mine')" 1:3
is "run: --privileged sees the machine's devices" "$(p run --rm --privileged $I sh -c 'test -b /dev/vda && grep Seccomp: /proc/self/status | cut -f2')" 0
is "run: --pid=host, --ipc=host, --uts=host" "$(p run --rm --pid host --ipc host --uts host $I sh -c 'cat /proc/1/comm; hostname')" "init
$(uname -n)"
is "run: masked paths are empty" "$(p run --rm $I sh -c 'cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | head -c 9 | wc -c; ls /sys/firmware | wc -l' | tr '\n' ' ')" "0 0 "
is "run: --preserve-fds" "$(timeout 60 podman --runtime "$RUNTIME" run --rm --preserve-fds 1 $I sh -c 'cat <&3' 3</tmp/v/file)" outside

# ---- errors
is "a program that is missing: 127" "$(status p run --rm $I /nothing/here)" 127
is "a program that is none: 126" "$(status p run --rm $I /etc/not-a-program)" 126
like "the error names the program" "$(p run --rm $I /nothing/here 2>&1)" '/nothing/here'
is "a working directory that is a file: no start" "$(status p run --rm -w /etc/passwd $I true)" "$([ "$name" = crun ] && echo 126 || echo 126)"
is "a bad value of a limit: no start" "$(status p run --rm --cgroup-conf memory.max=abc $I true)" 126

# ---- a container that stays
ok "run -d" p run -d --name c1 -e A=base --memory 100m -w /tmp $I sh -c 'trap "echo got usr1" USR1; echo started; echo bad >&2; while :; do sleep 1; done'
is "ps shows it" "$(p ps --format '{{.Names}} {{.State}}')" "c1 running"
like "inspect: runtime, process, cgroup" "$(field c1 '{{.OCIRuntime}} {{.State.Pid}} {{.State.CgroupPath}}')" "$name [0-9]+ /libpod_parent/libpod-"
ok "its cgroup has its process" grep -qx "$(field c1 '{{.State.Pid}}')" "/sys/fs/cgroup$(field c1 '{{.State.CgroupPath}}')/cgroup.procs"
is "exec: output and environment" "$(p exec -e B=more c1 sh -c 'echo $A $B; pwd' | tr '\n' ' ')" "base more /tmp "
is "exec: exit status" "$(status p exec c1 sh -c 'exit 9')" 9
is "exec: user and directory" "$(p exec -u u -w /home/u c1 sh -c 'id -u; pwd' | tr '\n' ' ')" "1000 /home/u "
is "exec: -t" "$(p exec -t c1 tty | tr -d '\r')" /dev/pts/0
is "exec: -i" "$(echo typed | timeout 60 podman --runtime "$RUNTIME" exec -i c1 cat)" typed
is "exec: -d" "$(p exec -d c1 sh -c 'echo behind >/tmp/behind' >/dev/null; within 30 p exec c1 grep -q behind /tmp/behind; echo $?)" 0
is "exec: same cgroup, same filter" "$(p exec c1 sh -c 'cat /proc/self/cgroup; grep ^Seccomp: /proc/self/status | cut -f2' | tr '\n' ' ')" "0::/ 2 "
is "exec: a program that is missing: 127" "$(status p exec c1 /nothing)" 127
is "exec: a program that is none: 126" "$(status p exec c1 /etc/not-a-program)" 126
like "logs" "$(p logs c1 2>&1)" '^started$'
like "logs: standard error too" "$(p logs c1 2>&1)" '^bad$'
like "top" "$(p top c1 pid comm)" '1 +(sh|busybox)'
like "stats" "$(p stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' c1)" '^c1 [0-9.]+[kM]B / 104.9MB [1-9]'
ok "kill -s USR1" p kill -s USR1 c1
ok "the signal arrives" within 30 eval 'p logs c1 | grep -q "got usr1"'
ok "pause" p pause c1
is "it is paused, its cgroup frozen" "$(state c1) $(cat "/sys/fs/cgroup$(field c1 '{{.State.CgroupPath}}')/cgroup.freeze")" "paused 1"
ok "unpause" p unpause c1
is "it runs" "$(state c1)" running
ok "update --memory, --cpus, --pids-limit" p update --memory 80m --cpus 1.5 --pids-limit 99 c1
is "the container sees the new limits" "$(p exec c1 cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max | tr '\n' ' ')" "83886080 150000 100000 99 "
ok "checkpoint is refused" not p container checkpoint c1
is "checkpoint: one sentence" "$(p container checkpoint c1 2>&1 | wc -l)" 1
# podman wants CRIU before it asks the runtime: then the runtime is asked as podman would.
[ "$name" != box ] || like "checkpoint: box says why" "$(box checkpoint --image-path /tmp/checkpoint "$(field c1 '{{.Id}}')" 2>&1)" \
	'^err box: checkpoint and restore are not possible: .*; stop and start the container instead$'
ok "it runs on" running c1
is "--pid=container: and --ipc=container:" "$(p run --rm --pid container:c1 --ipc container:c1 $I sh -c 'cat /proc/1/comm; readlink /proc/self/ns/ipc' 2>/dev/null |
	tr '\n' ' ')" "sh $(readlink "/proc/$(field c1 '{{.State.Pid}}')/ns/ipc") "
old=$(field c1 '{{.State.Pid}}')
ok "restart" p restart -t 1 c1
ok "it has a new process" test "$(field c1 '{{.State.Pid}}')" != "$old"
ok "stop" p stop -t 1 c1
is "stopped: exited" "$(state c1)" exited
ok "start again" p start c1
ok "rm -f" p rm -f -t 0 c1
is "a program that obeys TERM ends by it" "$(p run -d --name t $I sh -c 'trap "exit 5" TERM; while :; do sleep 1; done' >/dev/null
	p stop -t 30 t >/dev/null; field t '{{.State.ExitCode}}'; p rm t >/dev/null)" 5
is "wait gives the status" "$(p run -d --name w $I sh -c 'sleep 1; exit 3' >/dev/null; p wait w; p rm w >/dev/null)" 3

# ---- pods, compose
ok "pod create" p pod create --name pod --network none --share pid,ipc,uts,net --hostname podhost
ok "a first container in it" p run -d --pod pod --name one $I sh -c 'echo shared >/dev/shm/x; sleep 1000'
is "the second shares ipc, uts, pid" "$(p run --rm --pod pod $I sh -c 'cat /dev/shm/x; hostname; ps | grep -c "[s]leep 1000"' | tr '\n' ' ')" "shared podhost 1 "
is "the second shares the network" "$(p run --rm --pod pod $I stat -L -c %i /proc/self/ns/net)" "$(stat -L -c %i "/proc/$(field one '{{.State.Pid}}')/ns/net")"
ok "pod stop, pod start" eval 'p pod stop -t 0 pod && p pod start pod'
ok "pod rm" p pod rm -f -t 0 pod
mkdir -p /tmp/compose
cat >/tmp/compose/compose.yaml <<'YAML'
services:
  web:
    image: localhost/img
    network_mode: none
    command: sh -c "echo web is up; sleep 1000"
    environment: {WHO: web}
    mem_limit: 50m
  job:
    image: localhost/img
    network_mode: none
    command: sh -c "echo job ran"
    depends_on: [web]
YAML
compose() { (cd /tmp/compose && timeout 200 podman-compose --podman-args="--runtime $RUNTIME" "$@" </dev/null); }
ok "compose up" compose up -d
ok "both services ran" within 30 eval 'p logs compose_job_1 2>/dev/null | grep -q "job ran" && running compose_web_1'
ok "compose exec" eval 'compose exec -T web sh -c "echo \$WHO" | grep -qx web'
ok "compose down" compose down -t 0
is "compose leaves no container" "$(p ps -aq | wc -l)" 0

# ---- bad days
p run -d --name k $I sleep 1000 >/dev/null
pid=$(field k '{{.State.Pid}}')
kill -9 "$(field k '{{.State.ConmonPid}}')"
# podman itself says no the first time: there is no exit status to read.
ok "conmon killed: rm -f still removes" eval "p rm -f -t 0 k || p rm -f -t 0 k"
ok "and its process is gone" within 30 eval "! [ -e /proc/$pid ]"
# The runtime behind a script that has it killed as it makes a system call for the first time after a verb.
mkdir /tmp/struck
cat >"/tmp/struck/$name" <<WRAPPER
#!/bin/bash
[ -e /tmp/strike ] || exec $RUNTIME "\$@"
read -r verb call </tmp/strike
[[ " \$* " = *" \$verb "* ]] || exec $RUNTIME "\$@"
strace -qq -o /dev/null -e "trace=\$call" -e "inject=\$call:signal=KILL:when=1" $RUNTIME "\$@"
status=\$?
[ \$status != 137 ] || echo "\$verb \$call" >>/tmp/strikes
exit \$status
WRAPPER
chmod 755 "/tmp/struck/$name"
RUNTIME=/tmp/struck/$name
: >/tmp/strikes
# Before anything is made; with the folder; at its record and the clone; before the container goes on; before it is ready, told.
in_create='openat mkdirat flock write clone3 sendmsg recvmsg exit_group'
for call in $in_create; do
	echo "create $call" >/tmp/strike
	p run -d --name "r-$call" $I sleep 1000 >/dev/null 2>&1
	rm /tmp/strike
	p rm -f -t 0 "r-$call" >/dev/null 2>&1 || p rm -f -t 0 "r-$call" >/dev/null 2>&1
done
# podman knows of no container that was never created, so it asks for no delete.
for id in $($RUNTIME list -q); do $RUNTIME delete --force "$id"; done
within 30 eval '[ "$(traces)" = "$before" ]'
is "killed in create, at each of its steps: nothing is left after delete --force" "$(traces)" "$before"
strikes=('start connect' 'start recvmsg' 'exec vfork' 'exec recvmsg' 'pause write' 'kill pidfd_send_signal')
for strike in "${strikes[@]}"; do
	verb=${strike% *}
	p run -d --name r $I sleep 1000 >/dev/null
	[ $verb != start ] || p stop -t 0 r >/dev/null
	echo "$strike" >/tmp/strike
	case $verb in
	exec) p exec r sleep 5 ;;
	kill) p kill r ;;
	*) p $verb r ;;
	esac >/dev/null 2>&1
	rm /tmp/strike
	ok "killed in $verb, at ${strike#* }: rm -f removes" eval "p rm -f -t 0 r || p rm -f -t 0 r"
done
# Other runtimes take other calls.
if [ "$name" = box ]; then
	is "the runtime was killed each time" "$(cat /tmp/strikes)" "$(printf 'create %s\n' $in_create; printf '%s\n' "${strikes[@]}")"
else
	ok "the runtime was killed $(wc -l </tmp/strikes) times" test -s /tmp/strikes
fi
p rm -f -t 0 -a >/dev/null 2>&1
within 20 eval '[ "$(traces)" = "$before" ]'
is "nothing is left: mounts, cgroups, state, processes" "$(traces)" "$before"
tap_done
