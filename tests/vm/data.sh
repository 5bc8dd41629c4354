#!/bin/bash
# The data disk: made, grown, kept over a cut, refused when it is not ours, never needed.
. "$(dirname "$0")/lib.sh"
off() { vm_sh 'svctl poweroff' >/dev/null; vm_gone; }
data_mib() { vm_sh 'df -m /data' | awk 'END { print $2 }'; }

vm_boot APPEND=cuvette.lab=off DATA_SIZE=1G
ok "a blank disk: the machine boots" vm_shell_ready
ok "a blank disk is formatted and grown to its size" test "$(data_mib)" -gt 850
like "it has a UUID of its own" "$(vm_sh 'busybox blkid /dev/vdb')" 'LABEL="cuvette-data"'
ok "not the seed's" not grep -q 0c0ffee00003 <<<"$(vm_sh 'busybox blkid /dev/vdb')"
vm_sh 'echo kept >/data/file; sync' >/dev/null
ok "it powers off" off

truncate -s 3G "$VM/data.img"
vm_boot APPEND=cuvette.lab=off
ok "a larger disk is grown at the next boot" test "$(data_mib)" -gt 2700
is "and keeps its files" "$(vm_sh 'cat /data/file')" kept

# Writes and says so only after fsync; the plug is pulled in the middle.
printf '%s\n' 'mkdir /data/cut; n=0; while :; do n=$((n+1)); echo content-$n | dd of=/data/cut/$n conv=fsync 2>/dev/null; sync /data/cut; echo acked-$n; done' >&"$CONSOLE_IN"
ok "a program writes and syncs" vm_see '^acked-60'
vm_kill
acked=$(grep -aoE '^acked-[0-9]+' "$VM/console" | tail -n 1)
acked=${acked#acked-}
vm_boot APPEND=cuvette.lab=off
ok "after the cut the machine boots" vm_shell_ready
like "the journal was replayed" "$(vm_sh 'dmesg')" 'EXT4-fs \(vdb\): (recovery complete|orphan cleanup|.*recover)'
is "every synced file is whole" "$(vm_sh "n=0; bad=0; while [ \$n -lt $acked ]; do n=\$((n+1)); [ \"\$(cat /data/cut/\$n)\" = content-\$n ] || bad=\$((bad+1)); done; echo \$n files \$bad bad")" "$acked files 0 bad"

# First what everybody may take, then what ext4 keeps for root: no notebook gets there.
vm_sh 'df -k /data | { read -r head; read -r disk all used free rest; dd if=/dev/zero of=/data/fill bs=1k count=$free 2>/dev/null; }
dd if=/dev/zero of=/data/reserve bs=1M 2>/dev/null; sync' >/dev/null
like "a full disk is full" "$(vm_sh 'df -m /data')" ' (9[5-9]|100)% '
ok "full: it powers off" off
vm_boot APPEND=cuvette.lab=off
like "full: the machine boots, services come up" "$(vm_up engined)" '^engined .*up'
vm_sh 'rm /data/reserve; sync' >/dev/null
vm_kill
vm_boot
is "full: nothing is left but what is kept for root" "$(vm_sh 'df -k /data | { read -r head; read -r disk all used free rest; echo $free; }')" 0
ok "full: a notebook opens all the same" vm_see 'Cuvette is ready: '
ok "full: deleting works" vm_sh 'rm /data/fill && echo free >/data/after'
vm_kill

# The host has no room for what the disk's file would grow by.
mkdir "$VM/host" && mount -t tmpfs -o size=60m host "$VM/host"
vm_boot APPEND=cuvette.lab=off DATA="$VM/host/data.img" DATA_SIZE=1G
ok "a full host: the machine boots" vm_shell_ready
vm_sh 'echo kept >/data/kept; sync' >/dev/null
like "a full host: who writes is told" "$(vm_sh 'for i in 0 1 2 3 4 5 6 7 8 9; do dd if=/dev/urandom of=/data/$i bs=1M count=10 conv=fsync 2>&1; done')" '(I/O error|Input/output error)'
ok "a full host: it powers off" off
mount -o remount,size=1g "$VM/host"
vm_boot APPEND=cuvette.lab=off DATA="$VM/host/data.img"
is "a full host, with room again: what was synced is there" "$(vm_sh 'cat /data/kept')" kept
vm_kill
umount "$VM/host"

vm_boot APPEND=cuvette.lab=off DATA=
ok "a missing disk: the machine boots" vm_shell_ready
like "a missing disk: /data is in memory" "$(vm_sh 'cat /proc/mounts')" '^[^ ]+ /data tmpfs '
ok "a missing disk: the console says so" grep -aiE 'data.*(memory|RAM)' "$VM/console"
vm_kill

head -c 1048576 /dev/urandom >"$VM/garbage.img"
truncate -s 512M "$VM/garbage.img"
before=$(sha256sum <"$VM/garbage.img")
vm_boot APPEND=cuvette.lab=off DATA="$VM/garbage.img"
ok "garbage: the machine boots" vm_shell_ready
like "garbage: /data is in memory" "$(vm_sh 'cat /proc/mounts')" '^[^ ]+ /data tmpfs '
ok "garbage: the console says how to erase it" grep -a 'cuvette.data=erase' "$VM/console"
ok "garbage: it powers off" off
is "garbage: not a bit of it changed" "$(sha256sum <"$VM/garbage.img")" "$before"
vm_boot APPEND="cuvette.lab=off cuvette.data=erase" DATA="$VM/garbage.img"
like "erase: the disk is made new when told to" "$(vm_sh 'cat /proc/mounts')" '^/dev/vdb /data ext4 '
vm_kill

# The first MiB of somebody's ext4 is wiped: what is left of it still says that the disk is not blank.
rm -f "$VM/wiped.img"
truncate -s 512M "$VM/wiped.img"
mke2fs -q -F -t ext4 "$VM/wiped.img"
dd if=/dev/zero of="$VM/wiped.img" bs=1M count=1 conv=notrunc 2>/dev/null
before=$(sha256sum <"$VM/wiped.img")
vm_boot APPEND=cuvette.lab=off DATA="$VM/wiped.img"
ok "wiped at its start: the machine boots" vm_shell_ready
ok "wiped at its start: the console says how to go on" grep -aE 'not ours and stays untouched.*cuvette.data=erase' "$VM/console"
vm_kill
is "wiped at its start: not a bit of it changed" "$(sha256sum <"$VM/wiped.img")" "$before"

# The plug is pulled while a blank disk is set up: what stands there then, by the mark, is begun again.
printf 'cuvette: this disk is being set up\n' | dd of="$VM/wiped.img" conv=notrunc 2>/dev/null
vm_boot APPEND=cuvette.lab=off DATA="$VM/wiped.img"
like "begun and cut off: it is set up anew" "$(vm_sh 'cat /proc/mounts')" '^/dev/vdb /data ext4 '
ok "begun and cut off: it powers off" off
is "begun and cut off: the mark is gone" "$(head -c 8 "$VM/wiped.img" | tr -d '\0')" ''

# A disk that gives its first blocks and then needs hours for each other one.
rm -f "$VM/dead.img"
truncate -s 512M "$VM/dead.img"
vm_boot APPEND=cuvette.lab=off DATA= \
	EXTRA="-drive if=none,id=dead,file=$VM/dead.img,format=raw,throttling.bps-total=1,throttling.bps-total-max=65536 -device virtio-blk-pci,drive=dead"
ok "a disk that hangs: the machine boots" vm_shell_ready
ok "a disk that hangs: the console names it" grep -aE 'disk /dev/vdb does not answer within [0-9]+ s' "$VM/console"
like "a disk that hangs: /data is in memory" "$(vm_sh 'cat /proc/mounts')" '^[^ ]+ /data tmpfs '
ok "a disk that hangs: it powers off" off
tap_done
