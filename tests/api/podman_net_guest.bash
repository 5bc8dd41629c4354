# podman_net_guest.bash - the part of podman_net.sh inside the guest.
# shellcheck source=../vm/lib_guest.bash
. /payload/lib_guest.bash
# shellcheck source=lib_podman.bash
. /payload/lib_podman.bash
ip link set lo up
ip link add uplink type dummy
ip addr add 198.51.100.1/24 dev uplink
ip link set uplink up
ip route add default via 198.51.100.2

# answer HOST PORT: the line that is said there
answer() { timeout 20 bash -c "exec 3<>/dev/tcp/$1/$2 && head -n 1 <&3" 2>&1; }
answers() { [ "$(answer "$1" "$2")" = "$3" ]; }
# A server in a container: WORD to each who comes.
server() { echo "while :; do echo $1 | nc -l -p 80; done"; }
# The same from inside: nc ends with the connection.
inside() { p exec "$1" sh -c "nc $2 $3 </dev/null | head -n 1"; }
address() { field "$1" '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'; }
netns_of() { stat -L -c %i "/proc/$(field "$1" '{{.State.Pid}}')/ns/net"; }

# ---- a bridge of netavark's
ok "run --network bridge" p run -d --name web --network bridge -p 8080:80 $I sh -c "$(server web)"
web=$(address web)
like "it has an address" "$web" '^10\.88\.0\.[0-9]+$'
path=$(field web '{{.NetworkSettings.SandboxKey}}')
like "podman made its namespace, under a path" "$path" '^/run/netns/netns-'
is "the container is in that one" "$(netns_of web)" "$(stat -L -c %i "$path")"
ok "it answers at its address" within 30 answers "$web" 80 web
ok "and at the published port" within 30 answers 198.51.100.1 8080 web
is "it sees its own devices alone" "$(p exec web sh -c 'ls /sys/class/net' | tr '\n' ' ')" "eth0 lo "
like "resolv.conf and hosts are podman's" "$(p exec web sh -c 'cat /etc/hosts')" "^$web"
ok "another one" p run -d --name other --network bridge $I sh -c "$(server other)"
ok "one reaches the other" within 30 eval '[ "$(inside web "$(address other)" 80)" = other ]'
is "--network container: is that namespace" "$(p run --rm --network container:web $I sh -c 'nc 127.0.0.1 80 </dev/null | head -n 1')" web
is "--network host is the machine's" "$(p run --rm --network host $I sh -c 'ls /sys/class/net' | grep -c uplink)" 1
ok "restart" p restart -t 0 web
ok "it answers again" within 30 answers 198.51.100.1 8080 web
ok "a network more, without a restart" eval 'p network create --disable-dns --subnet 10.77.0.0/24 second && p network connect second web'
is "the container has its device" "$(p exec web sh -c 'ls /sys/class/net' | tr '\n' ' ')" "eth0 eth1 lo "
ok "rm -f" p rm -f -t 0 web other
is "its namespace and its rules are gone" "$(ls /run/netns; nft list ruleset | grep -c "dport 8080")" 0
p network rm second >/dev/null

# ---- in a user namespace of its own: the network belongs to that of the machine
ok "run --network bridge with a map of user ids" p run -d --name mapped --network bridge --uidmap 0:100000:5000 --gidmap 0:100000:5000 $I sh -c "$(server mapped)"
ok "it answers" within 30 eval 'answers "$(address mapped)" 80 mapped'
p rm -f -t 0 mapped >/dev/null

# ---- a pod: one namespace, made by podman, for all of it
ok "pod create" p pod create --name pod --network bridge -p 8081:80
ok "a server in it" p run -d --pod pod --name one $I sh -c "$(server one)"
ok "a neighbour in it" p run -d --pod pod --name two $I sleep 1000
is "both are in the same" "$(netns_of one)" "$(netns_of two)"
ok "they meet on loopback" within 30 eval '[ "$(inside two 127.0.0.1 80)" = one ]'
ok "the pod answers at its published port" within 30 answers 198.51.100.1 8081 one
ok "pod rm" p pod rm -f -t 0 pod

# ---- a user-mode network, in a namespace by path too (podman has pasta for ordinary users alone)
ok "run --network slirp4netns" p run -d --name slirp --network slirp4netns:port_handler=slirp4netns -p 8083:80 $I sh -c "$(server slirp)"
ok "it answers at its published port" within 30 answers 127.0.0.1 8083 slirp
p rm -f -t 0 slirp >/dev/null
is "nothing is left" "$(p ps -aq; ls /run/netns; ls /sys/fs/cgroup/libpod_parent 2>/dev/null | grep libpod-; ls -A /run/box-oci 2>/dev/null | grep -v '^\.')" ""
tap_done
