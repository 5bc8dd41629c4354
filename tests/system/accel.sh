#!/bin/bash
# qemu/lib/accel.sh beside a /dev/kvm that is played: which verdict is kept, how it is written, who may open the device.
set -u
cd "$(dirname "$0")/../.." || exit 1
t=$(mktemp -d "${TMPDIR:-/tmp}/accel.XXXXXX")
trap 'rm -rf "$t"' EXIT
number=0 failed=0
tap() {	# name, status
	number=$((number + 1))
	[ "$2" = 0 ] && { echo "ok $number - $1"; return; }
	failed=$((failed + 1))
	echo "not ok $number - $1"
	head -n 5 "$t/said" | sed 's/^/#   /'
}
verdict=$t/run/kvm-$(cat /proc/sys/kernel/random/boot_id)
mkdir "$t/run" "$t/vm"
touch "$t/kvm"

# choose PROBE: the words of accel_choose, then its choice; PROBE stands for the guest that is tried.
choose() {
	bash -euo pipefail -c '. qemu/lib/accel.sh
		say() { echo "said: $*"; }
		share_own() { :; }
		eval "accel_probe() { echo probed; $1; }"
		VM=$2/vm ACCEL=auto SHARE_AS=('"${SHARE_AS:-env}"') ACCEL_DEVICE=$2/kvm
		accel_choose "$2/vmlinux" "$2/run"
		echo "choice: $ACCEL"' choose "$1" "$t" >"$t/said" 2>&1
}
said() { grep -qE -- "$1" "$t/said"; }

choose true && said '^probed' && said '^choice: kvm' && [ "$(cat "$verdict")" = kvm ]
tap "a guest that speaks: KVM, and the verdict is kept" $?
choose false && ! said '^probed' && said '^choice: kvm'
tap "which the next start takes" $?
rm "$verdict"
touch "$t/run/kvm-of-an-earlier-boot"
choose false && said '^choice: tcg' && said 'did not run a test guest' && [ ! -e "$t/run/kvm-of-an-earlier-boot" ]
tap "a guest that is silent: emulation, said; verdicts of earlier boots go" $?

# Two starts at once: the second finds what the first is just writing.
: >"$verdict"
ln "$verdict" "$t/opened"
choose true && said '^probed' && said '^choice: kvm'
tap "half a verdict is none" $?
[ ! -s "$t/opened" ] && [ "$(cat "$verdict")" = kvm ]
tap "a verdict appears whole, by rename" $?
rm "$verdict"
choose "echo tcg >\"$verdict\"" && said '^choice: kvm' && [ "$(ls "$t/run")" = "${verdict##*/}" ]
tap "of two verdicts at once the last one holds, and nothing is left" $?

rm "$verdict"
SHARE_AS=false choose true && ! said '^probed' && said 'closed to this user \(sudo usermod -aG kvm' && said '^choice: tcg' && [ ! -e "$verdict" ]
tap "a device that the user may not open is said, with the way out, and is no verdict" $?
echo "1..$number"
exit $((failed != 0))
