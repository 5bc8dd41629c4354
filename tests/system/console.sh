#!/bin/bash
# qemu/run and a guest that means harm: what it says on the control port and the serial line reaches neither curl nor the
# terminal as anything but text. Needs nothing but the shell.
set -u
cd "$(dirname "$0")/../.." || exit 1
VM=$(mktemp -d)
trap 'rm -rf "$VM"' EXIT
# shellcheck source=/dev/null
. qemu/lib/console.sh
# Used by what was sourced.
# shellcheck disable=SC2034
RUN=$VM INTERRUPTS=0 PORT=8888 NET=user CONSOLE=log
say() { printf 'said %s\n' "$*"; }
curl() { echo "$*" >>"$VM/asked"; cat "$VM/url" >>"$VM/asked"; printf 200; }

number=0 failed=0
is() { # NAME GOT WANTED
	number=$((number + 1))
	if [ "$2" = "$3" ]; then echo "ok $number - $1"; return; fi
	failed=1
	printf 'not ok %s - %s\n' "$number" "$1"
	printf '# got    %q\n# wanted %q\n' "$2" "$3"
}

good='http://127.0.0.1:8888/lab?token=a-._~1'
is "the own address is asked and printed" "$(console_url "$good" | sed -n 's/^ *//; /^http/p')" "$good"
is "its token stands on no command line" "$(head -n 1 "$VM/asked" | grep -c token)" 0
is "curl reads it from a file" "$(sed -n 2p "$VM/asked")" "url = \"$good\""
for bad in '-K/home/jovyan/work/x' 'file:///etc/passwd' 'http://127.0.0.1:88880/' 'http://127.0.0.1:8888@elsewhere/' \
	'http://127x0.0.1:8888/' $'http://127.0.0.1:8888/"\noutput = x' 'http://127.0.0.1:8888/a b' 'https://127.0.0.1:8888/'; do
	rm -f "$VM/asked"
	is "curl does not see ${bad//[[:cntrl:]]/ }" "$(console_url "$bad" | grep -c 'strange address') $(cat "$VM/asked" 2>/dev/null)" "1 "
done
clean() { printf %b "$1" | console_clean; }
is "colours go as a whole" "$(clean 'a\033[1;31mred\033[0m')" ared
is "titles, clipboards and resets lose their force" "$(clean 'a\033]52;c;x\007b\033c')" 'a]52;c;xbc'
is "C1 controls go, in UTF-8" "$(clean 'a\302\2332Jb')" a2Jb
is "letters and tabs stay" "$(clean '\303\244\tb\r')" "$(printf '\303\244\tb')"
echo "1..$number"
exit $failed
