#!/bin/bash
# Names inside the container: it asks its network's gateway, which asks the resolver of the appliance's lease, follows a later
# lease, and does not hang without.
. "$(dirname "$0")/lib.sh"
vm_need "$BOOT/../images/lab/image.json"

# inside COMMAND: with the container's files, network and its own python; from the emergency shell, whose root it stays.
inside() { vm_sh "nsenter -t \$lab -m -u -n -- /usr/bin/env $1"; }
# outside COMMAND: with its files and python alone, in the machine's network
outside() { vm_sh "nsenter -t \$lab -m -u -- /usr/bin/env $1"; }
# The container's first process: what its boxmon is the parent of.
find_lab() { vm_sh 'lab=$(sed -n "s/^pid //p" /run/box/lab/run); [ -n "$lab" ] && grep -c . /proc/$lab/root/etc/resolv.conf'; }
# lease SERVER...: what udhcpc calls for one, as its user may write
lease() { vm_sh "interface=lo ip=127.0.0.1 mask=8 dns='$*' domain=cuvette.test /usr/lib/cuvette/udhcpc-hook renew"; }
python='/opt/lab/bin/python3.13 -c'

vm_boot NET=none MEM=2G
ok "the notebook's container runs" vm_see 'Cuvette is ready'
ok "its process is found" find_lab
like "without a lease the machine's resolv.conf names nobody" "$(vm_sh 'cat /etc/resolv.conf')" '^# No lease yet'
like "the container's names the gateway" "$(inside 'cat /etc/resolv.conf')" '^nameserver 172.18.0.1$'
is "hosts has localhost" "$(inside 'cat /etc/hosts' | grep -c localhost)" 2
is "hostname is the service's" "$(inside 'cat /etc/hostname')" lab
is "its own name leads to itself" "$(inside "$python 'import socket; print(socket.gethostbyname(socket.gethostname()))'")" 172.18.0.2
started=$SECONDS
is "without a lease a name fails, at once" "$(inside "$python 'import socket
try: socket.getaddrinfo(\"pypi.org\", 443); print(\"found\")
except socket.gaierror: print(\"none\")'")" none
ok "it did not wait for an answer" test $((SECONDS - started)) -lt 20
is "the container's root cannot write the appliance's file" "$(vm_sh 'nsenter -t $lab -U -m -- \
	/bin/sh -c "cat /etc/hostname; (echo bad >>/etc/resolv.conf) 2>/dev/null && echo written || echo refused"')" "lab
refused"

# The resolver of the lease, on the appliance itself: one answer to one question, written out by hand (RFC 1035, 4.1).
outside "$python '
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((\"127.0.0.53\", 53))
if os.fork() == 0:
    os.setsid()
    while True:
        q, who = s.recvfrom(512)
        end = 12
        while q[end]: end += 1 + q[end]
        a = q[end + 1:end + 3] == b\"\\0\\1\"
        s.sendto(q[:2] + b\"\\x81\\x80\\0\\1\" + (b\"\\0\\1\" if a else b\"\\0\\0\") + b\"\\0\\0\\0\\0\" + q[12:end + 5]
            + (b\"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\xc0\\0\\2\\7\" if a else b\"\"), who)
'" >/dev/null
ok "a lease comes while the container runs" lease 127.0.0.53
like "the machine's file follows the lease" "$(vm_sh 'cat /etc/resolv.conf')" '^nameserver 127.0.0.53$'
like "and has the domain" "$(vm_sh 'cat /etc/resolv.conf')" '^search cuvette.test$'
is "the container's file is the gateway's still" "$(inside 'cat /etc/resolv.conf' | grep -c nameserver)" 1
is "getaddrinfo asks the gateway, and that the lease's resolver" \
	"$(inside "$python 'import socket; print(socket.getaddrinfo(\"data.example\", 80, socket.AF_INET)[0][4][0])'")" 192.0.2.7
ok "another lease with fewer lines" lease 192.0.2.1
is "leaves nothing of the one before" "$(vm_sh 'cat /etc/resolv.conf' | grep -c nameserver)" 1
like "the DHCP client's user may write it" "$(vm_sh 'stat -c "%u %a" /run/net /run/net/resolv.conf')" '^102 644$'
like "the administrator sees what it uses" "$(vm_sh 'enginectl stats lab')" '^lab cpu_us=[1-9].* memory_bytes=[1-9].* memory_working_bytes=[1-9].* tasks=[1-9]'
like "and its counters" "$(vm_sh 'enginectl stats lab')" '^lab default rx_bytes=[1-9].* bytes_out=[1-9].* dns_questions=[1-9]'
captured=$(vm_sh "enginectl capture lab 600 >/run/captured & capture=\$!
	until [ -s /data/engine/captures/lab.pcap ]; do sleep 1; done
	nsenter -t \$lab -m -u -n -- /usr/bin/env $python 'import socket; socket.socket(2, 2).sendto(b\"x\", (\"172.18.0.1\", 9))'
	kill -INT \$capture; wait \$capture; cat /run/captured; stat -c 'owner %u %a' /data/engine/captures/lab.pcap")
like "and gets its packets in a file" "$captured" '^[1-9][0-9]* packets, [0-9]+ bytes in /data/engine/captures/lab.pcap: it was ended by hand$'
like "which is the engine's" "$captured" '^owner 101 600$'
is "nobody else may ask" "$(vm_sh 'stat -c "%u %a" /run/cuvette/engined.sock')" "0 600"
vm_sh 'svctl poweroff' >/dev/null
ok "it powers off" vm_gone
tap_done
