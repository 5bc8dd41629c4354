# outside.sh - from the host into the tool root. WORK, DATA, O and the batch file are paths of the host; inside, the checkout
# is the current folder and what lies elsewhere is shown below /mnt.

# outside_path NAME PATH: INSIDE becomes that path as the tool root sees it, OPTIONS show it there.
outside_path() {
	local path folder rest=
	path=$(realpath -m -- "$2")
	case $path/ in
	"$CHECKOUT"/*) INSIDE=.${path#"$CHECKOUT"}; return ;;
	esac
	folder=$path
	# What is there only after this run is made in its folder.
	[ -d "$folder" ] || { folder=$(dirname "$path") rest=/$(basename "$path"); }
	[ -d "$folder" ] || usage_die "$1=$2: there is no folder $folder: make it, or give another place"
	case $folder in
	*:* | *$'\n'*) usage_die "$1=$2: a path outside the checkout cannot hold a colon or a new line: move it" ;;
	esac
	OPTIONS+=(--bind "$folder:/mnt/$1")
	INSIDE=/mnt/$1$rest
}

# outside_file FILE: the batch file where the shared folder shows it; what lies elsewhere is refused by batch_check.
outside_file() {
	local path work
	path=$(realpath -m -- "$1") work=$(realpath -m -- "${WORK:-$CHECKOUT/work}")
	case $path in
	"$work"/*) INSIDE=$INSIDE_WORK/${path#"$work"/} ;;
	"$CHECKOUT"/*) INSIDE=.${path#"$CHECKOUT"} ;;
	*) usage_die "$1: outside the shared folder ${WORK:-$CHECKOUT/work}: the guest sees nothing else; copy it there" ;;
	esac
}

# outside_enter ARGUMENT...: goes on inside; the exit status and signals come through.
outside_enter() {
	local name words=()
	CHECKOUT=$(realpath "$here/..") OPTIONS=() INSIDE_WORK=work
	for name in O WORK DATA; do
		[ -n "${!name:-}" ] && [ "${!name}" != none ] || continue
		outside_path "$name" "${!name}"
		[ "$name" != WORK ] || INSIDE_WORK=$INSIDE
		words+=("$name=$INSIDE")
	done
	[ "${DATA:-}" != none ] || words+=(DATA=none)
	for name in MEM CPUS PORT FORWARD NET DATA_SIZE SHARE MACHINE ACCEL CONSOLE APPEND CORRUPTION; do
		[ -z "${!name:-}" ] || words+=("$name=${!name}")
	done
	words+=(qemu/run)
	while (($#)); do
		words+=("$1")
		if [ "$1" = --batch ] && (($# > 1)); then
			outside_file "$2"
			words+=("$INSIDE")
			shift
		fi
		shift
	done
	exec "$here/../tools/enter" --net "${OPTIONS[@]}" env "${words[@]}"
}
