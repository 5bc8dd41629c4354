#!/bin/bash
# The command line `box` against the real kernel: real containers in namespaces of their own, in a mount and
# pid namespace of the test's. Part 1 without cgroups, part 2 with cgroup v2 where the kernel lets us mount it.
# usage: tests/system/box_cli.sh   (BIN=DIR: where box is; BOX_CRASH=all: every crash point, not 60 of them)
set -u
skip() { echo "1..0 # SKIP $1"; exit 77; }

if [ "${1-}" != --inside ]; then
	out=${O:-build} here=$(cd "$(dirname "$0")" && pwd)
	bin=$(cd "${BIN:-$out/bin}" 2>/dev/null && pwd) || skip "build box first"
	[ -x "$bin/box" ] || skip "build box first"
	[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
		skip "needs the machine's root, not one of a user namespace"
	command -v jq >/dev/null || skip "needs jq"
	cc="$out/sysroot/bin/musl-gcc" work=$out/test/box_cli
	[ -x "$cc" ] && [ -x "$out/sysroot/bin/busybox" ] || skip "no musl-gcc or busybox: make first"
	mkdir -p "$work"
	"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static -o "$work/probe" "$here/probe.c" || exit 1
	cp "$out/sysroot/bin/busybox" "$work/"
	root=$(mktemp -d)
	trap 'rmdir "$root"' EXIT
	unshare --mount --pid --fork --kill-child env bin="$bin" work="$(cd "$work" && pwd)" root="$root" \
		bash "$0" --inside
	exit
fi

# ---- the world: /proc and /sys of our own (so no cgroup is in sight), a bundle on a tmpfs
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 world "$root"
cd "$root" || exit 1
mkdir sys run b b/rootfs b/rootfs/{bin,etc,tmp,proc,sys,dev,home}
mount -t sysfs sysfs sys && mount --move sys /sys
mount -t tmpfs -o mode=755 run /run
export PATH=$bin:$PATH LC_ALL=C
unset LISTEN_FDS XDG_RUNTIME_DIR
cp "$work/probe" "$work/busybox" b/rootfs/bin/
for tool in sh cat sleep ls id env stty tty true false kill mkdir ps; do ln -s busybox b/rootfs/bin/$tool; done
chmod 1777 b/rootfs/tmp
echo text >b/rootfs/etc/text; echo 'echo no' >b/rootfs/etc/script
n=0 failed=0
ok() { # NAME COMMAND...
	name=$1; shift; n=$((n + 1))
	if "$@" >verdict 2>&1; then echo "ok $n - box_cli: $name"; else
		failed=1; echo "not ok $n - box_cli: $name"
		for f in verdict out err log; do sed "s/^/# $f: /" $f 2>/dev/null | tail -n 12; done
	fi
}
has() { grep -qF -- "$1" "${2:-out}"; }
line() { grep -qxF -- "$1" "${2:-out}"; }
# b ARGUMENT...: box with its answer in out, its error in err and log
b() { : >log; box --log "$root/log" --log-format json "$@" >out 2>err </dev/null; }
b1() { b "$@"; [ $? = "${ERROR:-1}" ]; }	# fails as an error does
status() { box state "$1" | jq -r .status; }
pid_of() { box state "$1" | jq -r .pid; }
within() { left=$(($1 * 50)); shift; until "$@"; do left=$((left - 1)); [ $left -gt 0 ] || return 1; sleep 0.02; done; }
is() { [ "$(status "$1")" = "$2" ]; }
# A refusal: one sentence on stderr, the same as one JSON line in --log
refused() { # SENTENCE ARGUMENT...
	sentence=$1; shift
	b1 "$@" && has "$sentence" err && [ "$(wc -l <log)" = 1 ] &&
		[ "$(jq -r 'keys_unsorted | join(" ")' log)" = "level msg time" ] &&
		[ "$(jq -r .level log)" = error ] && jq -e --arg s "$sentence" '.msg | contains($s)' log &&
		jq -r .time log | grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z$' &&
		[ "$(cat err)" = "err box: $(jq -r .msg log)" ]
}
config() { jq "$1" base.json >b/config.json; } # FILTER: the base with something changed
args() { config ".process.args = [$(printf '"%s",' "$@" | sed 's/,$//')]"; }
box spec --bundle b && jq '.process.terminal = false | .root.readonly = false | .process.noNewPrivileges = false
	| .process.args = ["probe", "exit", "0"] | .process.env = ["PATH=/bin", "A=1"]
	| del(.linux.resources) | .linux.namespaces |= map(select(.type != "cgroup" and .type != "network"))
	| .mounts |= map(select(.type != "cgroup")) | (.mounts[] | select(.destination == "/sys")) |=
		{ destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "ro"] }' b/config.json >base.json
mounts_before=$(cat /proc/self/mountinfo) hash_before=$(sha256sum "$bin/box")
tree_before=$(cd b/rootfs && find . | sort)
alive() { ps -e -o pid=,args= | grep -E "[s]leep 1000|box (create|start|delete|run|exec)" | grep -v strace | grep -v grep; }
cgroup_part() { mountpoint -q /sys/fs/cgroup; }

# ---- words
ok "no command" refused "say what to do: box COMMAND"
ok "an unknown command names the nearest" refused 'unknown command "creat"; did you mean create?' creat x
ok "an unknown option names the nearest" refused 'box create: unknown option --bundel; did you mean --bundle?' create --bundel=x c
ok "an option behind the id" refused 'box state: --force must stand in front of the arguments' state x --force
ok "a missing id" refused 'box state: an argument is missing: box state [OPTION...] ID' state
ok "one id too many" refused 'box state: "y" is one argument too many' state x y
ok "help as crun is asked for it" eval 'b "-?" && has "  create " && b run --usage && has "usage: box [GLOBAL OPTION...] run"'
ok "help" eval 'b help && has "  create " && has "  update " && has "--root=DIR"'
ok "help of a verb" eval 'b exec --help && has "usage: box [GLOBAL OPTION...] exec [OPTION...] ID PROGRAM" && has "--preserve-fds=N"'
ok "help about a verb" eval 'b help run && has "-d, --detach"'
ok "every verb has help" eval '(for v in $(box help | sed -n "s/^  \([a-z]*\)  .*/\1/p"); do case $v in checkpoint|restore) ;; *) box $v --help | grep -q "^usage: .* $v " || exit 1 ;; esac; done)'
ok "the version's first line" eval 'b --version && head -n 1 out | grep -qE "^box version [0-9]" && line "spec: 1.3.0" && grep -qE "^\+.*\+SECCOMP" out'
ok "checkpoint is refused" refused "checkpoint and restore are not possible" checkpoint --image-path=/x c
ok "restore is refused" refused "checkpoint and restore are not possible" restore --bundle b c
ok "journald is refused" b1 --log journald:x list
ok "a log that cannot be written is said at once, and nothing is done" eval '! box --log /nonexistent/log spec --file named.json 2>err && has "box: --log=/nonexistent/log: name a file that can be written: No such file" err && [ "$(wc -l <err)" = 1 ] && [ ! -e named.json ]'
for id in . .. a/b 'a b' "$(printf 'ä')" ''; do ok "the id \"$id\"" refused "invalid container id \"$id\"" state "$id"; done
ok "a log in text" eval 'rm -f log; box --log "file:$root/log" state nobody 2>err; grep -qE "^time=\"[^\"]*Z\" level=error msg=\"container nobody does not exist\"$" log'
ok "features are JSON that says what is so" eval 'b features && jq -e ".ociVersionMax == \"1.3.0\" and (.linux.namespaces | index(\"time\")) and .linux.seccomp.enabled and (.linux.intelRdt.enabled | not) and (.mountOptions | index(\"rro\")) and (.linux.seccomp.archs == [\"SCMP_ARCH_X86_64\"]) and (.hooks | length == 6)" out'

# ---- spec, plan
ok "spec --file, as crun has it" eval 'b spec --file named.json && jq -e .process named.json && rm named.json && b spec -f named.json && rm named.json'
ok "spec does not overwrite" refused "box spec: config.json exists already" spec --bundle b
ok "spec's document is accepted" eval 'rm -rf s; mkdir -p s; b spec -b s && b plan s'
ok "spec's rootless document is accepted" eval 'rm s/config.json; b spec -b s --rootless && jq -e ".linux.uidMappings[0].size == 1" s/config.json && b plan -b s'
config .
ok "plan prints and changes nothing" eval 'b plan b && has "/proc" && [ -z "$(ls /run/box-oci 2>/dev/null)" ]'
ok "plan names the JSON path of what is wrong" eval 'config ".process.cwd = \"x\""; refused "config.json: .process" plan b'
# What the kernel says no to has its JSON path too.
wrong() { config "$2"; refused "$1" create --bundle b c; }
ok "a namespace that is not there" wrong '.linux.namespaces[1].path: open ipc namespace /none: No such file or directory' \
	'.linux.namespaces = [{ type: "uts" }, { type: "ipc", path: "/none" }, { type: "mount" }]'
ok "one of another type" wrong '.linux.namespaces[2].path: /proc/self/ns/pid is not a network namespace: give the path of one, like /proc/PID/ns/net' \
	'.linux.namespaces = [{ type: "mount" }, { type: "uts" }, { type: "network", path: "/proc/self/ns/pid" }]'
ok "a file that is none" wrong '.linux.namespaces[1].path: /etc/passwd is not a uts namespace' \
	'.linux.namespaces = [{ type: "mount" }, { type: "uts", path: "/etc/passwd" }]'
ok "a root that is not there" wrong '.root.path: copy the mount of none/: No such file or directory' '.root.path = "none"'
ok "a root that is a file" wrong '.root.path: copy the mount of config.json/: Not a directory' '.root.path = "config.json"'
ok "a sysctl that the kernel does not take" wrong '.linux.sysctl.kernel.msgmax: the kernel does not take "banana" for it: give it another value' \
	'.linux.sysctl = { "kernel.msgmax": "banana" }'
ok "one that it does not have" wrong '.linux.sysctl.kernel.shm_none: this kernel has none of that name: check how it is spelled' \
	'.linux.sysctl = { "kernel.shm_none": "1" }'
ok "a deadline that the kernel does not take" wrong '.process.scheduler: the kernel takes no such values for this policy' \
	'.process.scheduler = { policy: "SCHED_DEADLINE", runtime: 1, deadline: 2, period: 3 }'

# ---- the life of one container
args sleep 1000
ok "create" b create --bundle b --pid-file pid c
ok "its state is created" is c created
ok "the pid file has its pid" [ "$(cat pid)" = "$(pid_of c)" ]
ok "the state is the specification's" eval 'box state c >out && jq -e --arg b "$root/b" ".ociVersion == \"1.3.0\" and .id == \"c\" and .status == \"created\" and .bundle == \$b and (.pid | type == \"number\" and . > 0)" out'
ok "nothing of the image runs yet" eval '[ "$(cat /proc/$(cat pid)/comm)" = box ]'
ok "an id that is taken" refused "container with id c exists already" create --bundle b c
ok "start" b start c
ok "its state is running" is c running
ok "the program runs" within 5 grep -q sleep /proc/"$(cat pid)"/cmdline
ok "delete of what is not stopped" refused "cannot delete container c that is not stopped: it is running" delete c
ok "a second start" refused "cannot start container c: it is running" start c
ok "list as a table" eval 'b list && head -n 1 out | grep -qE "^NAME +PID +STATUS +BUNDLE PATH +CREATED +OWNER$" && grep -qE "^c +$(cat pid) +running +$root/b +[0-9T:.-]+Z +root$" out'
ok "list -q" eval 'b list -q && [ "$(cat out)" = c ]'
ok "list as JSON" eval 'b list -f json && jq -e "length == 1 and .[0].id == \"c\" and .[0].status == \"running\" and .[0].owner == \"root\"" out'
ok "list in another form" refused "box list: --format is table or json" list -f xml
ok "ps as a table" eval 'b ps c && [ "$(head -n 1 out)" = PID ] && line "$(cat pid)"'
ok "ps as JSON" eval 'b ps --format json c && jq -e --argjson p "$(cat pid)" ". == [\$p]" out'
ok "ps with options for ps" eval 'b ps c -o pid,args && [ "$(wc -l <out)" = 2 ] && has "sleep 1000"'
ok "an unknown signal" refused 'box kill' kill c NOSUCH
ok "kill with 0 looks" b kill c 0
ok "kill" b kill c KILL
ok "its state is stopped" within 5 is c stopped
ok "a stopped one has no pid" [ "$(pid_of c)" = 0 ]
ok "kill of a stopped one" refused "container not running" kill c TERM
ok "start of a stopped one" refused "cannot start container c: it is stopped" start c
ok "exec in a stopped one" refused "container not running" exec c true
ok "delete" b delete c
ok "it does not exist any more" refused "container c does not exist" state c
ok "delete of nobody" refused "container c does not exist" delete c
ok "delete of several tells the first that failed" eval 'mkdir /run/box-oci/d; echo x >/run/box-oci/d/process; refused "container c does not exist" delete c d; r=$?; b delete -f d && [ $r = 0 ]'
ok "delete's option behind the id" refused "box delete: --force must stand in front of the arguments" delete c --force
ok "delete --force of nobody" b delete --force c
b create -b b c; b start c
ok "delete --force kills" eval 'p=$(pid_of c); b delete --force c && [ ! -e /proc/$p ] && [ -z "$(ls /run/box-oci | grep -v "^\.")" ]'
b create -b b c
ok "delete of a created one, as crun and runc do it" eval 'p=$(pid_of c); b delete c && [ ! -e /proc/$p ]'
b create -b b c
ok "delete --force of a created one" eval 'p=$(pid_of c); b delete -f c && [ ! -e /proc/$p ]'
for i in 1 2 3; do box create -b b re$i; done; box create -b b other
ok "kill by regular expression" eval 'b kill --regex "^re[12]$" KILL && within 5 is re1 stopped && is re3 created'
ok "delete by regular expression" eval 'b delete --force --regex "^re" && [ "$(box list -q)" = other ]'
ok "a regular expression that is none" refused 'is no regular expression' delete --regex '('
b delete -f other
ok "signals by number and by name" eval '(for s in 9 KILL SIGKILL kill; do box create -b b c && box kill c $s && within 5 is c stopped && box delete c || exit 1; done)'
ok "two roots do not see each other" eval 'box --root $root/r2/deep create -b b c && [ -z "$(box list -q)" ] && [ "$(box --root $root/r2/deep list -q)" = c ] && box --root $root/r2/deep delete -f c'
ok "a root is its user's alone" [ "$(stat -c %a /run/box-oci "$root/r2")" = "$(printf '700\n700')" ]

# ---- whoever cannot tell must not say that it has ended; records that are damaged
box create -b b c; box start c; p=$(pid_of c)
ok "without descriptors state fails" eval '! (ulimit -n 6; exec box state c)'
ok "without descriptors delete fails" eval '! (ulimit -n 6; exec box delete c); is c running'
ok "without descriptors delete --force does not lose it" eval '(ulimit -n 6; exec box delete -f c); [ ! -e /proc/$p ] || is c running'
box delete -f c
ok "without descriptors create leaves no folder" eval '(for i in 4 5 6 7 8; do (ulimit -n $i; exec box create -b b c); [ ! -e /run/box-oci/c ] || exit 1; done)'
for damage in '{}' '{' 'x' ''; do
	ok "delete --force with '$damage' in state.json" eval 'box create -b b c; p=$(pid_of c); printf %s "$damage" >/run/box-oci/c/state.json; b delete -f c && [ ! -e /run/box-oci/c ] && within 5 [ ! -e /proc/$p ]'
done
ok "delete --force with a damaged process file" eval 'args true; box run --keep -b b c; echo x >/run/box-oci/c/process; b1 state c && b delete -f c && [ ! -e /run/box-oci/c ]; args sleep 1000'
ok "the others are listed beside a damaged one" eval 'box create -b b c; mkdir /run/box-oci/d; echo x >/run/box-oci/d/process; b list && grep -q "^c " out; b delete -f d && b delete -f c'
ok "a root that others can write" eval 'mkdir -m 777 open; refused "others can write there" --root $root/open list'
ok "a root of somebody else" eval 'mkdir -m 700 foreign; chown 5 foreign; refused "others can write there" --root $root/foreign list'

# ---- run
ok "run gives the program's status" eval 'args probe exit 7; b run -b b r; [ $? = 7 ]'
ok "and leaves nothing" [ -z "$(box list -q)" ]
ok "run gives 128 + signal" eval 'args sh -c "kill -KILL \$\$"; config ".process.args = [\"sh\", \"-c\", \"exit 200\"]"; b run -b b r; [ $? = 200 ]'
ok "run passes the standard streams" eval 'args cat; [ "$(echo through | box run -b b r)" = through ]'
ok "run in the working directory" eval 'args true; (cd b && box run r)'
ok "run with another config" eval 'jq ".process.args = [\"probe\", \"exit\", \"9\"]" base.json >other.json; b run -b b --config other.json r; [ $? = 9 ]'
ok "run --keep keeps what is left" eval 'args true; b run --no-subreaper -b b --keep r && is r stopped && b delete r'
ok "run --detach" eval 'args sleep 1000; b run -d -b b --pid-file pid r && is r running && [ "$(pid_of r)" = "$(cat pid)" ] && b delete -f r'
ok "signals are passed on" eval 'config ".process.args = [\"sh\", \"-c\", \"trap \\\"exit 42\\\" TERM; echo ready; while :; do sleep 1 & wait; done\"]"
	box run -b b r >out & p=$!; within 5 has ready && kill -TERM $p && { wait $p; [ $? = 42 ]; }'
ok "128 + signal of a killed one" eval 'args sleep 1000; box run -b b r & p=$!; within 5 is r running && box kill r 9 && { wait $p; [ $? = 137 ]; }'
ok "a file system that is not there" eval 'config ".mounts += [{destination: \"/tmp\", type: \"nosuchfs\", source: \"x\"}]"; refused "/tmp: mount nosuchfs: the kernel has no file system of this name" run -b b r'
ok "a program that is not there" eval 'args nosuch; refused "executable file not found in \$PATH" run -b b r'
ok "a path that is not there" eval 'args /nosuch; refused "no such file or directory" run -b b r'
ok "a program without the x bit" eval 'args /etc/script; refused "permission denied" run -b b r'
ok "create says so too, at the latest at start" eval 'args nosuch; { b create -b b r && b start r; }; has "executable file not found in \$PATH" err; r=$?; b delete -f r; [ $r = 0 ]'
ok "an AppArmor profile that is not there" eval 'config ".process.apparmorProfile = \"nosuch\""; refused ".process.apparmorProfile: " run -b b r'
ok "an SELinux label" eval 'config ".linux.mountLabel = \"l\""; refused "config.json: .linux.mountLabel: box sets no SELinux labels" run -b b r'
ok "a bundle that is not there" refused "open the bundle $root/none: No such file or directory" run -b "$root/none" r
ok "a bundle without a configuration" refused "No such file or directory" run -b run r
ok "a configuration that is no JSON" eval 'echo "{" >b/config.json; refused "config.json" run -b b r'
ok "limits without a cgroup" eval 'config ".linux.resources = {pids: {limit: 5}}"; b1 run -b b r'
ok "--no-pivot" eval 'args true; refused "pivot_root" run --no-pivot -b b r'
ok "a console socket without a terminal" refused "the container has no terminal" create --console-socket x -b b r
ok "a terminal in the background" eval 'config ".process.terminal = true"; refused "needs --console-socket" create -b b r'
ok "nothing is left of the refused" [ -z "$(box list -q)" ]

# ---- descriptors
config '.process.args = ["sh", "-c", "ls /proc/self/fd | tr \"\\n\" \" \"; cat <&3; cat <&4"]'
ok "preserved descriptors go in, no others" eval 'echo three >f3; echo four >f4; box run --preserve-fds 2 -b b r 3<f3 4<f4 5<f4 >out; has three && has four && [ "$(head -n 1 out | cut -c 1-10)" = "0 1 2 3 4 " ] && ! has " 5 6"'
config '.process.args = ["probe", "facts"]'
ok "without the option only 0, 1, 2" eval 'box run -b b r 3<f3 4<f4 9<f4 >out; line "fds=0,1,2,"'
ok "a descriptor that is not open" refused "--preserve-fds=1: descriptor 3 is not open" run --preserve-fds 1 -b b r
config '.process.args = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3"]'
ok "LISTEN_FDS go in" eval 'LISTEN_FDS=1 box run -b b r 3<f3 >out && line "1 1" && line three'

# ---- exec
args sleep 1000
box create -b b x && box start x
x() { box exec "$@" >out 2>err </dev/null; }
ok "exec gives the program's status" eval 'x x probe exit 7; [ $? = 7 ]'
ok "exec gives 128 + signal" eval 'x x sh -c "kill -TERM \$\$"; [ $? = 143 ]'
ok "exec passes the standard streams" eval '[ "$(echo through | box exec x cat)" = through ]'
ok "exec is in the container's namespaces" eval '(x x ls -l /proc/self/ns && for ns in mnt pid uts ipc; do [ "$(readlink /proc/$(pid_of x)/ns/$ns)" = "$(sed -n "s/.* $ns -> //p" out)" ] || exit 1; done)'
ok "exec has the container's environment" eval 'x x env && line A=1'
ok "exec -e adds and replaces" eval 'x -e A=2 -e B=3 --env C=4 x env && line A=2 && line B=3 && line C=4 && ! line A=1'
ok "exec -e without a value" refused '--env: "X" is not of the form NAME=VALUE' exec -e X x true
ok "exec --cwd" eval 'x --cwd /tmp x probe facts && line cwd=/tmp'
ok "exec --cwd of a relative path" refused '--cwd: "tmp" must be an absolute path' exec --cwd tmp x true
ok "exec --cwd of nothing" eval 'ERROR=255 b1 exec --cwd /none x true'
for cwd in /proc/self/fd/3 /proc/self/fd/7 /proc/1/cwd/..; do
	ok "exec --cwd $cwd does not leave the container" eval 'x --cwd $cwd x sh -c "ls /etc/text"; [ $? != 0 ] || has /etc/text'
done
ok "exec --user" eval 'x --user 1000:100 x probe facts && line "Uid: 1000 1000 1000 1000" && line "Gid: 100 100 100 100" && line "Groups:  "'
ok "exec -c" eval 'x -c CAP_SYS_NICE -c net_raw x probe facts && line "CapEff: 0000000020802420"'
ok "exec without an option has the container's capabilities" eval 'x x probe facts && line "CapEff: 0000000020000420" && line "CapInh: 0000000000000000"'
ok "exec -c of nothing" refused '--cap: there is no capability "SYS_NOTHING"' exec -c CAP_SYS_NOTHING x true
ok "exec --no-new-privs" eval 'x --no-new-privs x probe facts && line "NoNewPrivs: 1" && x x probe facts && line "NoNewPrivs: 0"'
ok "exec --process" eval 'jq ".process | .args = [\"probe\", \"facts\"] | .cwd = \"/tmp\" | .user = {uid: 7, gid: 8, additionalGids: [9]}" base.json >p.json; x --process p.json x && line "Uid: 7 7 7 7" && line "Groups: 9 " && line cwd=/tmp'
ok "exec --process of nothing" refused "--process: open none" exec --process none x
ok "exec --process of rubbish" eval 'echo "{\"cwd\":1}" >q.json; refused "--process" exec --process q.json x'
ok "exec without a program" refused "say what to run" exec x
ok "exec of what is not there" eval 'ERROR=255 refused "executable file not found in \$PATH" exec x nosuch'
ok "exec of a path that is not there" eval 'ERROR=255 refused "no such file or directory" exec x /nosuch'
ok "exec of a file without the x bit" eval 'ERROR=255 refused "permission denied" exec x /etc/script'
ok "exec --detach" eval 'x -d --pid-file xpid x sleep 999 && grep -q sleep /proc/$(cat xpid)/cmdline && box ps -f json x | jq -e --argjson p "$(cat xpid)" "index(\$p)"'
ok "exec with a pid file that cannot be written does not run" eval 'ERROR=255 b1 exec --pid-file /none/pid x sh -c "echo ran >/tmp/ran" && [ ! -e b/rootfs/tmp/ran ]'
ok "exec of what is not there leaves no pid file" eval 'ERROR=255 b1 exec -d --pid-file gone x nosuch && [ ! -e gone ]'
ok "exec --preserve-fds" eval 'box exec --preserve-fds 1 x sh -c "cat <&3; ls /proc/self/fd | tr \"\\n\" \" \"" 3<f3 4<f4 >out && line three && ! has " 5"'
ok "exec passes signals on" eval 'box exec x sh -c "trap \"exit 43\" TERM; echo ready; while :; do sleep 1 & wait; done" >out & p=$!; within 5 has ready && kill -TERM $p && { wait $p; [ $? = 43 ]; }'
ok "exec --ignore-paused, --apparmor unconfined and runc's --criu are taken" eval 'b --criu /x exec --ignore-paused --apparmor unconfined --process-label "" x true'
ok "exec --additional-gids" eval 'x -g 5 -g 6 --user 1000:100 x probe facts && line "Groups: 5 6 "'
ok "exec --additional-gids of a name" refused '--additional-gids: "wheel" is no group from 0 to 4294967294' exec -g wheel x true
# What nobody would enforce is an error: on this kernel nobody has that profile, or there is no AppArmor at all.
for p in "" "--process p.json"; do
	ok "exec $p with an AppArmor profile that is not there" eval 'ERROR=255 refused ".process.apparmorProfile: " exec $p --apparmor nosuch x true'
	ok "exec $p with an SELinux label" refused '--process-label: box sets no SELinux labels' exec $p --process-label l x true
done
ok "exec --cgroup without one" refused "--cgroup: container x has no cgroup" exec --cgroup sub x true
ok "exec in nobody" refused "container nobody does not exist" exec nobody true

# USER strings (CVE-2024-40635, -46680): exactly these ids, or an error; never 0 by accident.
good=() bad=('' : 0: :0 1: :1 :: 1:: 1:2: 1:2:3 -1 -0 +1 +0 -1:0 0:-1 +1:1 1:+1 4294967295 4294967296 4294967297 1:4294967295
	1:4294967296 18446744073709551615 18446744073709551616 99999999999999999999999 0x0 0x10 1x x1 1000abc abc root nobody
	root:root 0:root root:0 1000:abc abc:1000 1.0 1.5 1e3 1_000 1,0 '1;0' '1 ' ' 1' '1 2' '1: 2' '1 :2' $'1\t' $'\t1' $'\n1'
	$'1\n' $'0\n0' '٣' '１' '一' '1٣' '²' $'1\u00a0' 00 01 007 0000001000 1:00 1:01 '*' '?' '~' '!0' "\$UID" '`0`' '"0"'
	"'0'" '#0' %0 %d 0% /0 0/0 ../0 '[0]' '{0}' '(0)' 0b1 0o7 1h 1k 1K 1e 0e0 inf nan NaN null true false -- - --1
	2147483648x -2147483648 -4294967296 1,1 1:1,2 @0 0@ '<0' '>0' '0|1' '0&1' '^0' '\0' '0\' '=0' '0=0')
for u in 0 1 7 99 100 999 1000 65533 65534 65535 65536 100000 1000000 2147483646 2147483647 2147483648 4294967293 4294967294; do
	good+=("$u")
	for g in 0 1 5 1000 65535 2147483648 4294967294; do good+=("$u:$g"); done
done
ok "the table has at least 200 users" [ $((${#good[@]} + ${#bad[@]})) -ge 200 ]
user_table() {
	for u in "${good[@]}"; do
		box exec --user="$u" x probe facts >u 2>&1 || { echo "$u failed: $(cat u)"; return 1; }
		uid=${u%:*} gid=0; [ "$u" = "$uid" ] || gid=${u#*:}
		grep -qx "Uid: $uid $uid $uid $uid" u && grep -qx "Gid: $gid $gid $gid $gid" u || { echo "$u: $(grep id: u)"; return 1; }
	done
	for u in "${bad[@]}"; do
		! box exec --user="$u" x probe facts >u 2>&1 || { echo "'$u' was taken: $(grep id: u)"; return 1; }
		grep -qe --user u || { echo "'$u': $(cat u)"; return 1; }
	done
}
ok "each user string is exactly that user or an error" user_table
ok "delete --force with processes of exec" eval 'box delete --force x && ! ps -e -o args= | grep -q "[s]leep 999"'

# ---- terminals
cat >console.py <<'PY'
# usage: console.py SOCKET COMMAND...   runs COMMAND, takes the master from SOCKET, prints what comes out of it, types
# $TYPE when $AWAIT was seen: the echo of what is typed earlier stands in the middle of another line
import array, os, select, socket, subprocess, sys
path, command = sys.argv[1], sys.argv[2:]
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
    s.bind(path)
    s.listen(1)
    s.settimeout(20)
    child = subprocess.Popen(command)
    conn = s.accept()[0]
    name, data, _, _ = conn.recvmsg(4096, socket.CMSG_SPACE(4))
    master = array.array("i", data[0][2])[0]
    child.wait()
    print("name", name.decode(), "status", child.returncode, flush=True)
    if len(command) > 2 and command[1] == "create":
        subprocess.run(["box", "start", command[-1]])
    seen, typed = b"", False
    def type_when_seen():
        global typed
        if not typed and os.environ.get("AWAIT", "").encode() in seen:
            typed = True
            os.write(master, os.environ.get("TYPE", "").encode())
    type_when_seen()
    while select.select([master], [], [], 10)[0]:
        try:
            got = os.read(master, 4096)
        except OSError:
            break
        if not got:
            break
        sys.stdout.buffer.write(got)
        sys.stdout.buffer.flush()
        seen += got
        type_when_seen()
PY
cat >front.py <<'PY'
# usage: front.py COMMAND...   runs COMMAND on a terminal of 40 x 111, types $TYPE when $AWAIT was seen, ends with its status
import fcntl, os, pty, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 111, 0, 0))
seen = b""
typed = False
while True:
    try:
        got = os.read(master, 4096)
    except OSError:
        break
    seen += got
    if not typed and os.environ.get("AWAIT", "").encode() in seen:
        typed = True
        if os.environ.get("RESIZE"):
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 22, 77, 0, 0))
        os.write(master, os.environ.get("TYPE", "").encode())
sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
if command -v python3 >/dev/null; then
	config '.process.terminal = true | .process.consoleSize = {width: 91, height: 31} | .process.args = ["sh", "-c", "tty; stty size; id -u; echo ready; read l; echo got=$l"]'
	ok "create --console-socket sends the master" eval 'AWAIT=ready TYPE="word
" python3 console.py s1 box create --console-socket s1 -b b t >out 2>err; tr -d "\r" <out >o2; has "name /dev/pts/ptmx status 0" o2 && line /dev/pts/0 o2 && line "31 91" o2 && line got=word o2'
	full_socket() {
		exec python3 -c 'import select, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind("full"); s.listen(0); c = socket.socket(socket.AF_UNIX); c.connect("full"); print("ready", flush=True); select.select([sys.stdin], [], [], 60)'
	}
	ok "a console socket whose owner takes nobody in" eval 'coproc full_socket; read -r _ <&"${COPROC[0]}"
		refused "connect to socket full: its owner has taken no connection for 10000 ms" create --console-socket full -b b u; r=$?
		kill "$COPROC_PID"; wait "$COPROC_PID"; rm -f full; [ $r = 0 ]'
	ok "a console socket with a long name" eval 'd=$root/$(printf "d%.0s" $(seq 120)); mkdir -p $d; box delete -f t; (cd $d && python3 $root/console.py s2 box create --console-socket $d/s2 -b $root/b t) >out 2>err </dev/null; has "name /dev/pts/ptmx status 0"'
	box delete -f t
	config '.process.terminal = true | .process.args = ["sh", "-c", "stty size; echo ready; read l; echo got=$l; exit 5"]'
	ok "run in front carries the terminal" eval 'AWAIT=ready TYPE="word
" python3 front.py box run -b b t >out; [ $? = 5 ] && tr -d "\r" <out >o2; line "40 111" o2 && line got=word o2'
	config '.process.terminal = true | .process.args = ["sh", "-c", "echo ready; read l; stty size"]'
	ok "its size follows" eval 'AWAIT=ready RESIZE=1 TYPE="word
" python3 front.py box run -b b t >out; tr -d "\r" <out >o2; line "22 77" o2'
	config '.process.terminal = true | .process.args = ["sh", "-c", "trap \"exit 44\" INT; echo ready; while :; do sleep 1 & wait; done"]'
	ok "^C goes inside" eval 'AWAIT=ready TYPE="$(printf "\003")" python3 front.py box run -b b t >out; [ $? = 44 ]'
	config '.process.terminal = true | .process.args = ["sh", "-c", "echo done"]'
	ok "with no terminal outside it runs too" eval 'box run -b b t </dev/null >out && tr -d "\r" <out | grep -qx done'
	args sleep 1000; box create -b b t && box start t
	ok "exec -t" eval 'AWAIT=ready TYPE="word
" python3 front.py box exec -t t sh -c "tty; echo ready; read l; echo got=\$l; exit 6" >out; [ $? = 6 ] && tr -d "\r" <out >o2; line got=word o2'
	ok "exec -t -d with a console socket" eval 'TYPE="word
" python3 console.py s3 box exec -t -d --console-socket s3 t sh -c "read l; echo got=\$l" >out; tr -d "\r" <out >o2; line got=word o2'
	ok "exec -t in the background without one" refused "needs --console-socket" exec -t -d t true
	box delete -f t
else
	echo "ok $((n += 1)) - box_cli: terminals # SKIP no python3"
fi

# ---- an ordinary user, with a document that has no mappings (`crun spec --rootless`)
mkdir -m 755 own; cp -a b/rootfs own/; chown -R 1000 own; mkdir -m 700 xdg; chown 1000 xdg
user() { (cd own && setpriv --reuid 1000 --regid 1000 --clear-groups env XDG_RUNTIME_DIR="$root/xdg" PATH="$root/ubin:$PATH" "$@") </dev/null; }
mkdir -m 755 ubin; install -m 755 "$bin/box" ubin/	# the build may lie where others cannot go
if user box --version >verdict 2>&1; then
	ok "an ordinary user's bundle" eval '(user box spec --rootless; cd own; jq ".process.terminal = false | .process.args = [\"id\"] | .process.env = [\"PATH=/bin\"]" config.json >c; mv c config.json)'
	ok "an ordinary user runs it" eval 'user box run a >out; grep -q "^uid=0" out'
	ok "also without mappings" eval 'jq "del(.linux.uidMappings, .linux.gidMappings)" own/config.json >c; cp c own/config.json; user box run a >out; grep -q "^uid=0" out'
	ok "lists, execs, kills and deletes it" eval 'jq ".process.args = [\"sleep\", \"1000\"]" own/config.json >c; cp c own/config.json; user box run -d a && user box list -q >out && line a && user box exec a id >out && grep -q "^uid=0" out && user box delete -f a && [ -z "$(ls xdg/box-oci | grep -v "^\.")" ]'
else
	echo "ok $((n += 1)) - box_cli: an ordinary user # SKIP cannot reach the program"
fi

# ---- records that are none
mkdir -p fifo/c; mkfifo fifo/c/state.json fifo/c/process fifo/c/config.json
ok "FIFOs in the place of records hold nobody" eval 'for v in list "state c" "ps c" "kill c" "start c" "delete -f c"; do timeout 20 box --root fifo $v >out 2>err; [ $? -lt 124 ] || exit 1; done'
ok "delete --force clears them" [ ! -e fifo/c ]

# ---- hooks: order and what they see
cat >hook <<'SH'
#!/bin/sh
echo "$1 $(jq -r '.status + " " + .id')" >>"${0%/*}/hooks.log"
SH
chmod +x hook
hooks_wanted="prestart creating h
createRuntime creating h
poststart running h
poststop stopped h"
hooks() { for k in prestart createRuntime poststart poststop; do printf '"%s":[{"path":"%s","args":["hook","%s"],"env":["PATH=%s"]}],' $k "$root/hook" $k "$PATH"; done; }
config ".hooks = {$(hooks | sed 's/,$//')} | .process.args = [\"sleep\", \"1000\"]"
ok "hooks in their order" eval 'rm -f hooks.log; b create -b b h && b start h && b delete -f h && [ "$(cat hooks.log)" = "$hooks_wanted" ]'
ok "run has the same hooks" eval 'rm -f hooks.log; jq ".process.args = [\"true\"]" b/config.json >other.json; b run -b b --config other.json h && [ "$(cat hooks.log)" = "$hooks_wanted" ]'
for closed in "<&-" ">&-" "2>&-"; do
	ok "hooks without a standard stream ($closed)" eval 'rm -f hooks.log; box run -b b --config other.json h '"$closed"'; [ "$(wc -l <hooks.log)" = 4 ]'
done
config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "kill -9 $(jq .pid)"], env: ["PATH='"$PATH"'"]}]}'
ok "a hook that kills the container: that is what create says" refused "the new process was killed before its program ran" create -b b h
config ".hooks = {poststart: [{path: \"/bin/false\"}], $(hooks | sed 's/.*"poststop":/"poststop":/; s/,$//')} | .process.args = [\"sleep\", \"1000\"]"
failed_poststart() { has "poststart hook 0: /bin/false: failed with status 1" err && [ -z "$(box list -q)" ] && [ "$(cat hooks.log)" = "poststop stopped h" ] && within 5 eval '[ -z "$(alive)" ]'; }
ok "a hook poststart that fails ends a container that start began" eval 'rm -f hooks.log; b create -b b h && b1 start h && failed_poststart'
ok "and one that run began" eval 'rm -f hooks.log; b1 run -b b h && failed_poststart'
ok "and one in the background" eval 'rm -f hooks.log; b1 run -d -b b h && failed_poststart'
config '.hooks = {createRuntime: [{path: "/bin/false"}]}'
ok "a hook that fails ends create" eval 'b1 create -b b h && has createRuntime err && [ -z "$(box list -q)" ]'

# ---- many at once
args true
many() { for i in $(seq 100); do box run -b b "m$i" & done; for j in $(jobs -p); do wait "$j" || return 1; done; }
ok "100 runs at once" many
ok "leave nothing" [ -z "$(box list -q)" ]
args sleep 1000
same() { for i in 1 2 3 4 5 6 7 8; do box create -b b one >/dev/null 2>&1 && echo made & done | grep -c made; }
ok "of eight creates with one id one wins" [ "$(same)" = 1 ]
starts() { for i in 1 2 3 4 5 6 7 8; do box start one >/dev/null 2>&1 && echo started & done | grep -c started; }
ok "of eight starts one wins" [ "$(starts)" = 1 ]
deletes() { for i in 1 2 3 4 5 6 7 8; do box delete --force one & done; for j in $(jobs -p); do wait "$j" || return 1; done; }
ok "eight deletes by force are all fine" deletes

storm() { # create, run and delete of one id against each other: at the end each is whole or gone
	args true; cp b/config.json true.json; args sleep 1000
	for i in $(seq 60); do
		box create -b b one >/dev/null 2>&1 &
		box run -b b -f true.json one >/dev/null 2>&1 &
		box delete --force one >/dev/null 2>&1 &
		[ $((i % 10)) != 0 ] || wait
	done
	wait
	box delete --force one && [ -z "$(box list -q)" ] && within 5 eval '[ -z "$(alive)" ]'
}
ok "create, run and delete of one id at once" storm

# ---- killed at any point: delete --force leaves nothing
# calls VERB ARGUMENT...: each system call of a clean run, as `name number`
calls() { strace -o trace -qq "$bin/box" "$@" >/dev/null 2>&1 </dev/null; sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' trace | awk '$1 != "exit_group" { print $1, ++c[$1] }'; }
prepare() { # VERB: what must be there before it
	case $1 in
	start) box create -b b k ;;
	exec) box run -d -b b k ;;
	delete) box create -b b k && box kill k KILL && within 5 is k stopped ;;
	esac
}
verb_words() { case $1 in create) echo "create -b b k" ;; run) echo "run -d -b b k" ;; exec) echo "exec k true" ;; delete) echo "delete k" ;; *) echo "$1 k" ;; esac; }
crash_points() { # VERB: kills it at each chosen call
	prepare "$1" || return 1
	# shellcheck disable=SC2046 # words
	calls $(verb_words "$1") >points
	box delete --force k || return 1
	[ "$(wc -l <points)" -ge 20 ] || { echo "only $(wc -l <points) calls were seen"; return 1; }
	[ "${BOX_CRASH-}" = all ] || { shuf -n 15 --random-source=<(yes) points >few; mv few points; }
	while read -r call number; do
		prepare "$1" >/dev/null || { echo "prepare before $call $number"; return 1; }
		# shellcheck disable=SC2046
		{ strace -o /dev/null -qq -e "inject=$call:signal=KILL:when=$number" "$bin/box" $(verb_words "$1"); } >/dev/null 2>&1 </dev/null
		box list >list.out 2>&1 || { echo "list after $call $number: $(cat list.out)"; return 1; }
		box delete --force k >said 2>&1 || { echo "delete after $call $number: $(cat said)"; return 1; }
		[ -z "$(box list -q)" ] || { echo "left after $call $number: $(box list)"; return 1; }
		within 5 eval '[ -z "$(alive)" ]' || { echo "alive after $call $number: $(alive)"; return 1; }
		[ "$(cat /proc/self/mountinfo)" = "$mounts_before" ] || { echo "mounts after $call $number"; return 1; }
		! cgroup_part || [ -z "$(find "$at" -name k)" ] || { echo "cgroup after $call $number"; return 1; }
	done <points
}
crash_part() { # NAME
	if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
		echo "ok $((n += 1)) - box_cli: $1killed at any point # SKIP no strace here"; return
	fi
	for verb in create start run exec delete; do
		ok "$1$verb is killed at any call" crash_points $verb
	done
}
# orphaned CALL:PART:WHEN COMMAND: box is killed when COMMAND finds inner (a pid) at that call; then nothing of it may run
orphaned() {
	local inject=$1 inner maker tracer
	shift
	box delete --force k; rm -f b/rootfs/tmp/ran
	strace -f -o /dev/null -qq -e "inject=$inject" "$bin/box" run -b b -f orphan.json k >/dev/null 2>&1 </dev/null & tracer=$!
	# shellcheck disable=SC2016 # the loop's own
	within 20 eval 'maker=$(pgrep -P $tracer) && inner=$(pgrep -P $maker) && '"$*" || return 1
	kill -9 "$maker"
	within 20 eval '! kill -0 $inner 2>/dev/null' || { echo "$inner lives"; return 1; }
	wait $tracer
	[ ! -e b/rootfs/tmp/ran ] || { echo "the program ran"; return 1; }
	box delete --force k
}
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	jq '.process.args = ["sh", "-c", "echo ran >/tmp/ran"] | .process.user = {uid: 1000, gid: 1000}' base.json >orphan.json
	box run -b b -f orphan.json k
	ok "the program of the next two rows runs when nobody is killed" [ -e b/rootfs/tmp/ran ]
	ok "run is killed before inner is tied to it" orphaned prctl:delay_enter=1000000:when=1 true
	ok "run is killed when inner's new ids have untied it" orphaned setresuid:delay_exit=1000000:when=1 'grep -q "^Uid:.1000" /proc/$inner/status'
fi
crash_part ""

# ---- part 2: with cgroup v2
if mount -t cgroup2 none /sys/fs/cgroup 2>err; then
	mounts_before=$(cat /proc/self/mountinfo)
	own=/${root##*/} at=/sys/fs/cgroup/${root##*/}	# the hierarchy is the machine's: others test there too
	jq --arg at "$own" '.linux.cgroupsPath = $at + "/k"' base.json >base2.json && mv base2.json base.json
	args sleep 1000
	box create -b b k
	ok "a container is in its cgroup before it runs" grep -qx "$(pid_of k)" $at/k/cgroup.procs
	box start k; box exec -d k sleep 1000
	ok "so is what exec adds" eval 'box ps -f json k | jq -e "length == 2" && [ "$(wc -l <$at/k/cgroup.procs)" = 2 ]'
	ok "pause" eval 'b pause k && is k paused && grep -qx "frozen 1" $at/k/cgroup.events'
	ok "pause of a paused one" refused "container k cannot be paused: it is paused" pause k
	ok "exec in a paused one" refused "cannot exec in container k: it is paused" exec k true
	ok "resume" eval 'b resume k && is k running && grep -qx "frozen 0" $at/k/cgroup.events'
	ok "resume of a running one" refused "container k cannot be resumed: it is running" resume k
	mkdir $at/k/sub
	ok "exec --cgroup" eval 'box exec --cgroup sub -d --pid-file xpid k sleep 1000 && grep -qx "$(cat xpid)" $at/k/sub/cgroup.procs'
	ok "exec --cgroup does not leave it" eval 'box exec --cgroup ../../.. -d --pid-file xpid k sleep 1000; ! grep -qx "$(cat xpid)" /sys/fs/cgroup/cgroup.procs'
	ok "events --stats" eval 'b events --stats k && jq -e ".type == \"stats\" and .id == \"k\" and (.data.pids.current | type == \"number\") and (.data.cpu.usage.total | type == \"number\")" out'
	events_end() {
		: >out
		box events --interval 20ms k >out & p=$!
		within 10 has stats || { echo "no line came"; return 1; }
		box kill -a k KILL || return 1
		wait $p || { echo "events ended with $?"; return 1; }
	}
	ok "events until the end" events_end
	ok "kill --all reaches all" within 5 grep -qx "populated 0" $at/k/cgroup.events
	ok "kill --all of a stopped one is fine" b kill --all k KILL
	ok "delete removes the cgroup" eval 'b delete k && [ ! -e $at/k ]'
	box create -b b k; box start k; box pause k
	ok "delete --force of a paused one" eval 'b delete --force k && [ ! -e $at/k ]'
	box create -b b k
	ok "a cgroup in which others are" eval 'b1 create -b b k2 && is k created && [ "$(box list -q)" = k ] && grep -q . $at/k/cgroup.procs'
	box delete -f k
	r2() { box --root "$root/r2" "$@"; }
	box run -d -b b k; box kill k KILL; within 5 is k stopped; r2 run -d -b b k2
	ok "a container of another root in the cgroup of one that has ended is let live" eval 'refused "somebody else'"'"'s processes live in its cgroup $own/k: delete the other" delete --force k &&
		b kill --all k KILL; b ps k && ! has "$(r2 state k2 | jq .pid)" && [ "$(r2 state k2 | jq -r .status)" = running ]'
	ok "when that is gone the other goes too" eval 'r2 delete -f k2 && b delete k && [ ! -e $at/k ]'
	config '.linux.cgroupsPath = "/b/../x"'; ok "a path with .." b1 create -b b k
	ok "--cgroup-manager=disabled" eval 'args true; box --cgroup-manager disabled run -b b k && [ ! -e $at/k ]'
	args sleep 1000
	if grep -qw pids /sys/fs/cgroup/cgroup.controllers; then
		config '.process.args = ["sleep", "1000"] | .linux.resources = {pids: {limit: 7}}'
		box create -b b k; box start k
		ok "limits of the configuration" grep -qx 7 $at/k/pids.max
		ok "update by an option" eval 'b update --pids-limit 9 k && grep -qx 9 $at/k/pids.max'
		ok "update by a document" eval 'echo "{\"pids\":{\"limit\":11}}" >r.json; b update -r r.json k && grep -qx 11 $at/k/pids.max'
		ok "update from standard input" eval 'echo "{\"pids\":{\"limit\":-1}}" | box update --resources=- k && grep -qx max $at/k/pids.max'
		box delete -f k
	else
		box create -b b k
		ok "update without the controller" b1 update --pids-limit 9 k
		box delete -f k
	fi
	for bad in "--cpu-rt-period=1|no limits for realtime" "--cpu-rt-runtime=1|no limits for realtime" "--l3-cache-schema=x|Intel RDT" \
		"--mem-bw-schema=x|Intel RDT" "--blkio-weight=9|no value that it can have" "--cpu-idle=2|no value that it can have" \
		"--cpu-burst=-1|no value" "--cpu-period=x|no value" "--cpu-share=262145|no value" "--memory-reservation=5q|no value"; do
		ok "update ${bad%|*}" refused "${bad#*|}" update "${bad%|*}" k
	done
	ok "update with a number that is none" refused 'box update: --pids-limit: "many" is no value that it can have' update --pids-limit many k
	crash_part "with a cgroup "
	ok "no cgroup is left" eval '[ -z "$(find $at -mindepth 1 -type d)" ] && rmdir $at'
	umount /sys/fs/cgroup; mounts_before=$(cat /proc/self/mountinfo)
else
	echo "ok $((n += 1)) - box_cli: with cgroup v2 # SKIP no cgroup v2 here"
fi

# ---- nothing is left
ok "no mount is left" [ "$(cat /proc/self/mountinfo)" = "$mounts_before" ]
ok "no process is left" eval '[ -z "$(alive)" ]'
ok "the bundle's root has nothing new" eval 'rm -f b/rootfs/made; [ "$(cd b/rootfs && find . | sort)" = "$tree_before" ]'
ok "the program is unchanged" [ "$(sha256sum "$bin/box")" = "$hash_before" ]
echo "1..$n"
exit $failed
