# console.sh - what the user sees of a running machine, and how it ends. Here lives the only wait of qemu/run.

# console_clean: terminal control of the guest's serial line must not reach the user's terminal. Colours go as a whole; of
# every other sequence the text stays and the bytes that make a terminal obey go: C0 but tab and newline, DEL, C1 in UTF-8.
console_clean() {
	LC_ALL=C sed -u 's/\x1b\[[0-9;?]*[A-Za-z]//g; s/[\x00-\x08\x0b-\x1f\x7f]//g; s/\xc2[\x80-\x9f]//g'
}

# console_follow: the serial line, as it grows, until QEMU is gone.
console_follow() {
	tail -n +1 -f -s 0.2 --pid="$QEMU_PID" "$VM/console.log" | console_clean &
	FOLLOW_PID=$!
}

# Ctrl-C once asks the guest, twice kills it. A trap only counts; the wait below acts. A terminal sends one Ctrl-C to every
# program of the foreground, and make and tools/enter hand theirs on to us: what comes within a second is one.
console_trap() {
	INTERRUPTS=0 INTERRUPT_LAST=0
	trap console_interrupt INT TERM HUP
}

console_interrupt() {
	local now=${EPOCHREALTIME/[.,]/}
	((now - INTERRUPT_LAST < 1000000)) || INTERRUPTS=$((INTERRUPTS + 1)) INTERRUPT_LAST=$now
}

# console_wait: reads the control port until QEMU ends. Calls control_line for each line. Sets INTERRUPTED.
console_wait() {
	local line asked=0 deadline=0
	INTERRUPTED=0
	while kill -0 "$QEMU_PID" 2>/dev/null; do
		if IFS= read -r -t 0.5 -u "$CONTROL_OUT" line; then
			control_line "${line//[[:cntrl:]]/?}"
		fi
		if ((INTERRUPTS > asked)); then
			asked=$INTERRUPTS INTERRUPTED=1
			console_stop "$asked"
			((deadline)) || deadline=$((SECONDS + STOP_LIMIT))
		fi
		if ((deadline && SECONDS > deadline)); then
			say "the machine did not stop within $STOP_LIMIT s: killing it"
			kill -KILL "$QEMU_PID" 2>/dev/null || :
		fi
	done
	while IFS= read -r -t 0.1 -u "$CONTROL_OUT" line; do
		control_line "${line//[[:cntrl:]]/?}"
	done
	wait "$QEMU_PID" 2>/dev/null || QEMU_STATUS=$?
	[ -z "${FOLLOW_PID:-}" ] || wait "$FOLLOW_PID" 2>/dev/null || :
}

console_stop() {	# how often it was asked
	if (($1 == 1)); then
		say "stopping the machine: it saves and unmounts its disk, at most $STOP_LIMIT s; Ctrl-C again kills it at once"
		echo poweroff >&"$CONTROL_IN"
	else
		say "killing the machine"
		kill -KILL "$QEMU_PID" 2>/dev/null || :
	fi
}

# Prints the URL only after it answered 200 here. The guest chose its text: it may lead nowhere but to the guest's own port,
# and curl reads it from a file, since a command line shows its token to everybody on the host.
console_url() {
	local code tries stop=Ctrl-C own="^http://127\\.0\\.0\\.1:${PORT:-}/[A-Za-z0-9._~%/?#@!&*+,;=:-]*\$"
	if [ "${NET:-user}" = none ]; then
		say "Jupyter runs, but NET=none leaves no way to it from outside"
		return
	fi
	if [[ ! $1 =~ $own ]]; then
		say "the guest calls itself ready at a strange address; try http://127.0.0.1:$PORT/; console: $RUN/console.log"
		return
	fi
	printf 'url = "%s"\n' "$1" >"$VM/url"
	for ((tries = 0; tries < 60; tries++)); do
		code=$(curl -sS -L --proto-redir =http --max-redirs 5 -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 20 -K "$VM/url" 2>"$VM/curl.err") || code=000
		[ "$code" != 200 ] || break
		((INTERRUPTS == 0)) || return 0
		sleep 0.5
	done
	if [ "$code" = 200 ]; then
		[ "$CONSOLE" = log ] || stop="svctl poweroff"	# there the guest's shell gets Ctrl-C
		say "ready: open this in a browser ($stop here stops the machine)"
		printf '\n    %s\n\n' "$1" || :
		echo "$1" >"$RUN/url"
	else
		say "Jupyter said it is ready, but $1 answers $code: $(cat "$VM/curl.err")"
	fi
}
