#!/bin/bash
# PID 1 and svd outlive what kills lesser ones; shutdown is ordered and bounded.
. "$(dirname "$0")/lib.sh"

svd_answers='i=0; until svctl status >/dev/null 2>&1 || [ $i = 60 ]; do sleep 1; i=$((i+1)); done'

vm_boot APPEND=cuvette.lab=off DATA_SIZE=1G
ok "the machine boots" vm_shell_ready
vm_up engined >/dev/null

# Children that their parent leaves behind, 1,000 at a time: PID 1 inherits them.
vm_sh 'j=0; while [ $j -lt 10 ]; do ( i=0; while [ $i -lt 1000 ]; do : & i=$((i+1)); done ); j=$((j+1)); done; sleep 2' >/dev/null
is "10,000 orphans are reaped" "$(vm_sh 'cat /proc/[0-9]*/status 2>/dev/null | grep -c "^State:.Z"')" 0

# All but KILL and STOP, which PID 1 never sees, and those that ask for a stop.
vm_sh 's=1; while [ $s -le 64 ]; do case $s in 2|9|10|12|15|19) ;; *) kill -$s 1 2>/dev/null ;; esac; s=$((s+1)); done' >/dev/null
is "PID 1 survives every signal that asks for nothing" "$(vm_sh 'kill -0 1 && ( : & ); sleep 1; cat /proc/[0-9]*/status 2>/dev/null | grep -c "^State:.Z"')" 0

before=$(vm_sh 'svctl status' | awk '$1 == "boxd" || $1 == "engined" { print $1, $3 }')
svd=$(vm_pid svd)
vm_sh "kill -9 $svd; $svd_answers" >/dev/null
ok "a killed svd is started again" test "$(vm_pid svd)" -gt "${svd:-0}"
is "its units were never touched" "$(vm_sh 'svctl status' | awk '$1 == "boxd" || $1 == "engined" { print $1, $3 }')" "$before"

# From here to the last line the shell uses builtins only: nothing can be started while there are no threads to have.
# (`read` takes bytes one by one, and a sysctl answers the first alone: cat takes the old limit beforehand.)
svd=$(vm_pid svd)
max=$(vm_sh 'cat /proc/sys/kernel/threads-max')
vm_sh "echo 20 >/proc/sys/kernel/threads-max; kill -9 $svd; read -t 4 x; echo $max >/proc/sys/kernel/threads-max" >/dev/null
vm_sh "$svd_answers" >/dev/null
ok "PID 1 survives fork failing and starts svd when it can" test "$(vm_pid svd)" -gt "${svd:-0}"

pid=$(vm_pid engined)
vm_sh 'for d in /run /tmp /dev/shm; do dd if=/dev/zero of=$d/fill bs=1M 2>/dev/null; done' >/dev/null
vm_sh "kill -9 $pid; sleep 1" >/dev/null
vm_up engined >/dev/null
ok "with every tmpfs full a killed unit comes back" test "$(vm_pid engined)" -gt "${pid:-0}"
vm_sh 'rm /run/fill /tmp/fill /dev/shm/fill' >/dev/null

vm_sh 'svctl restart engined' >/dev/null
like "svctl restart restarts" "$(vm_up engined)" '^engined .*up'
ok "svctl log shows what a unit said" vm_sh 'svctl log boxd'

vm_sh 'svctl poweroff' >/dev/null
ok "units that obey: it powers off" vm_gone

# How long that takes with Jupyter running is read off a clock that counts instructions, one a nanosecond, whatever else
# the host has to do. (No disk: its answers take the host's time, which that clock leaps over.)
vm_boot ACCEL=icount CPUS=1 MEM=2G DATA= APPEND=nolapic_timer
LIMIT=600 ok "Jupyter answers in a machine of counted instructions" vm_see 'Cuvette is ready: '
vm_sh 'svctl poweroff' >/dev/null
ok "it powers off" vm_gone
took=$(tr -d '\r' <"$VM/console" | sed -n 's/.*init: power off after \([0-9]*\) ms$/\1/p')
say "power off after ${took:-?} ms"
ok "units that obey: within 2 s" test "${took:-9999}" -le 2000

vm_boot APPEND=cuvette.lab=off
vm_up engined >/dev/null
vm_sh "echo kept >/data/kept" >/dev/null
vm_sh "kill -STOP $(vm_pid boxd) $(vm_pid engined)" >/dev/null
vm_sh 'svctl poweroff' >/dev/null
LIMIT=60 ok "units that disobey: it still powers off, in bounded time" vm_gone
vm_boot APPEND="cuvette.lab=off"
is "the disk was unmounted cleanly" "$(vm_sh 'ls /data/kept; dmesg | grep -c "vdb.*recover"')" "/data/kept
0"
vm_sh 'svctl reboot' >/dev/null
ok "svctl reboot ends this run (QEMU runs with -no-reboot)" vm_gone
tap_done
