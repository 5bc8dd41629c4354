# lib.sh - what the scripts of tools/ have in common: messages, the cache, the host's archives.
# Sourced, never run. The caller has set -eu.
# shellcheck shell=sh

# An ordinary user's PATH may lack the folders of chroot and friends.
PATH=$PATH:/usr/sbin:/sbin

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# The folder of downloads and built dependencies; safe to delete at any time.
cache_dir() {
	: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
	c=${CUVETTE_CACHE:-$HOME/.cache/cuvette}
	case $c in /*) ;; *) c=$PWD/$c ;; esac
	mkdir -p "$c/dl" || die "cannot make the cache folder $c: set CUVETTE_CACHE to a writable one"
	printf '%s\n' "$c"
}

# Mirrors of the archive that this host's own apt uses, as `main URL` and `security URL` lines.
# Nothing about them stands in this tree.
host_mirrors() {
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk 'NF == 2 && !seen[$2]++ { print ($1 ~ /-security/ ? "security" : "main"), $2 }'
}

# The same, after an `apt-get update` where apt has no lists yet (a fresh container).
mirrors() {
	m=$(host_mirrors)
	if [ -z "$m" ] && [ "$(id -u)" = 0 ]; then
		apt-get update -qq >&2 || true
		m=$(host_mirrors)
	fi
	[ -n "$m" ] || die "apt knows no archive on this host: run 'apt-get update' as root, then again"
	printf '%s\n' "$m"
}

# As root, install what a script needs from the host's archive; else name the command.
need() {
	missing=
	for pair; do	# PROGRAM=PACKAGE or /FILE=PACKAGE
		command -v "${pair%%=*}" >/dev/null 2>&1 || [ -r "${pair%%=*}" ] || missing="$missing ${pair#*=}"
	done
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] ||
		die "this host lacks$missing: run 'sudo apt-get install$missing', then again"
	mirrors >/dev/null
	say "installing$missing on this host"
	# shellcheck disable=SC2086 # a list of names; stale lists are renewed for the second try
	said=$({ install_quietly $missing || { apt-get update -qq && install_quietly $missing; }; } 2>&1 </dev/null) ||
		die "apt-get could not install$missing: $said"
}
install_quietly() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }
