"""gate_peers.py - the story of gate_peers.sh. Prints TAP."""
import json
import os
import socket
import subprocess
import time

from farlib import (FAR, FILES, GATEWAY, HERE, IP, V4, V6, Namespace, Netd, connect_many, echo, echo_many, far_world, lab, pattern,
                    published, published_both, pss_mib, sh, start, within)
from netlib import UDP, Tap

TLS_MIB, IPERF_MIB, CONNECTIONS, EACH, FLOWS = (int(os.environ.get(n, d)) for n, d in (
    ("TLS_MIB", "1024"), ("IPERF_MIB", "64"), ("CONNECTIONS", "1000"), ("EACH", "50000"), ("FLOWS", "10000")))
t = Tap("peers")


def clock(what, since, size):
    seconds = time.monotonic() - since
    print(f"# {what}: {seconds:.2f} s, {size * 8 / seconds / 1e9:.2f} Gbit/s")


def output(ns, *words):
    with ns:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def nginx(ns, name):
    """With a page, a large file over TLS, and a log of who came."""
    with open(f"/run/{name}.conf", "w") as f:
        f.write(f"""user root; worker_processes 1; pid /run/{name}.pid; error_log /run/{name}.err;
events {{ worker_connections 4096; }}
http {{
    log_format who '$remote_addr $request_method $uri $status $body_bytes_sent';
    access_log /run/{name}.log who; sendfile on;
    client_body_temp_path /run/{name}.1; proxy_temp_path /run/{name}.2; fastcgi_temp_path /run/{name}.3;
    uwsgi_temp_path /run/{name}.4; scgi_temp_path /run/{name}.5;
    ssl_certificate /run/cert.pem; ssl_certificate_key /run/key.pem;
    server {{ listen 80; listen [::]:80; listen 443 ssl; listen [::]:443 ssl; root /run/www;
        location /who {{ return 200 "{name} $remote_addr\\n"; }} }}
}}
""")
    sh(f"nginx -c /run/{name}.conf 2>&1", ns)


def logged(name, line):
    return within(lambda: line in open(f"/run/{name}.log").read().splitlines())


# A file with holes, and bytes of their own in each of its MiB.
sh("""mkdir /run/www
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=far.example \
        -addext subjectAltName=DNS:far.example -days 30 -keyout /run/key.pem -out /run/cert.pem 2>&1""")
with open("/run/www/big", "wb") as big:
    big.truncate(TLS_MIB << 20)
    for i in range(TLS_MIB):
        big.seek((i << 20) + i * 1021 % (1 << 19))
        big.write(pattern(i, 512))
with open("/run/www/page", "wb") as page:
    page.write(pattern(1, 300000))

router, far = far_world()
sh("ip route add 192.0.2.0/24 via 10.9.0.254")
sh("ip route add 192.0.2.0/24 via 10.8.0.2; ip route add fd92::/64 via fd08::2", router)
sh("for a in 192.0.2.7 192.0.2.53 192.0.2.54 192.0.2.55; do ip addr add $a/32 dev lo; done", far)
sh("for a in fd92::7 fd92::53; do ip addr add $a/128 dev lo nodad; done", far)
with open("/run/net/resolv.conf", "w") as f:
    f.write("nameserver 192.0.2.53\n")
start(far, "python3", __file__.replace("gate_peers", "gate_world"), "/run/world.log", until="ready")
a, b = Namespace(), Namespace()
netd = Netd()
lab(netd, a, b)
nginx(far, "outer")
nginx(b, "inner")
echo(far)
echo(b)
gated = within(lambda: netd.gateways().get("lab"))

# ---- HTTP
web, tls = published(netd, "web", "tcp", 80, "b"), published(netd, "tls", "tcp", 443, "b")
page = pattern(1, 300000)
for family in (V4, V6):
    there, here = (f"[{x[family]}]" if family == V6 else x[family] for x in (FAR, HERE))
    t.is_(f"{IP[family]}: curl, nginx outside: the world sees the machine", output(a, "curl", "-sS", f"http://{there}/who"), f"outer {HERE[family]}\n")
    t.is_(f"{IP[family]}: curl outside, nginx inside: the container sees the client", output(far, "curl", "-sS", f"http://{here}:{web}/who"),
          f"inner {FAR[family]}\n")
    t.ok(f"{IP[family]}: ... in its log, too", logged("inner", f"{FAR[family]} GET /who 200 {len('inner ' + FAR[family]) + 1}"), open("/run/inner.log").read())
    for what, ns, url in (("out", a, f"http://{there}/page"), ("in", far, f"http://{here}:{web}/page")):
        with ns:
            got = subprocess.run(["curl", "-sS", *[url] * 20], stdout=subprocess.PIPE)
        t.ok(f"{IP[family]}: {what}: 20 pages over one connection", got.returncode == 0 and got.stdout == page * 20, len(got.stdout))
    t.like(f"{IP[family]}: nothing of a closed port", output(a, "curl", "-sS", f"http://{there}:81/"), "Failed to connect|Could not connect")

# ---- TLS
want = sh("sha256sum </run/www/big").split()[0]
for what, ns, to in (("out", a, f"far.example:443:{FAR[V4]}"), ("in, IPv6", far, f"far.example:{tls}:[{HERE[V6]}]")):
    begin = time.monotonic()
    got = output(ns, "sh", "-c", f"curl -sS --cacert /run/cert.pem --resolve {to} https://far.example:{to.split(':')[1]}/big | sha256sum")
    clock(f"{TLS_MIB} MiB by TLS, {what}", begin, TLS_MIB << 20)
    t.is_(f"{TLS_MIB} MiB by TLS, {what}: sha256", got.split()[0], want)

# ---- iperf3
servers = {ns: start(ns, "iperf3", "-s", "--forceflush", until="Server listening") for ns in (far, b)}
ports = published_both(netd, "ip", 5201, "b")


def iperf(server, client, to, port, *words):
    """What arrived, in bytes, in each direction that was used."""
    out = output(client, "iperf3", "-J", "-c", to, "-p", str(port), *words)
    while "Server listening" not in servers[server].stdout.readline():
        pass
    try:
        end = json.loads(out)["end"]
    except (ValueError, KeyError):
        return out
    return [int(end[k]["bytes"]) for k in ("sum_received", "sum_received_bidir_reverse") if k in end] or out


for family in (V4, V6):
    for what, server, client, to, port in (("out", far, a, FAR[family], 5201), ("in", b, far, HERE[family], ports)):
        for how, words in (("one way", ()), ("-R", ("-R",)), ("--bidir", ("--bidir",)), ("-u", ("-u", "-b", "200M", "-l", "1200")),
                           ("-u -R", ("-u", "-R", "-b", "200M", "-l", "1200"))):
            size = (4 if "-u" in words else IPERF_MIB) << 20
            got = iperf(server, client, to, port, "-n", str(size), *words)
            # A datagram may be lost. What is on its way when one end has enough (the buffers of both and ours) is not counted, nor how
            # far the other one was.
            least = size // 2 if "-u" in words else min(size * 9 // 10, size - (4 << 20))
            t.ok(f"{IP[family]}, {what}: iperf3 {how}", isinstance(got, list) and max(got) >= least and (how != "--bidir" or len(got) == 2 and min(got) > 0), got)

# ---- names
for family in (V4, V6):
    for how in ("+notcp", "+tcp"):
        t.like(f"{IP[family]}: dig {how}", output(a, "dig", f"@{GATEWAY[family]}", "+short", how, "www.example", "b"), r"a\.example\.\n203\.0\.113\.7\n172\.18\.0\.3\n")
t.is_("dig, a long answer", len(output(a, "dig", "@172.18.0.1", "+short", "big.example").split()), 100)

# ---- many connections
echo_port = published_both(netd, "echo", 7, "b")
for what, ns, to, port in (("out, IPv4", a, FAR[V4], 7), ("out, IPv6", a, FAR[V6], 7), ("in, IPv4", far, HERE[V4], echo_port), ("in, IPv6", far, HERE[V6], echo_port)):
    begin, ends = time.monotonic(), connect_many(ns, to, port, CONNECTIONS)
    wrong = echo_many(ends, EACH)
    clock(f"{CONNECTIONS} connections {what}", begin, 2 * EACH * CONNECTIONS)
    t.ok(f"{CONNECTIONS} connections {what}, each with its own {EACH} bytes there and back", not wrong, "\n".join(wrong[:5]))
    for s in ends:
        s.close()

# ---- networks of other MTUs than 1500
for mtu in (1280, 9000, 65300, 65520, 65535):
    wide, name = Namespace(), f"mtu{mtu}"
    netd.ask("create", name, "172.22.0.0/16", "172.22.0.1", "fd22::/64", "fd22::1", f"mtu={mtu}")
    t.like(f"MTU {mtu}: attached", netd.ask("attach", name, "wide", wide.path, "172.22.0.2", "fd22::2"), "^done")
    for family in (V4, V6):
        ends = connect_many(wide, FAR[family], 7, 4)
        wrong = echo_many(ends, 1 << 20)
        t.ok(f"MTU {mtu}: {IP[family]}: four connections, each with its own MiB there and back", not wrong, "\n".join(wrong[:5]))
        for s in ends:
            s.close()
    netd.ask("delete", name)

# ---- datagrams of every size
for family, most in ((V4, 65507), (V6, 65487)):
    overhead = 28 if family == V4 else 48
    for what, ns, to in (("out", a, (FAR[family], 7)), ("in", far, (HERE[family], echo_port)), ("between containers", a, ("172.18.0.3" if family == V4 else "fd18::3", 7))):
        with ns.open(family, UDP) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            s.connect(to)
            lost = []
            for size in (0, 1, 2, 8, 1023, 1500 - overhead - 1, 1500 - overhead, 1500 - overhead + 1, 1500, 2 * 1480, 9000, 32768, most - 1, most):
                s.send(pattern(size, size))
                try:
                    if s.recv(70000) != pattern(size, size):
                        lost.append(f"{size}: other bytes")
                except OSError as e:
                    lost.append(f"{size}: {e}")
                    break
        t.is_(f"{IP[family]}, {what}: datagrams of 0 to {most} bytes, in fragments above {1500 - overhead}", lost, [])

for to in (FAR[V4], FAR[V6], "fd18::1"):
    for size in (56, 4000):
        t.is_(f"{to}: an echo of {size} bytes", output(a, "python3", __file__.replace("peers", "ping"), to, str(size)).strip(), f"reply {size}")

# ---- 10,000 flows (FLOWS), or as many as one container may have where a process may have few files (flows_max in outward.c)
flows = min(FLOWS, FILES * 3 // 16 - 100)
begin = time.monotonic()
before = pss_mib(gated)
ends = connect_many(a, FAR[V4], 7, flows)
grown = pss_mib(gated)
of_all = before + (grown - before) * 10000 / flows
print(f"# {flows} flows: {time.monotonic() - begin:.1f} s; gated: {before:.1f} MiB before, {grown:.1f} MiB with them; of 10,000: {of_all:.1f}")
t.ok("10,000 flows out at once: gated has at most 60 MB", of_all * 1.048576 < 60, f"{of_all:.1f} MiB")
wrong = echo_many(ends[::10], 1000)
t.ok("... each of them lives", not wrong, "\n".join(wrong[:5]))
for s in ends:
    s.close()
t.ok("... and leaves", within(lambda: netd.ask("stats", "lab", "a") and int(output(a, "sh", "-c", "ss -Htn state established | wc -l")) == 0))

t.is_("the gateway is the same one", netd.gateways().get("lab"), gated)
t.is_("netd ends", netd.end(), 0)
t.end()
