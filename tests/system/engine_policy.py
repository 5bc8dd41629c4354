"""engine_policy.py - the two ends of the flows in engine_policy.sh.

  outside ADDRESS...   TCP echo on 80 and 81, 400,000 bytes to each client on 82, UDP echo on 80, DNS for good.example and
                       other.example (and what lies below) on 53; ends when its input does
  hold ADDRESS PORT    opens a TCP, a UDP and an echo flow, says "open"; at each line of its input says which still work
  load ADDRESS         reads all of port 82, says the seconds
  ask NAME SERVER      says the DNS answer's code and addresses
  metrics FORMAT FILE  what strict parsers make of it, text or openmetrics: the samples of each kind of family"""
import collections
import glob
import importlib
import os
import select
import socket
import struct
import sys
import time


def dns_answer(query, address):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    question = query[12:at + 5]
    name, kind = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0]
    known = name.endswith(("good.example", "other.example"))
    records = struct.pack(">HHHIH", 0xc00c, 1, 1, 300, 4) + socket.inet_aton(address) if known and kind == 1 else b""
    flags = 0x8180 if known else 0x8183
    return query[:2] + struct.pack(">HHHHH", flags, 1, 1 if records else 0, 0, 0) + question + records


def outside(addresses):
    listeners, datagrams, clients, payload = {}, {}, set(), b"x" * 400000
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in (80, 81, 82):
            listeners[socket.create_server((address, port), family=family)] = port
        for port in (80, 53):
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.bind((address, port))
            datagrams[s] = port
    print("serves", flush=True)
    while True:
        for s in select.select([0, *listeners, *datagrams, *clients], [], [])[0]:
            if s == 0:
                if not os.read(0, 1024):
                    return
            elif s in listeners:
                client = s.accept()[0]
                if listeners[s] == 82:
                    if os.fork() == 0:
                        client.sendall(payload)
                        os._exit(0)
                    client.close()
                else:
                    clients.add(client)
            elif s in datagrams:
                data, sender = s.recvfrom(2048)
                s.sendto(dns_answer(data, addresses[0]) if datagrams[s] == 53 else data, sender)
            else:
                try:
                    data = s.recv(65536)
                    s.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    clients.discard(s)
                    s.close()


def works(s, data, back):
    """Whether an answer comes; a raw socket hears others' too."""
    try:
        s.send(data)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            got = s.recv(2048)
            if back(got):
                return True
            if not got:
                return False
    except OSError:
        pass
    return False


def echo_request(family):
    """With its checksum, which the kernel makes for IPv6 alone (RFC 1071)."""
    data = struct.pack(">BBHHH", 128 if family == socket.AF_INET6 else 8, 0, 0, os.getpid() & 0xffff, 1) + b"hello!"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return data[:2] + struct.pack(">H", ~(total + (total >> 16)) & 0xffff) + data[4:]


def hold(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    six = family == socket.AF_INET6
    # Ping sockets are for groups of the container's own user namespace.
    flows = {
        "tcp": (socket.socket(family, socket.SOCK_STREAM), b"hello", lambda got: got == b"hello"),
        "udp": (socket.socket(family, socket.SOCK_DGRAM), b"hello", lambda got: got == b"hello"),
        "icmp": (socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP), echo_request(family),
                 (lambda got: got[0] == 129) if six else (lambda got: got[20] == 0 and got[28:] == b"hello!")),
    }
    for name, (s, _, _) in flows.items():
        s.settimeout(1)
        s.connect((address, {"tcp": port, "udp": 80}.get(name, 0)))
    say = "open"
    while True:
        print(say, *[name for name, (s, data, back) in flows.items() if works(s, data, back)], flush=True)
        if not sys.stdin.readline():
            return
        say = "still"


def load(address):
    start, got = time.monotonic(), 0
    with socket.create_connection((address, 82), timeout=30) as s:
        while chunk := s.recv(65536):
            got += len(chunk)
    print(got, f"{time.monotonic() - start:.1f}")


def ask(name, server):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((server, 53))
        s.send(struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + question)
        answer = s.recv(2048)
    print("code", answer[3] & 15, "answers", struct.unpack(">H", answer[6:8])[0])


def metrics(form, path):
    sys.path += glob.glob("prometheus_client-*.whl")
    parser = importlib.import_module("prometheus_client." + {"text": "parser", "openmetrics": "openmetrics.parser"}[form])
    with open(path, encoding="utf-8") as file:
        families = list(parser.text_string_to_metric_families(file.read()))
    count = collections.Counter()
    for family in families:
        count[family.type] += len(family.samples)
    print(len(families), "families", *(f"{kind}={count[kind]}" for kind in sorted(count)))


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if verb == "outside":
        outside(words)
    elif verb == "hold":
        hold(words[0], int(words[1]))
    elif verb == "load":
        load(*words)
    elif verb == "metrics":
        metrics(*words)
    else:
        ask(*words)
