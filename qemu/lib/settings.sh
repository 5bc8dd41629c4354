# settings.sh - what the user asked for by environment, checked whole before anything is made or booted: a wrong setting is
# one sentence and status 2. What the guest refuses is refused here, where the user still looks at the command.

SETTINGS_MEM_MIN_MIB=512	# less does not hold JupyterLab
SETTINGS_CPUS_MAX=64		# CONFIG_NR_CPUS
SETTINGS_DATA_MIN_MIB=64

settings_check() {
	settings_choice MACHINE q35 microvm
	settings_choice ACCEL auto kvm tcg
	settings_choice NET user none
	settings_choice SHARE 9p virtiofs none
	settings_choice CONSOLE log shell
	settings_choice CORRUPTION restart panic
	settings_number CPUS 1 "$SETTINGS_CPUS_MAX"
	settings_number PORT 1 65535
	# As runtime/engine/config.h; 0 is root, and notebooks do not run as root.
	settings_number NB_UID 1 65535
	settings_number NB_GID 1 65535
	settings_size MEM "$SETTINGS_MEM_MIN_MIB"
	settings_size DATA_SIZE "$SETTINGS_DATA_MIN_MIB"
	settings_token
	settings_forward
	[ "${CONSOLE:-log}" = log ] || { [ -t 0 ] && [ -t 1 ]; } || usage_die "CONSOLE=shell wants a terminal"
	case ${APPEND:-} in *$'\n'*) usage_die "APPEND has a line break: give the kernel's words on one line" ;; esac
}

settings_choice() {	# name, its values
	local name=$1 value=${!1:-} word
	shift
	[ -n "$value" ] || return 0
	for word; do
		[ "$value" != "$word" ] || return 0
	done
	usage_die "$name=$value is not known: take $(settings_or "$@")"
}

settings_or() {
	case $# in
	2) echo "$1 or $2" ;;
	*) echo "$1, $(shift; settings_or "$@")" ;;
	esac
}

settings_number() {	# name, lowest, highest
	local value=${!1:-}
	[ -n "$value" ] || return 0
	[[ $value =~ ^(0|[1-9][0-9]{0,8})$ ]] && ((value >= $2 && value <= $3)) ||
		usage_die "$1=$value is not a number from $2 to $3"
}

# settings_size NAME LEAST_MIB: 2G or 4096M; digits alone are MiB, and get their M here since programs differ on them.
settings_size() {
	local value=${!1:-} mib
	[ -n "$value" ] || return 0
	[[ ${value^^} =~ ^([1-9][0-9]{0,8})([MGT]?)$ ]] || usage_die "$1=$value is not a size: give it like 2G or 4096M"
	mib=${BASH_REMATCH[1]}
	case ${BASH_REMATCH[2]} in
	G) mib=$((mib << 10)) ;;
	T) mib=$((mib << 20)) ;;
	esac
	((mib >= $2)) || usage_die "$1=$value is too small: give $2M or more"
	[ -n "${BASH_REMATCH[2]}" ] || printf -v "$1" %sM "$value"
}

# FORWARD="8080 9000:80 5353/udp": ports of 127.0.0.1 that lead to the machine's, where its containers publish them. Sets
# FORWARDS, words of QEMU's -netdev, and FORWARD_TCP, the ports of 127.0.0.1 that must be free.
settings_forward() {
	local word words host guest protocol taken=" "
	FORWARDS='' FORWARD_TCP=()
	read -ra words <<<"${FORWARD:-}"
	for word in "${words[@]}"; do
		[[ $word =~ ^([1-9][0-9]{0,4})(:([1-9][0-9]{0,4}))?(/(tcp|udp))?$ ]] ||
			usage_die "FORWARD: $word is not a port: write 8080, 9000:80 (the machine's 80) or 5353/udp, with blanks between them"
		host=${BASH_REMATCH[1]} guest=${BASH_REMATCH[3]:-${BASH_REMATCH[1]}} protocol=${BASH_REMATCH[5]:-tcp}
		((host <= 65535 && guest <= 65535)) || usage_die "FORWARD: $word is beyond 65535"
		[[ $taken != *" $host/$protocol "* ]] || usage_die "FORWARD has port $host of 127.0.0.1 twice"
		taken+="$host/$protocol "
		[ "$protocol" != tcp ] || FORWARD_TCP+=("$host")
		FORWARDS+=",hostfwd=$protocol:127.0.0.1:$host-:$guest"
	done
	[ -z "$FORWARDS" ] || [ "${NET:-user}" = user ] || usage_die "FORWARD wants a network card: not with NET=none"
}

# Its words are those of runtime/engine/token.c. The token itself is not shown.
settings_token() {
	local token=${JUPYTER_TOKEN:-} LC_ALL=C
	[[ $token =~ ^[A-Za-z0-9._~-]*$ ]] ||
		usage_die "JUPYTER_TOKEN may hold letters, digits and - . _ ~ only, because it stands in a URL"
	((${#token} <= 256)) || usage_die "JUPYTER_TOKEN is longer than 256 characters"
}
