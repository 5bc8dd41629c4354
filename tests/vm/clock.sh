#!/bin/bash
# A clock without a battery: never earlier than the build, never earlier than the last time saved.
. "$(dirname "$0")/lib.sh"

epoch=$(cat tools/deps/EPOCH)
vm_boot APPEND=cuvette.lab=off DATA_SIZE=1G EXTRA="-rtc base=1970-01-01T00:00:00"
ok "1970: the machine boots" vm_shell_ready
ok "1970: the clock starts at the build's time or later" test "$(vm_sh 'busybox date +%s')" -ge "$epoch"
vm_kill

later=$((epoch + 3 * 365 * 86400))
vm_boot APPEND=cuvette.lab=off EXTRA="-rtc base=$(date -u -d "@$later" +%Y-%m-%dT%H:%M:%S)"
ok "a good clock is believed" test "$(vm_sh 'busybox date +%s')" -ge "$later"
vm_sh 'svctl poweroff' >/dev/null
ok "it powers off" vm_gone
vm_boot APPEND=cuvette.lab=off EXTRA="-rtc base=1970-01-01T00:00:00"
ok "1970 again: the clock starts at the saved time or later" test "$(vm_sh 'busybox date +%s')" -ge "$later"
tap_done
