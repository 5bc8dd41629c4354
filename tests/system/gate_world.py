"""gate_world.py LOG [ADDRESS...] - the world outside of a gateway: resolvers with habits, an echo on port 9 (UDP and TCP).

Each question is a line of LOG: transport, name, the asker's port, id, the address that was asked, edns or plain. What is answered goes by
the first label. 192.0.2.54 answers only while there is LOG.awake; 192.0.2.56 and 192.0.2.57 do not see datagrams with EDNS, nor does
192.0.2.58, for which somebody says to who asks so for the root's servers that nobody is there.
"""
import os
import selectors
import socket
import struct
import sys

ADDRESSES = ["192.0.2.53", "fd92::53", "192.0.2.7", "fd92::7"]
BLIND = ["192.0.2.56", "192.0.2.57", "192.0.2.58"]
log = open(sys.argv[1], "a", buffering=1)
selector = selectors.DefaultSelector()
waiting = {}    # name -> how it was asked for first


def wire(name):
    return b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0"


def record(type_, data, name=b"\xc0\x0c", ttl=300):
    return name + struct.pack(">HHIH", type_, 1, ttl, len(data)) + data


def a(*addresses):
    return [record(1, socket.inet_aton(x)) for x in addresses]


def message(id_, question, rcode=0, answers=(), authority=(), flags=0x8180):
    return struct.pack(">6H", id_, flags | rcode, 1, len(answers), len(authority), 0) + question + \
        b"".join(answers) + b"".join(authority)


def answers_to(name, id_, question, opt, transport):
    """The messages that are sent back."""
    right = message(id_, question, 0, a("203.0.113.7"))
    forged = message(id_ ^ 1, question, 0, a("6.6.6.6"))
    soa = record(6, wire("ns") + wire("admin") + struct.pack(">5I", 1, 2, 3, 4, 60), wire("example"))
    label = name.split(".")[0]
    if label == "www":
        return [message(id_, question, 0, [record(5, wire("a.example")), record(1, socket.inet_aton("203.0.113.7"), wire("a.example"))])]
    if label == "nx":
        return [message(id_, question, 3, authority=[soa])]
    if label == "big":
        if transport == "udp":
            return [message(id_, question, 0, a("1.1.1.1")[:1], flags=0x8380)]
        return [message(id_, question, 0, a(*[f"203.0.113.{i}" for i in range(100)]))]
    if label == "mid":
        return [message(id_, question, 0, a(*[f"203.0.113.{i}" for i in range(40)][:40 * (transport == "tcp")]),
                        flags=0x8380 if transport == "udp" else 0x8180)]
    if label == "spoof":
        return [forged] * 5 + [message(id_, wire("other.example") + question[-4:], 0, a("6.6.6.6")), right]
    if label == "flood" and transport == "udp":
        return [forged] * 40
    if label == "plain" and opt:
        return [message(id_, question, 1)]
    if label == "signed" and opt:
        return [right[:10] + b"\0\1" + right[12:] + b"\0" + struct.pack(">HHIH", 41, 1232, 0x8000, 0)]
    if label == "fail":
        return [message(id_, question, 2)]
    if label == "hostile":      # a pointer to itself, data beyond the end, a count that lies
        return [message(id_, question, 0, [b"\xc0" + bytes([12 + len(question)]) + b"\0\1\0\1\0\0\0\1\0\4abcd"]),
                message(id_, question, 0, a("6.6.6.6"))[:-2], message(id_, question, 0, a("6.6.6.6")) + b"x",
                struct.pack(">6H", id_, 0x8180, 1, 65535, 0, 0) + question]
    if label == "allowed":
        return [message(id_, question, 0, a("192.0.2.53"))]
    if label == "inject":       # another name's address beside its own
        return [message(id_, question, 0, a("203.0.113.7") + [record(1, socket.inet_aton("192.0.2.53"), wire("victim.example"))])]
    if label == "alias":
        return [message(id_, question, 0, [record(5, wire("cdn.example")), record(1, socket.inet_aton("192.0.2.7"), wire("cdn.example"))])]
    if label == "rebind":
        return [message(id_, question, 0, a("127.0.0.1", "169.254.169.254", "192.0.2.1"))]
    return [right]


def read_question(data):
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin1"))
        at += 1 + data[at]
    return ".".join(labels), struct.unpack(">H", data[:2])[0], data[12:at + 5], data[10:12] != b"\0\0"


def refuse(me, who):
    """ICMP port unreachable about a datagram of who's."""
    about = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 17, 0, socket.inet_aton(who[0]), socket.inet_aton(me))
    out = struct.pack(">BBHI", 3, 3, 0, 0) + about + struct.pack(">4H", who[1], 53, 20, 0)
    total = sum(struct.unpack(f">{len(out) // 2}H", out))
    total = (total & 0xffff) + (total >> 16)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.bind((me, 0))
        s.sendto(out[:2] + struct.pack(">H", ~(total + (total >> 16)) & 0xffff) + out[4:], (who[0], 0))


def on_udp(s):
    data, who = s.recvfrom(70000)
    name, id_, question, opt = read_question(data)
    me = s.getsockname()[0]
    print("udp", name, who[1], id_, me, "edns" if opt else "plain", file=log)
    if opt and not name and me == BLIND[2]:
        refuse(me, who)
    if opt and me in BLIND or name.startswith("mute") and me not in BLIND:
        return
    if name.startswith(("cut-late", "form-late")):      # ... and then is told how to ask; who asks so has the answer
        if name not in waiting:
            waiting[name] = s, id_, question, who
        elif waiting[name]:
            first, id_, question, who = waiting[name]
            waiting[name] = None
            first.sendto(message(id_, question, flags=0x8380) if name[0] == "c" else message(id_, question, 1), who)
        elif name[0] == "f" and not opt:
            s.sendto(message(id_, question, 0, a("203.0.113.7")), who)
        return
    if name.startswith("late"):     # who asks again has the answer to what was asked first, and no other
        if name in waiting:
            first, id_, question, who = waiting.pop(name)
            first.sendto(message(id_, question, 0, a("203.0.113.7")), who)
        else:
            waiting[name] = s, id_, question, who
        return
    if name.startswith("silent") or me == "192.0.2.54" and not os.path.exists(sys.argv[1] + ".awake"):
        return
    if me == "192.0.2.55":
        s.sendto(message(id_, question, 0, a("203.0.113.55")), who)
        return
    for out in answers_to(name, id_, question, opt, "udp"):
        s.sendto(out, who)


def on_tcp(s):
    c, who = s.accept()
    c.settimeout(20)
    try:
        length = struct.unpack(">H", c.recv(2, socket.MSG_WAITALL))[0]
        data = c.recv(length, socket.MSG_WAITALL)
        name, id_, question, opt = read_question(data)
        print("tcp", name, who[1], id_, s.getsockname()[0], "edns" if opt else "plain", file=log)
        for out in answers_to(name, id_, question, opt, "tcp"):
            # In two pieces: a length is not a message.
            c.sendall(struct.pack(">H", len(out))[:1])
            c.sendall(struct.pack(">H", len(out))[1:] + out)
    except (OSError, struct.error):
        pass
    c.close()


def on_echo(s):
    data, who = s.recvfrom(70000)
    s.sendto(data, who)


def on_connection(s):
    s.accept()[0].close()


def serve(address, port, kind, call):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if s.family == socket.AF_INET:
        s.setsockopt(socket.IPPROTO_IP, 15, 1)      # IP_FREEBIND: a test that asks nobody there has no such address
    s.bind((address, port))
    if kind == socket.SOCK_STREAM:
        s.listen(64)
    selector.register(s, selectors.EVENT_READ, call)


for x in ADDRESSES + sys.argv[2:]:
    serve(x, 9, socket.SOCK_DGRAM, on_echo)
    serve(x, 9, socket.SOCK_STREAM, on_connection)
for x in ADDRESSES[:2] + ["192.0.2.54", "192.0.2.55"] + BLIND:
    serve(x, 53, socket.SOCK_DGRAM, on_udp)
    serve(x, 53, socket.SOCK_STREAM, on_tcp)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        key.data(key.fileobj)
