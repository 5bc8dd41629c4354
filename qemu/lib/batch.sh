# batch.sh - one notebook or script in a machine of its own: checks, streaming, exit status.

# batch_check FILE: sets BATCH to its path as the guest sees it below /home/jovyan; ends with 2 when it cannot be run.
batch_check() {
	local file
	[ -e "$1" ] || usage_die "$1: no such file: give a notebook or script inside $WORK"
	[ -f "$1" ] || usage_die "$1: not a regular file: give a notebook (.ipynb) or script (.py)"
	case $1 in
	*.ipynb | *.py) ;;
	*) usage_die "$1: neither .ipynb nor .py: only notebooks and Python scripts can be run" ;;
	esac
	file=$(realpath "$1")
	case $file in
	"$SHARE_DIR"/*) BATCH=work/${file#"$SHARE_DIR"/} ;;
	*) usage_die "$1: outside the shared folder $WORK: the guest sees nothing else; copy it there" ;;
	esac
}

# batch_follow: the container's output, unchanged, to ours. OUTPUT_OUT is a writer too: no end of file before it is closed.
# The FIFO is read to its end whatever becomes of our output: QEMU waits at a full one, and the guest with it.
batch_follow() {
	{
		trap '' INT TERM HUP
		cat || {
			say "the output of $BATCH goes on unseen: nobody takes it"
			cat >/dev/null
		}
	} <"$VM/output.out" {OUTPUT_OUT}>&- &
	OUTPUT_PID=$!
}

# Everything QEMU wrote is in the pipe; the reader is done when the pipe is empty.
batch_drain() {
	exec {OUTPUT_OUT}>&-
	wait "$OUTPUT_PID" 2>/dev/null || :
}

# batch_disk: nobody follows the console of a batch; that its data disk is not used must be seen all the same. Said once.
batch_disk() {
	local line
	[ -n "$BATCH" ] && [ -n "$DATA_IMAGE" ] && [ -z "${BATCH_DISK_SAID:-}" ] || return 0
	BATCH_DISK_SAID=1
	line=$(grep -a -m 1 'runs from memory' "$VM/console.log" | console_clean | head -c 400) || :
	[ -z "$line" ] || say "guest: $line"
}

# batch_status: what the run ends with: the guest's status, 130 after Ctrl-C, 125 when the machine died without one.
batch_status() {
	((INTERRUPTED == 0)) || return 130
	[ -n "$EXIT_STATUS" ] && return "$EXIT_STATUS"
	say "the machine ended without a result for $BATCH (QEMU status $QEMU_STATUS); its console: $RUN/console.log"
	# QEMU's own reason, when it would not even start.
	console_clean <"$VM/qemu.err" | tail -n 3 | sed 's/^/QEMU: /' >&2 || :
	tail -n 5 "$VM/console.log" | console_clean >&2 || :
	return 125
}
