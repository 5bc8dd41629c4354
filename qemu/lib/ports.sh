# ports.sh - a free TCP port of 127.0.0.1.

# port_choose FIRST: sets PORT to the first free one from FIRST on, and says so when it is another.
port_choose() {
	local first=$1
	[[ $first =~ ^[0-9]+$ ]] && ((first >= 1 && first <= 65535)) || die "PORT=$first is not a port: take 1 to 65535"
	for ((PORT = first; PORT < first + 100 && PORT <= 65535; PORT++)); do
		port_is_busy "$PORT" || break
	done
	((PORT < first + 100 && PORT <= 65535)) || die "ports $first to $((PORT - 1)) of 127.0.0.1 are all in use: give PORT="
	((PORT == first)) || say "port $first of 127.0.0.1 is in use: taking $PORT"
}

# port_forward PORT...: FORWARD's ports, each as it was said; JupyterLab's is chosen already.
port_forward() {
	local port
	for port; do
		[ "$port" != "$PORT" ] || die "FORWARD has port $port of 127.0.0.1, which is JupyterLab's: give PORT= another one"
		! port_is_busy "$port" || die "port $port of 127.0.0.1 is in use: give FORWARD another one for it"
	done
}

port_is_busy() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
