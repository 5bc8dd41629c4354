#!/bin/bash
# No step of the boot waits for the network.
. "$(dirname "$0")/lib.sh"
up='i=0; until svctl status | grep -q "^engined .*up" || [ $i = 60 ]; do sleep 1; i=$((i+1)); done; svctl status'

vm_boot APPEND=cuvette.lab=off NET=none DATA_SIZE=1G
like "no network card: services come up" "$(vm_sh "$up")" '^engined .*up'
is "no network card: loopback works" "$(vm_sh 'ping -c 1 -W 5 127.0.0.1 >/dev/null && echo yes')" yes
ok "no network card: the dhcp client does not eat the CPU" vm_sh '[ "$(ps | grep -c "[u]dhcpc")" -le 1 ]'
vm_kill

# A card on a hub with nobody else: every request is lost.
vm_boot APPEND=cuvette.lab=off EXTRA="-netdev hubport,id=lost,hubid=7 -device virtio-net-pci,netdev=lost"
like "DHCP never answers: services come up" "$(vm_sh "$up")" '^engined .*up'
ok "DHCP never answers: the client keeps asking" vm_sh 'pidof udhcpc'
is "DHCP never answers: there is no address" "$(vm_sh 'ip -4 addr show dev eth0' | grep -c inet)" 0
vm_kill

# PORT is QEMU's own choice: nothing is asked of it here.
vm_boot APPEND=cuvette.lab=off NET=user PORT=0
ok "DHCP answers: the card gets its address" vm_sh 'i=0; until ip -4 addr show dev eth0 | grep -q 10.0.2.15 || [ $i = 60 ]; do sleep 1; i=$((i+1)); done; ip -4 addr show dev eth0 | grep 10.0.2.15'
like "and its route" "$(vm_sh 'ip route')" '^default via 10.0.2.2'
like "and its name server" "$(vm_sh 'cat /etc/resolv.conf')" '^nameserver 10.0.2.3'
is "the client runs as its own user" "$(vm_sh 'stat -c %U /proc/$(pidof udhcpc)')" dhcp
is "with three capabilities" "$(vm_sh 'grep CapEff /proc/$(pidof udhcpc)/status' | awk '{print $2}')" 0000000000003400
tap_done
