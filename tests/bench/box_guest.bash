# box_guest.bash - the part of `make bench-box` inside the guest: prints `SECTION NAME key=value...` lines, no verdicts.
#
# Every section takes the runtimes in turn on the same bundle. A runtime that fails says so and does not stop the others.
# shellcheck source=../vm/lib_guest.bash
. /payload/lib_guest.bash
# shellcheck source=box_bundles.bash
. /payload/box_bundles.bash

SETTLE_MS=40	# some ten ticks: two grace periods of RCU and the work that waits for them
ROUNDS=20 MANY=1000 MANY_PEERS=100 SECTIONS=start,exec,life,syscalls,peak,small,at_once,many
for word in $(cat /proc/cmdline); do
	case $word in bench.*) declare "${word#bench.}" ;; esac
done
# Debian's runtimes stay where Debian puts them, on the root: from a tmpfs crun would have to copy itself into memory. box lies
# on a read-only mount, as in the appliance; run_writable is box from a place where it makes such a mount of its own.
bin=/tmp/bin samples=/tmp/samples
mkdir $bin /tmp/writable
cp /payload/{floor,turns} $bin
[ ! -e /payload/box ] || cp /payload/box $bin/
for runtime in crun runc; do ln -s "$(command -v $runtime)" /tmp/writable/; done
[ ! -e /payload/box ] || cp /payload/box /tmp/writable/
mount --bind $bin $bin && mount -o remount,bind,ro $bin || exit 1
PATH=$bin:$PATH
runtimes= all='box crun runc' BPF=true
[[ $(uname -r) != *cuvette* ]] || { BPF=false all='box crun'; }	# runc does not start there at all
for runtime in $all; do
	! command -v $runtime >/dev/null || runtimes="$runtimes $runtime"
done
bundles_make /tmp/b /payload || exit 1
# As systemd does at boot: programs of the kernel can be kept there.
[ ! -d /sys/fs/bpf ] || mount -t bpf -o nosuid,nodev,noexec,mode=700 bpf /sys/fs/bpf || exit 1
# One filter stays loaded, as on every machine with daemons: the first program of a kernel pays for 2 MiB of JIT memory.
crun run -d --bundle /tmp/b/kept kept </dev/null >/dev/null || say "the kept filter failed"
say "$(uname -r), runtimes:$runtimes"

# The profile of one warm run: what the tracer saw, told apart by tests/bench/box_profile.py.
bench_profile() {
	local runtime bundle tracing=/sys/kernel/tracing event
	mount -t tracefs none $tracing
	echo x86-tsc >$tracing/trace_clock
	echo 8192 >$tracing/buffer_size_kb
	for event in raw_syscalls/sys_enter raw_syscalls/sys_exit sched/sched_switch exceptions/page_fault_user; do
		echo 1 >$tracing/events/$event/enable
	done
	echo 0 >$tracing/tracing_on
	for bundle in true seccomp; do
		for runtime in $runtimes; do
			$runtime run --bundle /tmp/b/$bundle warm </dev/null
			echo >$tracing/trace
			echo 1 >$tracing/tracing_on
			$runtime run --bundle /tmp/b/$bundle traced </dev/null
			echo 0 >$tracing/tracing_on
			sed "s/^/trace $bundle-$runtime /" $tracing/trace
		done
	done
	umount $tracing
}

section() { sed "s/^/$name /"; }	# what turns prints, with the section in front
# turns_of NAME OPTIONS COMMAND: COMMAND for every runtime, where X is the runtime; the floor is what FLOOR says
turns_of() {
	local name=$1 options=$2 command=$3 words=() runtime
	for runtime in $runtimes; do
		words+=("$runtime")
		# shellcheck disable=SC2206 # words
		words+=(${command//X/$runtime} --)
	done
	# shellcheck disable=SC2206
	[ -z "${FLOOR-}" ] || words+=(floor $FLOOR)
	# shellcheck disable=SC2086
	turns $options -r $samples.$name "${words[@]}" | section
}

bench_start() {
	FLOOR='floor run /tmp/b/rootfs /bin/true' turns_of run "-s $SETTLE_MS -n $ROUNDS" 'X run --bundle /tmp/b/true X@'
	FLOOR='floor run /tmp/b/rootfs /bin/true' turns_of seccomp "-s $SETTLE_MS -n $((ROUNDS * 2 / 3))" 'X run --bundle /tmp/b/seccomp X@'
	turns_of run_writable "-s $SETTLE_MS -n $((ROUNDS / 2))" '/tmp/writable/X run --bundle /tmp/b/true X@'
}
bench_life() {
	FLOOR='floor run /tmp/b/rootfs /bin/true' turns_of lifecycle "-s $SETTLE_MS -n $((ROUNDS * 2 / 3))" \
		'X create --bundle /tmp/b/true X@ , X start X@ , X delete -f X@'
}

bench_exec() {
	local runtime
	for runtime in $runtimes; do
		$runtime run -d --bundle /tmp/b/stay held-$runtime </dev/null >/dev/null || say "$runtime run -d failed"
	done
	FLOOR="floor exec $(crun state held-crun | jq .pid) /bin/true" turns_of exec "-s $SETTLE_MS -n $ROUNDS" 'X exec held-X /bin/true'
	for runtime in $runtimes; do $runtime delete -f held-$runtime; done
}

bench_syscalls() {
	local runtime bundle
	for bundle in true seccomp; do
		for runtime in $runtimes; do
			strace -f -c -U calls,name -o /tmp/calls $runtime run --bundle /tmp/b/$bundle s-$runtime </dev/null
			echo "syscalls_$bundle $runtime calls=$(awk '$2 == "total" { print $1 }' /tmp/calls)"
		done
		strace -f -c -U calls,name -o /tmp/calls floor run /tmp/b/rootfs /bin/true
		echo "syscalls_$bundle floor calls=$(awk '$2 == "total" { print $1 }' /tmp/calls)"
	done
}

# The peak of a cgroup that holds the runtime alone (the container has one of its own), the page cache warm.
peak_of() {
	local group=/sys/fs/cgroup/peak
	mkdir $group
	(echo $BASHPID >$group/cgroup.procs; exec "$@" </dev/null >/dev/null)
	cat $group/memory.peak
	rmdir $group
}
bench_peak() {
	local runtime i
	for i in 1 2 3 4 5 6 7; do
		for runtime in $runtimes; do
			echo "peak $runtime bytes=$(peak_of $runtime run --bundle /tmp/b/true p-$runtime)"
		done
		echo "peak floor bytes=$(peak_of floor run /tmp/b/rootfs /bin/true)"
	done
}

# The smallest memory limit, in KiB, under which a container starts.
bench_small() {
	local runtime limit
	for runtime in $runtimes; do
		for limit in 256 512 1024 2048 4096 8192 16384 none; do
			[ $limit != none ] || break
			jq ".linux.resources.memory.limit = $limit * 1024" /tmp/b/small/config.json >/tmp/small.json
			cp /tmp/small.json /tmp/b/small/config.json
			timeout 60 $runtime run --bundle /tmp/b/small small-$runtime </dev/null >/dev/null 2>&1 && break
			$runtime delete -f small-$runtime >/dev/null 2>&1
		done
		echo "smallest $runtime kib=$limit"
	done
}

memory_now() { # Slab Percpu KernelStack PageTables MemAvailable, Pss of the containers' programs, Pss of the rest
	local pid
	sync
	awk '/^(Slab|Percpu|KernelStack|PageTables|MemAvailable):/ { v[$1] = $2 }
		END { printf "%d %d %d %d %d ", v["Slab:"], v["Percpu:"], v["KernelStack:"], v["PageTables:"], v["MemAvailable:"] }' /proc/meminfo
	for pid in /proc/[0-9]*; do
		awk -v comm="$(cat "$pid/comm" 2>/dev/null)" '/^Pss:/ { print (comm == "stay" ? "stay" : "rest"), $2 }' "$pid/smaps_rollup" 2>/dev/null
	done | awk '{ v[$1] += $2 } END { print v["stay"] + 0, v["rest"] + 0 }'
}
# Containers that stay, one started after the other; what each holds; and how the last hundred compare with the first.
bench_many() {
	local runtime count name=many before after i
	for runtime in $runtimes; do
		count=$MANY_PEERS
		[ $runtime != box ] || count=$MANY
		$runtime run -d --bundle /tmp/b/stay first-$runtime </dev/null >/dev/null || continue
		before=$(memory_now)
		turns -n "$count" -w 0 -r $samples.many $runtime $runtime run -d --bundle /tmp/b/stay many-@ | section
		after=$(memory_now)
		echo "$before $after" | awk -v n="$count" -v r="$runtime" '{
			printf "held %s slab=%.2f percpu=%.2f stack=%.2f tables=%.2f available=%.2f stay=%.2f rest=%.2f\n", r,
				($8 - $1) / n, ($9 - $2) / n, ($10 - $3) / n, ($11 - $4) / n, ($5 - $12) / n, ($13 - $6) / n, ($14 - $7) / n }'
		turns -n "$count" -w 0 $runtime $runtime delete -f many-@ | sed 's/^/unmany /'
		$runtime delete -f first-$runtime
	done
	awk -v k=100 'NF > 2 * k { a = b = 0; for (i = 2; i <= k + 1; i++) { a += $i; b += $(NF - i + 2) }
		printf "drift %s first=%.0f last=%.0f\n", $1, a / k, b / k }' $samples.many
}

bench_at_once() {
	FLOOR='floor run /tmp/b/rootfs /bin/true' turns_of at_once '-p -w 1 -n 100' 'X run --bundle /tmp/b/true X@'
}

for section_name in ${SECTIONS//,/ }; do
	# 100 of runc at once, or so many that stay, would take as long as all the rest.
	case $section_name in at_once | many) runtimes=${runtimes/ runc/} ;; esac
	bench_$section_name
done
for file in $samples.*; do sed "s/^/samples ${file##*.} /" "$file"; done
say done
echo 1..0
