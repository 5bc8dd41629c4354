#!/bin/bash
# netd, its gateways and engined are killed at once, in the middle of a transfer from a published port: svd has them back, the
# port answers again, the container runs on with its address and its name, and nothing is left behind.
. "$(dirname "$0")/lib.sh"
vm_need "$BOOT/../images/lab/image.json"

# inside COMMAND: with the container's files, network and own python; outside: with its files, in the machine's network.
inside() { vm_sh "nsenter -t \$lab -m -u -n -- /usr/bin/env $1"; }
outside() { vm_sh "nsenter -t \$lab -m -u -- /usr/bin/env $1"; }
python='/opt/lab/bin/python3.13 -c'

# What there is: of programs, kinds of namespaces and listening ports how many, of devices, routes, addresses and
# cgroups which. The shell's own programs come and go and do not count.
snapshot() {
	vm_sh 'cd /proc
		for p in [0-9]*; do
			case $(readlink $p/exe) in "" | */busybox) ;; *) cat $p/comm; echo $p >>/run/those ;; esac
		done | sort | uniq -c
		for p in $(cat /run/those); do ls -l $p/ns; done | sed -n "s/.*-> //p" | sort -u | sed "s/:.*//" | uniq -c
		rm /run/those
		grep -c ": [0-9A-F]*:[0-9A-F]* [0-9A-F]*:0000 0A" net/tcp net/tcp6
		ip -o link | cut -d " " -f 2 | cut -d @ -f 1
		for what in link "-4 addr" "-6 addr" "-4 route show table all" "-6 route show table all"; do
			nsenter -t $lab -n ip $what
		done | grep -v valid_lft | sed "s/@if[0-9]*//;s/^[0-9]*: //"
		gate=$(grep -lx gated [0-9]*/comm | cut -d / -f 1)
		nsenter -t $gate -n ip link | sed -n "s/^[0-9]*: \([^:@]*\).*/gateway \1/p"
		find /sys/fs/cgroup -type d
		cat $lab/cgroup; echo box $lab; cd /'
}
# Asked again until it is answered: there may be no gateway for a moment.
name='import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
for _ in range('$LIMIT'):
    try:
        s.sendto(b"\1\1\1\0\0\1\0\0\0\0\0\0\3lab\0\0\1\0\1", ("172.18.0.1", 53))
        print(socket.inet_ntoa(s.recv(512)[-4:]))
        break
    except OSError as e:
        print(e)'
# A transfer that waits to be read on; in its middle the pids that were given are killed, all at once. How long it is until the
# port answers, and how the transfer ended.
fetch='import os, socket, sys, time, urllib.request
s = socket.create_connection(("127.0.0.1", 8888), timeout='$LIMIT')
s.sendall(b"GET /files/big?token=story HTTP/1.0\r\n\r\n")
head, _, data = s.recv(1 << 20, socket.MSG_WAITALL).partition(b"\r\n\r\n")
print(head.split(b"\r\n")[0].decode())
for pid in sys.argv[1:]: os.kill(int(pid), 9)
since, n = time.monotonic(), len(data)
while len(sys.argv) > 1:
    try:
        print("answers", urllib.request.urlopen("http://127.0.0.1:8888/api", timeout='$LIMIT').status, round(time.monotonic() - since, 2))
        break
    except OSError: time.sleep(0.05)
try:
    while got := s.recv(1 << 20): n += len(got)
    print("whole" if n == 32 << 20 else "cut")
except ConnectionError: print("reset")'
victims='grep -lxE "gated|netd|engined" /proc/[0-9]*/comm | cut -d / -f 3 | tr "\n" " "'

echo '{"token":"story"}' >"$VM/config"
vm_boot NET=none MEM=2G CONFIG="$VM/config"
ok "the notebook's container runs" vm_see 'Cuvette is ready'
like "its process is found" "$(vm_sh 'lab=$(sed -n "s/^pid //p" /run/box/lab/run); echo $lab')" '^[0-9]+$'
# By its owner as the machine knows him: this process is not in the container's user namespace.
is "a file to fetch lies in its home" "$(outside "$python '
import os
owner = os.stat(\"/proc/1\")
os.setgid(owner.st_gid)
os.setuid(owner.st_uid)
with open(\"/home/jovyan/big\", \"wb\") as f: f.truncate(32 << 20)
print(os.stat(\"/home/jovyan/big\").st_size)'")" 33554432
is "its name leads to it" "$(inside "$python '$name'" | tail -n 1)" 172.18.0.2
snapshot >"$VM/before"
for round in 1 2 3; do
	killed=$(vm_sh "$victims")
	is "$round: netd, its gateway and engined run" "$(wc -w <<<"$killed")" 3
	said=$(outside "$python '$fetch' $killed")
	like "$round: a transfer is under way" "$said" '200 OK'
	like "$round: they are killed in its middle, and the port answers again" "$said" '^answers 200 '
	say "after $(sed -n 's/^answers 200 //p' <<<"$said") s"
	like "$round: the transfer's client is told" "$said" '^(reset|cut)$'
	like "$round: svd has engined back" "$(vm_up engined)" '^engined .*up'
	is "$round: all of them are others" "$(vm_sh "for p in $killed; do [ ! -e /proc/\$p ] || echo \$p; done; $victims" | wc -w)" 3
	is "$round: the container's name leads to it still" "$(inside "$python '$name'" | tail -n 1)" 172.18.0.2
done
snapshot >"$VM/after"
ok "programs, namespaces, devices, addresses, cgroups are those of before" diff "$VM/before" "$VM/after"
sed 's/^/# /' "$VM/before"
like "a transfer is whole" "$(outside "$python '$fetch'")" '^whole$'
vm_sh 'svctl poweroff' >/dev/null
ok "it powers off" vm_gone
tap_done
