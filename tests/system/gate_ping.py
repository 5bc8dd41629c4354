"""gate_ping.py ADDRESS [BYTES [TTL [SECONDS]]] - one echo by a raw socket: "reply BYTES", "error TYPE CODE" or "silent"."""
import os
import select
import socket
import struct
import sys

address, size, ttl = sys.argv[1], int((sys.argv + ["56", "56"])[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 64
six = ":" in address
wait = float(sys.argv[4]) if len(sys.argv) > 4 else 60
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 58 if six else 1)
if six:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
else:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
data = bytes(i % 251 for i in range(size))
head = struct.pack(">BBHHH", 128 if six else 8, 0, 0, os.getpid() & 0xffff, 3)
if not six:
    padded = head + data + b"\0" * (size % 2)
    total = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    head = head[:2] + struct.pack(">H", ~total & 0xffff) + head[4:]
s.sendto(head + data, (address, 0))
while select.select([s], [], [], wait)[0]:
    got = s.recv(70000)
    got = got if six else got[(got[0] & 15) * 4:]
    if got[0] == (129 if six else 0) and got[4:8] == head[4:8]:
        print("reply", len(got) - 8 if got[8:] == data else "other")
        break
    inner = got[8:][40 if six else (got[8] & 15) * 4:] if len(got) > 28 and got[0] not in (8, 128, 0, 129) else b""
    if inner[4:8] == head[4:8]:
        print("error", got[0], got[1])
        break
else:
    print("silent")
