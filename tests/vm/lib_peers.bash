# lib_peers.bash - a guest with whole cgroup v2 that holds Debian's podman, containerd, crun and runc beside our programs.
#
# A story runs inside: peers_boot takes a folder with `story` (a bash script) and what it needs, seen at /payload. What the
# story writes to the port /dev/vport0p1 (its standard output, lib_guest.bash) is printed here as it comes. The machine goes
# off when the story ends. KERNEL_OF=cuvette (ours: no BPF, no netfilter) or debian (for what wants BPF; with MODULES=network
# loaded too, peers_kernel).
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PEERS=$OUT/test/peers
KERNEL_OF=${KERNEL_OF:-cuvette} BEFORE=()

# Debian's kernel and its modules into PEERS.
peers_kernel() {
	tools/cached peers_kernel "$PEERS" tests/bench/peers.lock tests/vm/peers_kernel -- tests/vm/peers_kernel ||
		die "Debian's kernel could not be unpacked: its message is above"
}

peers_prepare() {
	local cc=$OUT/sysroot/bin/musl-gcc
	[ -x "$cc" ] || die "no musl-gcc: make first"
	tools/cached peers "$PEERS" tools/deps/debian.lock tests/vm/peers_image -- tests/vm/peers_image ||
		die "the tree of the peers could not be packed: its message is above"
	mkdir -p "$VM/initramfs"/{dev,lower,rw,new,modules}
	"$cc" -std=gnu11 -Os -Wall -static -o "$VM/initramfs/init" tests/vm/peers_init.c || die "peers_init.c does not compile"
	mknod -m 600 "$VM/initramfs/dev/console" c 5 1
	case $KERNEL_OF in
	cuvette) KERNEL=$BOOT/vmlinux ;;
	debian)
		peers_kernel
		KERNEL=$PEERS/debian.vmlinuz
		cp "$PEERS"/modules/* ${MODULES:+"$PEERS/modules.$MODULES"/*} "$VM/initramfs/modules/"
		;;
	*) die "KERNEL_OF=$KERNEL_OF is not known: take cuvette or debian" ;;
	esac
	(cd "$VM/initramfs" && find . | cpio -o -H newc --quiet) >"$VM/initramfs.cpio"
}

# peers_boot FOLDER [WORD...]: the words reach the story by its kernel's command line (/proc/cmdline). EXTRA = more words for
# QEMU, BEFORE = a program in front of it that becomes it.
peers_boot() {
	local payload=$1 words
	shift
	peers_prepare
	mkfs.erofs --quiet -T0 "$VM/payload.img" "$payload" || die "the payload could not be packed"
	rm -f "$VM/nothing"
	mkfifo "$VM/nothing"
	exec {NOTHING}<>"$VM/nothing"
	: >"$VM/console"
	: >"$VM/said"
	printf 'rdinit=/init' >"$VM/line"
	machine_base
	# Debian's self-tests of its ciphers would be most of its boot.
	CMDLINE=$VM/line machine_kernel "cryptomgr.notests nokaslr random.trust_cpu=on $*"
	machine_disks "$PEERS/peers.img" ''
	QEMU_ARGS+=(-initrd "$VM/initramfs.cpio" -nic none -no-reboot
		-drive "if=none,id=payload,file=$VM/payload.img,format=raw,readonly=on" -device "virtio-blk-$BUS,drive=payload"
		-chardev "file,id=console,path=$VM/console" -serial chardev:console)
	machine_port 1 said "$VM/said" "$VM/nothing"
	read -rd "" -a words <<<"${EXTRA:-}"
	setsid "${BEFORE[@]}" setpriv --pdeathsig KILL qemu-system-x86_64 "${QEMU_ARGS[@]}" "${words[@]}" </dev/null >"$VM/qemu.out" 2>&1 &
	QEMU_PID=$!
}

# peers_follow: prints what the story says until the machine is off; fails after LIMIT seconds of silence.
peers_follow() {
	local shown=0 size last=$SECONDS alive=yes
	while [ -n "$alive" ]; do
		vm_alive || alive=
		size=$(stat -c %s "$VM/said")
		if [ "$size" -gt "$shown" ]; then
			tail -c "+$((shown + 1))" "$VM/said" | head -c $((size - shown))
			shown=$size last=$SECONDS
		fi
		((SECONDS - last < LIMIT)) || { echo "# no word from the guest for $LIMIT s"; vm_kill; return 1; }
		[ -z "$alive" ] || sleep 0.1
	done
	QEMU_PID=
}

# peers_story FOLDER [WORD...]: the story's TAP is ours. One that stops before its plan has failed.
peers_story() {
	peers_boot "$@"
	if peers_follow && grep -aq '^1\.\.[0-9]' "$VM/said" && ! grep -aq '^not ok' "$VM/said"; then
		exit 0
	fi
	grep -aq '^1\.\.[0-9]' "$VM/said" || echo "not ok - the story in the guest ended before its plan"
	cat "$VM/qemu.out"
	tail -n 40 "$VM/console" | tr -d '\r' | sed 's/^/# console: /'
	exit 1
}

# peers_runtime_story NAME: tests/api/NAME_guest.bash with RUNTIME (box, else one of Debian's).
peers_runtime_story() {
	local payload=$VM/payload
	mkdir "$payload"
	cp "tests/api/$1_guest.bash" "$payload/story"
	cp tests/api/lib_*.bash tests/vm/lib_guest.bash "$OUT/sysroot/bin/busybox" "$payload/"
	if [ "${RUNTIME:-box}" = box ]; then
		vm_need "$OUT/bin/box"
		cp "$OUT/bin/box" "$payload/"
	fi
	MEM=2G peers_story "$payload" "story.RUNTIME=${RUNTIME:-box}"
}
