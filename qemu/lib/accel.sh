# accel.sh - which accelerator runs the guest: KVM when a guest really starts with it, else emulation.
# A /dev/kvm that exists and opens may still hang at the first instruction; only a guest that speaks proves it.

ACCEL_DEVICE=/dev/kvm

# accel_choose KERNEL CACHE_FOLDER: sets ACCEL to kvm or tcg. The verdict holds until the host boots again.
accel_choose() {
	local verdict
	case ${ACCEL:-auto} in
	kvm | tcg) return ;;
	auto) ;;
	*) die "ACCEL=$ACCEL is not known: take kvm, tcg or auto" ;;
	esac
	ACCEL=tcg
	[ -e "$ACCEL_DEVICE" ] || { say "no $ACCEL_DEVICE: the CPU is emulated, which is slow but exact"; return 0; }
	# Not a verdict: it changes when the user joins the group.
	"${SHARE_AS[@]}" test -w "$ACCEL_DEVICE" || {
		say "$ACCEL_DEVICE is closed to this user (sudo usermod -aG kvm USER opens it on most hosts, from the next login on):" \
			"the CPU is emulated, which is slow but exact"
		return 0
	}
	verdict=$2/kvm-$(cat /proc/sys/kernel/random/boot_id)
	grep -qxE 'kvm|tcg' "$verdict" 2>/dev/null || accel_judge "$1" "$verdict"
	ACCEL=$(cat "$verdict")
	[ "$ACCEL" = kvm ] || say "$ACCEL_DEVICE did not run a test guest: the CPU is emulated, which is slow but exact"
}

# accel_judge KERNEL VERDICT_FILE: it appears whole, by rename: another start may read it at any time.
accel_judge() {
	local old
	for old in "${2%/*}"/kvm-*; do	# of earlier boots
		[ "$old" = "$2" ] || rm -f "$old"
	done
	accel_probe "$1" && echo kvm >"$VM/verdict" || echo tcg >"$VM/verdict"
	mv -f "$VM/verdict" "$2"
}

# A guest without a root: its kernel's first line on the console is the proof. The whole group is killed after 3 s,
# and nobody waits for a process that hangs inside /dev/kvm.
accel_probe() {
	local log=$VM/kvm-probe pid end
	: >"$log"
	share_own "$log"
	setsid "${SHARE_AS[@]}" qemu-system-x86_64 -accel kvm -cpu host -M microvm -m 128 -sandbox "$MACHINE_SANDBOX" -nodefaults \
		-no-user-config -display none -no-reboot -serial "file:$log" -kernel "$1" -append "console=ttyS0 earlyprintk=ttyS0 panic=-1" \
		</dev/null >"$VM/kvm-probe.err" 2>&1 &
	pid=$!
	disown "$pid"
	end=$((${EPOCHREALTIME/[.,]/} + 3000000))
	while ((${EPOCHREALTIME/[.,]/} < end)); do
		if grep -q 'Linux version' "$log"; then
			kill -KILL "$pid" 2>/dev/null
			return 0
		fi
		[ -d "/proc/$pid" ] || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null
	grep -q 'Linux version' "$log"
}
