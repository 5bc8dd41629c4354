# lib_run.bash - stories that start the machine as users do, through qemu/run. Wants lib.sh first.

RUN=$VM/run WORK=$VM/work RUN_PID='' URL=''
examples=rootfs/images/lab/examples
export RUN WORK ACCEL O=$OUT

fresh_work() {
	rm -rf "$WORK"
	cp -R "$examples" "$WORK"
}
fresh_work

# run_start [NAME=VALUE...]: a machine in the background; URL is what it printed.
run_start() {
	local end=$((SECONDS + LIMIT))
	rm -f "$RUN/url"
	URL=
	# A shell in the background ignores SIGINT and its children cannot take that back: python gives it anew.
	env MEM="${RUN_MEM:-2G}" PORT="$((20000 + RANDOM % 20000))" "$@" python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
os.execvp(sys.argv[1], sys.argv[1:])' qemu/run </dev/null >"$VM/run.out" 2>"$VM/run.err" &
	RUN_PID=$!
	until [ -s "$RUN/url" ]; do
		kill -0 "$RUN_PID" 2>/dev/null || { echo "qemu/run ended:"; cat "$VM/run.out" "$VM/run.err"; return 1; }
		((SECONDS < end)) || { echo "no URL within $LIMIT s:"; cat "$VM/run.out" "$VM/run.err"; return 1; }
		sleep 0.3
	done
	URL=$(cat "$RUN/url")
}

# run_see PATTERN: waits for a line in what qemu/run shows.
run_see() {
	local end=$((SECONDS + LIMIT))
	until grep -aEq -- "$1" "$VM/run.out" "$VM/run.err"; do
		((SECONDS < end)) || { echo "not within $LIMIT s: $1"; tail "$VM/run.out" "$VM/run.err"; return 1; }
		sleep 0.2
	done
}

run_stop() {
	local status=0
	kill -INT "$RUN_PID" || return 1
	wait "$RUN_PID" || status=$?
	RUN_PID=
	grep -q 'killing' "$VM/run.err" && { cat "$VM/run.err"; return 1; }
	[ "$status" = 0 ] || { echo "status $status"; cat "$VM/run.err"; return 1; }
}

owned_by_us() {
	[ "$(stat -c %u:%g "$1")" = "$(stat -c %u:%g "$WORK")" ] || { stat "$1"; return 1; }
}

run_finish() {
	[ -z "${RUN_PID:-}" ] || kill -TERM "$RUN_PID" 2>/dev/null && wait "$RUN_PID" 2>/dev/null
	vm_finish
}
trap run_finish EXIT
