#!/bin/bash
# What box mounts, against the real kernel: every kind of mount of the specification, and the ways out of a root that
# are known (SECURITY 1 A2, A3, A4, A7, A9, A17), most of them as races against an adversary that exchanges names.
# usage: tests/system/box_mounts.sh   (BIN=DIR: where box is, default build/bin; RACE_ITERATIONS=300)
set -u
skip() { echo "1..0 # SKIP $1"; exit 77; }

if [ "${1-}" != --inside ]; then
	out=${O:-build} here=$(dirname "$0")
	bin=$(cd "${BIN:-$out/bin}" 2>/dev/null && pwd) && [ -x "$bin/box" ] || skip "build box first"
	[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
		skip "needs the machine's root, not one of a user namespace"
	cc="$out/sysroot/bin/musl-gcc" busybox=$out/sysroot/bin/busybox work=$out/test/box_mounts
	[ -x "$cc" ] && [ -x "$busybox" ] || skip "no musl-gcc or busybox: make first"
	mkdir -p "$work"
	"$cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -static -o "$work/swapper" "$here/swapper.c" && cp "$busybox" "$work/busybox" || exit 1
	world=$(mktemp -d)
	trap 'rmdir "$world"' EXIT
	unshare --mount --pid --fork --kill-child --mount-proc env BOX="$bin/box" work="$(cd "$work" && pwd)" world="$world" \
		LC_ALL=C bash "$0" --inside
	exit
fi

# ---- the world: a machine whose mounts are all shared, as systemd has them
mount --make-rshared /
mount -t tmpfs -o mode=755 world "$world"
mount -t tmpfs -o mode=755 run /run 2>/dev/null || mkdir -p /run
cd "$world" || exit 1
mkdir -p root/{bin,proc,sys,dev,etc,tmp,data,run} src/{folder/sub,bin} canary/deep host
chmod 1777 root/tmp
cp "$work/busybox" root/bin/; for tool in sh mount ls cat stat touch echo test readlink id mknod head wc umount chroot mkdir awk chmod chown; do
	ln -s busybox root/bin/$tool; done
echo secret >canary/file; echo a >src/folder/a; echo b >src/file; ln -s /etc/target src/link
cp "$work/busybox" src/bin/tool
mount -t tmpfs -o mode=755 sub src/folder/sub; echo deep >src/folder/sub/deep
mkdir -p mapped/sub; chmod 777 mapped; touch mapped/zero mapped/five; chown 5:6 mapped/five
mount -t tmpfs -o mode=777 sub mapped/sub; touch mapped/sub/below; chown 5:6 mapped/sub/below
mkdir locked; mount -t tmpfs -o nosuid,nodev,noexec locked locked; touch locked/file
cat >conf.py <<'PY'
import json, sys
NOTHING = ["nosuid", "noexec", "nodev"]
MOUNTS = [("/proc", "proc", "proc", NOTHING), ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
          ("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
          ("/dev/shm", "tmpfs", "shm", NOTHING + ["mode=1777", "size=65536k"]), ("/dev/mqueue", "mqueue", "mqueue", NOTHING),
          ("/sys", "sysfs", "sysfs", NOTHING + ["ro"])]
MASKED = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
          "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
CAPS = ["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID"]
def mount(destination, type, source, options=()):
    return {"destination": destination, "type": type, "source": source, "options": list(options)}
def add(*words): s["mounts"].append(mount(*words))
def bind(target, source, *options): add(target, "bind", source, options)
def user(first=100000, size=65536):
    namespaces.append({"type": "user"})
    s["linux"]["uidMappings"] = s["linux"]["gidMappings"] = [{"containerID": 0, "hostID": first, "size": size}]
def drop(target): s["mounts"][:] = [m for m in s["mounts"] if m["destination"] != target]
namespaces = [{"type": n} for n in ("pid", "mount", "uts", "ipc", "network", "cgroup")]
s = {"ociVersion": "1.3.0", "root": {"path": "root"}, "mounts": [mount(*m) for m in MOUNTS],
     "process": {"args": ["/bin/sh", "-c", sys.argv[1]], "env": ["PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0},
                 "capabilities": {k: CAPS for k in ("bounding", "effective", "permitted")}},
     "linux": {"namespaces": namespaces, "maskedPaths": MASKED, "readonlyPaths": READONLY}}
exec(sys.argv[2])
json.dump(s, open("config.json", "w"))
PY
n=0 failed=0
ok() { # NAME COMMAND...
	local name=$1; shift; n=$((n + 1))
	if "$@" >verdict 2>&1; then echo "ok $n - mounts: $name"; else
		failed=1; echo "not ok $n - mounts: $name"; for f in verdict out said; do sed "s/^/# $f: /" $f 2>/dev/null | tail -n 12; done; fi
}
start() { ${ROOTLESS-} "$BOX" run --bundle "$world" "$id$((runs += 1))"; }
runs=0 id=mounts-${world##*[./]}-	# two of these tests at once have one cgroup tree
# run SCRIPT [CHANGES]: what the container's shell prints is in `out`, what box says in `said`
run() { python3 conf.py "$1" "${2-}" || exit 1; start >out 2>said </dev/null; status=$?; }
has() { grep -qxF -- "$1" out; }
like() { grep -qE -- "$1" out; }
says() { [ "$status" != 0 ] && [ ! -s out ] && grep -qF -- "$1" said; }
flags() { awk -v at="$1" '$3 == at { f = $6 } END { print f }' out | grep -qE "^\($2"; }	# of `mount` in out
tree() { (cd canary && find . -printf '%P %y %m %s %l\n' | sort); }
before=$(tree)
mounts() { awk '{ $1 = $2 = ""; print }' /proc/self/mountinfo; }
unharmed() { [ "$(tree)" = "$before" ] && [ "$(mounts)" = "$mounts_before" ] && [ "$(cat /proc/sys/kernel/core_pattern)" = "$pattern" ]; }
mounts_before=$(mounts) pattern=$(cat /proc/sys/kernel/core_pattern)

# ---- Docker's container
for kind in "" "user()"; do
	label=${kind:+, with a user namespace}
	run 'mount' "$kind"
	ok "/proc$label" flags /proc 'rw,nosuid,nodev,noexec'
	ok "/dev$label" flags /dev 'rw,nosuid,(size=65536k|mode)'
	ok "/dev/pts$label" flags /dev/pts 'rw,nosuid,noexec,relatime,gid=[0-9]+5,mode=620|rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666'
	ok "/dev/shm$label" flags /dev/shm 'rw,nosuid,nodev,noexec,relatime,size=65536k'
	ok "/dev/mqueue$label" flags /dev/mqueue 'rw,nosuid,nodev,noexec'
	ok "/sys$label" flags /sys 'ro,nosuid,nodev,noexec'
	ok "nothing of the machine is left$label" eval '! grep -qE "canary|/host|$world" out'
	run 'cd /dev; for d in null zero full random urandom tty; do stat -c "%n %t:%T %a" $d; done; head -c 3 /dev/zero | wc -c; echo x >/dev/null
for l in fd stdin stdout stderr core ptmx; do echo $l $(readlink $l); done; stat -c "%n %a %F" . pts shm mqueue' "$kind"
	ok "devices$label" eval 'has "null 1:3 666" && has "zero 1:5 666" && has "full 1:7 666" && has "random 1:8 666" &&
		has "urandom 1:9 666" && has "tty 5:0 666" && has 3'
	ok "links in /dev$label" eval 'has "fd /proc/self/fd" && has "stdin /proc/self/fd/0" && has "stdout /proc/self/fd/1" &&
		has "stderr /proc/self/fd/2" && has "core /proc/kcore" && has "ptmx pts/ptmx"'
	ok "modes in /dev$label" eval 'has ". 755 directory" && has "pts 755 directory" && has "shm 1777 directory"'
	run 'cat /proc/keys /proc/timer_list /proc/interrupts; ls /proc/acpi /proc/scsi /sys/firmware 2>/dev/null | grep -v :
for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/irq/x; do echo x >$f; done; echo end' "$kind"
	ok "masked and read-only$label" eval '[ "$(grep -v "^$" out)" = end ] && [ "$(grep -cE "Read-only file system|Permission denied|nonexistent" said)" = 3 ]'
done
run 'chmod 0 /proc/interrupts; chown 5 /proc/interrupts; echo x >/proc/interrupts && echo written'
ok "the machine's null device over a masked file cannot be changed" eval 'has written && [ "$(grep -c "Read-only" said)" = 2 ]'
run 'touch /x; touch /tmp/y; mount' 's["root"]["readonly"] = True; add("/tmp", "tmpfs", "t")'
ok "a read-only root, and what is mounted on it" eval 'grep -q "/x: Read-only" said && ! grep -q /tmp/y said && flags / ro'
run 'touch /dev/x /t/y; ls /t; ls /dev/null' 'drop("/dev"); s["mounts"].insert(0, mount("/dev", "tmpfs", "t", ["ro"])); add("/t", "tmpfs", "t", ["ro"]); bind("/t/in", "src/folder")'
ok "a read-only tmpfs still gets what the plan puts there" eval 'has in && has /dev/null && grep -q "/dev/x: Read-only" said && grep -q "/t/y: Read-only" said'

mkdir -m 700 root/home; mkdir -m 1751 root/data/odd
run 'for d in home data/odd data/none data/own data/up data/up2; do stat -c "%n %a" /$d; done' 'add("/home", "tmpfs", "t", ["size=8k"]); add("/data/odd", "tmpfs", "t", ["tmpcopyup"]); add("/data/none", "tmpfs", "t"); add("/data/own", "tmpfs", "t", ["size=8k,mode=711"]); add("/data/up", "tmpfs", "t", ["tmpcopyup", "mode=701", "uid=3"]); add("/data/up2", "tmpfs", "t", ["tmpcopyup"])'
ok "a tmpfs has the mode of what it covers, its own, or 1777" eval 'has "/home 700" && has "/data/odd 1751" && has "/data/none 1777" && has "/data/own 711" && has "/data/up 701" && has "/data/up2 1777"'
rmdir root/home root/data/*

# ---- bind mounts
run 'cat /data/new/folder/a; cat /etc/conf; ls /data/new/folder/sub' 'bind("/data/new/folder", "src/folder"); bind("/etc/conf", "src/file")'
ok "a folder, a file, and their missing targets" eval 'has a && has b && ! has deep'
ok "what was made is a folder and a file" eval '[ -d root/data/new/folder ] && [ -f root/etc/conf ]'
run 'cat /data/f/sub/deep; touch /data/f/sub/x && echo written' 'bind("/data/f", "src/folder", "rbind", "ro")'
ok "rbind has what is mounted below, and ro is of the top" eval 'has deep && has written'
run 'touch /data/f/sub/x || touch /data/f/x || echo sealed' 'bind("/data/f", "'"$world"'/src/folder", "rbind", "rro")'
ok "rro is of all" has sealed
rm -f src/folder/sub/x
run '/data/b/tool true || echo refused' 'bind("/data/b", "src/bin", "noexec")'
ok noexec has refused
run 'cat /data/l/link; cat /data/l/file' 'import os; os.path.exists("src/slink") or os.symlink("file", "src/slink"); bind("/data/l", "src", "nosymfollow"); bind("/data/s", "src/slink")'
ok nosymfollow eval 'has b && grep -q /data/l/link said'
run 'mount' 'bind("/data/f", "src/folder", "noatime", "nodiratime", "nosuid", "nodev")'
ok "access times and the like" flags /data/f 'rw,nosuid,nodev,noatime,nodiratime'
ln -s ../run/there/file root/etc/dangling; ln -s /run/other root/data/away; ln -s ../../../../../../canary root/data/up
run 'cat /run/there/file; cat /run/other/x/a; ls /canary' 'bind("/etc/dangling", "src/file"); bind("/data/away/x", "src/folder"); bind("/data/up/y", "src/folder")'
ok "links to what is missing lead to places inside the root" eval 'has b && has a && has y && [ -f root/run/there/file ]'
rm -r root/etc/dangling root/data/away root/data/up root/canary
ln -s loop root/data/loop
run true 'bind("/data/loop/x", "src/folder")'; ok "a loop of links" says "Symbolic link loop"
run true 'bind("/data/x", "nosuch")'; ok "a missing source is named" says ".mounts[6]: /data/x: copy the mount of nosuch: No such file or directory"
run true 'bind("/data", "src/file")'; ok "a file on a folder" says "/data: the source is a file, and what the image has there is a folder"
run true 'bind("/data/x", "src/file", "bind", "size=5")'; ok "an option that no bind mount has" says '.mounts[6].options: "size=5" is no option of a bind mount'
run true 'add("/data/x", "tmpfs", "t", ["size=banana"])'; ok "the kernel's own words about an option" says "Bad value for 'size'"
run true 'add("/data/x", "tmpfs", "t", ["nosuch=1"])'; ok "an option that tmpfs does not have" says "nosuch"
run true 'add("/data/x", "nosuchfs", "t")'; ok "a file system that the kernel does not have" says ".mounts[6]: /data/x: mount nosuchfs: the kernel has no file system of this name"
run 'readlink /data/link; cat /data/copied/file' 'bind("/data/link", "src/link", "copy-symlink"); bind("/data/copied", "src", "copy-symlink")'
ok "copy-symlink copies links and mounts the rest" eval 'has /etc/target && has b'
rm root/data/link
run 'readlink /data/sl' 'bind("/data/sl", "src/link", "src-nofollow")'
ok "src-nofollow mounts the link itself" has /etc/target
ln -s /etc/conf root/data/dl
run 'cat /data/dl; cat /etc/conf' 'bind("/data/dl", "src/file", "dest-nofollow"); s["root"]["readonly"] = True'
ok "dest-nofollow mounts on the link" eval '[ "$(cat out)" = b ]'
rm -f root/data/dl root/data/sl

# ---- propagation
propagation() { awk -v at="$1" '$5 == at { r = ""; for (i = 7; $i != "-"; i++) { sub(/:.*/, "", $i); r = r " " $i } } END { print r }' out; }
run 'cat /proc/self/mountinfo' 'bind("/data", "src/folder", "rbind")'
ok "nothing is shared by default" eval '! grep -qE "shared:|master:" out'
run 'cat /proc/self/mountinfo; mkdir -p /data/new; mount -t tmpfs t /data/new' 'bind("/data", "src/bin", "shared")'
ok "shared: what the container mounts appears on the machine" grep -q " $world/src/bin/new " /proc/self/mountinfo
umount src/bin/new; rmdir src/bin/new
run 'cat /proc/self/mountinfo; mkdir -p /data/new; mount -t tmpfs t /data/new; ls /data' 'user(); os = __import__("os"); os.chmod("src/bin", 0o777); bind("/data", "src/bin", "shared")'
ok "shared is never more than a slave in a user namespace" eval '[ "$(propagation /data)" = " shared master" ] && ! grep -q " $world/src/bin/new " /proc/self/mountinfo'
rmdir src/bin/new 2>/dev/null
for kind in rprivate: rslave:" master" shared:" shared" rshared:" shared" unbindable:" unbindable"; do
	run 'cat /proc/self/mountinfo' 's["linux"]["rootfsPropagation"] = "'${kind%%:*}'"; bind("/data", "src/folder", "rbind", "private")'
	ok "rootfsPropagation ${kind%%:*}" eval '[ "$(propagation /)" = "${kind#*:}" ] && [ "$(propagation /data)" = "" ]'
done
run 'cat /proc/self/mountinfo' 's["linux"]["rootfsPropagation"] = "rslave"; bind("/data", "src/folder", "rbind"); bind("/etc", "src/folder", "slave", "shared")'
ok "a bind mount is what the root is, or what it asks for" eval '[ "$(propagation /data)" = " master" ] && [ "$(propagation /etc)" = " shared master" ]'

# ---- tmpcopyup, id maps
echo copied >root/etc/file; ln -sf file root/etc/l; chown 7:8 root/etc/file; chmod 640 root/etc/file
run 'stat -c "%n %u:%g %a" /etc/file; readlink /etc/l; cat /etc/file; touch /etc/more; mount' 'add("/etc", "tmpfs", "t", ["tmpcopyup", "nodev"])'
ok tmpcopyup eval 'has "/etc/file 7:8 640" && has file && has copied && [ ! -e root/etc/more ] && flags /etc rw,nodev'
rm -f root/etc/*
show='stat -c "%n %u:%g" /data/zero /data/five /data/sub/below'
maps='s["mounts"][-1]["uidMappings"] = s["mounts"][-1]["gidMappings"] = [{"containerID": 0, "hostID": 1000, "size": 100}]'
run "$show" 'bind("/data", "mapped", "rbind", "idmap"); '"$maps"
ok "idmap with maps of its own" eval 'has "/data/zero 1000:1000" && has "/data/five 1005:1006" && has "/data/sub/below 5:6"'
run "$show" 'bind("/data", "mapped", "rbind", "ridmap"); '"$maps"
ok "ridmap maps what is mounted below too" eval 'has "/data/zero 1000:1000" && has "/data/sub/below 1005:1006"'
run "$show" 'bind("/data", "mapped", "rbind", "idmap=uids=0-1000-100;gids=0-2000-100")'
ok "idmap=uids=...;gids=..." has "/data/five 1005:2006"
run "$show; touch /data/made" 'user(); bind("/data", "mapped", "rbind", "ridmap")'
ok "idmap with those of the container" eval 'has "/data/zero 0:0" && has "/data/five 5:6" && has "/data/sub/below 5:6"'
ok "what it makes has plain ids on disk" [ "$(stat -c %u:%g mapped/made)" = 0:0 ]
run "$show" 'user(); bind("/data", "mapped", "rbind"); add("/tmp", "tmpfs", "t")'
ok "without, the machine's files are nobody's" has "/data/zero 65534:65534"
run true 'bind("/data", "/proc", "idmap"); '"$maps"
ok "a file system that cannot is named" says ".mounts[6]: the file system of /proc cannot map ids"
run 'mount' 'user(size=3)'
ok "no group 5 in the map: devpts without it" eval 'flags /dev/pts rw,nosuid && ! like "devpts.*gid=[0-9]*5,"'

# ---- devices
node='dict(path="/dev/net/tun", type="c", major=1, minor=3, fileMode=0o640, uid=3, gid=4)'
run 'stat -c "%n %t:%T %a %u:%g" /dev/net/tun /srv/z /dev/null; stat -c "%n %F" /dev/pipe' 's["linux"]["devices"] = ['"$node"', dict(path="/srv/z", type="c", major=1, minor=5), dict(path="/dev/pipe", type="p"), dict(path="/dev/null", type="c", major=1, minor=3, fileMode=0o600)]'
ok "devices of the specification, in folders of their own" eval 'has "/dev/net/tun 1:3 640 3:4" && has "/srv/z 1:5 666 0:0" && has "/dev/pipe fifo"'
ok "a default one with another mode" has "/dev/null 1:3 600 0:0"
rm -rf root/srv
run 'readlink /dev/ptmx; stat -c "%n %t" /dev/mine' 's["linux"]["devices"] = [dict(path="/dev/ptmx", type="c", major=5, minor=2), dict(path="/dev/mine", type="c", major=1, minor=3)]'
ok "where box makes a link, a device is passed over (podman --privileged)" eval 'has pts/ptmx && has "/dev/mine 1"'
run 'stat -c "%n %t:%T %a %u:%g" /dev/net/tun /dev/zero; head -c 2 /dev/zero | wc -c' 'user(); s["linux"]["devices"] = ['"$node"', dict(path="/dev/zero", type="c", major=1, minor=5, fileMode=0o600, uid=7)]'
ok "in a user namespace too, with owner and mode" eval 'has "/dev/net/tun 1:3 640 3:4" && has "/dev/zero 1:5 600 7:0" && has 2'
ROOTLESS="unshare --user --map-root-user --mount" run true 'drop("/dev/pts"); s["linux"]["devices"] = [dict(path="/dev/kmsg", type="c", major=8, minor=0)]'
ok "one that the machine has otherwise is refused where it cannot be made" says "the machine's /dev/kmsg is not the device c 8:0"
run 'mknod /dev/x c 1 3 && echo made' 'user()'
ok "A17: no mknod in a user namespace" eval '! has made'
mknod root/evil c 1 5; chmod 666 root/evil
run 'head -c 2 /evil | wc -c' 'user()'; ok "A17: a node of the image does not open in a user namespace" eval 'has 0 && grep -q "Permission denied" said'
rm root/evil
run 'ls /sys/kernel >/dev/null && mount' 'user(); namespaces.remove({"type": "network"})'
ok "the machine's /sys where the network is the machine's" flags /sys 'ro,nosuid,nodev,noexec'
run 'mount' 'namespaces.remove({"type": "network"}); drop("/sys"); bind("/sys", "/sys", "rprivate", "nosuid", "noexec", "nodev", "ro", "rbind")'
ok "/sys as podman binds it" flags /sys 'ro,nosuid,nodev,noexec'
run 'cat /proc/meminfo' 'bind("/proc/meminfo", "src/file")'; ok "a file that lxcfs replaces" has b
run 'ls -d /proc/1' 'drop("/proc"); bind("/proc", "/proc", "rbind", "nosuid")'; ok "/proc bound from the machine" has /proc/1

# ---- the cgroup, and the terminal
if mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null; then
	cgroup='add("/sys/fs/cgroup", "cgroup", "cgroup", NOTHING + ["ro"])'
	run 'mount; cat /proc/self/cgroup /sys/fs/cgroup/cgroup.procs' "$cgroup"
	ok "cgroup2 with a namespace of its own" eval 'flags /sys/fs/cgroup ro,nosuid,nodev,noexec && has 0::/ && has 1'
	run 'mount; cat /proc/self/cgroup /sys/fs/cgroup/cgroup.procs' "$cgroup"'; namespaces.remove({"type": "cgroup"})'
	ok "the container's own cgroup without one" eval 'flags /sys/fs/cgroup ro,nosuid,nodev,noexec && ! has 0::/ && has 1'
	umount /sys/fs/cgroup
else
	for i in 1 2; do echo "ok $((n += 1)) - mounts: cgroup2 # SKIP no cgroup v2 here"; done
fi
term() { python3 conf.py "$1" 's["process"]["terminal"] = True; '"${2-}" || exit 1
	script -qec "'$BOX' run --bundle '$world' $id$((runs += 1))" /dev/null </dev/null 2>&1 | tr -d '\r\000' | sed 's/\^@//g' >out; cp out said; }
if command -v script >/dev/null; then
	term 'readlink /proc/self/fd/0; stat -c "%n %t" /dev/console; mount' 's["root"]["readonly"] = True'
	ok "the terminal is /dev/console, of the container's own devpts" eval 'like "/dev/pts/0$" && has "/dev/console 88" && flags /dev/console rw,nosuid,noexec'
	ln -s /proc/sysrq-trigger root/dev/console; term 'echo ran' 'drop("/dev"); drop("/dev/shm"); drop("/dev/mqueue")'
	ok "A5: an image whose /dev/console is a link" eval '! like ran && like "/dev/console in the image is not a file"'
	rm -rf root/dev/*
else
	for i in 1 2; do echo "ok $((n += 1)) - mounts: the terminal # SKIP no script"; done
fi

# ---- a runtime that is itself in a user namespace, where one id is mapped and the machine's flags are locked
rootless() { ROOTLESS="unshare --user --map-root-user --mount" run "$@"; }
rootless 'mount; cat /dev/zero | head -c 2 | wc -c; ls -A /data' 'bind("/data", "locked", "rbind", "ro")'
ok "rootless: devices are the machine's, devpts has no group" eval 'flags /dev/pts rw,nosuid && has 2 && has file'
ok "rootless: the machine's flags stay" flags /data ro,nosuid,nodev,noexec
rootless 'echo ran' 'bind("/data", "locked", "rbind", "exec")'
ok "rootless: nothing clears them" says ".mounts[6]: /data: the source has flags that this user namespace may not change"
rootless 'echo ran' 'bind("/data", "src/folder")'
ok "rootless: nothing uncovers what is below a mount" says "use rbind"

# ---- an ordinary user
ordinary() { # as run; the folder of containers is the user's own
	python3 conf.py "$1" "namespaces.append({'type': 'user'}); s['linux']['uidMappings'] = [{'containerID': 0, 'hostID': 1234, 'size': 1}]
s['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 1234, 'size': 1}]; drop('/sys'); bind('/sys', '/sys', 'rbind', 'ro', 'nosuid'); ${2-}"
	mkdir -p user && chown 1234:1234 user && chmod 711 .
	setpriv --reuid 1234 --regid 1234 --clear-groups "$BOX" --root "$world/user" --cgroup-manager disabled run --bundle "$world" "$id$((runs += 1))" >out 2>said </dev/null; status=$?; }
ordinary 'mount; id -u; cat /data/sub/deep; head -c 2 /dev/zero | wc -c' 'bind("/data", "src/folder", "rbind", "ro", "nosuid")'
ok "an ordinary user: everything is opened inside its user namespace" eval 'has 0 && has deep && has 2 && flags /data ro,nosuid && flags /dev rw,nosuid'
ordinary 'echo ran' 'bind("/data", "src/folder", "idmap")'
ok "an ordinary user maps no ids" says "an ordinary user cannot map the ids of a mount"

# ---- A2: fake /proc and /sys
fake() { rmdir root/$1; ln -s "$2" root/$1; run 'echo ran' "${3-}"; }
real() { rm -f root/$1; mkdir -p root/$1; }
for at in proc sys; do
	for to in /data ../../canary /nosuch $at; do fake $at $to; real $at
		ok "A2: an image whose /$at is a link to $to" says "/$at: /$at in the image is not a folder"; done
	rmdir root/$at; touch root/$at; run 'echo ran'; real $at; ok "A2: an image whose /$at is a file" says "/$at in the image is not a folder"
done
run 'echo ran' 'bind("/proc/self/attr", "src/folder")'; ok "A2: a bind mount at /proc/self/attr" says "lies in /proc"
for at in /proc/self /proc/thread-self /proc/thread-self/attr /proc/thread-self/attr/exec /proc/sys/kernel; do
	for kind in "bind(\"$at\", \"src/folder\")" "add(\"$at\", \"tmpfs\", \"t\")"; do run 'echo ran' "$kind"; ok "A6: ${kind%%(*} at $at" says "lies in /proc"; done
done
run 'echo ran' 'drop("/proc"); bind("/proc", "src/folder")'; ok "A2: a folder at /proc" says "only a procfs can be at /proc"
ln -s /proc/self root/data/self; run 'echo ran' 'bind("/data/self/attr", "src/folder")'; ok "A2: a bind mount at a link into /proc" says "lies in /proc"
run 'echo ran' 'add("/data/self", "tmpfs", "t")'; ok "A2: a tmpfs at a link into /proc" says "lies in /proc"; rm root/data/self
ln -s /proc/thread-self root/data/self; run 'echo ran' 'bind("/data/self/attr", "src/folder")'; ok "A6: a bind mount at a link to thread-self" says "lies in /proc"; rm root/data/self

# ---- A4: a fake null device; A7: /dev is a link
mv root/dev root/dev.kept
for to in ../../../../../../../canary "$world/canary" ../../etc /nosuch dev; do
	ln -sfn "$to" root/dev
	run 'echo ran'; ok "A7: /dev of the image leads to ${to#"$world"}" says "/dev in the image is not a folder"
	run 'echo ran' 'drop("/dev"); drop("/dev/pts"); drop("/dev/shm"); drop("/dev/mqueue")'
	ok "A7: the same without a mount at /dev" says "/dev in the image is not a folder"
	rm root/dev
done
ok "A7: no node and no folder outside" unharmed
mv root/dev.kept root/dev
bare='drop("/dev"); drop("/dev/pts"); drop("/dev/shm"); drop("/dev/mqueue")'
run 'stat -c "%n %t:%T" /dev/null' "$bare"; ok "A4: without a mount the image's /dev gets the nodes" has "/dev/null 1:3"
run 'stat -c "%n %t:%T" /dev/null' "$bare"; ok "A4: and keeps them" has "/dev/null 1:3"
rm -rf root/dev/*
for to in /proc/sysrq-trigger /proc/sys/kernel/core_pattern ../../canary/file; do
	ln -s $to root/dev/null
	run 'echo ran' "$bare"; ok "A4: /dev/null of the image is a link to $to" says "/dev/null in the image is not the device c 1:3"
	chown 100000:100000 root/dev
	run 'cat /proc/interrupts; stat -c "%n %t:%T" /proc/interrupts' "user(); $bare"
	ok "A4: and the mask is the machine's null device in a user namespace" eval '[ "$(cat out)" = "/proc/interrupts 1:3" ]'
	chown 0:0 root/dev; rm -rf root/dev/*
done
mknod root/dev/null c 1 5; run 'echo ran' "$bare"; ok "A4: another device by that name" says "/dev/null in the image is not the device c 1:3"
rm root/dev/null; ok "A4: nothing was written" unharmed

# ---- races: NAME, what is exchanged, changes of the configuration
iterations=${RACE_ITERATIONS:-300}
race() {
	local name=$1 changes=$2 good=0 bad=0 i; shift 2
	python3 conf.py 'echo ran' "$changes"
	"$work/swapper" "$@" & local swapper=$!
	for i in $(seq "$iterations"); do
		if [ "$(start 2>said </dev/null)" = ran ]; then good=$((good + 1)); else bad=$((bad + 1)); fi
	done
	kill -0 $swapper && lived=yes || lived=no
	kill $swapper; wait $swapper 2>/dev/null
	[ -L "$1" ] || [ -L "$2" ] || lived="no: its link is gone"
	ok "$name: the adversary lived to the end" [ "$lived" = yes ]
	echo "# $name: $good started, $bad refused of $iterations"
	ok "$name: $iterations starts, nothing outside has changed" unharmed
}
mkdir -p vol/real vol2; ln -s "$world/canary" vol/fake; ln -s ../../../../../../../../canary vol/up; mkdir vol/real2
race "A3, a target in a shared volume" 'bind("/data", "vol", "rbind"); bind("/data/real/x", "src/folder"); bind("/data/real2/y/z", "src/file"); add("/data/real/t", "tmpfs", "t")' \
	vol/real vol/fake vol/real2 vol/up
mkdir -p rootless/{real,fake}; mkdir -p root/fakeproc; ln -s "$world/canary" root/link
race "A2, /proc of the root" '' root/proc root/link
rm -f root/link root/proc 2>/dev/null; rm -rf root/proc root/link root/fakeproc; mkdir root/proc
ln -s "$world/canary" root/link
race "A7, /dev of the root" '' root/dev root/link
rm -rf root/dev root/link; mkdir root/dev; mknod -m 666 root/dev/null c 1 3; ln -s /proc/sys/kernel/core_pattern root/dev/evil
race "A4, /dev/null of the root" "$bare" root/dev/null root/dev/evil
rm -rf root/dev/*
mkdir -p root/data/m; touch root/data/m/file; ln -s /proc/sysrq-trigger root/data/m/evil
race "A4, a masked file of the root" 's["linux"]["maskedPaths"] += ["/data/m/file"]; s["linux"]["readonlyPaths"] += ["/data/m/file"]' root/data/m/file root/data/m/evil

# ---- many mounts of one container
run 'while read -r a b c d at rest; do case $at in /data/m*) echo $at;; esac; done </proc/self/mountinfo | wc -l' 'for i in range(200): bind(f"/data/m{i}", "src/bin", "rbind")'
ok "200 bind mounts" has 200
(ulimit -n 100; start >said 2>&1 </dev/null)
ok "more than there may be descriptors: it says what to do" grep -q 'no file descriptor is left: .* raise the limit of open files (ulimit -n)' said

# ---- A9: many mounts of the machine
many=$((iterations * 2 < 10000 ? iterations * 2 : 10000)); mkdir many
for i in $(seq "$many"); do mkdir many/$i; mount -t tmpfs -o size=4k m many/$i; done
mounts_before=$(mounts)
python3 conf.py 'echo ran' 'bind("/data", "many", "rbind", "rslave"); bind("/etc", "src/folder", "rbind")'
good=0; for i in $(seq $((iterations / 10))); do [ "$(start 2>said </dev/null)" = ran ] && good=$((good + 1)); done
ok "A9: $((iterations / 10)) starts among $many shared mounts" [ $good = $((iterations / 10)) ]
ok "A9: the machine's mounts are byte by byte the same" [ "$(mounts)" = "$mounts_before" ]
echo "1..$n"
exit $failed
