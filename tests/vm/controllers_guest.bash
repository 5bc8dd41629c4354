# controllers_guest.bash - the part of controllers.sh inside the guest: limits go through config.json into a real container,
# are read back from its cgroup, and some are seen to act.
# shellcheck source=lib_guest.bash
. /payload/lib_guest.bash
mkdir -p /usr/local/bin b/rootfs/{proc,dev,sys,tmp}
cp /payload/box /usr/local/bin/
cp /payload/act b/rootfs/act
PATH=/usr/local/bin:$PATH
top=/sys/fs/cgroup/t
disk=$(cat /sys/block/vda/dev) other=$(cat /sys/block/vdb/dev)

# config RESOURCES WORD...: the bundle runs /act WORD... with those .linux.resources
config() {
	local resources=$1
	shift
	jq -n --argjson resources "$resources" '{ociVersion: "1.3.0", root: {path: "rootfs"},
		process: {args: (["/act"] + $ARGS.positional), cwd: "/", user: {uid: 0, gid: 0},
			capabilities: (["CAP_MKNOD", "CAP_SYSLOG"] | {bounding: ., effective: ., permitted: .})},
		mounts: [{destination: "/proc", type: "proc", source: "proc"}, {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"]}],
		linux: {cgroupsPath: "/t/c", namespaces: [{type: "pid"}, {type: "mount"}, {type: "ipc"}, {type: "uts"}, {type: "cgroup"}],
			resources: $resources}}' --args "$@" >b/config.json
}
# run RESOURCES WORD...: what it says
run() { config "$@" && timeout 60 box run -b b c 2>&1 </dev/null; }
# held RESOURCES FILE...: NAME VALUE of each file, of a container that stays until then
held() {
	local resources=$1 file
	shift
	config "$resources" sleep
	timeout 60 box run -d -b b c </dev/null || return 1
	for file; do sed "s/^/$file /" "$top/c/$file"; done
	box delete --force c
}

# ---- huge pages
echo 8 >/proc/sys/vm/nr_hugepages
is "the machine has huge pages" "$(cat /proc/sys/vm/nr_hugepages)" 8
two='{"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]}'
is "hugetlb: the limit and the one of reservations" "$(held "$two" hugetlb.2MB.max hugetlb.2MB.rsvd.max)" \
	$'hugetlb.2MB.max 4194304\nhugetlb.2MB.rsvd.max 4194304'
is "without a limit all pages come" "$(run '{}' huge 4)" "huge 4, then done"
is "two pages come" "$(run "$two" huge 2)" "huge 2, then done"
is "the third is refused" "$(run "$two" huge 4)" "huge 2, then ENOMEM"
run "$(jq -c '.unified = {"hugetlb.2MB.rsvd.max": "max"}' <<<"$two")" huge 4 >/dev/null
is "with reservations free the third is a bus error" $? $((128 + 7))
is "what was taken is free again" "$(grep HugePages_Free /proc/meminfo | tr -dc 0-9)" 8
like "a size that the machine lacks" "$(run '{"hugepageLimits":[{"pageSize":"64KB","limit":65536}]}' huge 1)" 'the kernel has no hugetlb.64KB.max here'
config "$two" sleep
box run -d -b b c </dev/null
is "events --stats" "$(box events --stats c | jq -c '.data.hugetlb["2MB"]')" '{"usage":0,"failcnt":0}'
is "update" "$(echo '{"hugepageLimits":[{"pageSize":"2MB","limit":2097152}]}' | box update -r - c; cat $top/c/hugetlb.2MB.max)" 2097152
box delete --force c

# ---- disks: blk-iocost's weights, then those of the scheduler bfq
weights='{"blockIO":{"weight":500,"weightDevice":['"{\"major\":${disk%:*},\"minor\":${disk#*:},\"weight\":300}]}}"
ok "blk-iocost for a disk" eval "echo $disk enable=1 >/sys/fs/cgroup/io.cost.qos"
is "io.weight, of v1's numbers" "$(held "$weights" io.weight)" "io.weight default 4950
io.weight $disk 2930"
is "io.max by device" "$(held '{"blockIO":{
	"throttleReadBpsDevice":['"{\"major\":${disk%:*},\"minor\":${disk#*:},\"rate\":1048576}]"',
	"throttleWriteIOPSDevice":['"{\"major\":${disk%:*},\"minor\":${disk#*:},\"rate\":7},{\"major\":${other%:*},\"minor\":${other#*:},\"rate\":9}]}}" io.max |
	sort)" "$(printf 'io.max %s\n' "$disk rbps=1048576 wbps=max riops=max wiops=7" "$other rbps=max wbps=max riops=max wiops=9" | sort)"
echo "$disk enable=0" >/sys/fs/cgroup/io.cost.qos
is "bfq is loaded" "$(/payload/act load /payload/bfq.ko)" "load done"
ok "the disk takes it" eval 'echo bfq >/sys/block/vda/queue/scheduler'
is "io.bfq.weight, as it is" "$(held "$weights" io.bfq.weight)" "io.bfq.weight default 500
io.bfq.weight $disk 300"

# ---- update, option by option: the file, and what stands beside it and is not given
config '{"memory":{"limit":67108864},"cpu":{"quota":50000,"period":100000},"pids":{"limit":40}}' sleep
box run -d -b b c </dev/null
updated() { # OPTION=VALUE FILE TEXT
	is "update $1" "$(box update "$1" c 2>&1; cat "$top/c/$2")" "$3"
}
updated --cpu-period=50000 cpu.max "50000 50000"
updated --cpu-quota=20000 cpu.max "20000 50000"
updated --cpu-burst=10000 cpu.max.burst 10000
updated --cpu-quota=-1 cpu.max "max 50000"
updated --cpu-share=2048 cpu.weight 174
updated --cpu-idle=1 cpu.idle 1
updated --cpu-idle=0 cpu.idle 0
updated --cpuset-cpus=1 cpuset.cpus 1
updated --cpuset-cpus=0-1 cpuset.cpus 0-1
updated --cpuset-mems=0 cpuset.mems 0
updated --blkio-weight=400 io.bfq.weight "default 400"
updated --memory-reservation=32m memory.low 33554432
updated --memory-swap=96m memory.swap.max 33554432
updated --memory=48m memory.max 50331648
updated --memory-swap=-1 memory.swap.max max
updated --pids-limit=17 pids.max 17
updated --pids-limit=-1 pids.max max
like "update --kernel-memory has no file, and says so" "$(box update --kernel-memory=1m --kernel-memory-tcp=1m c 2>&1)" '--kernel-memory and --kernel-memory-tcp have no meaning in cgroup v2'
like "nor have realtime limits, and these are refused" "$(box update --cpu-rt-runtime=1000 --cpu-rt-period=10000 --pids-limit=5 c 2>&1)" 'cgroup v2 has no limits for realtime'
is "of a refused call nothing is done" "$(cat $top/c/{pids.max,memory.max})" $'max\n50331648'
ok "all at once" box update --cpu-period=100000 --cpu-quota=30000 --cpu-burst=1000 --cpuset-cpus=0 --cpuset-mems=0 --memory=32m --memory-swap=40m \
	--memory-reservation=16m --pids-limit=9 --blkio-weight=100 --cpu-share=512 c
is "and all of it is there" "$(cd $top/c && cat cpu.max cpu.max.burst cpuset.cpus cpuset.mems memory.max memory.swap.max memory.low pids.max io.bfq.weight cpu.weight | tr '\n' ' ')" \
	"30000 100000 1000 0 0 33554432 8388608 16777216 9 default 100 59 "
box delete --force c

# ---- rdma: the controller is there, a card is not
ok "the kernel has the controller rdma" grep -qw rdma /sys/fs/cgroup/cgroup.controllers
like "rdma without its card" "$(run '{"rdma":{"mlx5_1":{"hcaHandles":3,"hcaObjects":9}}}' sleep)" \
	'"mlx5_1 hca_handle=3 hca_object=9" to rdma.max: No such device'
is "and nothing is left of it" "$(box list -q; ls -d $top/c 2>&1 | grep -c 'No such file')" 1

# ---- cpuset, unified
is "cpuset" "$(held '{"cpu":{"cpus":"1","mems":"0"}}' cpuset.cpus cpuset.cpus.effective cpuset.mems)" \
	$'cpuset.cpus 1\ncpuset.cpus.effective 1\ncpuset.mems 0'
is "the program sees its CPU alone" "$(run '{"cpu":{"cpus":"1"}}' cpus)" "cpu 1"
is "unified: files of any controller" "$(held '{"unified":{"memory.high":"33554432","pids.max":"33","io.max":"'"$other"' riops=11","cpu.weight.nice":"5","cpuset.cpus":"0"}}' \
	memory.high pids.max io.max cpu.weight.nice cpuset.cpus)" "memory.high 33554432
pids.max 33
io.max $other rbps=max wbps=max riops=11 wiops=max
cpu.weight.nice 5
cpuset.cpus 0"
like "unified: the kernel's no is ours" "$(run '{"unified":{"pids.max":"-5"}}' sleep)" '"-5" to pids.max: Invalid argument'

# ---- devices: a program in the kernel; nodes lie in the image
mknod b/rootfs/kmsg c 1 11
mknod b/rootfs/disk b "${disk%:*}" "${disk#*:}"
rules() { echo "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}${1:+,$1}]}"; }
is "no rule: the node does not open" "$(run "$(rules)" open /kmsg)" "read EPERM write EPERM both EPERM "
is "read alone" "$(run "$(rules '{"allow":true,"type":"c","major":1,"minor":11,"access":"r"}')" open /kmsg)" "read done write EPERM both EPERM "
is "write alone" "$(run "$(rules '{"allow":true,"type":"c","major":1,"minor":11,"access":"w"}')" open /kmsg)" "read EPERM write done both EPERM "
is "a character's rule is no block's" "$(run "$(rules "{\"allow\":true,\"type\":\"c\",\"major\":${disk%:*},\"access\":\"rw\"}")" open /disk)" "read EPERM write EPERM both EPERM "
is "any minor of a disk, to read" "$(run "$(rules "{\"allow\":true,\"type\":\"b\",\"major\":${disk%:*},\"access\":\"r\"}")" open /disk)" "read done write EPERM both EPERM "
is "any node may be made, as crun and runc have it" "$(run "$(rules)" mknod b 8 0)" "mknod done"
is "all but one" "$(run '{"devices":[{"allow":true,"access":"rwm"},{"allow":false,"type":"c","major":1,"minor":11,"access":"w"}]}' open /kmsg)" "read done write EPERM both EPERM "
config "$(rules)" sleep
box run -d -b b c </dev/null
is "an exec meets the same program" "$(box exec c /act open /kmsg)" "read EPERM write EPERM both EPERM "
is "the neighbours' are not touched" "$(b/rootfs/act open b/rootfs/kmsg)" "read done write done both done "

# ---- keyrings (A19): this kernel has them
is "an exec has one of its own" "$(echo "$(box exec c /act keyring)" "$(box exec c /act keyring)" "$(/payload/act keyring)" | xargs -n 2 | sort -u | wc -l)" 3
box delete --force c
config '{}' keyring
is "a container too" "$(echo "$(box run -b b c)" "$(box run -b b c)" "$(/payload/act keyring)" | xargs -n 2 | sort -u | wc -l)" 3
is "run --no-new-keyring: the caller's" "$(box run --no-new-keyring -b b c)" "$(/payload/act keyring)"
box create --no-new-keyring -b b c >created </dev/null && box start c
is "create --no-new-keyring too" "$(within 60 grep -q keyring created; cat created)" "$(/payload/act keyring)"
box delete --force c
# ---- AppArmor profiles: this kernel enforces them. Each is the least that the kernel reads (security/apparmor/policy_unpack.c).
named() { printf '\4%b\0%s\0' "\\$(printf %03o $((${#1} + 1)))" "$1"; }
number() { printf '\2%b\0\0\0' "\\$(printf %03o "$1")"; }
profile() {	# NAME MODE: 0 = forbids what it does not allow, and it allows nothing; 1 = complains
	named version; number 5
	named profile; printf '\7\5%b\0%s\0' "\\$(printf %03o $((${#1} + 1)))" "$1"
	named flags; printf '\7'; number 0; number "$2"; number 0; printf '\10'
	number 0; number 0; number 0; number 0
	printf '\10'
}
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
ok "the kernel takes two profiles" eval 'for p in "shut 0" "loose 1"; do profile $p >p && dd if=p of=/sys/kernel/security/apparmor/.load bs=64k || exit 1; done'
under() { jq --arg p "$1" "${2:-.} | .process.apparmorProfile = \$p" b/config.json >c && mv c b/config.json; }	# PROFILE [FILTER]
reads() { "$@" 2>&1 </dev/null | sed 's/ write.*//'; }	# the answer to the first of act's three ways to open a file
config '{}' open /act
is "without a profile a container reads its file" "$(reads box run -b b c)" "read done"
for more in . '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 1048576, size: 65536}] | .linux.gidMappings = .linux.uidMappings' \
	'.process.noNewPrivileges = true | .process.user = {uid: 7, gid: 7} | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"}'; do
	config '{}' open /act; under shut "$more"
	is "with one it does not (${more:0:30})" "$(reads box run -b b c)" "read Permission denied"
done
config '{}' sleep; under loose
box create -b b c </dev/null
of() { cat "/proc/$1/attr/apparmor/current"; }
is "before its start a container has none" "$(of "$(box state c | jq .pid)")" unconfined
ok "it starts" box start c
is "it is under its own" "$(of "$(box state c | jq .pid)")" "loose (complain)"
ok "an exec" box exec -d --pid-file pid c /act sleep
is "is under the container's" "$(of "$(cat pid)")" "loose (complain)"
is "or under another" "$(reads box exec --apparmor shut c /act open /act)" "read Permission denied"
is "or under none" "$(reads box exec --apparmor unconfined c /act open /act)" "read done"
like "one that is not there" "$(box exec --apparmor nosuch c /act open /act 2>&1)" '.process.apparmorProfile: the kernel has no profile "nosuch": load it'
box delete --force c
under nosuch
like "in a container too" "$(box run -b b c 2>&1 </dev/null)" '.process.apparmorProfile: the kernel has no profile "nosuch": load it'

# ---- where a bpffs is mounted, a program is kept and used again, but never another one than was asked for
pins=/sys/fs/bpf/box-devices
# program RULES: the id of the one that a container with them has
program() {
	config "$1" sleep
	box run -d -b b c </dev/null || return 1
	/payload/act programs $top/c
	box delete --force c
}
mine=$(rules '{"allow":true,"type":"c","major":1,"minor":11,"access":"r"}') others=$(rules)
is "without bpffs nothing is kept" "$([ "$(program "$mine")" != "$(program "$mine")" ] && ls /sys/fs/bpf)" ""
mount -t bpf -o mode=700 bpf /sys/fs/bpf
first=$(program "$mine")
is "with it the next container has the same program" "$(program "$mine")" "$first"
is "other rules have another one" "$([ "$(program "$others")" != "$first" ] && ls $pins | wc -l)" 2
is "kept it does what it shall" "$(run "$mine" open /kmsg)" "read done write EPERM both EPERM "
is "the folder is root's alone" "$(stat -c '%u %a' $pins)" "0 700"
name=$(for pin in $pins/*; do [ "$(/payload/act pinned "$pin")" != "$first" ] || echo "${pin##*/}"; done)
rm $pins/$name
is "the other one gets its name" "$(/payload/act pin $pins/* "$pins/$name")" "pin done"
is "under its name lies the program of other rules: it is not taken" "$(run "$mine" open /kmsg)" "read done write EPERM both EPERM "
rm $pins/*
config "$mine" sleep
for i in 1 2 3 4; do
	mkdir -p b$i
	jq ".linux.cgroupsPath = \"/t/c$i\" | .root.path = \"../b/rootfs\"" b/config.json >b$i/config.json
	box run -d -b b$i c$i </dev/null &
done
wait
all=$(for i in 1 2 3 4; do /payload/act programs $top/c$i; done)
like "four at once have a program each, and one of these is kept" "$(wc -l <<<"$all") $(ls $pins | wc -l) $(grep -cx "$(/payload/act pinned $pins/*)" <<<"$all")" '^4 1 [1-4]$'
for i in 1 2 3 4; do box delete --force c$i; done
is "which outlives them" "$(program "$mine")" "$(/payload/act pinned $pins/*)"
rm -r $pins
ln -s /sys/fs/bpf/theirs $pins && mkdir -m 700 /sys/fs/bpf/theirs
is "a link in its place is not followed" "$(program "$mine" >/dev/null && ls /sys/fs/bpf/theirs)" ""
rm $pins
mkdir -m 700 $pins
chmod 755 $pins
is "a folder that others see into is not used" "$(program "$mine" >/dev/null && ls $pins)" ""
chmod 700 $pins
chown 1 $pins
is "nor one of somebody else's" "$(program "$mine" >/dev/null && ls $pins)" ""
chown 0 $pins
program "$mine" >/dev/null
kept=$(echo $pins/*)
for i in {1..63}; do /payload/act pin "$kept" $pins/more$i; done >/dev/null
is "the folder is full" "$(ls $pins | wc -l)" 64
is "it still serves" "$(program "$mine")" "$(/payload/act pinned "$kept")"
is "one more empties it before" "$(program "$others" >/dev/null; ls $pins | wc -l)" 1
umount /sys/fs/bpf

is "nothing is left" "$(box list -q; ls -d $top/*/ 2>/dev/null)" ""
tap_done
