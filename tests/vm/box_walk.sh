#!/bin/bash
# What a container reaches and what it can use up (SECURITY 1 A15, A22, A23, A24, G4 of queues), on the appliance with its daemons: walk.c
# comes in on a disk of its own, beside `box` and the configurations of its containers.
# WALK_UPDATE=DIR: keeps the lists as found there, to compare them with the committed ones.
# BOMB_SECONDS=N: so long each bomb goes on beside a beating heart, after what shows that it went off; a release wants 60.
. "$(dirname "$0")/lib.sh"
BOMB_SECONDS=${BOMB_SECONDS:-0}

cc=$OUT/sysroot/bin/musl-gcc work=$OUT/test/walk box=$OUT/bin/box payload=$VM/payload
vm_need "$cc" "$box"
[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
	{ echo "1..0 # SKIP needs the machine's root, not one of a user namespace"; exit 77; }
mkdir -p "$work" "$payload"/rootfs/{proc,sys,dev}
"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -static -s -o "$payload/rootfs/walk" tests/vm/walk.c &&
	"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static -s -o "$work/boxctl" tests/system/boxctl.c runtime/oci/*.c \
		runtime/lib/{address,arena,buf,err,fd,json*,log,msg,str}.c runtime/wire/*.c -lyyjson || exit 1
cp "$box" "$payload/box"

# --- the containers: what the engine makes when no option is given, each with its own ids, and that with one thing changed
ids=1048576
container() {	# NAME PYTHON WORD...: its configuration; the python changes s
	local name=$1 change=$2
	shift 2
	ids=$((ids + 65536))
	mkdir "$payload/$name"
	"$work/boxctl" spec -c "/t/$name" -i $ids "$@" | python3 -c "import json, sys
s = json.load(sys.stdin); linux = s['linux']; s['root']['path'] = '../rootfs'
$change
json.dump(s, open('$payload/$name/config.json', 'w'))" || die "no configuration of $name"
}
no_user="linux['namespaces'] = [n for n in linux['namespaces'] if n['type'] != 'user']; del linux['uidMappings'], linux['gidMappings']"
limits="linux['resources'] = {'memory': {'limit': 64 << 20, 'swap': 64 << 20}, 'pids': {'limit': 64}}"
mapfile -t caps < <(printf '%s' "#include <linux/capability.h>" | "$cc" -E -dM - | awk '/^#define CAP_[A-Z_]+ [0-9]+$/ { print "-a"; print $2 }')
for verb in writable readable; do
	container $verb.u '' -- /walk $verb
	container $verb.a '' "${caps[@]}" -- /walk $verb
	container $verb.h "$no_user" -- /walk $verb
done
container capable.a '' "${caps[@]}" -- /walk capable
container capable.h "$no_user" "${caps[@]}" -- /walk capable
own_network="linux['namespaces'] += [{'type': 'network'}]"
container queues.u "$own_network" -- /walk queues
container queues.a "$own_network" "${caps[@]}" -- /walk queues
container storm "$limits" -- /walk storm
# It runs on this host too, where no cgroup is ours to make.
container abi "del linux['cgroupsPath']; s['mounts'] = [m for m in s['mounts'] if m['type'] != 'cgroup']" -- /walk abi
container beat "$limits" -- /walk beat
for kind in fork memory fds ptys inotify; do
	container $kind "$limits" -- /walk bomb $kind
done
container few.inotify "$limits; linux['sysctl'] = {'user.max_inotify_instances': '512'}" -- /walk bomb inotify
# Those of the service, on the image of the appliance, with the program in a volume.
served() {	# NAME WORD...
	ids=$((ids + 65536))
	"$work/boxctl" spec -c "/box/$1" -i $ids -- /w/walk "${@:2}" | python3 -c "import json, sys
s = json.load(sys.stdin); linux = s['linux']; $limits
json.dump(s, open('$payload/$1.json', 'w'))" || die "no specification of $1"
}
for kind in fork memory fds; do
	served "s$kind" bomb $kind
done
served sspare spare
served split beat
"$work/boxctl" spec -- /w/walk place >"$payload/place.json"
cp "$work/boxctl" "$payload/"
mkfs.erofs --quiet -T0 --all-root "$VM/payload.img" "$payload" || die "the payload could not be packed"

b() { vm_sh "/run/p/box $*"; }
file() { vm_sh "cat /sys/fs/cgroup/t/$1"; }
# wanted LIST LETTER: the lines of that container; the rest of the file says why they are right
wanted() { awk -v letter="$2" '!/^#/ && index($1, letter) { sub(/^[a-z]+ /, ""); print }' "tests/vm/walk.$1" | LC_ALL=C sort -u; }
# same NAME LIST LETTER: what the container finds is the committed list
same() {
	b run -b "/run/p/$2.$3" "$2" 2>&1 | LC_ALL=C sort -u >"$VM/$2.$3"
	[ -z "${WALK_UPDATE-}" ] || cp "$VM/$2.$3" "$WALK_UPDATE/"
	wanted "$2" "$3" >"$VM/wanted"
	ok "$1" diff "$VM/wanted" "$VM/$2.$3"
}
daemons() { vm_sh 'svctl status' | awk '{ print $1, $3 }'; }

vm_boot APPEND=cuvette.lab=off EXTRA="-drive if=none,id=payload,file=$VM/payload.img,format=raw,readonly=on -device virtio-blk-pci,drive=payload"
ok "the machine boots" vm_shell_ready
ok "the payload is in" vm_sh 'mkdir -p /run/p && mount -t erofs -o ro /dev/vdc /run/p'
before=$(daemons)

for verb in writable readable; do
	same "$verb: a container as the engine makes it" $verb u
	same "$verb: with every capability in its user namespace" $verb a
	same "$verb: without a user namespace" $verb h
done
# capable CONTAINER LETTER...: what one capability alone opens is in those lists (A22)
capable() {
	b run -b "/run/p/capable.$1" "capable.$1" 2>&1 | LC_ALL=C sort -u >"$VM/capable.$1"
	[ -z "${WALK_UPDATE-}" ] || cp "$VM/capable.$1" "$WALK_UPDATE/"
	is "capable: every one was tried" "$(cut -d' ' -f1 "$VM/capable.$1" | sort -u | wc -l)" $((1 + ${#caps[@]} / 2))
	for letter in "${@:2}"; do wanted writable "$letter"; done | LC_ALL=C sort -u >"$VM/wanted"
	is "capable: nothing beyond the list" "$(cut -d' ' -f2- "$VM/capable.$1" | LC_ALL=C sort -u | LC_ALL=C comm -23 - "$VM/wanted")" ""
	say "capable.$1: more than none: $(awk '$1 == "none" { none[$2] = 1; next } { line[NR] = $0 } END { for (i in line) { split(line[i], w, " "); if (!(w[2] in none)) print line[i] } }' "$VM/capable.$1" | sort -n | tr '\n' ',')"
}
capable a a
capable h h c
# The messages of tc (SECURITY 1 G4): nobody answers them, so to have a network namespace of one's own opens nothing.
unanswered=$'queue made: EOPNOTSUPP\nqueue deleted: EOPNOTSUPP\nclass of a queue made: EOPNOTSUPP\nqueues listed: EOPNOTSUPP'
is "queues: of a network namespace of its own, with every capability" "$(b run -b /run/p/queues.a queues.a)" "$unanswered"
is "queues: with the engine's capabilities" "$(b run -b /run/p/queues.u queues.u)" "$(sed '/listed/!s/EOPNOTSUPP/EPERM/' <<<"$unanswered")"
is "queues: of the machine, for its root" "$(vm_sh '/run/p/rootfs/walk queues')" "$unanswered"
refused=$'int 0x80: 600 of 600 refused\nx32: 600 of 600 refused'
is "calls by the 32-bit interfaces" "$(b run -b /run/p/abi abi)" "$refused"
# The appliance's kernel has neither; most hosts serve int 0x80, so there it is the filter that refuses.
is "the same on this host's kernel" "$(unshare --mount --pid --fork --kill-child --mount-proc "$box" --root "$VM/state" run -b "$payload/abi" abi 2>&1)" "$refused"

# --- bombs: the neighbour's heart goes on, and what it may need is still there
ok "a neighbour's heart beats" vm_sh '/run/p/box run -b /run/p/beat beat >/run/beat 2>&1 & until [ -s /run/beat ]; do :; done'
heart=$(file beat/cgroup.procs)
all=$'process: given\nfile: given\npty: given\ninotify: given'
beats_on='n=$(tail -n 1 /run/beat); until [ "$(tail -n 1 /run/beat)" -ge $((n + '$((3 + 10 * BOMB_SECONDS))')) ]; do :; done'
# bomb NAME EVENT GIVEN: from the event on some beats more, and then what a neighbour is given
bomb() {
	b run -d -b "/run/p/$1" "$1" ">/run/bomb 2>&1"
	ok "$1: it goes off" vm_sh "until $2; do :; done"
	ok "$1: the heart goes on" vm_sh "$beats_on"
	say "$1: $(vm_sh 'tail -n 1 /run/bomb')"
	is "$1: what a neighbour is given" "$(b exec beat /walk spare)" "$3"
	b delete --force "$1" >/dev/null
	is "$1: nothing of it is left" "$(vm_sh "[ -e /sys/fs/cgroup/t/$1 ] || echo gone")" gone
}
counted() { echo "[ \"\$(sed -n 's/^$2 //p' /sys/fs/cgroup/t/$1)\" -ge $3 ]"; }
said() { echo "grep -qE '^$1: .* ($2)\$' /run/bomb"; }
bomb fork "$(counted fork/pids.events max 100)" "$all"
bomb memory "$(counted memory/memory.events oom_kill 3)" "$all"
bomb fds "$(said fds EAGAIN)" "$all"
bomb ptys "$(said ptys ENOSPC)" "$all"
# inotify is counted for the user that made the user namespace. boxd sets a bound of its own in each container; `box` leaves it
# to the configuration, as its peers do.
bomb inotify "$(said inotify EMFILE)" "${all/inotify: given/inotify: EMFILE}"
bomb few.inotify "$(said inotify EMFILE)" "$all"
# --- the same through boxd: a second one, since engined has the first
image=$(vm_sh 'ls /images' | head -n 1)
talk() { vm_sh "printf '$1' | /run/p/boxctl talk /run/walk.sock"; }
ok "a boxd for the test" vm_sh 'mkdir -p /data/volumes/walk && cp /run/p/rootfs/walk /data/volumes/walk/
	/run/p/boxctl serve /run/walk.sock /usr/lib/cuvette/boxd >/run/walk.boxd 2>&1 & echo $! >/run/walk.pid; until grep -qx ready /run/walk.boxd; do :; done'
serve() { echo "start $1 $image /run/p/$1.json volume=walk:local:/w output=/run/$1.out\\n"; }
# served_bomb NAME EVENT
served_bomb() {
	like "$1: boxd starts it" "$(talk "$(serve "$1")")" "^BOX_STARTED $1 "
	ok "$1: it goes off" vm_sh "until $2; do :; done"
	ok "$1: the heart goes on" vm_sh "$beats_on"
	like "$1: another one starts and ends" "$(talk "$(serve sspare)exited sspare\\ndelete sspare\\n")" "^BOX_EXITED sspare 0 0"
	is "$1: what that is given" "$(vm_sh 'cat /run/sspare.out; rm /run/sspare.out')" "$all"
	like "$1: it is killed" "$(talk "kill $1 9\\nexited $1\\ndelete $1\\n")" "^BOX_EXITED $1 137 "
	is "$1: nothing of it is left" "$(vm_sh "ls /run/box /data/box/containers | grep -x $1; [ -e /sys/fs/cgroup/box/$1 ] || echo gone")" gone
}
served_event() { echo "[ \"\$(sed -n 's/^$2 //p' /sys/fs/cgroup/box/$1)\" -ge $3 ]"; }
served_bomb sfork "$(served_event sfork/pids.events max 100)"
served_bomb smemory "$(served_event smemory/memory.events oom_kill 3)"
served_bomb sfds "grep -qE '^fds: .* EAGAIN\$' /run/sfds.out"
# --- a box whose cgroup has been split up takes processes in its leaves alone: an exec goes where its first process has gone
like "split: boxd starts it" "$(talk "$(serve split)")" '^BOX_STARTED split '
ok "split: its cgroup is" vm_sh 'cd /sys/fs/cgroup/box/split && mkdir leaf && for p in $(cat cgroup.procs); do echo $p >leaf/cgroup.procs || exit 1; done &&
	echo +pids >cgroup.subtree_control; s=$?; cd /; (exit $s)'
like "split: an exec runs" "$(talk 'exec split/x /run/p/place.json output=/run/split.x\nexited split/x\n')" '^BOX_EXITED split/x 0 '
is "split: beside the first process" "$(vm_sh 'cat /run/split.x')" 0::/leaf
like "split: it is killed" "$(talk 'kill split 9\nexited split\ndelete split\n')" '^BOX_EXITED split 137 '
is "split: nothing of it is left" "$(vm_sh '[ -e /sys/fs/cgroup/box/split ] || echo gone')" gone
vm_sh 'kill $(cat /run/walk.pid)'

# --- a container whose processes end and are made anew all the time, under the freezer, a limit and a kill
b run -d -b /run/p/storm storm >/dev/null
ok "storm: frozen, limited and let go, 20 times" vm_sh 'cd /sys/fs/cgroup/t/storm && for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	/run/p/box pause storm || exit 1
	grep -qx "frozen 1" cgroup.events || exit 2
	used=$(sed -n "s/^usage_usec //p" cpu.stat) there=$(cat cgroup.procs)
	/run/p/box update --pids-limit $((40 + i)) --memory $((32 + i))M --memory-swap $((32 + i))M storm || exit 3
	[ "$(cat pids.max) $(cat memory.max)" = "$((40 + i)) $(((32 + i) << 20))" ] || exit 4
	[ "$(/run/p/box state storm | sed -n "s/.*\"status\": *\"\([a-z]*\)\".*/\1/p")" = paused ] || exit 5
	[ "$(sed -n "s/^usage_usec //p" cpu.stat)" = "$used" ] && [ "$(cat cgroup.procs)" = "$there" ] || exit 6
	/run/p/box resume storm && grep -qx "frozen 0" cgroup.events || exit 7
done; cd /'
ok "storm: nobody else's process is in its cgroup" vm_sh 'for p in $(cat /sys/fs/cgroup/t/storm/cgroup.procs); do c=$(cat /proc/$p/comm 2>/dev/null) && [ "$c" != walk ] && exit 1; done; true'
b pause storm
b kill storm KILL
ok "storm: killed while it is frozen" vm_sh 'until /run/p/box state storm | grep -q stopped; do :; done'
ok "storm: and deleted" b delete storm
b run -d -b /run/p/storm storm >/dev/null
b pause storm
ok "storm: deleted by force while it is frozen" b delete --force storm
is "storm: its cgroup is gone" "$(vm_sh '[ -e /sys/fs/cgroup/t/storm ] || echo gone')" gone
# `spare` leaves a dead child to the heart, which asks for none.
ok "storm: its processes too, but for the heart" vm_sh 'n=0; until [ "$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c "(walk) [^Z]")" = 1 ]; do [ $((n += 1)) -lt 500 ] || exit 1; done'
is "the neighbour has all again" "$(b exec beat /walk spare)" "$all"
is "no beat was lost" "$(vm_sh 'n=0; while read i; do n=$((n + 1)); [ $i = $n ] || echo "$i at $n"; done </run/beat')" ""
is "it is the same heart" "$(file beat/cgroup.procs)" "$heart"
is "init and its daemons are the same processes" "$(daemons)" "$before"
ok "the machine still has a console, files and processes" vm_sh 'svctl status >/dev/null && : >/run/new && rm /run/new'
b delete --force beat >/dev/null
tap_done
