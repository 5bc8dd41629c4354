# machine.sh - QEMU's arguments from the settings. Two machines, one set of devices: BUS is pci (q35) or device (microvm).
# The serial ports come first among the virtio devices: Linux names them after that place, /dev/vport0p1.

# Once it runs QEMU needs no other program, no other user and no other priority: whoever breaks into it from the guest gets
# none of them.
MACHINE_SANDBOX=on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny

# Everything that can be emulated but the flags that praise `rep movsb` and `rep stosb`: they are emulated byte by byte, and
# without them kernel and libc copy and clear by words and vectors: 14 % less of the host's time for the digits notebook, and
# 13 % fewer instructions for the start of a container, whose kernel clears 4 KiB for every path that it is given.
MACHINE_EMULATED=max,erms=off,fsrm=off,fsrs=off

machine_base() {
	case ${MACHINE:-q35} in
	q35) BUS=pci QEMU_ARGS=(-M q35,smm=off,vmport=off,hpet=off,usb=off,sata=off) ;;
	# Its ACPI tables say that there is no 8259, so Linux leaves it alone; but there is one, unmasked, and its first tick comes as
	# vector 0: a divide error at the moment when interrupts are switched on, if the boot took longer than a tick (55 ms).
	microvm) BUS=device QEMU_ARGS=(-M microvm,rtc=on,isa-serial=on,pic=off) ;;
	*) die "MACHINE=$MACHINE is not known: take q35 or microvm" ;;
	esac
	case $ACCEL in
	kvm) QEMU_ARGS+=(-accel kvm -cpu host) ;;
	tcg) QEMU_ARGS+=(-accel "tcg,thread=multi,tb-size=512" -cpu "$MACHINE_EMULATED") ;;
	# Every clock of the guest counts instructions, one a nanosecond: for tests/bench.
	icount) QEMU_ARGS+=(-accel "tcg,thread=single,tb-size=512" -cpu "$MACHINE_EMULATED" -icount "shift=0,sleep=off") ;;
	esac
	QEMU_ARGS+=(-sandbox "$MACHINE_SANDBOX" -smp "${CPUS:-2}" -m "$MEM" -nodefaults -no-user-config -display none
		-device "virtio-serial-$BUS,max_ports=4" -device "virtio-rng-$BUS")
}

# machine_kernel EXTRA: the kernel (KERNEL=FILE: another one) with the built command line, then what this run adds.
machine_kernel() {
	local line
	line=$(cat "${CMDLINE:-$BOOT/cmdline}")
	case ${CORRUPTION:-restart} in
	restart) ;;
	panic) line=${line/restart_on_corruption/panic_on_corruption} ;;
	*) die "CORRUPTION=$CORRUPTION is not known: take restart or panic" ;;
	esac
	# With one CPU the kernel would rewrite 4,000 lock prefixes, each by a page table of its own: a tenth of an emulated boot.
	[ "$ACCEL" != icount ] || line+=" tsc_early_khz=1000000 tsc=reliable no_timer_check noreplace-smp"
	[ "$ACCEL" != tcg ] || line+=" tsc_early_khz=$(qemu/lib/tsc-khz) tsc=reliable no_timer_check noreplace-smp"
	QEMU_ARGS+=(-kernel "${KERNEL:-$BOOT/vmlinux}" -append "$line console=ttyS0 quiet panic=-1 $1")
}

# The system is vda, the data disk vdb: both machines number their devices in the order given here.
machine_disks() {	# system image, data image or empty; a comma in a path is written twice for QEMU
	QEMU_ARGS+=(-drive "if=none,id=system,file=${1//,/,,},format=raw,readonly=on" -device "virtio-blk-$BUS,drive=system")
	# Zeros become holes: an ext4 that zeroes its tables does not make the file bigger. And where the host has no room for the
	# file to grow, the guest is told; by itself QEMU stops the machine without a word.
	[ -z "$2" ] || QEMU_ARGS+=(-drive "if=none,id=data,file=${2//,/,,},format=raw,discard=unmap,detect-zeroes=unmap"
		-device "virtio-blk-$BUS,drive=data,werror=report,rerror=report")
}

# machine_port NUMBER NAME OUT IN: a virtio-serial port. OUT and IN are FIFOs that the caller holds open.
machine_port() {
	QEMU_ARGS+=(-chardev "file,id=$2,path=$3,input-path=$4" -device "virtserialport,nr=$1,chardev=$2,name=cuvette.$2")
}

# Without PORT and FORWARD nothing of the host leads inside.
machine_net() {
	case ${NET:-user} in
	user) QEMU_ARGS+=(-netdev "user,id=net${PORT:+,hostfwd=tcp:127.0.0.1:$PORT-:8888}${FORWARDS:-}" -device "virtio-net-$BUS,netdev=net") ;;
	none) QEMU_ARGS+=(-nic none) ;;
	*) die "NET=$NET is not known: take user or none" ;;
	esac
}

# machine_data_image PATH: a new data disk is a sparse file; the guest formats it.
machine_data_image() {
	[ -e "$1" ] || truncate -s "${DATA_SIZE:-16G}" "$1" ||
		usage_die "cannot make the data disk $1: make its folder, or give DATA=another-file"
	share_own "$1"
}
