"""net_names.py - the story of net_names.sh. Prints TAP.

    front 172.18.0.0/16 -- b, a            a's way out is front: it asks front's gateway for the names of all three
    back  172.19.0.0/16 -- a, c, later d   (internal)
    deep  172.20.0.0/16 -- e, later a
"""
import os
import re
import signal
import subprocess

from netlib import LIMIT, UDP, V4, Namespace, Netd, Tap, hello, outside_with_names, within

t = Tap("net_names")
TCP_PORT = 6 << 16  # as NET_ATTACH has it
asked = []          # of the world


def name_server(sock):
    """Nobody is anywhere; what is asked is kept."""
    while True:
        data, peer = sock.recvfrom(4096)
        name, at = [], 12
        while data[at]:
            name.append(data[at + 1:at + 1 + data[at]].decode().lower())
            at += 1 + data[at]
        if name:
            asked.append(".".join(name))
        sock.sendto(data[:2] + b"\x81\x83" + data[4:6] + bytes(6) + data[12:at + 5], peer)


def dig(ns, *words, server="172.18.0.1"):
    """(status, answers) as text: "NOERROR A 172.18.0.3"."""
    with ns:
        out = subprocess.run(["dig", f"@{server}", f"+tries={LIMIT // 5}", "+time=5", "+noall", "+comments", "+answer", *words],
                             capture_output=True, text=True).stdout
    status = re.search(r"status: (\w+)", out)
    answers = sorted(" ".join(line.split()[3:]) for line in out.splitlines() if line and not line.startswith(";"))
    return " ".join([status.group(1) if status else out, *answers])


def is_(what, ns, *cases, server="172.18.0.1"):
    """One verdict for some questions: (words of dig, what is answered), each once its gateway has read what it was told."""
    for words, want in cases:
        got = []
        if not within(lambda: got.append(dig(ns, *words.split(), server=server)) or got[-1] == want):
            t.ok(what, False, f"dig {words}: {got[-1]}, not {want}")
            return
    t.ok(what, True)


far = outside_with_names(name_server)
a, b, c, d, e = (Namespace() for _ in range(5))
netd = Netd()
ask = netd.ask
ask("create", "front", "172.18.0.0/16", "172.18.0.1", "fd00:18::/64", "fd00:18::1")
ask("create", "back", "172.19.0.0/16", "172.19.0.1", "fd00:19::/64", "fd00:19::1", "internal")
ask("create", "deep", "172.20.0.0/16", "172.20.0.1", "-", "-")
A_ON_BACK = ("attach", "back", "a", a.path, "172.19.0.2", "fd00:19::2", "if=eth1", "more", "name=a")
A_ON_DEEP = ("attach", "deep", "a", a.path, "172.20.0.2", "-", "if=eth2", "more", "name=a")
D = ("attach", "back", "d", d.path, "172.19.0.4", "-", "name=d", "name=db")
for words in (("attach", "front", "b", b.path, "172.18.0.3", "fd00:18::3", "name=b-1", "name=b", "name=www", f"port={TCP_PORT | 80}"),
              ("attach", "back", "c", c.path, "172.19.0.3", "fd00:19::3", "name=db-1", "name=db", "name=store", f"port={TCP_PORT | 5432}"),
              ("attach", "deep", "e", e.path, "172.20.0.3", "-", "name=e", "name=db"),
              ("attach", "front", "a", a.path, "172.18.0.2", "fd00:18::2", "name=a", "name=front-a")):
    t.is_(" ".join(words[:3]), ask(*words), f"done {words[1]}")

# ---- before
is_("one network: the other's names are nobody's", a, ("db A", "NXDOMAIN"), ("store AAAA", "NXDOMAIN"))
t.is_("a is on back too", ask(*A_ON_BACK), "done back")

# ---- who is on both
OWN = [("b A", "NOERROR A 172.18.0.3"), ("www AAAA", "NOERROR AAAA fd00:18::3"), ("b.front A", "NOERROR A 172.18.0.3"),
       ("_80._tcp.b SRV", "NOERROR SRV 0 0 80 b-1."), ("-x 172.18.0.3", "NOERROR PTR b-1.front."),
       ("front-a A", "NOERROR A 172.18.0.2"), ("gateway A", "NOERROR A 172.18.0.1")]
PEERS = [("db A", "NOERROR A 172.19.0.3"), ("DB-1 AAAA", "NOERROR AAAA fd00:19::3"), ("store A", "NOERROR A 172.19.0.3"),
         ("store.back AAAA", "NOERROR AAAA fd00:19::3"), ("_5432._tcp.db SRV", "NOERROR SRV 0 0 5432 db-1.back."),
         ("_tcp.store.back SRV", "NOERROR SRV 0 0 5432 db-1.back."), ("-x 172.19.0.3", "NOERROR PTR db-1.back."),
         ("-x fd00:19::3", "NOERROR PTR db-1.back."), ("a.back A", "NOERROR A 172.19.0.2"), ("db A +tcp", "NOERROR A 172.19.0.3")]
NOBODY = [("nobody A", "NXDOMAIN"), ("nobody.back A", "NXDOMAIN"), ("-x 172.19.0.99", "NXDOMAIN"), ("-x 172.19.0.1", "NXDOMAIN")]
is_("peers of the own network: A, AAAA, alias, SRV, PTR", a, *OWN)
is_("peers of the other one: the same", a, *PEERS)
is_("nobody there is nobody at all", a, *NOBODY)
t.is_("the address that is answered is one that it reaches", hello(a, c, dig(a, "db").split()[-1]), "172.19.0.2")
is_("the other network's gateway answers it too", a, ("b A", "NOERROR A 172.18.0.3"), ("db A", "NOERROR A 172.19.0.3"),
    ("gateway A", "NOERROR A 172.19.0.1"), server="172.19.0.1")
is_("over IPv6", a, ("db A", "NOERROR A 172.19.0.3"), server="fd00:18::1")
t.is_("nothing of that went outside", asked, [])

# ---- who is not
is_("a member of one network: the other's names are nobody's", b, ("db A", "NXDOMAIN"), ("store AAAA", "NXDOMAIN"), ("db-1 A", "NXDOMAIN"))
is_("its domain, addresses and ports like any of outside", b, ("db.back A", "NXDOMAIN"), ("-x 172.19.0.3", "NXDOMAIN"), ("-x fd00:19::3", "NXDOMAIN"),
    ("_5432._tcp.db-1.back SRV", "NXDOMAIN"))
t.is_("where they were asked for", {n for n in asked if not n.endswith("ip6.arpa")}, {"db.back", "3.0.19.172.in-addr.arpa", "_5432._tcp.db-1.back"})
asked.clear()
is_("an internal network tells its members nothing of the other one, and asks nobody", c, ("b A", "NXDOMAIN"), ("b.front A", "NXDOMAIN"),
    ("-x 172.18.0.3", "NXDOMAIN"), ("example.org A", "NXDOMAIN"), ("db A", "NOERROR A 172.19.0.3"), server="172.19.0.1")
t.is_("not one question arrived at the resolver", asked, [])
is_("a third one is no neighbour", a, ("e A", "NXDOMAIN"))

# ---- what changes is seen
asked.clear()
t.is_("d joins back", ask(*D), "done back")
is_("it is there, and one of two of its name", a, ("d A", "NOERROR A 172.19.0.4"), ("db A", "NOERROR A 172.19.0.3 A 172.19.0.4"),
    ("-x 172.19.0.4", "NOERROR PTR d.back."))
ask(*D[:-2], "name=dd", "name=db", f"port={TCP_PORT | 99}")
is_("it is called something else, and listens", a, ("d A", "NXDOMAIN"), ("dd A", "NOERROR A 172.19.0.4"), ("_99._tcp.db SRV", "NOERROR SRV 0 0 99 dd.back."))
t.is_("it leaves", ask("detach", "back", "d"), "done back")
is_("it is gone", a, ("dd A", "NXDOMAIN"), ("-x 172.19.0.4", "NXDOMAIN"), *PEERS)
t.is_("a joins a third network", ask(*A_ON_DEEP), "done deep")
is_("the first by name answers; each by its own", a, ("e A", "NOERROR A 172.20.0.3"), ("db A", "NOERROR A 172.19.0.3"), ("db.deep A", "NOERROR A 172.20.0.3"), *OWN)
t.is_("it leaves back", ask("detach", "back", "a"), "done back")
is_("back is nobody's any more, and deep answers", a, ("store A", "NXDOMAIN"), ("db A", "NOERROR A 172.20.0.3"), *OWN)
t.is_("nothing of that went outside", asked, [])
t.is_("it comes again", ask(*A_ON_BACK), "done back")
is_("and so do the names", a, *PEERS)

# ---- a gateway is killed
ALL = [*OWN, *PEERS, *NOBODY, ("e A", "NOERROR A 172.20.0.3"), ("db.deep A", "NOERROR A 172.20.0.3")]
before = netd.gateways()["front"]
os.kill(before, signal.SIGKILL)
t.ok("front's gateway is killed; another one comes", within(lambda: netd.gateways().get("front", before) != before))
is_("and answers the same", a, *ALL)
is_("and the others no more than before", b, ("db A", "NXDOMAIN"), ("store A", "NXDOMAIN"), ("e A", "NXDOMAIN"), ("-x 172.19.0.3", "NXDOMAIN"))
before = netd.gateways()["back"]
os.kill(before, signal.SIGKILL)
t.ok("so does back's", within(lambda: netd.gateways().get("back", before) != before))
is_("who asks it is told the same, too", a, ("b A", "NOERROR A 172.18.0.3"), ("e A", "NOERROR A 172.20.0.3"), server="172.19.0.1")

# ---- a network goes
t.is_("deep is deleted", ask("delete", "deep"), "done deep")
is_("its names are nobody's", a, ("e A", "NXDOMAIN"), *PEERS, *OWN)
t.ok("no gateway had anything to complain of", not re.search(r"(warn|err) netd: gateway of network \w+: .*(names|neighbour|PEER|NEIGHBOUR)", netd.log()), netd.log())

# ---- a log of questions that is more than netd takes
QUESTIONS, WINDOW = 5000, 16
ask("attach", "back", "c", c.path, "172.19.0.3", "fd00:19::3", "policy=dns-log", "name=db-1", "name=db", "name=store")
within(lambda: dig(c, "db A", server="172.19.0.1") and "dns container=c " in netd.log())
log_at, answered = len(netd.log()), 0
with c.open(V4, UDP) as s:
    s.settimeout(LIMIT)
    s.connect(("172.19.0.1", 53))
    for i in range(QUESTIONS + WINDOW):
        if i < QUESTIONS:
            s.send(i.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0\5store\0\0\1\0\1")
        if i >= WINDOW:
            answered += s.recv(512)[3] & 15 == 0
t.is_(f"{QUESTIONS} questions are answered", answered, QUESTIONS)


def told():
    """Lines of them, and lines that are said to be lost."""
    log = netd.log()[log_at:]
    return len(re.findall(r"dns container=c .*question=store\n", log)), sum(map(int, re.findall(r"dns lost=([0-9]+): ", log)))


t.ok("each is in the log or counted there as lost", within(lambda: sum(told()) == QUESTIONS), told())
print("# in the log, lost:", told())
t.ok("of which are some", min(told()) > 0, told())
netd.end()
t.end()
