#!/bin/sh
# start.sh - what every command of this image goes through: umask, ids, a home that can be written.
#
# Honours NB_UMASK, and, when the container was started as root, NB_UID and NB_GID. Under Cuvette
# it is started as these ids already.
set -eu

die() {
	printf 'start.sh: %s\n' "$1" >&2
	exit 2
}

number() {
	case $2 in
	'' | *[!0-9]*) die "$1=$2 is not a number: give a plain decimal id, or leave it out" ;;
	esac
}

case ${NB_UMASK-} in
'') ;;
*[!0-7]* | ?????*) die "NB_UMASK=$NB_UMASK is not an octal umask: give three digits, as in 022" ;;
*) umask "$NB_UMASK" ;;
esac

if [ "$(id -u)" = 0 ]; then
	number NB_UID "${NB_UID:-1000}"
	number NB_GID "${NB_GID:-100}"
	[ "${NB_UID:-1000}" -ne 0 ] || die "NB_UID=0: notebooks do not run as root here, choose another id"
	# Group 100 owns the home folder, so it stays writable whatever the ids are.
	exec setpriv --reuid "${NB_UID:-1000}" --regid "${NB_GID:-100}" --groups "${NB_GID:-100},100" \
		--inh-caps=-all --no-new-privs "$0" "$@"
fi

# A full disk takes not even Jupyter's own small files; a notebook must open all the same, to make room.
if [ -w "$HOME" ] && ! head -c 65536 /dev/zero 2>/dev/null >"$HOME/.start-$$"; then
	foreign=$HOME TMPDIR=/dev/shm
	export TMPDIR
	echo "start.sh: the disk is full: settings go to memory until there is room; delete files in a notebook" >&2
fi
rm -f "$HOME/.start-$$"

# The home may have been used by another NB_UID before: what Jupyter cannot write stops it.
for folder in "$HOME" "$HOME/.local" "$HOME/.local/share/jupyter" "$HOME/.jupyter" "$HOME/.ipython"; do
	[ ! -d "$folder" ] || [ -w "$folder" ] || foreign=$folder
done
if [ -n "${foreign-}" ]; then
	[ -w "$foreign" ] || printf 'start.sh: %s belongs to uid %s and is not writable for uid %s: %s\n' \
		"$foreign" "$(stat -c %u "$foreign")" "$(id -u)" \
		"settings go to a temporary home; start with the first id, or with group 100, to keep them" >&2
	HOME=$(mktemp -d "${TMPDIR:-/tmp}/home.XXXXXX")
	export HOME XDG_CACHE_HOME="$HOME/.cache"
fi

exec "$@"
