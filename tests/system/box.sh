#!/bin/bash
# boxd and boxmon against the real kernel, without a virtual machine: real containers in a mount namespace
# and a root of the test's own. Needs the machine's root (idmapped mounts) and overlayfs on tmpfs.
# usage: tests/system/box.sh   (BIN=DIR: where boxd and boxmon are, default build/bin; CHURN_ITERATIONS=1000, 10000 for a release)
set -u
skip() { echo "1..0 # SKIP $1"; exit 77; }

if [ "${1-}" != --inside ]; then
	out=${O:-build} here=$(dirname "$0")
	bin=$(cd "${BIN:-$out/bin}" 2>/dev/null && pwd) || skip "build boxd and boxmon first"
	[ -x "$bin/boxd" ] && [ -x "$bin/boxmon" ] || skip "build boxd and boxmon first"
	[ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] ||
		skip "needs the machine's root, not one of a user namespace"
	grep -qw overlay /proc/filesystems || skip "the kernel has no overlayfs"
	cc="$out/sysroot/bin/musl-gcc" work=$out/test/box
	[ -x "$cc" ] || skip "no musl-gcc: make first"
	mkdir -p "$work"
	flags="-std=gnu11 -D_GNU_SOURCE -O1 -Wall -Iruntime -static"
	# shellcheck disable=SC2086 # words
	"$cc" $flags -o "$work/probe" "$here/probe.c" &&
		"$cc" $flags -o "$work/boxctl" "$here/boxctl.c" runtime/oci/*.c runtime/lib/{address,arena,buf,err,fd,json*,log,msg,str}.c \
			runtime/wire/*.c -lyyjson || exit 1
	root=$(mktemp -d)
	trap 'rmdir "$root"' EXIT
	unshare --mount --pid --fork --kill-child env bin="$bin" work="$(cd "$work" && pwd)" root="$root" \
		bash "$0" --inside
	exit
fi

# ---- the world: a tmpfs as root, the tool root below /host, what the appliance has at its places
set -e
mount -t tmpfs -o mode=755 world "$root"
cd "$root"
mkdir -p host old usr/lib/cuvette proc sys dev run data tmp images/t/layers/{0,1}
ln -s host/usr/bin bin; ln -s host/usr/sbin sbin; ln -s host/usr/lib lib; ln -s host/usr/lib64 lib64; ln -s host/etc etc
ln -s ../host/usr/bin usr/bin; ln -s ../host/usr/sbin usr/sbin
cp "$bin/boxd" "$bin/boxmon" usr/lib/cuvette/
cp "$work/boxctl" tmp/
mount --bind / host
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 data data
mount -t cgroup2 none sys/fs/cgroup 2>/dev/null && cgroup="-c /box/NAME" || cgroup=
lower=images/t/layers/0 upper=images/t/layers/1
mkdir -p $lower/{bin,tmp,proc,sys,dev,etc,home/u/deep,data} $upper/bin
install -m 755 "$work/probe" $lower/bin/probe
install -m 4755 "$work/probe" $upper/bin/suid
echo below >$lower/etc/layer; mkdir $upper/etc; echo above >$upper/etc/layer
echo secret >$lower/home/u/file; echo x >$lower/home/u/deep/x; chown -R 1000:100 $lower/home/u; chmod 750 $lower/home/u
ln -s /proc/sys $lower/kernel
mknod $lower/devnode c 1 3; chmod 666 $lower/devnode
chmod 1777 $lower/tmp
echo '{"schema":1,"name":"t","digest":"sha256:one","layers":["layers/0","layers/1"],"config":{}}' >images/t/image.json
cp -a images/t images/evil
ln -sfn /tmp images/evil/layers/0/x; rm -rf images/evil/layers/0/proc; ln -s /etc images/evil/layers/0/proc
cp -a images/t images/evildev
rm -rf images/evildev/layers/0/dev; ln -s ../../../etc images/evildev/layers/0/dev
pivot_root . old
exec env LC_ALL=C bash -s <<'INSIDE'
set -u
umount -l /old
cd /tmp
n=0 failed=0
ok() { # NAME COMMAND...
	name=$1; shift; n=$((n + 1))
	if "$@" >verdict 2>&1; then echo "ok $n - box: $name"; else
		failed=1; echo "not ok $n - box: $name"; for f in verdict answers out log; do sed "s/^/# $f: /" $f 2>/dev/null | tail -n 12; done; fi
}
spec() { ./boxctl spec ${CG:+-c /box/$CG} "$@" >spec.json; }
talk() { ./boxctl talk /run/boxd.sock >answers 2>&1; }
# run NAME [WORD...]: starts spec.json, waits for its end; output in `out`
run() { rm -f out; name=$1; shift
	printf 'start %s %s /tmp/spec.json output=/tmp/out %s\nexited %s\ndelete %s\n' "$name" "${IMAGE:-t}" "$*" "$name" "$name" | talk; }
has() { grep -qxF -- "$1" "${2:-out}"; }
field() { sed -n "s/^$1 //p" /run/box/j/run; }
answers() { grep -q -- "$1" answers; }
serve() { : >told; ./boxctl serve /run/boxd.sock /usr/lib/cuvette/boxd >told 2>>log & server=$!
	within 20 grep -qx ready told; }
within() { left=$(($1 * 20)); shift; until "$@"; do left=$((left - 1)); [ $left -gt 0 ] || return 1; sleep 0.05; done; }
CG=; cg=; mountpoint -q /sys/fs/cgroup && cg=yes
mounts_before=$(wc -l </proc/self/mountinfo)
hash_before=$(sha256sum /usr/lib/cuvette/boxd /usr/lib/cuvette/boxmon)
serve

# ---- what root in a container is
spec -- /bin/probe facts; run a
ok "a container starts and ends" answers "BOX_EXITED a 0 0"
ok "fds are exactly 0, 1, 2" has "fds=0,1,2,"
ok "it is process 1 of its namespace and leads its session" has "pid=1 sid=1"
ok "root inside is 1048576 outside" grep -qE '^uid_map= +0 +1048576 +65536$' out
ok "no inheritable capability" has "CapInh: 0000000000000000"
ok "no ambient capability" has "CapAmb: 0000000000000000"
ok "Docker's 14 capabilities, bounding" has "CapBnd: 00000000a80425fb"
ok "Docker's 14 capabilities, effective" has "CapEff: 00000000a80425fb"
ok "no groups but the specification's" has "Groups:  "
ok "seccomp filters" has "Seccomp: 2"
ok "no_new_privs is off by default" has "NoNewPrivs: 0"
ok "the host name is its own" has "hostname=tested"
ok "umask is 022" has "umask=022"
ok "masked paths are empty" has "masked=hidden"
ok "sysrq cannot be pulled" grep -qE '^write /proc/sysrq-trigger=(EROFS|EACCES|ENOENT)$' out
ok "sysctls cannot be written" grep -qE '^write /proc/sys/kernel/core_pattern=(EROFS|EACCES)$' out
ok "/sys is read-only" has "make /sys/x=EROFS"
ok "/proc/self/exe is not open for writing" grep -qE '^write /proc/self/exe=(ETXTBSY|EACCES)$' out
ok "a device node in a layer does not open" has "write /devnode=EACCES"
ok "mknod fails" has "mknod=EPERM"
ok "mount, umount fail" eval 'has "mount=EPERM" && has "umount /proc/keys=EPERM"'
ok "no user namespaces inside" eval 'has "unshare user=EPERM" && has "clone user=EPERM" && has "max_user_namespaces=0"'
ok "a bound of its own on what all share" has "max_inotify_instances=512"
ok "clone3 is not there" has "clone3=ENOSYS"
ok "calls newer than the profile are not there" has "unknown call=ENOSYS"
ok "x32 numbers are not there" has "x32 call=ENOSYS"
for call in setns keyctl add_key request_key bpf io_uring_setup userfaultfd perf_event_open kexec_load reboot swapon AF_ALG AF_VSOCK \
	personality sethostname; do ok "$call is refused" has "$call=EPERM"; done
ok "an ordinary socket opens" has "AF_INET=done"
ok "/dev/stdout opens again" has "reopen /dev/stdout=done"
ok "the root is writable" has "write to the root=done"

# ---- users and privileges
spec -u 1000:100 -g 7 -w /home/u -- /bin/probe facts; run b
ok "user, group and groups are exact" eval 'has "Uid: 1000 1000 1000 1000" && has "Gid: 100 100 100 100" && has "Groups: 7 "'
ok "a user has no capabilities" has "CapEff: 0000000000000000"
ok "the working directory is set" has "cwd=/home/u"
ok "a user opens /dev/stdout" has "reopen /dev/stdout=done"
ok "a user does not write to the root" has "write to the root=EACCES"
spec -u 1000:100 -- /bin/suid euid; run b
ok "set-user-id works as Docker has it" has "euid=0"
spec -u 1000:100 -n -- /bin/suid euid; run b
ok "set-user-id is dead under no_new_privs" has "euid=1000"
spec -n -- /bin/probe facts; run b
ok "no_new_privs and the filter go together" eval 'has "NoNewPrivs: 1" && has "Seccomp: 2"'
spec -r -- /bin/probe facts; run b
ok "a read-only root" has "write to the root=EROFS"

# ---- files: layers, writable layer, volumes
spec -- /bin/probe read /etc/layer; run c
ok "the upper layer covers the lower" has above
spec -- /bin/probe write /kept text
printf 'start d t /tmp/spec.json\nexited d\n' | talk
spec -- /bin/probe read /kept
printf 'start d t /tmp/spec.json output=/tmp/kept\nexited d\n' | talk
ok "a box started again finds what it wrote" grep -qx text kept
ok "its file has plain ids on disk" [ "$(stat -c %u:%g /data/box/containers/d/upper/kept)" = 0:0 ]
echo 'delete d' | talk
ok "delete leaves nothing" eval '[ ! -e /run/box/d ] && [ ! -e /data/box/containers/d ]'
spec -u 1000:100 -- /bin/probe write /home/u/new text; run e volume=v:local:/home/u
ok "an empty volume takes owner, mode and content of the image" \
	[ "$(cd /data/volumes/v && stat -c '%n %u:%g %a' . file deep/x new | tr '\n' ' ')" = \
	". 1000:100 750 file 1000:100 644 deep/x 1000:100 644 new 1000:100 644 " ]
spec -- /bin/probe write /home/u/ro text; run e volume=v:local:/home/u:ro
ok "a read-only volume" has "write /home/u/ro=EROFS"
spec -u 1000:100 -- /bin/probe write /home/u/s shared; run e volume=w:share:/home/u
ok "without a shared folder its volume is local" [ -f /data/volumes/w/s ]
mkdir -p /run/share/work; mount -t tmpfs -o uid=1049576,gid=1048676 share /run/share/work
spec -u 1000:100 -- /bin/probe stat /home/u; run e volume=w:share:/home/u
ok "a shared folder has the ids that it is shared with" has "1000:100 1777"
umount /run/share/work

# ---- names: the appliance's resolver file, and two files of the box
mkdir -p /run/net; echo 'nameserver 192.0.2.1' >/run/net/resolv.conf; chown 102:102 /run/net/resolv.conf
names="volume=resolv.conf:names:/etc/resolv.conf:ro volume=hosts:names:/etc/hosts:ro volume=hostname:names:/etc/hostname:ro"
spec -- /bin/probe read /etc/resolv.conf; run e "$names"
ok "the resolver's file is the appliance's" has 'nameserver 192.0.2.1'
spec -- /bin/probe read /etc/hosts; run e "$names"
ok "hosts has localhost and its own name" eval 'grep -qE "^127.0.0.1.localhost$" out && grep -qE "^127.0.1.1.tested$" out'
spec -- /bin/probe read /etc/hostname; run e "$names"
ok "hostname is its own" has tested
for file in resolv.conf hosts hostname; do
	spec -- /bin/probe write /etc/$file bad; run e "$names"; ok "its root cannot write $file" has "write /etc/$file=EROFS"
done
spec -- /bin/probe read /etc/resolv.conf; run e volume=passwd:names:/etc/resolv.conf:ro
ok "another file of the appliance" answers 'none of resolv.conf, hosts, hostname'
mv /run/net/resolv.conf /run/net/kept; ln -s /etc/shadow /run/net/resolv.conf; run e "$names"
ok "a link in the resolver's place" answers 'resolv.conf is no file'
mv /run/net/kept /run/net/resolv.conf
cp -a /images/t /images/links
ln -s ../run/nowhere/else /images/links/layers/1/etc/resolv.conf; ln -s /tmp /images/links/layers/1/etc/hosts
spec -- /bin/probe read /etc/resolv.conf; IMAGE=links run e volume=resolv.conf:names:/etc/resolv.conf:ro
ok "a link of the image that leads nowhere makes way" has 'nameserver 192.0.2.1'
IMAGE=links run e volume=hosts:names:/etc/hosts:ro
ok "a link of the image to a folder" answers '/etc/hosts: the source is a file, and what the image has there is a folder'

# ---- what must be refused, with a sentence
spec -- nosuch; run f
ok "a missing program is named" answers 'exec: "nosuch": executable file not found in $PATH'
spec -- /nosuch; run f
ok "a missing path is named" answers 'exec: "/nosuch": stat /nosuch: no such file or directory'
spec -- /etc; run f
ok "a folder is no program" answers 'exec: "/etc": is a directory'
spec -u 1000:100 -- /etc/layer; run f
ok "a file without the x bit" answers 'exec: "/etc/layer": permission denied'
for cwd in /proc/self/fd/3 /proc/self/fd/6 /proc/1/cwd; do spec -w $cwd -- /bin/probe facts; run f
	ok "working directory $cwd is refused" answers "BOX_FAILED f working directory"; done
spec -- /bin/probe facts
IMAGE=evil run f; ok "an image whose /proc is a link" answers '/proc: /proc in the image is not a folder'
IMAGE=evildev run f; ok "an image whose /dev is a link" answers '/dev: /dev in the image is not a folder'
IMAGE=none run f; ok "a missing image" answers 'BOX_FAILED f image none'
IMAGE=../t run f; ok "an image by path" answers 'is no image name'
run ../x; ok "a box by path" answers 'is no name for a box'
run f volume=../etc:local:/x; ok "a volume by path" answers 'is no volume name'
for at in /proc /proc/self /sys/kernel /kernel; do run f volume=v:local:$at
	ok "a volume at $at is refused" answers "BOX_FAILED f $at: lies in /proc or /sys"; done
spec -i 0 -- /bin/probe facts; run f
ok "the machine's own ids" answers 'must be one line, 0 to a multiple of 65536'
spec -m 1048576 -- /bin/probe facts; run f
ok "limits without a cgroup" answers 'limits need a cgroupsPath'
spec -a CAP_SYS_ADMIN -- /bin/probe facts; run f
ok "an added capability opens its calls" has "sethostname=done"
ok "and no user namespace all the same" has "unshare user=ENOSPC"
ok "nothing is left of the refused" [ -z "$(ls /run/box)" ]

# ---- life: kill, lists, logs, restarts
spec -- /bin/probe exit 7; run g
ok "the exit status" answers "BOX_EXITED g 7 0"
spec -- /bin/probe sleep 1000
printf 'start g t /tmp/spec.json\nstart g t /tmp/spec.json\nstart h t /tmp/spec.json\nlist\nkill g 15\nkill g 9\nexited g\nkill g 9\nkill x 9\ndelete g\n' | talk
ok "a name is taken while its box runs" answers "BOX_FAILED g a box of this name is there already"
ok "an id range is taken while its box runs" answers "BOX_FAILED h its id range belongs to box g"
ok "the list has it" grep -qE '^BOX_STATE g t 1 [0-9]+ 0 0$' answers
ok "killed is 128 + signal" answers "BOX_EXITED g 137 0"
ok "a kill of the dead is refused" answers "BOX_FAILED g box g is not running"
ok "a kill of nobody is refused" answers "BOX_FAILED x there is no box x"
printf 'start g t /tmp/spec.json\ndelete g\nlist\n' | talk
ok "delete kills what runs" eval 'answers "BOX_DONE g" && ! answers BOX_STATE'
spec -- /bin/probe spam 20000
printf 'start i t /tmp/spec.json output=/tmp/spam log=1000000\nexited i\n' | talk
ok "every byte reaches the output" [ "$(wc -l <spam)" = 20000 ]
ok "the log stays within its bound" [ "$(cat /data/box/containers/i/log /data/box/containers/i/log.1 | wc -c)" -le 1000000 ]
ok "the log is JSON lines, the last one last" eval 'tail -n 1 /data/box/containers/i/log | PYTHONHOME=/host/usr python3 -c "
import json, sys
d = json.loads(sys.stdin.read())
assert d[\"log\"].startswith(\"line 0019999 \\\"quoted\\\" \\\\ \\u0001 \\u00e4 \\ufffd\") and d[\"stream\"] == \"stdout\" and d[\"time\"].endswith(\"Z\")"'
echo 'delete i' | talk

spec -- /bin/probe sleep 1000
printf 'start j t /tmp/spec.json\n' | talk
inside=$(field pid) monitor=$(field monitor_pid)
ok "outside it runs as 1048576" grep -qE "^Uid:[[:space:]]1048576" /proc/$inside/status
ok "its monitor is its parent" grep -qE "^PPid:[[:space:]]$monitor\$" /proc/$inside/status
ok "its monitor has no capability" within 5 eval 'grep -qE "^CapPrm:[[:space:]]0+$" /proc/$monitor/status && grep -qE "^CapBnd:[[:space:]]0+$" /proc/$monitor/status'
kill -9 $server; wait $server 2>/dev/null; serve
echo list | talk
ok "a restarted boxd finds it running" answers "BOX_STATE j t 1 $inside 0 0"
kill -9 $server; wait $server 2>/dev/null
kill -9 $inside
ok "its end is recorded while boxd is dead" within 5 grep -q "^status 137" /run/box/j/exit
mkdir /run/box/half
serve
echo list | talk
ok "a restarted boxd knows its end" answers "BOX_STATE j t 0 $inside 137 0"
ok "a start that was cut off is cleared away" [ ! -e /run/box/half ]
printf 'delete j\n' | talk
printf 'start j t /tmp/spec.json\n' | talk
inside=$(field pid)
mkfifo asks; talk <asks & talks=$!; exec 4>asks
echo list >&4; within 20 answers BOX_LIST_END	# it is heard: the end of j will be told
kill -9 "$(field monitor_pid)"
printf 'exited j\nlist\ndelete j\n' >&4; exec 4>&-; wait $talks
ok "a container does not outlive its monitor" answers "BOX_EXITED j 137"
ok "nor does its process" within 5 [ ! -e /proc/$inside ]

# ---- input, clients, terminal
spec -- /bin/probe echo
printf 'start l t /tmp/spec.json input=2 client=/tmp/from-start\nattach l 7 /tmp/feeder one\\ntwo\\n\nexited l\ndelete l\n' | talk
ok "a client's end closes the input" answers "BOX_EXITED l 6 0"
ok "it sees what it caused" eval 'tr -d "\000-\010" <feeder | grep -q "got two"'
ok "a client from the start sees all" eval 'for w in tty=0 "got one" "got two" end; do tr -d "\000-\010" <from-start | grep -q "$w" || exit 1; done'
spec -- /bin/probe echo
printf 'start l t /tmp/spec.json input=1\nattach l 7 /tmp/first one\\n\nattach l 3 /tmp/second exit\\n\nexited l\nattach l 7 /tmp/late\ndelete l\n' | talk
ok "an open input outlives its client" answers "BOX_EXITED l 5 0"
ok "nobody attaches to the dead" answers "BOX_FAILED l box l is not running"
spec -t -- /bin/probe echo
printf 'start l t /tmp/spec.json client=/tmp/tty\nresize l 33 101\nattach l 7 /tmp/screen size\\nexit\\n\nexited l\ndelete l\n' | talk
ok "a terminal, at /dev/console too" grep -q "tty=1 console=1" tty
ok "has the size that it was given" eval 'tr -d "\r" <screen | grep -q "size=33x101"'
ok "and its end" answers "BOX_EXITED l 5 0"
printf 'resize nobody 1 1\n' | talk
ok "no terminal of nobody" answers "BOX_FAILED nobody there is no box nobody"

# ---- a start that is held, network namespaces in others' hands
spec -N -- /bin/probe read /proc/net/dev; printf 'start h t /tmp/spec.json hold output=/tmp/out\npause 200\nlist\nrelease h\nexited h\ndelete h\n' | talk
ok "a held start is answered before it is released" eval 'grep -n "" answers | tr "\n" " " | grep -qE "1:BOX_HELD h [0-9]+ 2:BOX_LIST_END 3:BOX_STARTED h [0-9]+ 4:BOX_EXITED h 0"'
ok "it has a network of its own" eval 'grep -q "lo:" out && [ "$(grep -c : out)" = 1 ]'
spec -N -- /bin/probe exit 7; rm -f out
for end in 'kill h 15' 'delete h'; do
	printf 'start h t /tmp/spec.json hold output=/tmp/out\n%s\npause 100\nlist\nstart h t /tmp/spec.json\nexited h\ndelete h\n' "$end" | talk
	ok "'$end' calls a held start off" eval 'grep -q "^BOX_DONE h" answers && ! grep -q BOX_STATE answers && grep -q "BOX_EXITED h 7" answers'
done
printf 'start h t /tmp/spec.json hold\n' | talk; held=$(sed -n 's/^BOX_HELD h //p' answers)
ok "so does the end of the connection" within 5 eval '! [ -e /proc/$held ] && ! [ -e /run/box/h ]'
printf 'start h t /tmp/spec.json hold\ndelete h\nstart h t /tmp/spec.json hold\nkill h 9\nlist\n' | talk
ok "a delete and a kill are answered" eval '[ "$(grep -c BOX_DONE answers)" = 2 ] && ! grep -qE "BOX_STATE|BOX_FAILED" answers'
printf 'release h\nnetns nobody\n' | talk
ok "nothing else can be released" answers "BOX_FAILED h it is not held"
ok "nobody's network is not handed out" answers "BOX_FAILED nobody there is no box nobody"
printf 'start h t /tmp/spec.json hold\npause 5000\n' | talk & talks=$!
within 5 eval 'grep -q BOX_HELD answers'; held=$(sed -n 's/^BOX_HELD h //p' answers)
kill -9 $server; wait $server 2>/dev/null
ok "boxd's end ends a held start" within 5 [ ! -e "/proc/$held" ]
kill $talks; wait $talks 2>/dev/null; serve
spec -- /bin/probe sleep 1000; printf 'start h t /tmp/spec.json\nstart i t /tmp/spec.json hold\nnetns h\nkill h 9\nexited h\ndelete h\n' | talk
ok "without a network of its own it cannot be held" answers "BOX_FAILED i only a box with a network namespace of its own can be held"
ok "the machine's network is never handed out" answers "BOX_FAILED h box h has the machine's network"
spec -N -- /bin/probe sleep 1000; printf 'start h t /tmp/spec.json\nnetns h\n' | talk
ok "the network of a running box is" answers "BOX_NETWORK h"
spec -i 1114112 -- /bin/probe sleep 1000; printf 'start i t /tmp/spec.json network-of=h\n' | talk
ns() { stat -L -c %i "/proc/$(sed -n 's/^pid //p' "/run/box/$1/run")/ns/net"; }
ok "another box shares it" [ "$(ns h)" = "$(ns i)" ]
./boxctl spec -- /bin/probe read /proc/net/dev >process.json
printf 'exec h/x /tmp/process.json output=/tmp/dev-h\nexited h/x\nexec i/x /tmp/process.json output=/tmp/dev-i\nexited i/x\n' | talk
ok "so do their execs" eval 'for f in dev-h dev-i; do grep -q lo: $f && [ "$(grep -c : $f)" = 1 ] || exit 1; done'
ok "it is not the machine's" [ "$(ns h)" != "$(stat -L -c %i /proc/self/ns/net)" ]
printf 'kill i 9\nexited i\nkill h 9\nexited h\nstart i t /tmp/spec.json network-of=h\ndelete h\ndelete i\n' | talk
ok "but none that is gone" answers "BOX_FAILED i share the network of box h: box h is not running"
spec -- /bin/probe read /etc/resolv.conf; run e "$names" resolver=nameserver_10.0.0.1
ok "a resolver's file of its own" has nameserver_10.0.0.1
spec -- /bin/probe read /etc/hosts; run e "$names" hosts=10.0.0.7_web
ok "hosts with lines of its own" eval 'has 10.0.0.7_web && ! grep -q 127.0.1.1 out && grep -q "127.0.0.1.*localhost" out'
# ---- one more program in a running container
CG=${cg:+m}; spec -- /bin/probe sleep 1000
echo "start m t /tmp/spec.json" | talk
inside=$(sed -n "s/^pid //p" /run/box/m/run)
process() { CG=; ./boxctl spec "$@" >process.json; }	# the process of that specification
# enter NAME [WORD...]: as m/NAME to its end; output in `out`
enter() { rm -f out; name=$1; shift; printf 'exec m/%s /tmp/process.json output=/tmp/out %s\nexited m/%s\n' "$name" "$*" "$name" | talk; }
process -u 1000:100 -g 7 -w /home/u -e A=b -- /bin/probe facts; enter a
ok "an exec runs and ends" answers "BOX_EXITED m/a 0 0"
ok "its fds are exactly 0, 1, 2" has "fds=0,1,2,"
ok "user, group, groups and folder are its own" eval 'has "Uid: 1000 1000 1000 1000" && has "Gid: 100 100 100 100" && has "Groups: 7 " && has "cwd=/home/u"'
ok "it has no capabilities" eval 'has "CapEff: 0000000000000000" && has "CapInh: 0000000000000000"'
ok "it is in the container" eval 'has "hostname=tested" && grep -qE "^uid_map= +0 +1048576 +65536$" out && grep -qE "^pid=[0-9]{1,2} " out'
ok "under the container's filter" eval 'has "Seccomp: 2" && has "setns=EPERM" && has "clone3=ENOSYS" && has "max_user_namespaces=0"'
for call in keyctl add_key request_key; do ok "$call is refused in an exec" has "$call=EPERM"; done
process -- /bin/probe facts; enter b
ok "its root has Docker's capabilities" eval 'has "CapEff: 00000000a80425fb" && has "CapBnd: 00000000a80425fb" && has "Uid: 0 0 0 0"'
ok "it opens /dev/stdout again" has "reopen /dev/stdout=done"
process -a CAP_SYS_ADMIN -- /bin/probe facts; enter b2
ok "more capabilities do not open the container's filter" eval 'grep -qE "^CapEff: 00000000a82425fb" out && has "sethostname=EPERM" && has "mount=EPERM"'
process -- /bin/probe exit 7; enter c
ok "its exit status" answers "BOX_EXITED m/c 7 0"
printf 'look m/c\nlook m\nlook m/x\n' | talk
ok "its end is remembered" eval 'answers "^BOX_STATE m/c t 0 [0-9]* 7 0$" && answers "^BOX_STATE m t 1 $inside 0 0$" && answers "BOX_FAILED m/x there is no box m/x"'
ok "its name is taken" eval 'enter c; answers "BOX_FAILED m/c an exec of this name is there already"'
printf 'delete m/c\ndelete m/c\n' | talk
ok "until it is deleted" eval 'answers "BOX_DONE m/c" && answers "BOX_FAILED m/c there is no such exec" && [ ! -e /run/box/m/exec/c ]'
for name in x/y m/ m/../x m/a/b /a "m"; do printf 'exec %s /tmp/process.json\n' "$name" | talk; ok "no exec $name" answers "BOX_FAILED $name"; done
process -- nosuch; enter d
ok "a missing program is named" eval 'answers "BOX_FAILED m/d" && answers "\"nosuch\": executable file not found in \$PATH"'
process -u 70000:1 -- /bin/probe facts; enter d
ok "a user outside of the range" answers "BOX_FAILED m/d user 70000:1 is not in the container's id range"
for i in 3 4 5 6 7 8 9 10 12 14 16 20; do
	process -w /proc/self/fd/$i -- /bin/probe facts; enter d; answers "BOX_FAILED m/d" || { echo "cwd $i" >leaks; break; }
	process -- /proc/self/fd/$i/../bin/probe facts; enter d; answers "BOX_FAILED m/d" || { echo "path $i" >leaks; break; }
done
ok "no folder of the machine is within its reach" [ ! -e leaks ]
process -- /bin/probe echo
printf 'exec m/e /tmp/process.json input=2 client=/tmp/seen\nattach m/e 7 /tmp/fed one\\n\nexited m/e\n' | talk
ok "input and clients, also later ones" eval 'answers "BOX_EXITED m/e 6 0" && tr -d "\000-\010" <seen | grep -q "got one" && tr -d "\000-\010" <fed | grep -q "got one"'
process -t -- /bin/probe echo
printf 'exec m/f /tmp/process.json client=/tmp/tty2\nresize m/f 33 101\nattach m/f 7 /tmp/screen2 size\\nexit\\n\nexited m/f\n' | talk
ok "a terminal with its size" eval 'answers "BOX_EXITED m/f 5 0" && grep -q tty=1 tty2 && tr -d "\r" <screen2 | grep -q "size=33x101"'
process -- /bin/probe exit 9
seq 40 | sed 's,.*,exec m/l& /tmp/process.json client=/tmp/end\ngone\nlook m/l&,' | talk
ok "whoever saw the end of its streams can ask for its status" [ "$(grep -c '^BOX_STATE m/l[0-9]* t 0 [0-9]* 9 0$' answers)" = 40 ]
process -- /bin/probe sleep 1000
printf 'exec m/g /tmp/process.json\nkill m/g 15\nexited m/g\nexec m/h /tmp/process.json\ndelete m/h\nlist\n' | talk
ok "killed is 128 + signal" answers "BOX_EXITED m/g 143 0"
ok "delete kills what runs" eval 'answers "BOX_EXITED m/h 137 0" && answers "BOX_DONE m/h" && ! answers "BOX_STATE m/h"'
ok "the container goes on" answers "BOX_STATE m t 1 $inside 0 0"
printf 'exec m/i /tmp/process.json\nexec m/j /tmp/process.json\nexec m/k /tmp/process.json\n' | talk
run_of() { sed -n "s/^$2 //p" "/run/box/m/exec/$1/run"; }
i=$(run_of i pid) j=$(run_of j pid) k=$(run_of k pid)
ok "it is in the container's cgroup" [ "$(cat /proc/$i/cgroup)" = "$(cat /proc/$inside/cgroup)" ]
ok "its monitor has no capability" grep -qE "^CapPrm:[[:space:]]0+$" "/proc/$(run_of i monitor_pid)/status"
adj() { cat "/proc/$1/oom_score_adj"; }
ok "its scores for want of memory are the container's" [ "$(adj $i) $(adj "$(run_of i monitor_pid)")" = "$(adj $inside) $(adj "$(sed -n 's/^monitor_pid //p' /run/box/m/run)")" ]
kill -9 $server; wait $server 2>/dev/null; kill -9 $j
ok "its end is recorded while boxd is dead" within 5 grep -q "^status 137" /run/box/m/exec/j/exit
kill -9 "$(run_of k monitor_pid)"
ok "it does not outlive its monitor" within 5 [ ! -e /proc/$k ]
mkdir /run/box/m/exec/half
serve; printf 'list\n' | talk
ok "a restarted boxd finds it running, and what ended" eval 'answers "^BOX_STATE m/i t 1 $i 0 0$" && answers "^BOX_STATE m/j t 0 $j 137 0$" && answers "^BOX_STATE m/k t 0 $k 137 0$"'
ok "a half made one is cleared away" [ ! -e /run/box/m/exec/half ]
process -- /bin/probe exit 3; seq 80 | sed 's,.*,exec m/n& /tmp/process.json\nexited m/n&,' | talk
echo list | talk
ok "of many execs the newest are remembered, and those that run" eval '[ "$(grep -c "^BOX_STATE m/" answers)" = 64 ] && answers "BOX_STATE m/n80 t 0" && answers "BOX_STATE m/i t 1" && ! answers "BOX_STATE m/n1 "'
printf 'kill m 9\nexited m/i\nexited m\nexec m/o /tmp/process.json\n' | talk
ok "an exec ends with its container" eval 'answers "BOX_EXITED m/i 137 0" && [ ! -e /proc/$i ]'
ok "and none starts after" answers "BOX_FAILED m/o box m is not running"
printf 'delete m\nlist\n' | talk
ok "delete takes its execs along" eval 'answers "BOX_DONE m$" && ! answers BOX_STATE'

# ---- a container that writes without an end, and clients that come and go (A24)
churns=${CHURN_ITERATIONS:-1000}
CG=; spec -- /bin/probe flood; printf 'start f t /tmp/spec.json log=200000\n' | talk
flood=$(sed -n "s/^monitor_pid //p" /run/box/f/run)
logged() { cat /data/box/containers/f/log /data/box/containers/f/log.1 2>/dev/null | wc -c; }
written() { stat -c %i /data/box/containers/f/log; }	# another file after each rotation
ok "a flood fills its log" within 20 [ -e /data/box/containers/f/log.1 ]
first=$(written)
spec -i 1114112 -- /bin/probe echo
{ echo 'start g t /tmp/spec.json input=1'; seq 40 | sed 's,.*,attach g 7 /tmp/heard.& line-&\\n,'; printf 'heard /tmp/heard.1 line- 40\nattach g 7 /tmp/heard.exit exit\\n\nexited g\ndelete g\n'; } | talk
ok "a neighbour hears and answers all the while" eval 'answers "BOX_EXITED g 5 0" && [ "$(tr -d "\000-\010" <heard.1 | grep -c "got line-")" = 40 ]'
for i in 1 2 3 4 5; do spec -i 1179648 -- /bin/probe exit $i; printf 'start n t /tmp/spec.json\nexited n\ndelete n\n' | talk; answers "BOX_EXITED n $i 0" || break; done
ok "others start and end, with their status" answers "BOX_EXITED n 5 0"
ok "the log has gone on, within its bound" eval '[ "$(written)" != "$first" ] && for i in $(seq 200); do [ "$(logged)" -le 200000 ] || exit 1; done'
own() { grep -c "" <(ls "/proc/$1/fd"); }
memory() { awk '/^Private_Dirty/ { print $2 }' "/proc/$1/smaps_rollup"; }
printf 'churn f 100\n' | talk
fds=$(own $flood) served=$(own $server) kib=$(memory $flood)
printf 'churn f %s\n' "$churns" | talk
ok "$churns clients of the flood come and go" answers "^churned $churns$"
ok "its monitor is as it was" within 10 eval '[ "$(own $flood)" -le "$fds" ] && [ "$(memory $flood)" -le $((kib + 16)) ]'
ok "and so is boxd" within 10 [ "$(own $server)" -le "$served" ]
printf 'kill f 9\nexited f\nlook f\n' | talk
ok "the end of the flood is known" eval 'answers "BOX_EXITED f 137 0" && answers "^BOX_STATE f t 0 [0-9]* 137 0$"'
ok "the log has whole lines to its end" eval 'tail -n 1 /data/box/containers/f/log | PYTHONHOME=/host/usr python3 -c "
import json, sys
assert json.loads(sys.stdin.read())[\"stream\"] in (\"stdout\", \"stderr\")"'
echo 'delete f' | talk

if [ -n "$cg" ]; then
	CG=k; spec -- /bin/probe read /proc/self/cgroup; run k
	ok "it is the root of its cgroup namespace" has "0::/"
	ok "its cgroup is gone" [ ! -e /sys/fs/cgroup/box/k ]
	CG=x; spec -- /bin/probe facts; run k
	ok "the cgroup of another box" answers "cgroupsPath: must be /box/k here"
else
	echo "ok $((n += 1)) - box: cgroup namespace # SKIP no cgroup v2 here"
fi

# ---- A21: containers of many ranges of ids come and go over the same image and volumes: nobody's file changes hands
CG=
owners() { find /images /data /etc/passwd /usr/lib/cuvette -path /data/box/containers -prune -o -printf '%p %U:%G %m\n' | sort; }
mkdir -p /data/volumes/ids/deep; echo a >/data/volumes/ids/deep/a; echo b >/data/volumes/ids/b
chown 1000:100 /data/volumes/ids/deep; chown 70000:70000 /data/volumes/ids/b; chmod 777 /data/volumes/ids /data/volumes/ids/deep
owners >owners.before
ranges=$((churns / 25)); : >churn.asks
for i in $(seq $ranges); do
	spec -i $((1048576 + i * 65536)) -u $((i % 2 * 1000)):$((i % 2 * 100)) -- /bin/probe write "/w/deep/new$i" text; mv spec.json "spec$i.json"
	echo "start r$i t /tmp/spec$i.json volume=ids:local:/w volume=other:local:/home/u" >>churn.asks
	[ $((i % 4)) != 0 ] || for j in 3 2 1 0; do printf 'exited r%s\ndelete r%s\n' $((i - j)) $((i - j)) >>churn.asks; done
done
talk <churn.asks
ok "A21: $ranges containers, four at a time, each with a range of its own" [ "$(grep -c '^BOX_EXITED r[0-9]* 0 ' answers)" = "$ranges" ]
owners >owners.after
ok "A21: what was there is whose it was" [ -z "$(comm -23 owners.before owners.after)" ]
ok "A21: what is new has plain ids" [ "$(comm -13 owners.before owners.after | grep '^/data/volumes/ids/' | awk '{ print $2 }' | sort | uniq -c | tr -s ' \n' ' ')" = " $((ranges / 2)) 0:0 $((ranges / 2)) 1000:100 " ]
ok "A21: no file has an id of a range" eval '! grep -E " [0-9]{7,}:| [0-9]+:[0-9]{7,} " owners.after'

# ---- nothing is left
CG=; spec -- /bin/probe exit 0
for i in 1 2 3 4 5 6 7 8 9 10; do run z; done
kill -9 $server; wait $server 2>/dev/null
ok "no mount is left but the image's layers" [ "$(wc -l </proc/self/mountinfo)" -le $((mounts_before + 8)) ]
ok "no process is left" within 5 eval '! ps -e -o comm= | grep -qE "^(boxmon|probe)"'
ok "the programs are unchanged" [ "$(sha256sum /usr/lib/cuvette/boxd /usr/lib/cuvette/boxmon)" = "$hash_before" ]
ok "no box is left" [ -z "$(ls /run/box /data/box/containers | grep -v : )" ]
echo "1..$n"
exit $failed
INSIDE
