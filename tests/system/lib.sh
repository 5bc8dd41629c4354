# lib.sh - what the stories about one program share: TAP lines, and waiting for an event with a bound.
#
# The story sets NAME, which stands before each verdict, and failed_shows, which prints what explains a failure.
# shellcheck shell=sh

number=0 failed=0

skip() { echo "1..0 # SKIP $*"; exit 77; }

# need PROGRAM...: built, in BIN
need() {
	BIN=$(cd "${BIN:-${O:-build}/bin}" 2>/dev/null && pwd) || skip "build $* first"
	for program; do [ -x "$BIN/$program" ] || skip "build $program first"; done
	export BIN
}
# own_world WORD...: the story again, with the word --inside, in mount and pid namespaces of its own and an empty /run.
# The words are unshare's.
own_world() {
	exec unshare "$@" --mount --pid --fork --mount-proc --kill-child \
		sh -c 'mount -t tmpfs -o size=16m run /run && exec sh "$0" --inside' "$0"
}

# verdict WHAT COMMAND...: one TAP line
verdict() {
	name=$1
	shift
	number=$((number + 1))
	if "$@" >verdict.out 2>&1; then
		echo "ok $number - $NAME: $name"
	else
		failed=$((failed + 1))
		echo "not ok $number - $NAME: $name"
		{ cat verdict.out; failed_shows; } 2>&1 | sed 's/^/# /'
	fi
}
# within SECONDS COMMAND...: true as soon as the command is
within() {
	left=$(($1 * 20))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || { echo "not within time: $*"; return 1; }
		sleep 0.05
	done
}
verdict_end() {
	echo "1..$number"
	[ $failed = 0 ]
}
