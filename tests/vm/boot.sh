#!/bin/bash
# The machine boots on both machine types without network or data disk contents, from a root that cannot change.
. "$(dirname "$0")/lib.sh"

for machine in q35 microvm; do
	rm -f "$VM/data.img"
	vm_boot MACHINE=$machine APPEND=cuvette.lab=off DATA_SIZE=1G
	ok "$machine: the emergency shell answers" vm_shell_ready
	like "$machine: the root is EROFS on dm-verity, read-only" "$(vm_sh 'cat /proc/mounts')" '^/dev/(root|dm-0) / erofs ro'
	like "$machine: the data disk is ext4" "$(vm_sh 'cat /proc/mounts')" '^/dev/vdb /data ext4 rw,nosuid,nodev'
	is "$machine: nothing can be written on the root" \
		"$(vm_sh 'for d in / /etc /usr/bin /sbin /images; do touch $d/x 2>/dev/null && echo $d; done; echo none')" none
	is "$machine: the root cannot be made writable" "$(vm_sh 'mount -o remount,rw / 2>/dev/null; touch /x 2>/dev/null && echo bad || echo good')" good
	is "$machine: /run /tmp /dev/shm are tmpfs without setuid and devices" \
		"$(vm_sh 'grep -cE "^[^ ]+ (/run|/tmp|/dev/shm) tmpfs rw,nosuid,nodev" /proc/mounts')" 3
	like "$machine: cgroup v2 with its controllers" "$(vm_sh 'cat /sys/fs/cgroup/cgroup.controllers')" 'cpu.* memory.* pids|cpu.* io memory'
	like "$machine: engined becomes ready" "$(vm_up engined)" '^engined .*up'
	like "$machine: boxd is up" "$(vm_sh 'svctl status')" '^boxd .*up'
	table=$(vm_sh 'svctl boot')
	for stage in kernel mounts data svd boxd engined; do
		like "$machine: the boot table has the time of $stage" "$table" "(^|[^a-z])${stage}[^a-z]"
	done
	is "$machine: no kernel module is loaded or loadable" "$(vm_sh 'ls /proc/modules /lib/modules 2>/dev/null | wc -l')" 0
	is "$machine: no setuid file on the root" \
		"$(vm_sh 'find / -xdev -type f -perm /6000 2>/dev/null | wc -l')" 0
	is "$machine: links, FIFOs and files in sticky folders are protected" \
		"$(vm_sh 'cd /proc/sys/fs; echo $(cat protected_fifos protected_hardlinks protected_regular protected_symlinks)')" "1 1 2 1"
	is "$machine: TCP finds out which paths lose large packets" "$(vm_sh 'cat /proc/sys/net/ipv4/tcp_mtu_probing')" 1
	is "$machine: nothing listens beyond loopback" \
		"$(vm_sh 'cat /proc/net/tcp /proc/net/tcp6 | grep " 0A " | grep -vcE "^ *[0-9]+: (0100007F|0{24}01000000):"')" 0
	like "$machine: an unknown unit is named" "$(vm_sh 'svctl log nosuch')" 'nosuch'
	vm_sh 'svctl poweroff' >/dev/null
	ok "$machine: it powers off" vm_gone
done
# Behind an IOMMU each device gets a domain of its own: what the disks do goes through its page tables.
vm_boot MACHINE=q35 APPEND=cuvette.lab=off EXTRA='-device intel-iommu,intremap=off -global virtio-blk-pci.disable-legacy=on
	-global virtio-blk-device.iommu_platform=on'
like "q35 with an IOMMU: the machine comes up behind it" "$(vm_up engined)" '^engined .*up'
is "q35 with an IOMMU: no device has a domain that is the whole memory" \
	"$(vm_sh 'cat /sys/kernel/iommu_groups/*/type | sort -u')" DMA
vm_sh 'svctl poweroff' >/dev/null
ok "q35 with an IOMMU: it powers off" vm_gone
# Interrupts are switched on at a moment that differs from boot to boot: none of them may be the wrong one.
for time in first second third fourth; do
	vm_boot MACHINE=microvm APPEND=cuvette.lab=off
	ok "microvm: the $time of four more boots" vm_see 'mounts ready'
done
tap_done
