# lib.sh - what every bench shares: medians, and the one line per figure.
# shellcheck shell=bash

# median of the numbers on standard input
median() {
	sort -g | awk '{ v[NR] = $1 } END { if (!NR) exit 1; m = int((NR + 1) / 2); print (NR % 2) ? v[m] : (v[m] + v[m + 1]) / 2 }'
}

# figure NAME OURS PEER_NAME PEER_VALUE GOAL: a ratio against a peer, small is good
figure() {
	awk -v name="$1" -v ours="$2" -v peer="$3" -v value="$4" -v goal="$5" 'BEGIN {
		ratio = value ? ours / value : 0
		printf "figure %s ours=%s peer=%s:%s ratio=%.4f goal=<=%s %s\n", name, ours, peer, value, ratio, goal,
			(value && ratio <= goal) ? "ok" : "short" }'
}

# figure_least NAME OURS PEER_NAME PEER_VALUE GOAL: the same for a rate, large is good
figure_least() {
	awk -v name="$1" -v ours="$2" -v peer="$3" -v value="$4" -v goal="$5" 'BEGIN {
		ratio = value ? ours / value : 0
		printf "figure %s ours=%s peer=%s:%s ratio=%.4f goal=>=%s %s\n", name, ours, peer, value, ratio, goal,
			(value && ratio >= goal) ? "ok" : "short" }'
}

# figure_limit NAME OURS GOAL [UNIT]: no peer, a limit of our own
figure_limit() {
	awk -v name="$1" -v ours="$2" -v goal="$3" -v unit="${4:-}" 'BEGIN {
		printf "figure %s ours=%s%s peer=none:- ratio=%.4f goal=<=%s%s %s\n", name, ours, unit,
			goal ? ours / goal : ours, goal, unit, (ours <= goal) ? "ok" : "short" }'
}

say() { printf 'bench: %s\n' "$*" >&2; }

fail() {
	printf 'bench: %s\n' "$*" >&2
	exit 1
}
