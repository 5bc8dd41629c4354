"""netspoof - what a container with CAP_NET_RAW can say on its link in other people's names (SECURITY F2): ARP, neighbour
discovery, router advertisements, DHCP, redirects, foreign source addresses. Its neighbour's tables must stay as they are, and
nothing of it may arrive there or at the gateway."""
import socket
import struct

from netlib import within

MARK = b"spoofed!"
ALL, ROUTER, OTHER = b"\xff" * 6, bytes.fromhex("026375760001"), bytes.fromhex("0242ac120003")
OWN = bytes.fromhex("0242ac120002")
ICMPV6, UDP, ICMP = 58, 17, 1


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def a4(text):
    return socket.inet_aton(text)


def a6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def ether(to, kind, payload, source=OWN):
    return to + source + struct.pack("!H", kind) + payload


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + sender_mac + a4(sender) + target_mac + a4(target)


def ipv4(source, to, protocol, payload):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + a4(source) + a4(to)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source, to, protocol, payload, hops=255):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + a6(source) + a6(to) + payload


def icmp6(source, to, kind, body):
    pseudo = a6(source) + a6(to) + struct.pack("!II", 8 + len(body) - 4, ICMPV6)
    packet = struct.pack("!BBH", kind, 0, 0) + body
    packet = packet[:2] + struct.pack("!H", checksum(pseudo + packet)) + packet[4:]
    return ipv6(source, to, ICMPV6, packet)


def udp(port_from, port_to, data):
    return struct.pack("!HHHH", port_from, port_to, 8 + len(data), 0) + data


def udp6(source, to, data):
    packet = udp(9, 9, data)
    sum_ = checksum(a6(source) + a6(to) + struct.pack("!II", len(packet), UDP) + packet)
    return ipv6(source, to, UDP, packet[:6] + struct.pack("!H", sum_) + packet[8:])


def frames(own4, other4, gate4, own6, other6, gate6):
    """what it is -> frame, each once to everybody, to the router and straight to the neighbour"""
    lladdr = b"\2\1" + OWN
    for to in (ALL, ROUTER, OTHER):
        for name, claimed in (("gateway", gate4), ("neighbour", other4), ("itself as someone new", "172.18.9.9")):
            yield f"ARP reply as {name}", ether(to, 0x0806, arp(2, OWN, claimed, OTHER, other4))
            yield f"ARP request as {name}", ether(to, 0x0806, arp(1, OWN, claimed, b"\0" * 6, other4))
            yield f"ARP announcement as {name}", ether(to, 0x0806, arp(1, OWN, claimed, b"\0" * 6, claimed))
        for name, claimed in (("gateway", gate6), ("neighbour", other6)):
            yield f"neighbour advertisement as {name}", ether(to, 0x86dd, icmp6(claimed, other6, 136, b"\xa0\0\0\0" + a6(claimed) + lladdr))
            yield f"neighbour solicitation as {name}", ether(to, 0x86dd, icmp6(claimed, other6, 135, b"\0" * 4 + a6(other6) + b"\1\1" + OWN))
        prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 86400, 86400, 0) + a6("2001:db8:bad::")
        for source in ("fe80::42:acff:fe12:2", gate6, own6):
            for target in ("ff02::1", other6):
                yield f"router advertisement from {source}", ether(to, 0x86dd, icmp6(source, target, 134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + b"\1\1" + OWN + prefix))
        yield "ICMPv6 redirect", ether(to, 0x86dd, icmp6("fe80::1", other6, 137, b"\0" * 4 + a6(own6) + a6("2001:db8::1")))
        redirect = struct.pack("!BBH", 5, 1, 0) + a4(own4) + ipv4(other4, "8.8.8.8", UDP, udp(9, 9, MARK))
        redirect = redirect[:2] + struct.pack("!H", checksum(redirect)) + redirect[4:]
        yield "ICMP redirect as the gateway", ether(to, 0x0800, ipv4(gate4, other4, ICMP, redirect))
        offer = struct.pack("!BBBBIHH", 2, 1, 6, 0, 7, 0, 0x8000) + a4("0.0.0.0") + a4(other4) + a4(own4) * 2 + OTHER + b"\0" * 202 + \
            b"\x63\x82\x53\x63\x35\1\2\x36\4" + a4(own4) + b"\3\4" + a4(own4) + b"\xff" + MARK
        yield "DHCP offer", ether(to, 0x0800, ipv4(own4, "255.255.255.255", UDP, udp(67, 68, offer)))
        yield "DHCP question", ether(to, 0x0800, ipv4("0.0.0.0", "255.255.255.255", UDP, udp(68, 67, MARK)))
        for source in (other4, gate4, "172.18.77.77", "172.19.0.2", "8.8.8.8", "127.0.0.1", "127.0.0.11", "0.0.0.0", "255.255.255.255", "224.0.0.1", "10.9.0.1"):
            for target in (other4, "8.8.8.8"):
                yield f"source {source} to {target}", ether(to, 0x0800, ipv4(source, target, UDP, udp(9, 9, MARK)))
        for source in (other6, gate6, "fd00:18::7777", "2001:db8::8", "::1", "::", "fe80::1", "::ffff:8.8.8.8", "100:0:0:1::1", "fd09::1"):
            for target in (other6, "2001:db8::9"):
                yield f"source {source} to {target}", ether(to, 0x86dd, udp6(source, target, MARK))
        yield "its own address, on the neighbour's broadcast", ether(to, 0x0800, ipv4(own4, "172.18.255.255", UDP, udp(9, 9, MARK)))
        yield "foreign source MAC", ether(to, 0x0806, arp(2, OTHER, other4, ROUTER, gate4), OTHER)


def spoof(t, netd, a, b, network, four, six):
    own4, other4, gate4 = four
    own6, other6, gate6 = six
    before = b.tables()
    log_at = len(netd.log())
    raw = a.open(socket.AF_PACKET, socket.SOCK_RAW, 0)
    ears = b.open(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.bind(("eth0", 0))
    ears.bind(("eth0", 3))
    count = 0
    for _, frame in frames(own4, other4, gate4, own6, other6, gate6):
        raw.send(frame)
        count += 1
    # Honest ones behind them, by the same way: when these have arrived, all before have arrived or never will.
    for honest in (ether(ROUTER, 0x0800, ipv4(own4, other4, UDP, udp(9, 9, b"honest4!"))), ether(ROUTER, 0x86dd, udp6(own6, other6, b"honest6!")),
                   ether(ROUTER, 0x0800, ipv4(own4, "9.9.9.9", UDP, udp(9, 9, b"honest"))), ether(ROUTER, 0x86dd, udp6(own6, "2001:db8::f", b"honest"))):
        raw.send(honest)
    heard, honest = [], set()
    while honest != {b"honest4!", b"honest6!"}:
        frame = ears.recv(2048)
        if frame[6:12] == ROUTER and frame[-8:] in (b"honest4!", b"honest6!"):
            honest.add(frame[-8:])
        # What has its own address may come: with a hop limit below 255 it is an advertisement to nobody (RFC 4861 6.1.2).
        elif frame[6:12] != OTHER and not (frame[12:14] == b"\x86\xdd" and frame[22:38] == a6(own6) and frame[21] < 255):
            heard.append(frame)
    raw.close()
    ears.close()
    t.ok(f"{count} spoofed frames: the neighbour hears none", not heard, "\n".join(f.hex() for f in heard))
    after = b.tables()
    t.ok("its tables are as before", before == after, "\n".join(f"{k}\n{before[k]}\n{after[k]}" for k in before if before[k] != after[k]))
    t.ok("honest packets reach the gateway", within(lambda: f"gate {network}: packet {own4} > 9.9.9.9" in netd.log()[log_at:]
                                                    and f"gate {network}: packet {own6} > 2001:db8::f" in netd.log()[log_at:]), netd.log()[log_at:])
    # The router itself says which groups it listens to, from no address.
    fair = (f"packet {own4} >", f"packet {own6} >", "packet :: > ff02::16")
    strange = [line for line in netd.log()[log_at:].splitlines() if ": packet " in line and not any(f in line for f in fair)]
    t.ok("no other source does", not strange, "\n".join(strange))
