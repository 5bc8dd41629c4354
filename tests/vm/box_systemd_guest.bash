# box_systemd_guest.bash - the part of box_systemd.sh inside the guest: first over the manager's own socket, then over a bus.
# shellcheck source=lib_guest.bash
. /payload/lib_guest.bash
# shellcheck source=../api/lib_image.bash
. /payload/lib_image.bash
cp /payload/box /usr/bin/box
mkdir -p /tmp/b/rootfs /tmp/plain
image_tree /tmp/b/rootfs /payload/busybox
(cd /tmp/plain && box spec)
cd /tmp/b || exit 1
say "$(uname -r), $(systemctl --version | head -n 1), story in $(sed 's/^0:://' /proc/self/cgroup)"

S() { timeout -k 5 60 box --systemd-cgroup "$@" </dev/null; }
show() { systemctl show -P "$2" "$1"; }
field() { cat "/sys/fs/cgroup/$1" 2>/dev/null; }
# bundle JQ...: the bundle's configuration, changed
bundle() { jq -c '.process.terminal = false | .process.args = ["sleep", "1000"] | .root.readonly = false |
	.linux.cgroupsPath = "machine.slice:t:web"'"${1:+ | $1}" /tmp/plain/config.json >config.json; }
# What a container leaves: units, cgroups, records, mounts, processes.
traces() {
	systemctl list-units --all --plain --no-legend --type=scope | awk '{ print $1 }'
	find /sys/fs/cgroup -mindepth 1 -type d -name '*.scope*' -o -type d -name container -o -type d -name 'box-seat'
	find /run/box-oci -mindepth 1 -maxdepth 1 -type d ! -name '.*' 2>/dev/null
	cat /proc/[0-9]*/comm 2>/dev/null | grep -xE 'conmon|sleep|box'
	return 0
}
is_clean() { [ "$(traces)" = "$before" ]; }
clean() { within 20 is_clean; is "$1" "$(traces)" "$before"; }
refused() { # WORDS COMMAND...
	local words=$1
	shift
	! "$@" >/tmp/said 2>&1 && grep -q -- "$words" /tmp/said || { cat /tmp/said; return 1; }
}
G=/sys/fs/cgroup/machine.slice/t-web.scope
before=$(traces)

limits='.linux.resources = {memory: {limit: 67108864, swap: 134217728, reservation: 1048576}, pids: {limit: 30},
	cpu: {shares: 512, quota: 15500, period: 100000, cpus: "0"}, unified: {"memory.high": "50331648"}} |
	.annotations = {"org.systemd.property.TimeoutStopSec": "uint64 7", "org.systemd.property.Documentation": "[\"man:box(1)\"]"}'

whole_life() { # OVER
	bundle "$limits"
	ok "$1: create" S create -b . web
	is "$1: a scope runs" "$(show t-web.scope ActiveState) $(show t-web.scope SubState) $(show t-web.scope Slice)" "active running machine.slice"
	like "$1: it says whose it is" "$(show t-web.scope Description)" '^container web, made by box at 20'
	is "$1: its limits" "$(for p in MemoryMax MemorySwapMax MemoryLow MemoryHigh CPUWeight TasksMax AllowedCPUs CPUQuotaPerSecUSec \
		CPUQuotaPeriodUSec Delegate DefaultDependencies; do show t-web.scope $p; done | tr '\n' ' ')" \
		"67108864 67108864 1048576 50331648 59 30 0 160ms 100ms yes no "
	is "$1: an annotation's properties" "$(show t-web.scope TimeoutStopUSec) $(show t-web.scope Documentation)" '7s "man:box(1)"'
	is "$1: the unit's cgroup has them" "$(cat $G/memory.max $G/memory.high $G/pids.max $G/cpu.weight | tr '\n' ' ')" "67108864 50331648 30 59 "
	is "$1: and the container's own, exactly" "$(cat $G/container/{memory.max,memory.high,pids.max,cpu.weight,cpu.max,cpuset.cpus} | tr '\n' ' ')" \
		"67108864 50331648 30 59 15500 100000 0 "
	is "$1: its process is in there alone" "$(cat $G/container/cgroup.procs) $(find $G -mindepth 1 -type d)" "$(box state web | jq .pid) $G/container"
	ok "$1: start" S start web
	is "$1: exec is in the same place" "$(S exec web cat /proc/self/cgroup)" "0::/"
	ok "$1: pause" eval 'S pause web && [ "$(box state web | jq -r .status)" = paused ] && S resume web'
	ok "$1: update" S update --memory 33554432 --memory-swap 33554432 --pids-limit 11 --cpu-share 2048 web
	is "$1: update reaches systemd" "$(show t-web.scope MemoryMax) $(show t-web.scope TasksMax) $(show t-web.scope CPUWeight)" "33554432 11 $(cat $G/container/cpu.weight)"
	is "$1: and the kernel" "$(cat $G/memory.max $G/container/memory.max $G/pids.max $G/container/pids.max | tr '\n' ' ')" "33554432 33554432 11 11 "
	ok "$1: daemon-reload takes nothing back" systemctl daemon-reload
	is "$1: what is there after it" "$(cat $G/container/memory.max $G/container/cpu.max $G/memory.max | tr '\n' ' ') $(box ps web | wc -l)" "33554432 15500 100000 33554432  2"
	ok "$1: a second of that name is refused" refused "there is a unit t-web.scope already" S create -b . other
	ok "$1: kill, delete" eval 'S kill web 9 && within 20 eval "[ \$(box state web | jq -r .status) = stopped ]" && S delete web'
	clean "$1: nothing is left"

	bundle "$limits | .process.args = [\"cat\", \"/proc/self/cgroup\", \"/sys/fs/cgroup/memory.max\"]"
	is "$1: run" "$(S run -b . web | tr '\n' ' ')" "0::/ 67108864 "
	clean "$1: run leaves nothing"
	bundle "$limits | .process.args = [\"false\"]"
	ok "$1: run's status" eval 'S run -b . web; [ $? = 1 ]'
	bundle ".linux.resources.pids.limit = 1 | .process.args = [\"sh\", \"-c\", \"cat /sys/fs/cgroup/pids.max; true & wait\"]"
	like "$1: one process, and no more" "$(S run -b . web 2>&1)" "can't fork"
	bundle '.process.args = ["no-such-program"]'
	ok "$1: a program that is not there" refused "no-such-program" S run -b . web
	clean "$1: nor does a failure"
	bundle "$limits"
	ok "$1: delete --force of one that runs" eval 'S run -d -b . web && S delete --force web'
	clean "$1: all gone"
}

# ---- no bus: /run/systemd/private
is "there is no bus yet" "$(ls /run/dbus 2>/dev/null)" ""
whole_life "no bus"

# ---- names
bundle 'del(.linux.cgroupsPath)'
ok "without cgroupsPath" S run -d -b . web
is "box-ID.scope in system.slice" "$(show box-web.scope Slice) $(show box-web.scope ActiveState)" "system.slice active"
ok "its end" S delete --force web
bundle '.linux.cgroupsPath = "a-b.slice:x:y" | .annotations = {"run.oci.systemd.subgroup": "inner"}'
ok "a slice in a slice, and a name for the cgroup below" S run -d -b . web
is "where systemd has put it" "$(ls -d /sys/fs/cgroup/a.slice/a-b.slice/x-y.scope/inner)" /sys/fs/cgroup/a.slice/a-b.slice/x-y.scope/inner
ok "its end" S delete --force web
bundle '.linux.cgroupsPath = "/a/b"'
ok "a path is no unit" refused 'must be SLICE:PREFIX:NAME' S run -b . web
bundle '.annotations = {"org.systemd.property.TimeoutStopSec": "7 seconds"}'
ok "an annotation that is no value" refused 'TimeoutStopSec: "7 seconds" is no value' S run -b . web
bundle '.annotations = {"org.systemd.property.NoSuchProperty": "true"}'
ok "a property that systemd has not" refused 'systemd: unit t-web.scope: StartTransientUnit: .*NoSuchProperty' S run -b . web
bundle '.annotations = {"org.systemd.property.Slice": "'"'x.slice'"'"}'
ok "one that is box's own" refused 'is set by box itself' S run -b . web
clean "refusals leave nothing"

# ---- a container that ends by itself; a unit of that name that is another's by then
bundle '.process.args = ["true"]'
ok "it ends by itself" S run -d -b . web
ok "and the unit with it" within 20 eval '[ "$(show t-web.scope LoadState)" = not-found ]'
bundle
ok "kill --all and ps leave another container in a unit of that name alone" eval 'S run -d -b . other && S kill --all web 9 && S ps other | grep "[0-9]" && ! S ps web | grep "[0-9]"'
ok "its end" S delete --force other
systemd-run -q --scope --unit t-web.scope --slice machine.slice sleep 900 &
ok "kill --all and ps of one whose unit is gone" eval 'S kill --all web 9 && S ps web'
ok "another one takes its name" within 20 eval '[ "$(show t-web.scope ActiveState)" = active ]'
ok "delete leaves that alone" eval 'S delete web && [ "$(show t-web.scope ActiveState)" = active ] && ! [ -e /run/box-oci/web ]'
systemctl stop t-web.scope
# PID 1 of the container has no handler for SIGTERM, so systemd waits this long.
bundle '.annotations = {"org.systemd.property.TimeoutStopSec": "uint64 1"}'
ok "somebody stops the unit" eval 'S run -d -b . web && systemctl stop t-web.scope && [ "$(box state web | jq -r .status)" = stopped ] && S delete web'
clean "nothing is left of any of them"

# ---- box killed at any call of create; of delete
calls() { strace -qq -o /tmp/trace "$@" >/dev/null 2>&1 </dev/null; awk -F'(' '/^[a-z]/ { n[$1]++; print $1, n[$1] }' /tmp/trace; }
struck() { strace -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" "${@:3}" >/dev/null 2>&1 </dev/null; }
sample() { awk -v n="$(wc -l <"$1")" -v want=12 'int(NR * want / n) != int((NR - 1) * want / n)' "$1"; }
crash() { # VERB WORDS...: every point of which, delete --force leaves nothing
	local verb=$1 call count points=0
	shift
	[ "$verb" = create ] || S create -b . web >/dev/null 2>&1
	calls box --systemd-cgroup "$@" >/tmp/points
	S delete --force web
	sample /tmp/points >/tmp/chosen
	while read -r call count; do
		[ "$verb" = create ] || S create -b . web || return 1
		struck "$call" "$count" box --systemd-cgroup "$@"
		S delete --force web || { echo "killed at $call $count: delete --force"; return 1; }
		within 10 is_clean || { echo "killed at $call $count:"; traces; return 1; }
		points=$((points + 1))
	done </tmp/chosen
	[ $points -ge 10 ]
}
ok "create killed at any call: delete --force leaves nothing" crash create create -b . web
ok "delete killed at any call: delete --force leaves nothing" crash delete delete --force web

# ---- the same over a bus
ok "a bus" systemctl start dbus.service
whole_life "bus"
ok "create killed at any call, over the bus" crash create create -b . web

# ---- a user's own manager
mkdir -p /run/user/1000 /tmp/u/rootfs
echo u:x:1000:1000::/tmp/u:/bin/bash >>/etc/passwd
echo u:x:1000: >>/etc/group
cp -a /tmp/b/rootfs/. /tmp/u/rootfs/
chown -R 1000:1000 /run/user/1000 /tmp/u
U() { timeout -k 5 60 setpriv --reuid=1000 --regid=1000 --clear-groups env -C /tmp/u XDG_RUNTIME_DIR=/run/user/1000 HOME=/tmp/u "$@" </dev/null; }
# UB WORDS...: box below the user's manager, as where a user logs in
UB() { U systemd-run --user -q --wait --pipe --collect --working-directory=/tmp/u -E XDG_RUNTIME_DIR=/run/user/1000 box --systemd-cgroup "$@"; }
U box spec --rootless
U jq -c '.process.terminal = false | .process.args = ["sleep", "1000"] | .linux.resources = {memory: {limit: 67108864}}' /tmp/u/config.json >/tmp/config.json
cp /tmp/config.json /tmp/u/config.json
ok "no manager of this user: who it is that is missing" refused 'no systemd of this user answers' U box --systemd-cgroup run -b . web
systemd-run -q --uid=1000 --gid=1000 --unit=manager-of-1000 --slice=user-1000.slice -p Delegate=yes -E XDG_RUNTIME_DIR=/run/user/1000 -E HOME=/tmp/u \
	/lib/systemd/systemd --user
ok "a user's manager" within 30 eval 'test -S /run/user/1000/systemd/private && U systemctl --user start dbus.socket && test -S /run/user/1000/bus'
ok "user: run -d" UB run -d -b . web
is "user: a scope of his" "$(U systemctl --user show -P ActiveState box-web.scope) $(U systemctl --user show -P MemoryMax box-web.scope)" "active 67108864"
like "user: where it is" "$(find /sys/fs/cgroup/user.slice -type d -name container)" 'manager-of-1000.service/user.slice/box-web.scope/container$'
ok "user: exec" UB exec web true
ok "user: update" UB update --memory 33554432 web
is "user: his systemd knows" "$(U systemctl --user show -P MemoryMax box-web.scope)" 33554432
ok "user: delete --force" UB delete --force web
is "user: nothing is left" "$(U systemctl --user show -P LoadState box-web.scope) $(find /sys/fs/cgroup/user.slice -type d -name '*web*')" "not-found "
# US WORDS...: box where a user's shell is that has logged in: beside his manager's part of the tree
US() { systemd-run -q --scope --uid=1000 --gid=1000 --slice=user-1000.slice env -C /tmp/u XDG_RUNTIME_DIR=/run/user/1000 HOME=/tmp/u timeout -k 5 60 "$@" </dev/null; }
like "session: it is beside" "$(US cat /proc/self/cgroup)" '^0::/user.slice/user-1000.slice/run-[^/]*\.scope$'
ok "session: run -d" US box --systemd-cgroup run -d -b . web
like "session: where it is" "$(find /sys/fs/cgroup/user.slice -type d -name container)" 'manager-of-1000.service/user.slice/box-web.scope/container$'
is "session: its process is in there" "$(cat /sys/fs/cgroup/user.slice/user-1000.slice/manager-of-1000.service/user.slice/box-web.scope/container/cgroup.procs)" "$(US box state web | jq .pid)"
is "session: exec" "$(US box --systemd-cgroup exec web cat /proc/self/cgroup)" "0::/"
ok "session: update, delete --force" eval 'US box --systemd-cgroup update --memory 33554432 web && US box --systemd-cgroup delete --force web'
ok "session: nothing is left" within 20 eval '[ -z "$(U systemctl --user list-units --all --plain --no-legend "box-*.scope")$(find /sys/fs/cgroup/user.slice -type d -name "box-*")" ]'
systemctl stop manager-of-1000.service

# ---- podman
cd / && mount -t tmpfs -o mode=755 var /var/lib
mkdir -p /var/lib/containers /etc/containers /var/tmp
mount -t tmpfs -o mode=1777 tmp /var/tmp
printf '[storage]\ndriver = "overlay"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers/storage"\n' \
	>/etc/containers/storage.conf
printf '[containers]\nnetns = "none"\n[engine]\ncgroup_manager = "systemd"\nevents_logger = "file"\n' >/etc/containers/containers.conf
p() { timeout -k 5 120 podman --cgroup-manager systemd --runtime /usr/bin/box "$@" </dev/null; }
tar -C /tmp/b/rootfs -cf /tmp/image.tar .
ok "podman: the image" p import -q --change 'CMD=/bin/sh' /tmp/image.tar img
before=$(traces)
is "podman run: limits are seen inside" "$(p run --rm --memory 64m --pids-limit 21 --cpus 0.5 localhost/img cat \
	/sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max | tr '\n' ' ')" "67108864 21 50000 100000 "
ok "podman run -d" eval 'p run -d --name c --memory 64m localhost/img sleep 1000'
unit=libpod-$(p inspect --format '{{.Id}}' c).scope
is "its scope" "$(show "$unit" ActiveState) $(show "$unit" Slice) $(show "$unit" MemoryMax)" "active machine.slice 67108864"
like "its processes are in there" "$(systemctl status "$unit" 2>&1)" 'sleep 1000'
is "podman exec" "$(p exec c echo inside)" inside
ok "podman update" p update --memory 32m c
is "is known to systemd" "$(show "$unit" MemoryMax)" 33554432
ok "podman stats" eval 'p stats --no-stream --format "{{.PIDs}}" c | grep -q 1'
ok "podman pause, unpause" eval 'p pause c && p unpause c'
ok "podman restart" p restart -t 0 c
is "its scope again" "$(show "$unit" ActiveState) $(show "$unit" MemoryMax)" "active 33554432"
ok "podman rm" p rm -f -t 0 c
clean "podman leaves nothing"
tap_done
