# share.sh - the shared folder: made at first run, and seen by the guest with the right owner.
#
# The container's jovyan is a high uid outside of it (runtime/box: its range starts at 1048576), and 9p cannot map ids. So
# QEMU itself runs in a user namespace that maps the folder's owner to exactly that uid: files made in the notebook belong
# to the owner on the host, whoever that is, and QEMU has no more rights than the owner.

SHARE_BASE=1048576	# start of the lab container's id range

# share_prepare FOLDER EXAMPLES: makes the folder; sets SHARE_DIR (real path) and SHARE_AS (the command prefix).
share_prepare() {
	local uid gid
	if [ ! -e "$1" ]; then
		(umask 022 && mkdir -p "$1" && { [ ! -d "$2" ] || cp -R "$2/." "$1/"; }) ||
			usage_die "cannot make the shared folder $1: make it, or give WORK=another-folder"
		chown -R --reference="$(dirname "$1")" "$1" 2>/dev/null || :
		say "made the shared folder $1 with examples"
	fi
	[ -d "$1" ] || usage_die "$1 is not a folder: it is shared with the guest as /home/jovyan/work"
	SHARE_DIR=$(realpath "$1")
	uid=$(stat -c %u "$SHARE_DIR") gid=$(stat -c %g "$SHARE_DIR")
	SHARE_AS=()
	SHARE_OWNER=
	# Root steps down to the owner. An owner that this user namespace does not know is seen as nobody: then stay.
	if [ "$(id -u)" = 0 ] && [ "$uid:$gid" != 0:0 ] && setpriv --reuid="$uid" --regid="$gid" --clear-groups true 2>/dev/null; then
		SHARE_OWNER=$uid:$gid
		SHARE_AS=(setpriv --reuid="$uid" --regid="$gid" "$(share_groups)")
	fi
	SHARE_AS+=(unshare --user --map-user=$((SHARE_BASE + ${NB_UID:-1000})) --map-group=$((SHARE_BASE + ${NB_GID:-100})))
	"${SHARE_AS[@]}" true 2>/dev/null ||
		die "no user namespace could be made: files of $1 would belong to nobody in the guest; allow user namespaces (sysctl user.max_user_namespaces)"
}

# /dev/kvm is opened by its group; root's group would open more than that.
share_groups() {
	local gid
	gid=$(stat -c %g /dev/kvm 2>/dev/null || echo 0)
	[ "$gid" = 0 ] && echo --clear-groups || echo "--groups=$gid"
}

# share_own PATH...: gives what root made to the user that QEMU runs as.
share_own() {
	[ -z "$SHARE_OWNER" ] || chown "$SHARE_OWNER" "$@"
}

# share_devices: adds the device that carries the folder to QEMU_ARGS.
share_devices() {
	case ${SHARE:-9p} in
	9p)
		QEMU_ARGS+=(-fsdev "local,id=work,path=${SHARE_DIR//,/,,},security_model=none,multidevs=remap"
			-device "virtio-9p-$BUS,fsdev=work,mount_tag=work")
		;;
	virtiofs)
		share_start_virtiofsd
		QEMU_ARGS+=(-object "memory-backend-memfd,id=ram,size=$MEM,share=on" -machine memory-backend=ram
			-chardev "socket,id=work,path=$VM/virtiofs.sock" -device "vhost-user-fs-$BUS,chardev=work,tag=work")
		;;
	none) ;;
	*) die "SHARE=$SHARE is not known: take 9p, virtiofs or none" ;;
	esac
}

share_start_virtiofsd() {
	local tries
	"${SHARE_AS[@]}" --keep-caps setpriv --pdeathsig KILL /usr/libexec/virtiofsd --shared-dir "$SHARE_DIR" \
		--socket-path "$VM/virtiofs.sock" --sandbox none --inode-file-handles=never \
		</dev/null >"$VM/virtiofsd.log" 2>&1 &
	for ((tries = 0; tries < 50; tries++)); do
		[ ! -S "$VM/virtiofs.sock" ] || return 0
		sleep 0.1
	done
	die "virtiofsd did not start: $(tail -n 1 "$VM/virtiofsd.log"); take SHARE=9p"
}
