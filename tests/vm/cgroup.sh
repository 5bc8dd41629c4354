#!/bin/bash
# Limits, freezing, killing, statistics and removal by box/cgroup.h, on the appliance's kernel with all its controllers:
# a driver of this story (cgroup_driver.c) comes in on a disk of its own.
. "$(dirname "$0")/lib.sh"

cc=$OUT/sysroot/bin/musl-gcc work=$OUT/test/cgroup
vm_need "$cc"
mkdir -p "$work"
"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static -s -o "$work/driver" tests/vm/cgroup_driver.c \
	runtime/box/{cgroup*,device_*}.c runtime/oci/*.c runtime/lib/{address,arena,buf,err,fd,fs,json,json_write,log,str,time}.c -lyyjson || exit 1

# One disk brings all in: the driver, `box`, and a bundle's configuration, each at a place of its own.
box=$OUT/bin/box
vm_need "$box"
cat >"$VM/config" <<'E'
{"ociVersion":"1.3.0","root":{"path":"rootfs"},"hostname":"web",
"process":{"args":["/d","inside","sleep"],"cwd":"/","env":["PATH=/"],"user":{"uid":0,"gid":0}},
"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["mode=755"]},
{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["nosuid","noexec","nodev"]}],
"linux":{"cgroupsPath":"/t/box/web","namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"},{"type":"user"}],
"uidMappings":[{"containerID":0,"hostID":200000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":200000,"size":65536}],
"resources":{"devices":[{"allow":false,"access":"rwm"}],"memory":{"limit":33554432},"pids":{"limit":20},
"cpu":{"shares":512,"quota":50000,"period":100000},"unified":{"memory.high":"29360128"}}}}
E
cp "$work/driver" "$VM/driver.img"
dd if="$box" of="$VM/driver.img" bs=1M seek=1 2>/dev/null
{ cat "$VM/config"; printf '%4096s' ''; } | head -c 4096 | dd of="$VM/driver.img" bs=1M seek=3 2>/dev/null
truncate -s 4M "$VM/driver.img"
share_own "$VM/driver.img"

d() { vm_sh "/data/d $*"; }	# the driver; a word with blanks is quoted by the caller, twice
file() { vm_sh "cat /sys/fs/cgroup/$1"; }
count() { awk -v name="$1" '$1 == name { print $2 }' <<<"$2"; }	# NAME of a flat file's text
gone() { [ "$(vm_sh "[ -e /sys/fs/cgroup/$1 ] && echo there || echo gone")" = gone ]; }
ended() { is "$1: nothing is left" "$(d kill "$2"; d remove "$2" 20000; gone "$2" && echo gone)" $'done\ndone\ngone'; }

vm_boot APPEND=cuvette.lab=off DATA_SIZE=1G EXTRA="-drive if=none,id=driver,file=$VM/driver.img,format=raw,readonly=on -device virtio-blk-pci,drive=driver"
ok "the machine boots" vm_shell_ready
ok "the driver is in" vm_sh 'dd if=/dev/vdc of=/data/d bs=1M count=1 2>/dev/null && chmod 755 /data/d'

# --- every kind of limit arrives in its file
is "a cgroup two levels down with every limit" "$(d create /t/all "'"'{"memory":{"limit":67108864,"reservation":33554432,"swap":134217728},
 "cpu":{"shares":2048,"quota":50000,"period":100000,"burst":20000,"cpus":"0-1","mems":"0"},"pids":{"limit":77},
 "blockIO":{"throttleReadBpsDevice":[{"major":254,"minor":16,"rate":1048576}],"throttleWriteIOPSDevice":[{"major":254,"minor":16,"rate":9}]},
 "unified":{"memory.high":"50331648","cgroup.max.depth":"5"}}'"'")" "done"
is "its files" "$(vm_sh 'cd /sys/fs/cgroup/t/all; for f in memory.max memory.low memory.high cpu.weight cpu.max cpu.max.burst cpuset.cpus cpuset.mems pids.max io.max cgroup.max.depth; do echo $f $(cat $f); done')" \
"memory.max 67108864
memory.low 33554432
memory.high 50331648
cpu.weight 174
cpu.max 50000 100000
cpu.max.burst 20000
cpuset.cpus 0-1
cpuset.mems 0
pids.max 77
io.max 254:16 rbps=1048576 wbps=max riops=max wiops=9
cgroup.max.depth 5"
is "quota and burst shrink together" "$(d apply /t/all "'{\"cpu\":{\"quota\":10000,\"burst\":10000}}'"; file t/all/cpu.max; file t/all/cpu.max.burst)" $'done\n10000 100000\n10000'
is "quota and burst grow together" "$(d apply /t/all "'{\"cpu\":{\"quota\":90000,\"burst\":90000}}'"; file t/all/cpu.max; file t/all/cpu.max.burst)" $'done\n90000 100000\n90000'
is "idle" "$(d apply /t/all "'{\"cpu\":{\"idle\":1,\"shares\":1024}}'"; file t/all/cpu.idle)" $'done\n1'
is "idle no more, with a weight" "$(d apply /t/all "'{\"cpu\":{\"idle\":0,\"shares\":1024}}'"; file t/all/cpu.idle; file t/all/cpu.weight)" $'done\n0\n100'
is "limits are lifted by -1" "$(d apply /t/all "'{\"memory\":{\"limit\":-1},\"pids\":{\"limit\":-1},\"cpu\":{\"quota\":-1}}'"; file t/all/memory.max; file t/all/pids.max; file t/all/cpu.max)" $'done\nmax\nmax\nmax 100000'

# --- what cannot be is said
like "a controller that the kernel lacks" "$(d create /t/huge "'{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}]}'")" 'limits need the controllers hugetlb, which the kernel does not have here \(there are: .*memory'
like "weights that the kernel lacks" "$(d create /t/weight "'{\"blockIO\":{\"weight\":100}}'")" 'neither io.bfq.weight nor io.weight'
like "a disk that is not there" "$(d create /t/disk "'{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":9,\"minor\":9,\"rate\":1}]}}'")" '9:9 rbps=1" to io.max: No such device'
like "a file that no controller has" "$(d create /t/uni "'{\"unified\":{\"memory.nosuch\":\"1\"}}'")" 'the kernel has no memory.nosuch here'
is "none of them is left" "$(vm_sh 'ls -d /sys/fs/cgroup/t/*/')" /sys/fs/cgroup/t/all/

is "device rules: this kernel has no BPF, by design" "$(d filter /t/all "'{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}'")" "no BPF here"

# --- memory: the limit holds, the kill is counted, a limit below the use is refused when asked to
like "a program above its memory limit is killed" "$(d run /t/mem "'{\"memory\":{\"limit\":16777216}}'" eat 64)" 'killed by signal 9'
is "the kill is in memory.events" "$(count oom_kill "$(file t/mem/memory.events)")" 1
like "the same below the limit ends well" "$(d enter /t/mem eat 4 && echo well)" '^well$'
vm_sh 'dd if=/dev/zero of=/dev/shm/cache bs=1M count=8 2>/dev/null; echo 0 >/sys/fs/cgroup/t/mem/cgroup.procs; sh -c "echo \$\$ >/sys/fs/cgroup/t/mem/cgroup.procs; cat /dev/zero | head -c 8388608 >/dev/shm/held"; echo $$ >/sys/fs/cgroup/cgroup.procs' >/dev/null
like "checkBeforeUpdate refuses a limit below the use" "$(d apply /t/mem "'{\"memory\":{\"limit\":4096,\"checkBeforeUpdate\":true}}'")" 'bytes of memory are in use, the new limit would be below'
is "and nothing has changed" "$(file t/mem/memory.max)" 16777216
vm_sh 'rm -f /dev/shm/held /dev/shm/cache' >/dev/null

# --- cpu, pids, cpuset, io
d run /t/cpu "'{\"cpu\":{\"quota\":10000,\"period\":100000,\"cpus\":\"1\"},\"pids\":{\"limit\":10}}'" spin 2000 >/dev/null
cpu=$(file t/cpu/cpu.stat)
ok "a tenth of a CPU: throttled, and at most a third used in two seconds" \
	test "$(count nr_throttled "$cpu")" -gt 5 -a "$(count usage_usec "$cpu")" -lt 700000
is "only the CPU of its set" "$(d enter /t/cpu cpus)" "cpu 1"
is "ten processes and no more" "$(d enter /t/cpu forks 50)" "made 9, then EAGAIN"
is "no limit of processes but the one" "$(d run /t/one "'{\"pids\":{\"limit\":0}}'" forks 5)" "made 0, then EAGAIN"
fast=$(d run /t/free "'{}'" read 4194304 | tr -dc 0-9)
slow=$(d run /t/io "'{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":254,\"minor\":16,\"rate\":1048576}]}}'" read 4194304 | tr -dc 0-9)
say "4 MiB of /dev/vdb: $fast ms free, $slow ms at 1 MiB a second"
ok "1 MiB a second: 4 MiB take three seconds and more" test "$slow" -gt 3000 -a "$slow" -gt "$fast"
like "the disk's statistics" "$(file t/io/io.stat)" '^254:16 rbytes=4194304 '

# --- a fork bomb: bounded, stopped, counted, killed
like "a fork bomb starts" "$(d run /t/bomb "'{\"pids\":{\"limit\":64}}'" bomb)" '^pid '
ok "it fills its limit" vm_sh 'until [ $(cat /sys/fs/cgroup/t/bomb/pids.current) -ge 60 ]; do :; done'
is "it freezes" "$(d freeze /t/bomb; d state /t/bomb)" $'done\npopulated 1 frozen 1'
before=$(count usage_usec "$(file t/bomb/cpu.stat)")
vm_sh 'sleep 1' >/dev/null
is "frozen: it uses no CPU" "$(count usage_usec "$(file t/bomb/cpu.stat)")" "$before"
like "all its processes are listed" "$(d procs /t/bomb)" '^(6[0-4]) processes'
stats=$(d stats /t/bomb)
is "the statistics are JSON of runc's form" "$(python3 -c 'import json,sys
e = json.loads(sys.argv[1]); d = e["data"]
assert e["type"] == "stats" and e["id"] == "web", e
assert 60 <= d["pids"]["current"] <= 64 == d["pids"]["limit"], d["pids"]
u = d["cpu"]["usage"]
assert 0 < u["total"] and abs(u["total"] - u["user"] - u["kernel"]) <= 1000, u
assert 0 < d["memory"]["usage"]["usage"] <= d["memory"]["usage"]["max"], d["memory"]
assert d["memory"]["usage"]["limit"] == 2**64 - 1 and d["memory"]["raw"]["anon"] > 0, d["memory"]
assert "some" in d["cpu"]["psi"] and "full" in d["memory"]["psi"] and "some" in d["blkio"]["psi"], d
print("good")' "$stats" 2>&1)" good
like "a populated one cannot be removed" "$(d remove /t/bomb 300)" 'cgroup /t/bomb: remove: .*busy'
like "nor made anew" "$(d create /t/bomb "'{}'")" 'there already and has processes in it'
ended "killed while frozen" /t/bomb
like "a signal goes to each" "$(d run /t/sig "'{}'" sleep; d enter /t/sig sleep; d signal /t/sig 15)" '^done'
ok "they have ended" vm_sh 'until [ "$(cat /sys/fs/cgroup/t/sig/pids.current)" = 0 ]; do :; done'
is "an empty one may be made anew" "$(d create /t/sig "'{\"pids\":{\"limit\":3}}'"; file t/sig/pids.max)" $'done\n3'
d freeze /t/sig >/dev/null
like "not a frozen one" "$(d create /t/sig "'{}'")" 'there already and frozen'
d freeze /t >/dev/null
like "below a frozen one nothing thaws" "$(d thaw /t/sig)" 'a cgroup above it is frozen too'
is "above it thaws" "$(d thaw /t; d thaw /t/sig; d state /t/sig)" $'done\ndone\npopulated 0 frozen 0'

# --- levels: deep trees go, whole processes and threads do not mix with what is below
like "it sleeps" "$(d run /t/deep "'{}'" sleep)" '^pid '
is "120 levels are made below it" "$(d nest /t/deep 120; vm_sh 'find /sys/fs/cgroup/t/deep -type d | wc -l')" 241
like "too deep for a list of processes" "$(d procs /t/deep)" 'more than 64 levels'
ended "a deep tree" /t/deep
like "a process lives in /t/inner" "$(d run /t/inner "'{}'" sleep)" '^pid '
like "below it no limit can be" "$(d create /t/inner/x "'{\"memory\":{\"limit\":1048576}}'")" \
	'controllers memory, which /t/inner cannot give on while it has processes of its own .*choose another cgroupsPath'
is "without limits it can" "$(d create /t/inner/x "'{}'")" "done"
is "processes of both levels are listed" "$(d enter /t/inner/x sleep >/dev/null; d procs /t/inner)" "2 processes"
like "a process's own cgroup is found" "$(vm_sh '/data/d place $(cat /sys/fs/cgroup/t/inner/x/cgroup.procs)')" '^found$'
ended "both levels" /t/inner
vm_sh 'mkdir /sys/fs/cgroup/t/thread /sys/fs/cgroup/t/thread/a; echo threaded >/sys/fs/cgroup/t/thread/a/cgroup.type' >/dev/null
like "no container below threads" "$(d create /t/thread/x "'{}'")" 'a cgroup above it holds single threads'
like "nor in them" "$(d create /t/thread/a "'{\"memory\":{\"limit\":1048576}}'")" 'a cgroup above it holds single threads'
like "no path of a control file" "$(d create /t/cgroup.procs/x "'{}'")" 'cgroup /t/cgroup.procs/x: make it: Not a directory'

# --- a container that owns its cgroup reaches nothing above or beside it (SECURITY A18)
vm_sh 'mkdir /sys/fs/cgroup/escape; echo +memory +pids +cpu >/sys/fs/cgroup/escape/cgroup.subtree_control' >/dev/null
is "the container's cgroup and its neighbour" "$(d create /escape/own "'{\"memory\":{\"limit\":33554432},\"pids\":{\"limit\":9}}'"; d create /escape/other "'{}'"; d give /escape/own 100000)" $'done\ndone\ndone'
like "the delegated files are its own, limits are not" "$(vm_sh 'cd /sys/fs/cgroup/escape/own; stat -c "%u %n" . cgroup.procs cgroup.subtree_control memory.max pids.max cgroup.freeze | tr "\n" " "')" \
	'^100000 \. 100000 cgroup.procs 100000 cgroup.subtree_control 0 memory.max 0 pids.max 0 cgroup.freeze'
for who in as-user ""; do
	escape=$(d enter /escape/own escape $who)
	name="inside ${who:-as root}"
	is "$name: below it everything goes" "$(grep -E '^(mkdir )?below' <<<"$escape")" \
		$'mkdir below: done\nbelow: cgroup.procs: done\nbelow: give on: done\nbelow: memory.max: done'
	is "$name: nothing else succeeds" "$(grep ': done$' <<<"$escape" | grep -vE '^(mkdir )?below')" ""
	like "$name: its own limit is refused" "$escape" '^own memory.max: (EACCES|EPERM)$'
	is "$name: and all of it was tried" "$(wc -l <<<"$escape")" 19
	vm_sh 'echo "-memory -pids" >/sys/fs/cgroup/escape/own/cgroup.subtree_control; rmdir /sys/fs/cgroup/escape/own/below' >/dev/null
done
is "its limits stand" "$(file escape/own/memory.max; file escape/own/pids.max)" $'33554432\n9'
ended "the escape" /escape
# --- the same through the command line, as a container with a user namespace of its own
b() { vm_sh "/data/web/box $*"; }
ok "box and a bundle are in" vm_sh 'mkdir -p /data/web/rootfs/dev /data/web/rootfs/proc /data/web/rootfs/sys/fs/cgroup && cd /data/web &&
 dd if=/dev/vdc of=box bs=1M skip=1 count=2 2>/dev/null && dd if=/dev/vdc of=config.json bs=4k skip=768 count=1 2>/dev/null &&
 cp /data/d rootfs/d && chown -R 200000:200000 rootfs && chmod 755 box'
is "box run makes the cgroup" "$(b run -d -b /data/web web; vm_sh 'cd /sys/fs/cgroup/t/box/web && for f in memory.max memory.high pids.max cpu.max cpu.weight; do echo $f $(cat $f); done')" \
	$'memory.max 33554432\nmemory.high 29360128\npids.max 20\ncpu.max 50000 100000\ncpu.weight 59'
is "and gives it to the container's root" "$(vm_sh 'cd /sys/fs/cgroup/t/box/web; echo $(stat -c %u . cgroup.procs memory.max)')" "200000 200000 0"
like "a second container in the same cgroup is refused" "$(b run -d -b /data/web web2)" 'cgroup /t/box/web: it is there already and has processes in it'
b delete --force web2 >/dev/null
is "and clearing it away leaves the first alone" "$(d state /t/box/web)" "populated 1 frozen 0"
is "update: memory, processes, quota" "$(b update --memory=64m --pids-limit=30 --cpu-quota=20000 web; file t/box/web/memory.max; file t/box/web/pids.max; file t/box/web/cpu.max)" $'67108864\n30\n20000 100000'
is "pause freezes" "$(b pause web; d state /t/box/web)" "populated 1 frozen 1"
like "the state says so" "$(b state web)" '"status": *"paused"'
is "resume thaws" "$(b resume web; d state /t/box/web)" "populated 1 frozen 0"
is "events --stats" "$(python3 -c 'import json,sys; e = json.loads(sys.argv[1]); print(e["id"], e["data"]["pids"], e["data"]["memory"]["usage"]["limit"])' "$(b events --stats web)" 2>&1)" \
	"web {'current': 1, 'limit': 30} 67108864"
# Above memory.high the kernel lets a process sleep, up to 2 s for each 64 pages: minutes until the limit.
vm_sh 'echo max >/sys/fs/cgroup/t/box/web/memory.high'
b exec web /d inside eat 200 >/dev/null
is "a program above the limit is killed" "$(count oom_kill "$(file t/box/web/memory.events)")" 1
is "inside: limits stand, levels below are free" "$(b exec web /d inside own)" \
	$'memory.max: EACCES\npids.max: EACCES\nabove: ENOENT\nmkdir: done\nmove down: done, done\ngive on: done'
is "exec goes where the first process has gone" "$(b exec web /d inside cpus | head -n 1)" "cpu 0"
is "a second container in the cgroup of one that has ended and is not deleted" "$(b kill web 9; vm_sh 'until [ "$(cat /sys/fs/cgroup/t/box/web/pids.current)" = 0 ]; do :; done'; b run -d -b /data/web web2)" \
	'err box: config.json: .linux.cgroupsPath: the cgroup /t/box/web is that of the container web: delete that before, or choose another path'
is "it is not made, and what is there stays" "$(b list -q; gone t/box/web || echo there)" $'web\nthere'
b delete web >/dev/null
is "a cgroup that somebody left empty is taken" "$(vm_sh 'mkdir -p /sys/fs/cgroup/t/box/web'; b run -d -b /data/web web2; b list -q; d state /t/box/web)" $'web2\npopulated 1 frozen 0'
b delete --force web2 >/dev/null; b run -d -b /data/web web >/dev/null
is "delete leaves nothing" "$(b delete --force web; gone t/box/web && echo gone)" gone

for left in all mem cpu one free io sig thread; do d kill "/t/$left"; done >/dev/null
ended "all of it" /t
tap_done
