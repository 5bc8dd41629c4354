"""gate_ports - published ports as clients and containers see them. usage: gate_ports.py GATED"""
import concurrent.futures
import os
import select
import signal
import socket
import struct
import threading
import time

import gatelib
from gate_clients import OUTSIDE, PATIENCE_S, connect, read_all, read_line, upload, who, within
from gate_published import CLIENT, CLIENT6, INSIDE, OUTSIDE6, main, test, web, world
from gate_servers import echo_server, silent, special_server
from gatelib import Container, cpu_of, pipes_of, size_of

RESTARTS, CONNECTIONS = int(os.environ.get("RESTARTS", 20)), int(os.environ.get("CONNECTIONS", 10000))
OPEN_FIELD = 17		# of the counters: published_open
REFUSED_FIELD = 18	# published_refused


# ---- the story

@test
def real_client_address():
    """the container sees the client's own address and port, of both families"""
    c = web()
    with world(c) as netd:
        v4, v6, both = netd.publish("v4", OUTSIDE, 80), netd.publish("v6", OUTSIDE6, 80), netd.publish("both", "::", 80)
        for key in ("v4", "v6", "both"):
            netd.backend(key, c)
        for port, host, source in ((v4, OUTSIDE, CLIENT), (v6, OUTSIDE6, CLIENT6), (both, OUTSIDE, CLIENT), (both, OUTSIDE6, CLIENT6)):
            said, mine = who(port, host=host, source=source)
            assert said[0].removeprefix("::ffff:") == source and said[1] == str(mine[1]), (said, mine)
        local = netd.publish("local", "127.0.0.1", 80)
        netd.backend("local", c)
        said, _ = who(local, host="127.0.0.1")
        assert said[0] == "::ffff:172.30.0.1", said
        said, _ = who(both, host="::1")
        assert said[0] == "fd00:30::1", said
        # An address of the network's own, which would lead elsewhere from there.
        said, _ = who(both, source=INSIDE)
        assert said[0] == "::ffff:172.30.0.1", said


@test
def other_family():
    """a client of a family that the container has no address of comes as the gateway"""
    c = Container("web", "172.30.0.2", "", serve=echo_server(80))
    with world(c) as netd:
        port = netd.publish("p", OUTSIDE6, 80)
        netd.backend("p", c)
        said, _ = who(port, host=OUTSIDE6, source=CLIENT6)
        assert said[0] == "::ffff:172.30.0.1", said


@test
def without_transparency():
    """where no foreign address can be bound the connection is made all the same"""
    c = web()
    with world(c, transparent=False) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", c)
        said, _ = who(port, source=CLIENT)
        assert said[0] == "::ffff:172.30.0.2", said


@test
def same_port_twice():
    """one client port through two published ports to one container: both work"""
    c = web()
    with world(c) as netd:
        a, b = netd.publish("a", OUTSIDE, 80), netd.publish("b", OUTSIDE, 80)
        netd.backend("a", c)
        netd.backend("b", c)
        with connect(a, source=CLIENT) as first:
            said_a = read_line(first)
            with socket.socket() as second:
                second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                second.bind(first.getsockname())
                second.connect((OUTSIDE, b))
                said_b = read_line(second)
        assert said_a[0] == said_b[0] and said_a[1] != said_b[1], (said_a, said_b)
        # One that the container listens on is taken as well.
        with socket.socket() as third:
            third.settimeout(PATIENCE_S)
            third.bind((CLIENT, 80))
            third.connect((OUTSIDE, a))
            said = read_line(third)
        assert said[0].endswith(CLIENT) and said[1] != "80", said


@test
def many_at_once():
    """64 connections at once carry 64 x 1 MiB both ways unharmed"""
    c = web()

    def one(number):
        data = os.urandom(1 << 20)
        with connect(port) as s:
            read_line(s)
            sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
            sender.start()
            back = read_all(s)
            sender.join()
        return back == data
    with world(c) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", c)
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            assert all(pool.map(one, range(64)))
        fields = netd.stats(c)
        # published, published_out: also a line of greeting each, published_in
        assert fields[8] == 64 and fields[10] == 64 << 20 and 64 << 20 < fields[9] < 65 << 20, fields


@test
def ends_and_resets():
    """the end of one direction passes while the other goes on; resets pass both ways"""
    c = web(serve=special_server(80))
    with world(c) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", c)
        data = os.urandom(5 << 20)
        with connect(port) as s:
            upload(s, data)
        with connect(port) as s:
            s.sendall(b"r")
            try:
                assert s.recv(1) != b"", "an end instead of a reset"
            except ConnectionResetError:
                pass
        with connect(port) as s:
            s.sendall(b"w")
            assert s.recv(1) == b"k"
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        def noted():
            with connect(port) as s:
                s.sendall(b"n")
                return read_all(s).decode()
        within(PATIENCE_S, lambda: noted() == "reset", "the container was told of the reset")
        with connect(port) as s:
            s.sendall(b"c")
            assert s.recv(1) == b""
        within(PATIENCE_S, lambda: not open_sockets(netd, c), "all sockets are closed")


@test
def ended_and_blocked():
    """both ends said, and one of them not read yet: nothing is lost, and nobody turns in a circle"""
    c = web(serve=special_server(80))
    with world(c) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", c)
        size = 6 << 20
        with connect(port) as s:
            s.sendall(b"b" + bytes(size))
            s.shutdown(socket.SHUT_WR)
            assert s.recv(1) == b""
            before = cpu_of(netd)
            time.sleep(1)
            spent = cpu_of(netd) - before

            def noted():
                with connect(port) as other:
                    other.sendall(b"n")
                    return read_all(other).decode()
            within(PATIENCE_S, noted, "the container has read")
            assert noted() == str(size), noted()
            assert spent < 0.2, f"{spent} s of CPU in a second of waiting"


def open_sockets(netd, c):
    """Connections of the gateway: its sockets that are connected."""
    with open(f"/proc/{c.pid}/net/tcp") as file:
        return [line for line in file if line.split()[3] == "01"]


@test
def refused_goes_to_next():
    """a backend that refuses is passed over; when all refuse the client is reset"""
    dead, live = web("dead", 2, serve=silent), web("live", 3, b"live")
    with world(dead, live) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", dead)
        netd.backend("p", live)
        for _ in range(20):
            assert who(port)[0][2] == "live"
        netd.backend("p", live, 0)
        try:
            who(port)
            raise AssertionError("it answered")
        except ConnectionError:
            pass
        assert netd.stats(dead)[REFUSED_FIELD] > 0 and netd.stats(live)[REFUSED_FIELD] == 0


@test
def balances():
    """round-robin by turns; least connections to the idle one; ill ones last; gone ones never"""
    all_three = [web(n, i, n.encode()) for i, n in enumerate("abc", 2)]
    a, b, c = all_three
    with world(*all_three) as netd:
        turns = netd.publish("turns", OUTSIDE, 80)
        least = netd.publish("least", OUTSIDE, 80, 1)
        for x in all_three:
            netd.backend("turns", x)
            netd.backend("least", x)
        netd.stats(a)		# said and done: messages are in order
        tags = [who(turns)[0][2] for _ in range(30)]
        assert all(tags.count(t) == 10 for t in "abc"), tags
        held = [connect(least) for _ in range(30)]
        tags = [read_line(s)[2] for s in held]
        assert all(tags.count(t) == 10 for t in "abc"), tags
        for s, t in zip(held, tags):
            if t == "b":
                s.close()
        within(PATIENCE_S, lambda: netd.stats(b)[OPEN_FIELD] == 0, "b's connections are closed")
        tags = []
        for _ in range(10):
            held.append(connect(least))
            tags.append(read_line(held[-1])[2])
        assert tags == ["b"] * 10, tags
        netd.backend("turns", a, 3)
        netd.stats(a)
        assert {who(turns)[0][2] for _ in range(10)} == {"b", "c"}
        netd.backend("turns", b, 0)
        netd.backend("turns", c, 0)
        netd.stats(a)
        assert {who(turns)[0][2] for _ in range(4)} == {"a"}
        for s in held:
            s.close()


@test
def drains():
    """draining: new connections go elsewhere, the old one goes on"""
    a, b = web("a", 2, b"a"), web("b", 3, b"b")
    with world(a, b) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", a)
        with connect(port) as old:
            assert read_line(old)[2] == "a"
            netd.backend("p", b)
            netd.backend("p", a, 2)
            netd.stats(a)		# said and done: messages are in order
            assert {who(port)[0][2] for _ in range(10)} == {"b"}
            old.sendall(b"still\n")
            assert read_line(old) == ["still"]


@test
def rolling_replacement():
    """while five containers replace each other, no connection of two busy clients is refused"""
    failures, tags, ends = [], set(), threading.Event()

    def busy():
        while not ends.is_set():
            try:
                tags.add(who(port)[0][2])
            except OSError as error:
                failures.append(repr(error))
    generations = [web("g0", 2, b"g0")]
    with world(generations[0]) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", generations[0])
        clients = [threading.Thread(target=busy) for _ in range(2)]
        for t in clients:
            t.start()
        for n in range(1, 6):
            new, old = web(f"g{n}", 2 + n, f"g{n}".encode()), generations[-1]
            generations.append(new)
            netd.member(new)
            netd.backend("p", new)
            netd.backend("p", old, 2)
            netd.stats(new)
            within(PATIENCE_S, lambda: f"g{n}" in tags and not open_sockets(netd, old), "the old one has drained")
            netd.leave(old)
            old.stop()
        ends.set()
        for t in clients:
            t.join()
        for g in generations:
            g.stop()
    assert not failures and len(tags) == 6, (failures[:3], tags)


@test
def nobody_behind():
    """with nobody behind a port clients wait for the next backend instead of being refused"""
    c = web()
    with world(c) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        with connect(port) as s:
            s.settimeout(0.3)
            try:
                raise AssertionError(f"it said {s.recv(1)}")
            except TimeoutError:
                pass
            s.settimeout(PATIENCE_S)
            netd.backend("p", c)
            read_line(s)


@test
def limited():
    """a container's rate holds for its published ports, both ways, and for no other container"""
    slow, fast = web("slow", 2, serve=special_server(80)), web("fast", 3, serve=special_server(80))
    slow.policy = "rate 40m"
    with world(slow, fast) as netd:
        ports = {c: netd.publish(c.name, OUTSIDE, 80) for c in (slow, fast)}
        for c in ports:
            netd.backend(c.name, c)
        data, took = bytes(5 << 20), {}

        def sends(c):
            with connect(ports[c]) as s:
                began = time.monotonic()
                s.sendall(b"h" + data)
                s.shutdown(socket.SHUT_WR)
                assert read_all(s).split()[0] == str(len(data)).encode()
                took[c] = time.monotonic() - began
            return took[c]
        # A limit never lets more through; a busy machine may let through less for a while.
        within(PATIENCE_S, lambda: sends(fast) < 0.8, "there is one without a limit")
        assert sends(slow) > 0.9, took
        print(f"# 5 MiB in: {took[slow]:.2f} s at 40 Mbit/s, {took[fast]:.2f} s without a limit")
        within(PATIENCE_S, lambda: 0.9 < sends(slow) < 4, "the rate is the one that was asked for")
        with connect(ports[slow]) as s:
            s.sendall(b"f")
            began, got = time.monotonic(), 0
            while got < 5 << 20:
                got += len(s.recv(1 << 20))
            assert time.monotonic() - began > 0.9, f"{time.monotonic() - began} s out"


@test
def withdrawn():
    """a withdrawn port refuses, and what came by it ends; the other one stays"""
    c = web()
    with world(c) as netd:
        a, b = netd.publish("a", OUTSIDE, 80), netd.publish("b", OUTSIDE, 80)
        netd.backend("a", c)
        netd.backend("b", c)
        with connect(a) as old:
            read_line(old)
            netd.withdraw("a")
            try:
                assert old.recv(1) == b""
            except ConnectionResetError:
                pass
        within(PATIENCE_S, lambda: not reachable(a), "it refuses")
        who(b)


@test
def changes_protocol():
    """a key that is published anew as UDP has nothing left of the TCP port that it was"""
    c = web()
    with world(c) as netd, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", c)
        who(port)
        s.bind((OUTSIDE, 0))
        netd.say("GATE_PUBLISH", "p", 17, 80, 0, fds=[s.fileno()])
        netd.withdraw("p")
        netd.stats(c)
        assert netd.restarts == 0, "it has ended"


@test
def shares_of_ports():
    """ports that have their share of the clients leave others open, however many they are; one more waits until one ends"""
    c = web()
    with world(c, files=512) as netd:
        ports = [netd.publish(f"p{n}", OUTSIDE, 80) for n in range(5)]
        for n in range(5):
            netd.backend(f"p{n}", c)
        share, served = 512 // 4 // 4, []
        # One after the other: whose share is how large depends on who is taken in first.
        for port, count in zip(ports, (share, share, share, share // 2)):	# the fourth has no more than are free
            for _ in range(count):
                served.append(connect(port))
                read_line(served[-1])
        waits = connect(ports[3])
        who(ports[4])
        waits.settimeout(0.3)
        try:
            raise AssertionError(f"it said {read_line(waits)}")
        except TimeoutError:
            pass
        served[0].close()
        served[1].close()
        waits.settimeout(PATIENCE_S)
        read_line(waits)
        for s in (*served, waits):
            s.close()


@test
def shares_at_once():
    """the same clients all at once: another port is open, and each of them is served as others end"""
    c = web()
    with world(c, files=512) as netd:
        ports = [netd.publish(f"p{n}", OUTSIDE, 80) for n in range(5)]
        for n in range(5):
            netd.backend(f"p{n}", c)
        netd.stats(c)		# said and done: messages are in order
        netd.process.send_signal(signal.SIGSTOP)
        waiting = {connect(port) for port in ports[:4] for _ in range(512 // 4 // 4)}
        netd.process.send_signal(signal.SIGCONT)
        who(ports[4])
        while waiting:
            told = select.select(waiting, [], [], PATIENCE_S)[0]
            assert told, f"{len(waiting)} clients are not served"
            for s in told:
                s.settimeout(PATIENCE_S)
                read_line(s)
                s.close()
            waiting.difference_update(told)


def reachable(port, host=OUTSIDE):
    try:
        who(port, host=host)
        return True
    except OSError:
        return False


@test
def killed():
    """kill -9: ports are back within 1 s, clients of that moment wait and are served"""
    c = web()
    with world(c) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", c)
        who(port)
        took = []
        for _ in range(10):
            began = time.monotonic()
            netd.kill()
            who(port)
            took.append(time.monotonic() - began)
        print(f"# served after the kill: {sorted(took)[5] * 1000:.0f} ms, at worst {max(took) * 1000:.0f} ms")
        assert sorted(took)[5] < 1, took       # more than half of them: a busy machine may hold one up
        assert netd.restarts >= 9, netd.restarts


@test
def declared_is_reachable():
    """after restarts the reachable ports are exactly the declared ones (SECURITY F5)"""
    c = web()
    places = (OUTSIDE, "127.0.0.1")

    def drifted():
        """What is reached and not declared, or the other way round: of each port, at each of the machine's addresses."""
        netd.stats(c)
        return {(port, where) for port, _ in ports.values() for where in places if reachable(port, where)} ^ {ports[key] for key in declared}
    with world(c) as netd:
        ports = {}
        for n in range(12):
            where = places[n % 2]
            ports[f"p{n}"] = netd.publish(f"p{n}", where, 80), where
            netd.backend(f"p{n}", c)
        declared = set(ports)
        for n in range(RESTARTS):
            netd.kill()
            if n % 5 == 0 and len(declared) > 4:
                key = sorted(declared)[n % len(declared)]
                netd.ready.wait(PATIENCE_S)
                netd.withdraw(key)
                declared.remove(key)
            assert netd.ready.wait(PATIENCE_S), "not ready"
            if n % 20 == 0:
                assert not drifted(), (n, drifted())
        assert not drifted(), drifted()
        assert netd.restarts == RESTARTS, netd.restarts


@test
def flat():
    """10,000 connections one after the other leave the gateway's fds and memory as they were"""
    c = web()

    def some(count):
        for _ in range(count):
            with connect(port) as s:
                read_line(s)
    with world(c) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", c)
        some(500)
        within(PATIENCE_S, lambda: not open_sockets(netd, c), "all are closed")
        fds, kib = size_of(netd)
        began = time.monotonic()
        some(CONNECTIONS)
        print(f"# {CONNECTIONS / (time.monotonic() - began):.0f} connections/s by a client in Python")
        within(PATIENCE_S, lambda: not open_sockets(netd, c), "all are closed")
        fds_after, kib_after = size_of(netd)
        print(f"# fds {fds} -> {fds_after}, {kib} -> {kib_after} KiB")
        assert abs(fds_after - fds) <= 72 and kib_after - kib < 256, (fds, fds_after, kib, kib_after)


def small_buffers():
    """Of this namespace: 1,100 stalled connections shall not need gigabytes."""
    for name in ("rmem", "wmem"):
        gatelib.sysctl(f"net.ipv4.tcp_{name}", "4096 16384 65536")


@test
def jailed():
    """gated has its own user, no capability, no file, and a filter of system calls (SECURITY F1)"""
    c = web()
    with world(c) as netd:
        with open(f"/proc/{netd.process.pid}/status") as file:
            status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        assert set(status["Uid"].split()) == {"103"} and set(status["Gid"].split()) == {"103"}, status["Uid"]
        assert not status["Groups"].strip(), status["Groups"]
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[kind], 16) == 0, (kind, status[kind])
        assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2", status
        calls = gatelib.calls_of(netd.process.pid)
        print(f"# {len(calls) if calls else 'not shown by this kernel: its'} system calls")
        assert calls is None or 20 <= len(calls) <= 40, sorted(calls)


@test
def slow_readers():
    """1,100 clients that read nothing hold all the pipes; another one is served all the same"""
    def serve(ready):
        small_buffers()
        special_server(80)(ready)
    small_buffers()
    c = web(serve=serve)
    with world(c) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        netd.backend("p", c)
        slow = []
        for _ in range(1100):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(PATIENCE_S)
            s.connect((OUTSIDE, port))
            s.sendall(b"f")
            slow.append(s)
        within(PATIENCE_S, lambda: pipes_of(netd) >= 1024, lambda: f"{pipes_of(netd)} pipes are held")
        data = os.urandom(4 << 20)
        with connect(port) as s:
            upload(s, data)

        def stands_still():
            before = cpu_of(netd)
            time.sleep(1)
            return cpu_of(netd) - before < 0.2
        within(PATIENCE_S, stands_still, "a second of standing still costs less than 0.2 s of CPU")
        for s in slow:
            s.close()
        within(PATIENCE_S, lambda: pipes_of(netd) <= 16, "the pipes are given back")


main()
