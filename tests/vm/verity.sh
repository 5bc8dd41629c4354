#!/bin/bash
# One flipped bit in a used block of the system image: the read fails, the console names device and block, and the
# machine does what the command line says. It never goes on with damaged bytes.
. "$(dirname "$0")/lib.sh"

# svctl is not used by the boot itself: the damage shows when it is read.
damage=$VM/damaged.img
cp --reflink=auto "$BOOT/system.img" "$damage"
block=$(dump.erofs -e --path=/usr/bin/svctl "$damage" | sed -nE 's/^ *0: .*: *([0-9]+)\.\..*/\1/p')
block=$((block / 4096))
ok "svctl's first block is known ($block)" test "$block" -gt 0
python3 - "$damage" "$block" <<'P'
import sys
with open(sys.argv[1], "r+b") as image:
    image.seek(int(sys.argv[2]) * 4096 + 100)
    byte = image.read(1)[0]
    image.seek(-1, 1)
    image.write(bytes([byte ^ 4]))
P

vm_boot SYSTEM="$damage" APPEND="cuvette.lab=off cuvette.data=ram"
ok "restart: the machine boots, the damage is not read yet" vm_shell_ready
printf 'svctl status\n' >&"$CONSOLE_IN"
ok "restart: the console names the device and the block" vm_see "verity.*data block $block is corrupted"
ok "restart: the machine restarts (QEMU runs with -no-reboot)" vm_gone

vm_boot SYSTEM="$damage" APPEND="cuvette.lab=off cuvette.data=ram panic=0" CORRUPTION=panic
ok "panic: the machine boots" vm_shell_ready
printf 'svctl status\n' >&"$CONSOLE_IN"
ok "panic: the console names the device and the block" vm_see "verity.*data block $block is corrupted"
ok "panic: the kernel stops" vm_see 'Kernel panic - not syncing'
ok "panic: and stays stopped" vm_alive
vm_kill

# A root hash that is not the image's: nothing of it may run.
hash=$(cat "$BOOT/roothash")
sed "s/$hash/$(tr 0-9a-f 1-9a-f0 <<<"$hash")/" "$BOOT/cmdline" >"$VM/cmdline"
vm_boot CMDLINE="$VM/cmdline" APPEND="cuvette.lab=off cuvette.data=ram"
ok "wrong root hash: the machine refuses to go on" vm_gone
ok "wrong root hash: the console says why" grep -aE 'verity.*corrupted|metadata block' "$VM/console"
ok "wrong root hash: no program of it ran" not grep -aq 'svd' "$VM/console"
tap_done
