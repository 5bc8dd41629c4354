"""gate_names.py WORK - the story of gate_names.sh, in the machine's namespace A. Prints TAP.

    C (containers, tun0: 172.31.0.2, .3, fd31::2, ::3) -- namesctl in A (192.0.2.1) -- W (the world, 192.0.2.0/24)
"""
import os
import re
import socket
import struct
import subprocess
import sys
import time

WORLD = os.path.join(os.path.dirname(__file__), "gate_world.py")
WORK = sys.argv[1]
LOG = os.path.join(WORK, "world.log")
LIMIT = 60  # seconds until an answer that never comes is a failure
SILENCE = 3  # seconds without an answer that are taken for silence: no more is asserted of it than that it may be
number = failed = 0


def run(*words, check=True):
    return subprocess.run(words, check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def namespace(name):
    """A process that holds a network namespace; the file of it."""
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo up; exec sleep 1000"],
                              stdout=subprocess.PIPE, text=True)
    holder.stdout.readline()
    return f"/proc/{holder.pid}/ns/net"


class Gate:
    """namesctl: a line in, lines out up to "done"."""

    def __init__(self, netns):
        self.log = open(os.path.join(WORK, "namesctl.log"), "w+")
        self.process = subprocess.Popen([os.path.join(WORK, "namesctl"), netns], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, bufsize=1)
        assert self.process.stdout.readline() == "ready\n"

    def say(self, line):
        self.process.stdin.write(line + "\n")
        said = self.process.stdout.readline()
        if said.startswith("stats"):
            self.process.stdout.readline()
            return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", said)}
        assert said == "done\n", f"{line}: {said}"
        return None

    def logged(self):
        self.log.flush()
        return open(self.log.name).read()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(LIMIT)


def inside(*words):
    return run("nsenter", f"--net={C}", *words, check=False)


def dig(*words, at="172.31.0.1", me="172.31.0.2"):
    """(status, answers, flags)"""
    out = inside("dig", f"@{at}", "-b", me, f"+tries={LIMIT // 5}", "+time=5", "+noall", "+comments", "+answer", *words)
    status = re.search(r"status: (\w+)", out)
    answers = sorted(" ".join(l.split()[3:]) for l in out.splitlines() if l and not l.startswith(";"))
    flags = re.search(r"flags: ([a-z ]*)", out)
    return (status.group(1) if status else out), answers, flags.group(1).split() if flags else []


def py(code, *words):
    """Python inside C; what it prints."""
    return inside("python3", "-c", "import socket,sys,struct\n" + code, *words).strip()


ECHO = """
import time
s=socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(float(sys.argv[5]))
if ':' not in sys.argv[1]: s.setsockopt(0,11,1)     # IP_RECVERR: unreachable is an error too
b=bytes(i%251 for i in range(int(sys.argv[4])))
try:
    s.bind((sys.argv[3],0)); s.connect((sys.argv[1],int(sys.argv[2])))
    s.send(b); r=s.recv(70000); print('same' if r==b else 'other %d'%len(r))
except socket.timeout: print('silent')
except OSError as e: print(e.strerror)
"""


def echo(address, port=9, size=100, me=None, wait=LIMIT):
    return py(ECHO, address, str(port), me or ("fd31::2" if ":" in address else "172.31.0.2"), str(size), str(wait))


TCP = """
s=socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET); s.settimeout(float(sys.argv[3]))
try: s.connect((sys.argv[1],int(sys.argv[2]))); print('connected')
except OSError as e: print(e.strerror or e)
"""


def connect(address, port, wait=LIMIT):
    return py(TCP, address, str(port), str(wait))


# Questions about A, all of them in one go from one socket: the names in the order of their answers, with their codes. What
# is answered at once is answered before what was asked after it, however slow the machine is.
ORDER = f"""
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout({LIMIT}); s.bind(('172.31.0.2',0)); got=[]
for i,n in enumerate(sys.argv[1:]):
    s.sendto(struct.pack('>6H',i+1,256,1,0,0,0)+b''.join(bytes([len(p)])+p.encode() for p in n.split('.'))+bytes([0,0,1,0,1]),('172.31.0.1',53))
while len(got)<len(sys.argv)-1:
    d=s.recv(4096); w=sys.argv[d[1]]+'='+str(d[3]&15)
    if w not in got: got.append(w)
print(*got)"""


def order(*names):
    return py(ORDER, *names).split()


def asked():
    """What the resolvers were asked, from W's log: (transport, name, port, id, resolver, edns or plain)."""
    return [l.split() for l in open(LOG)]


def names_asked():
    return [l[1] for l in asked()]


def ways_of(name):
    """By what it was asked for, first to last: how often is a matter of the machine's speed."""
    return list(dict.fromkeys(l[0] for l in asked() if l[1] == name))


def how(name):
    return list(dict.fromkeys(l[5] for l in asked() if l[1] == name))


def resolvers_of(name):
    return list(dict.fromkeys(l[4] for l in asked() if l[1] == name))


def case(what, *pairs):
    """Each pair: got, wanted (a value or a test)."""
    global number, failed
    number += 1
    wrong = [(i, g, w) for i, (g, w) in enumerate(pairs) if not (w(g) if callable(w) else g == w)]
    print(f"{'not ' if wrong else ''}ok {number} - {what}", flush=True)
    for i, got, wanted in wrong:
        print(f"# {i}: got {got!r}, wanted {wanted!r}")
    failed += bool(wrong)


def world():
    run("sh", "-ec", f"""
        ip link set lo up
        ip link add a0 type veth peer name w0
        ip link set w0 netns {W.split('/')[2]}
        ip addr add 192.0.2.1/24 dev a0; ip addr add 192.0.2.200/24 dev a0; ip addr add fd92::1/64 dev a0 nodad; ip link set a0 up
        ip route add default via 192.0.2.254; ip route add default via fd92::254
        echo 0 65535 >/proc/sys/net/ipv4/ping_group_range
        nsenter --net={W} sh -ec '
            for a in 192.0.2.53/24 192.0.2.54/24 192.0.2.55/24 192.0.2.56/24 192.0.2.57/24 192.0.2.58/24 192.0.2.7/24 192.0.2.254/24 172.30.0.9/32; do ip addr add $a dev w0; done
            for a in fd92::53/64 fd92::7/64 fd92::254/64; do ip addr add $a dev w0 nodad; done
            ip link set w0 up
            echo 1 >/proc/sys/net/ipv4/ip_forward
            # Each error is wanted here: a kernel lets one peer have one a second, and all of them a thousand.
            for f in ipv4/icmp_ratelimit ipv4/icmp_ratemask ipv6/icmp/ratelimit; do echo 0 >/proc/sys/net/$f; done
            for f in ipv4/icmp_msgs_per_sec ipv4/icmp_msgs_burst; do       # below 6.12 the first namespace has them alone
                [ ! -e /proc/sys/net/$f ] || echo 1000000 >/proc/sys/net/$f
            done
            ip route add unreachable 198.51.100.0/24; ip route add 203.0.113.0/24 via 192.0.2.99'
        """)
    server = subprocess.Popen(["nsenter", f"--net={W}", "python3", WORLD, LOG], stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"
    return server


def containers():
    run("nsenter", f"--net={C}", "sh", "-ec", """
        for a in 172.31.0.2/32 172.31.0.3/32; do ip addr add $a dev tun0; done
        for a in fd31::2/128 fd31::3/128; do ip addr add $a dev tun0 nodad; done
        ip link set tun0 up
        ip route add default dev tun0 src 172.31.0.2; ip -6 route add default dev tun0 src fd31::2""")
    gate.say("member web-1,web,tcp/80 172.31.0.2 fd31::2")
    gate.say("member web-2,web 172.31.0.3 fd31::3")
    gate.say("resolvers 192.0.2.53")


def story_names():
    case("members by name, in the search domain, in any case",
         (dig("web-1")[:2], ("NOERROR", ["A 172.31.0.2"])), (dig("WEB-2.lab")[:2], ("NOERROR", ["A 172.31.0.3"])),
         (dig("web-1", "AAAA")[:2], ("NOERROR", ["AAAA fd31::2"])), (dig("web-1", "MX")[:2], ("NOERROR", [])))
    case("replicas together, gateway, reverse names, SRV",
         (dig("web")[1], ["A 172.31.0.2", "A 172.31.0.3"]), (dig("gateway")[1], ["A 172.31.0.1"]),
         (dig("host.docker.internal", "AAAA")[1], ["AAAA fd31::1"]),
         (dig("-x", "172.31.0.3")[1], ["PTR web-2.lab."]), (dig("-x", "fd31::2")[1], ["PTR web-1.lab."]),
         (dig("_80._tcp.web", "SRV")[1], ["SRV 0 0 80 web-1."]))
    case("unknown names of ours, over IPv6, over TCP, and nothing of it went outside",
         (dig("nobody")[0], "NXDOMAIN"), (dig("nobody.lab")[0], "NXDOMAIN"), (dig("-x", "172.31.0.9")[0], "NXDOMAIN"),
         (dig("web-1", at="fd31::1", me="fd31::2")[1], ["A 172.31.0.2"]), (dig("web-1", "+tcp")[1], ["A 172.31.0.2"]),
         (dig("web-1", "+tcp", at="fd31::1", me="fd31::3")[1], ["A 172.31.0.2"]), (names_asked(), []))


def story_tcp():
    code = """
import os,time
def q(name,n=7): return (lambda m: struct.pack('>H',len(m))+m)(struct.pack('>6H',n,256,1,0,0,0)+bytes([len(name)])+name.encode()+b'\\0\\0\\1\\0\\1')
def go(parts,want,gap=0):
    s=socket.create_connection(('172.31.0.1',53),60,('172.31.0.2',0)); s.settimeout(60)
    for p in parts: s.sendall(p); time.sleep(gap)
    got=b''; n=0
    try:
        while n<want:
            d=s.recv(70000)
            if not d: return 'closed after %d'%n
            got+=d
            while len(got)>=2 and len(got)>=2+struct.unpack('>H',got[:2])[0]: got=got[2+struct.unpack('>H',got[:2])[0]:]; n+=1
        if want==0: return 'closed' if s.recv(9)==b'' else 'more'
        return n
    except socket.timeout: return 'silent after %d'%n
    except ConnectionResetError: return 'closed'
print(go([q('web-1')],1), go([q('web-1')*50],50), go([bytes([b]) for b in q('web-1')],1,0.01), go([b'\\0\\0'],0), go([b'\\377\\377'],0),
      go([b'\\0\\4abcd'],0), go([os.urandom(5000)],0), go([q('web-1'),b'\\0'],1))"""
    case("TCP: questions in a row, byte by byte; what is none ends the connection",
         (py(code), "1 50 1 closed closed closed closed 1"), (dig("web-1", "+tcp")[1], ["A 172.31.0.2"]))


def story_forward():
    first, before = dig("a.example"), len(asked())
    case("forwarded over UDP, then from the cache", (first[:2], ("NOERROR", ["A 203.0.113.7"])), (ways_of("a.example"), ["udp"]),
         (dig("A.example")[:2], ("NOERROR", ["A 203.0.113.7"])), (len(asked()), before))
    alias, first, before = dig("www.example")[1], dig("nx.example")[0], len(asked())
    case("alias and address; no such name, kept by its SOA", (alias, ["A 203.0.113.7", "CNAME a.example."]), (first, "NXDOMAIN"),
         (ways_of("nx.example"), ["udp"]), (dig("nx.example")[0], "NXDOMAIN"), (len(asked()), before))
    status, answers, flags = dig("big.example", "+ignore", "+bufsize=512")
    case("a cut answer is fetched by TCP, and cut again for who asks by UDP", (len(dig("mid.example", "+ignore")[1]), 40),
         ((status, "tc" in flags), ("NOERROR", True)), (len(dig("big.example", "+tcp")[1]), 100),
         (len(dig("big.example")[1]), 100), ({l[0] for l in asked() if l[1] == "big.example"}, {"udp", "tcp"}))
    code = """
import fcntl,time
def go(count):
    s=socket.create_connection(('172.31.0.1',53),60); s.settimeout(60)
    s.sendall(b''.join((lambda m: struct.pack('>H',len(m))+m)(struct.pack('>6H',i,256,1,0,0,0)+b'\\3big\\7example\\0\\0\\1\\0\\1') for i in range(count)))
    while count>100 and fcntl.ioctl(s,0x5411,bytes(4))!=bytes(4): time.sleep(0.01)      # SIOCOUTQ: the gateway has all of it
    n,got=0,s.makefile('rb')
    while len(h:=got.read(2))==2 and len(got.read(struct.unpack('>H',h)[0]))==1629:
        n+=1
        if n==count: break
    return n
print(go(100), 0<go(1000)<1000)"""
    case("TCP: more answers than its connection has room for wait; one that leaves too many of them is hung up on", (py(code), "100 True"))
    code = """
import contextlib,fcntl,time
q=b'\\0\\x1d'+struct.pack('>6H',1,256,1,0,0,0)+b'\\3big\\7example\\0\\0\\1\\0\\1'
def ask(count,me='172.31.0.2'):
    s=socket.socket(); s.bind((me,0)); s.setsockopt(socket.SOL_SOCKET,socket.SO_RCVBUF,4096); s.setsockopt(socket.IPPROTO_TCP,socket.TCP_NODELAY,1)
    s.connect(('172.31.0.1',53)); s.sendall(q*count)
    while fcntl.ioctl(s,0x5411,bytes(4))!=bytes(4): time.sleep(0.01)
    return s
hogs,got=[ask(180) for i in range(41)],set()        # 8 MiB if they were let
for s in ask(40),ask(40):
    for i in range(180):
        with contextlib.suppress(OSError): s.sendall(q)
        with socket.create_connection(('172.31.0.1',53),60) as c: c.sendall(q); got.add(len(c.makefile('rb').read(1631)))
late=[ask(180,'172.31.0.3') for i in range(4)]      # each leaves more than its connection has room for, and reads it after all
print(got,[len(c.makefile('rb').read(180*1631))//1631 for c in late])"""
    case("TCP: those who leave their answers take no other's, and no other container's room", (py(code), "{1631} [180, 180, 180, 180]"))
    case("who came by TCP is asked for by TCP", (dig("tcp.example", "+tcp")[1], ["A 203.0.113.7"]),
         (ways_of("tcp.example"), ["tcp"]))
    case("forged answers before the right one do not count", (dig("spoof.example")[1], ["A 203.0.113.7"]),
         (dig("flood.example")[1], ["A 203.0.113.7"]), (ways_of("flood.example"), ["udp", "tcp"]))
    case("a server that does not know EDNS, one that fails, hostile answers",
         (dig("plain.example")[1], ["A 203.0.113.7"]), (dig("fail.example")[0], "SERVFAIL"),
         (dig("hostile.example")[0], "SERVFAIL"))
    case("questions that are none", (dig("a.example", "CH", "-c", "CH")[0], "REFUSED"),
         (dig("a.example", "+edns=1", "+noednsnegotiation")[0], "BADVERS"), (dig("a.example", "+opcode=2")[0], "NOTIMP"))


def story_dead():
    gate.say("resolvers 192.0.2.53 192.0.2.53")
    case("a resolver that is named twice is one: no second pair of port and id to guess", (dig("late-0.example")[:2], ("NOERROR", ["A 203.0.113.7"])),
         (len({(*l[2:4],) for l in asked() if l[1] == "late-0.example"}), 1))
    gate.say("resolvers 192.0.2.53")
    first = dig("late-1.example")[:2]
    gate.say("resolvers 192.0.2.53 fd92::53")
    case("a slow resolver: its answer counts when it was asked again, from the same port with the same id, or another one was",
         (first, ("NOERROR", ["A 203.0.113.7"])), ([l[2:4] for l in asked() if l[1] == "late-1.example"], lambda l: len(l) > 1 and l.count(l[0]) == len(l)),
         (dig("late-2.example")[:2], ("NOERROR", ["A 203.0.113.7"])), (resolvers_of("late-2.example"), ["192.0.2.53", "fd92::53"]))
    gate.say("resolvers 192.0.2.53 fd92::53 192.0.2.55")
    case("... or it says only then that the answer is too long, or that it does not know EDNS: asked for it so",
         (dig("cut-late.example")[:2], ("NOERROR", ["A 203.0.113.7"])), (ways_of("cut-late.example"), ["udp", "tcp"]),
         (dig("form-late.example")[:2], ("NOERROR", ["A 203.0.113.7"])), (how("form-late.example"), ["edns", "plain"]))
    gate.say("resolvers 192.0.2.56")
    case("a resolver that does not see datagrams with EDNS: asked without, from the same port with the same id",
         (dig("blind-1.example")[:2], ("NOERROR", ["A 203.0.113.7"])), (how("blind-1.example"), ["edns", "plain"]),
         (len({(*l[2:4],) for l in asked() if l[1] == "blind-1.example"}), 1))
    before = len(asked())
    case("... and at once from then on; who guesses there ends UDP", (dig("blind-2.example")[:2], ("NOERROR", ["A 203.0.113.7"])),
         (how("blind-2.example"), ["plain"]), (dig("flood.example")[1], ["A 203.0.113.7"]),
         (list(dict.fromkeys(l[0] for l in asked()[before:] if l[1] == "flood.example")), ["udp", "tcp"]))
    case("... but what is said without EDNS to who wants signatures is not kept", *[(dig("blind-3.example", "+dnssec")[0], "NOERROR") for i in range(2)],
         (names_asked().count("blind-3.example"), lambda n: n >= 2))
    gate.say("resolvers 192.0.2.58 192.0.2.53")
    case("only silence is a reason to ask without it: an ICMP error to the check is none", (dig("unseen.example")[0], "NOERROR"),
         (dig("signed.example", "+dnssec")[0], "NOERROR"), (list(dict.fromkeys(l[-1] for l in asked() if l[-2] == "192.0.2.58")), ["edns"]))
    before = names_asked().count("signed.example")
    case("... and with it what has signatures is kept", (dig("signed.example", "+dnssec")[0], "NOERROR"), (names_asked().count("signed.example"), before))
    gate.say("resolvers 192.0.2.57 192.0.2.53 fd92::53 192.0.2.55")
    case("... though others are asked meanwhile, who say nothing", (dig("mute.example")[:2], ("NOERROR", ["A 203.0.113.7"])))
    # Never by the clock: who was asked stands in the log; 192.0.2.54 writes it and says nothing.
    gate.say("resolvers 192.0.2.54 192.0.2.53")
    case("a silent resolver: the next one answers", (dig("b1.example")[:2], ("NOERROR", ["A 203.0.113.7"])),
         (resolvers_of("b1.example"), ["192.0.2.54", "192.0.2.53"]))
    end, last, order_of = time.monotonic() + LIMIT, 0, []
    while order_of != ["192.0.2.53"] and time.monotonic() < end:
        last += 1
        dig(f"b-{last}.example")
        order_of = resolvers_of(f"b-{last}.example")
    case("once it is known to be dead it is asked last", (order_of, ["192.0.2.53"]))
    gate.say("resolvers 192.0.2.7")                    # a port that is closed there
    case("a resolver that refuses: SERVFAIL", (dig("c1.example")[0], "SERVFAIL"), (dig("c2.example")[0], "SERVFAIL"))
    gate.say("resolvers 192.0.2.54")
    case("all dead: SERVFAIL without asking", (dig("d2.example")[0], "SERVFAIL"), ("d2.example" in names_asked(), False))
    open(LOG + ".awake", "w").close()
    end = time.monotonic() + LIMIT
    while (status := dig("d3.example")[0]) != "NOERROR" and time.monotonic() < end:
        time.sleep(0.1)
    case("it is found again when it is back", (status, "NOERROR"), (dig("d4.example")[0], "NOERROR"))
    gate.say("resolvers 192.0.2.53")
    code = """
import os
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('172.31.0.3',0))
for i in range(2000):
    s.sendto(os.urandom(2)+bytes([1,0,0,1,0,0,0,0,0,0,10])+b'silent%04d'%i+bytes([7])+b'example'+bytes([0,0,1,0,1]),('172.31.0.1',53))"""
    py(code)
    case("slow names of one container: the other's are answered, the resolver is not taken for dead",
         *[(dig(f"i{i}.example")[0], "NOERROR") for i in range(8)],
         (len({n for n in names_asked() if n.startswith("silent")}), lambda n: 100 < n <= 128))
    gate.say("resolvers")
    case("no resolvers: SERVFAIL", (dig("e1.example")[0], "SERVFAIL"))
    run("ip", "link", "set", "a0", "down")
    gate.say("resolvers 192.0.2.53 fd92::53")
    case("offline: SERVFAIL at once, own names all the same",
         (order("f1.example", "web-1", "f2.example"), ["f1.example=2", "web-1=0", "f2.example=2"]), (dig("web-1")[1], ["A 172.31.0.2"]))
    run("sh", "-ec", "ip link set a0 up; ip addr add fd92::1/64 dev a0 nodad; ip route add default via 192.0.2.254;"
        "ip route add default via fd92::254")
    gate.say("resolvers fd92::53")
    case("a resolver by IPv6", (dig("g1.example")[:2], ("NOERROR", ["A 203.0.113.7"])))
    gate.say("resolvers 192.0.2.53")


def story_udp():
    sizes = (0, 1, 1472, 1473, 4000, 9000, 65507)
    case("echo over IPv4 with sizes up to the largest, in fragments",
         *[(echo("192.0.2.7", size=n), "same") for n in sizes])
    case("echo over IPv6, in fragments", *[(echo("fd92::7", size=n), "same") for n in (1, 1452, 1453, 9000, 65487)])
    case("refused and unreachable come back as errors",
         (echo("192.0.2.7", 99), "Connection refused"), (echo("fd92::7", 99), "Connection refused"),
         (echo("198.51.100.1"), lambda s: s in ("No route to host", "Network is unreachable")))
    before = gate.say("stats web-1")
    echo("192.0.2.7", size=100)
    after = gate.say("stats web-1")
    case("counted", (after["bytes_out"] - before["bytes_out"], 128), (after["bytes_in"] - before["bytes_in"], 128),
         (after["flows_udp"] - before["flows_udp"], 1))
    code = """
s=[]
for i in range(300):
    x=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); x.settimeout(60); x.bind(('172.31.0.3',0)); x.connect(('192.0.2.7',9)); s.append(x)
for r in range(3):
    for k in range(0,300,50):     # the echo's own socket buffer holds no more small ones
        for i,x in enumerate(s[k:k+50]): x.send(b'%d.%d'%(k+i,r))
        assert all(x.recv(99)==b'%d.%d'%(k+i,r) for i,x in enumerate(s[k:k+50]))
print('all')"""
    case("300 flows at once keep apart", (py(code), "all"), (gate.say("stats web-2")["flows_open"], 300))


def story_icmp():
    def ping(*words):
        return inside("python3", os.path.join(os.path.dirname(__file__), "gate_ping.py"), *words).strip()
    case("echo: the gateway, outside, large, IPv6",
         (ping("172.31.0.1"), "reply 56"), (ping("fd31::1"), "reply 56"), (ping("192.0.2.7"), "reply 56"),
         (ping("fd92::7"), "reply 56"), (ping("192.0.2.7", "4000"), "reply 4000"), (ping("fd92::7", "4000"), "reply 4000"))
    case("errors: no such network, time exceeded on the way, closed addresses",
         (ping("198.51.100.1"), lambda s: s.startswith("error 3 ")), (ping("203.0.113.9", "56", "1"), "error 11 0"),
         (ping("169.254.169.254"), "error 3 13"), (ping("192.0.2.1"), "error 3 13"))


def story_published():
    gate.say("publish 0.0.0.0 5000 7000 web-1")
    code = "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('172.31.0.2',7000)); print('up',flush=True)\n" \
           "while True:\n b,a=s.recvfrom(70000); s.sendto(('%s:%d '%a).encode()+b,a)"
    server = subprocess.Popen(["nsenter", f"--net={C}", "python3", "-c", "import socket\n" + code],
                              stdout=subprocess.PIPE, text=True)
    server.stdout.readline()

    def client(netns, to, size=5, source=None, wait=LIMIT):
        code = "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(float(sys.argv[4]))\n" \
               "if sys.argv[3]!='-': s.bind((sys.argv[3],0))\n" \
               "me=None; s.sendto(b'x'*int(sys.argv[2]),(sys.argv[1],5000))\n" \
               "b,a=s.recvfrom(70000); me=s.getsockname(); t=b.split(b' ',1)\n" \
               "print(t[0].decode().split(':')[0], len(t[1]), a[0], t[0].decode().split(':')[1]==str(me[1]))"
        enter = ["nsenter", f"--net={netns}"] if netns else []
        return run(*enter, "python3", "-c", "import socket,sys\n" + code, to, str(size), source or "-", str(wait), check=False).strip()
    case("a published UDP port: the client's address reaches the container, answers come from where it asked",
         (client(W, "192.0.2.1", source="192.0.2.7"), "192.0.2.7 5 192.0.2.1 True"),
         (client(W, "192.0.2.1", 9000, source="192.0.2.53"), "192.0.2.53 9000 192.0.2.1 True"),
         (client(W, "192.0.2.200", source="192.0.2.7"), "192.0.2.7 5 192.0.2.200 True"),
         (client(None, "127.0.0.1"), "172.31.0.1 5 127.0.0.1 True"))
    gate.say("withdraw")
    case("withdrawn: nobody answers", (client(W, "192.0.2.1", source="192.0.2.7", wait=SILENCE), lambda s: "timed out" in s or "refused" in s))
    server.kill()


def story_policy():
    closed = ["127.0.0.1", "0.0.0.1", "169.254.169.254", "192.0.2.1", "172.31.0.77", "172.30.0.9", "172.31.0.1",
              "240.0.0.1", "fd92::1", "fe80::1", "fd31::77", "fd31::1", "64:ff9b::7f00:1"]
    gate.say("forbidden 172.30.0.0/16")
    # 127/8 and the like never leave a container by themselves; what does is refused.
    refused = ("Connection refused", "Network is unreachable", "Permission denied", "Invalid argument", "No route to host",
               "Cannot assign requested address", "Operation not permitted", "timed out")
    machine = socket.create_server(("192.0.2.1", 9))
    case("closed addresses by TCP and UDP", *[(connect(a, 9, SILENCE), lambda s: s in refused) for a in closed if a != "127.0.0.1"],
         *[(echo(a, wait=SILENCE), lambda s: s in refused + ("silent",)) for a in closed if a != "127.0.0.1"],
         (connect("192.0.2.7", 9), "connected"))
    machine.close()
    gate.say("member web-1,web 172.31.0.2 fd31::2 allow 192.0.2.7 9 udp; allow allowed.example 9; allow-host 6000")
    case("an allow list by address, port and protocol; all else is denied",
         (echo("192.0.2.7"), "same"), (echo("192.0.2.53"), lambda s: s in refused), (connect("192.0.2.7", 9), lambda s: s in refused),
         (echo("192.0.2.7", me="172.31.0.3"), "same"), (echo("192.0.2.53", me="172.31.0.3"), "same"))
    before = echo("192.0.2.53")
    case("a name opens its addresses once it was asked for", (before, lambda s: s in refused),
         (dig("allowed.example")[1], ["A 192.0.2.53"]), (echo("192.0.2.53"), "same"))
    gate.say("member web-1,web 172.31.0.2 fd31::2 allow victim.example 9; allow alias.example 9")
    case("an answer opens nothing for a name that was not asked for, though it has an address of it",
         (dig("inject.example")[1], ["A 192.0.2.53", "A 203.0.113.7"]), (echo("192.0.2.53"), lambda s: s in refused))
    case("a name opens what it is an alias of", (echo("192.0.2.7"), lambda s: s in refused),
         (dig("alias.example")[1], ["A 192.0.2.7", "CNAME cdn.example."]), (echo("192.0.2.7"), "same"))
    case("a name cannot open what is closed",
         (dig("rebind.example", me="172.31.0.3")[1], ["A 127.0.0.1", "A 169.254.169.254", "A 192.0.2.1"]))
    gate.say("member web-1,web 172.31.0.2 fd31::2 allow rebind.example; allow *")
    dig("rebind.example")
    case("neither after it was asked for", (connect("192.0.2.1", 6000), lambda s: s in refused),
         (connect("169.254.169.254", 80), lambda s: s in refused))
    gate.say("member web-1,web 172.31.0.2 fd31::2 allow-host 6000")
    host = socket.create_server(("127.0.0.1", 6000))
    case("allow-host leads to the machine's loopback, that port alone",
         (connect("172.31.0.1", 6000), "connected"), (connect("172.31.0.1", 6001), "Connection refused"))
    host.close()
    gate.say("member web-1,web 172.31.0.2 fd31::2 rate 800k; dns-log; resolver 192.0.2.55")
    code = """
import time
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(1); s.bind(('172.31.0.2',0)); s.connect(('192.0.2.7',9)); n=0
begin=time.monotonic()
while n<400000 and time.monotonic()<begin+60:
    try: s.send(b'x'*972); n+=len(s.recv(2000))+28
    except socket.timeout: pass
print(n,time.monotonic()-begin)"""
    sent, took = map(float, py(code).split())
    # What may be saved up before (64 KiB and a second's worth), and never more than the rate from then on.
    case("a rate of 100 kB/s holds, and is given", (sent, lambda n: 400000 <= n < took * 100000 + 65536 + 100000))
    case("a container's own resolver, and the log of its questions",
         (dig("own.example")[1], ["A 203.0.113.55"]), (dig("own.example", me="172.31.0.3")[1], ["A 203.0.113.7"]),
         (gate.logged(), lambda s: re.search(r"dns container=web-1 type=A by=resolver answer=NOERROR "
                                             r"address=203.0.113.55 question=own.example", s)),
         (gate.logged(), lambda s: "container=web-2" not in s))
    gate.say("member web-1,web 172.31.0.2 fd31::2 resolver 192.0.2.1")
    case("which cannot be the machine itself", (dig("own2.example")[0], "SERVFAIL"))
    gate.say("member web-1,web 172.31.0.2 fd31::2")


def story_internal():
    gate.say("network internal")
    tap = subprocess.Popen(["tcpdump", "-i", "a0", "-n", "-w", os.path.join(WORK, "internal.pcap"), "-U",
                            "udp or tcp or icmp or (icmp6 and ip6[40] < 133)"], stderr=subprocess.PIPE, text=True)
    tap.stderr.readline()
    before = len(asked())
    results = [(dig("h1.example")[0], "NXDOMAIN"), (dig("h1.example", "+tcp")[0], "NXDOMAIN"),
               (dig("a.example")[0], "NXDOMAIN"), (dig("web-2")[1], ["A 172.31.0.3"]),
               (echo("192.0.2.7", wait=SILENCE), lambda s: s != "same"), (connect("192.0.2.7", 9, SILENCE), lambda s: s != "connected"),
               (echo("fd92::7", wait=SILENCE), lambda s: s != "same"), (len(asked()), before)]
    tap.terminate()
    tap.wait()
    packets = run("tcpdump", "-n", "-r", os.path.join(WORK, "internal.pcap"), check=False)
    case("an internal network: names of ours, nothing outside, not one packet", *results,
         ([l for l in packets.splitlines() if " IP" in l and "192.0.2" in l or "fd92" in l], []))
    gate.say("network open")


def story_leave():
    gate.say("leave web-2")
    case("who has left is nobody: no name, no flow", (dig("web-2")[0], "NXDOMAIN"),
         (echo("192.0.2.7", me="172.31.0.3", wait=SILENCE), "silent"), (echo("192.0.2.7"), "same"))


def story_entropy():
    run("ip", "link", "set", "lo", "up")
    for what, words in (("", []), (" without EDNS, where it is not seen,", ["plain"])):
        out = subprocess.run([os.path.join(WORK, "dns_entropy"), os.environ.get("QUESTIONS", "100000"), *words], stdout=subprocess.PIPE, text=True)
        print("#", out.stdout.strip())
        case(f"ids and ports of questions{what} cannot be guessed (30 bits)", (out.returncode, 0))


C, W = namespace("C"), namespace("W")
open(LOG, "w").close()
if os.path.exists(LOG + ".awake"):
    os.unlink(LOG + ".awake")
server = world()
gate = Gate(C)
containers()
for story in (story_names, story_tcp, story_forward, story_dead, story_udp, story_icmp, story_published, story_policy, story_internal,
              story_leave, story_entropy):
    if len(sys.argv) < 3 or story.__name__[6:] in sys.argv[2:]:
        story()
case("it ends cleanly, with nothing leaked (sanitizers)", (gate.end(), 0))
if failed:
    print("\n".join("# " + l for l in gate.logged().splitlines()[-30:]))
server.kill()
print(f"1..{number}")
sys.exit(failed > 0)
