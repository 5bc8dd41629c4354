#!/bin/bash
# No step of the boot waits for the network.
. "$(dirname "$0")/lib.sh"

vm_boot APPEND=cuvette.lab=off NET=none DATA_SIZE=1G
like "no network card: services come up" "$(vm_up engined)" '^engined .*up'
is "no network card: loopback works" "$(vm_sh 'ping -c 1 -W 5 127.0.0.1 >/dev/null && echo yes')" yes
like "no network card: the DHCP client rests" "$(vm_sh 'svctl status')" '^udhcpc .*done'
vm_kill

# A card on a hub with nobody else: every request is lost.
vm_boot APPEND=cuvette.lab=off EXTRA="-netdev hubport,id=lost,hubid=7 -device virtio-net-pci,netdev=lost"
like "DHCP never answers: services come up" "$(vm_up engined)" '^engined .*up'
like "DHCP never answers: the client keeps asking" "$(vm_sh 'svctl status')" '^udhcpc .*up .* 0 '
is "DHCP never answers: there is no address" "$(vm_sh 'ip -4 addr show dev eth0' | grep -c inet)" 0
vm_kill

# PORT is QEMU's own choice: nothing is asked of it here.
vm_boot APPEND=cuvette.lab=off NET=user PORT=0
ok "DHCP answers: the card gets its address" vm_sh 'i=0; until ip -4 addr show dev eth0 | grep -q 10.0.2.15 || [ $i = 60 ]; do sleep 1; i=$((i+1)); done; ip -4 addr show dev eth0 | grep 10.0.2.15'
like "and its route" "$(vm_sh 'ip route')" '^default via 10.0.2.2'
like "and its name server" "$(vm_sh 'cat /etc/resolv.conf')" '^nameserver 10.0.2.3'
pid=$(vm_pid udhcpc)
is "the client runs as its own user" "$(vm_sh "stat -c %U /proc/$pid")" dhcp
is "with three capabilities" "$(vm_sh "grep CapEff /proc/$pid/status" | awk '{print $2}')" 0000000000003400
tap_done
