"""gate_carriers - connections in full flow, and the processes that carry them. usage: gate_carriers.py GATED"""
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import threading
import time

import gatelib
from gate_clients import OUTSIDE, PATIENCE_S, connect, read_all, read_line, within
from gate_published import main, test, web, world
from gate_servers import special_server

LONG_BYTES = 96 << 20
CHANNEL, EPOLL = 3, "anon_inode:[eventpoll]"
SOCKET = 41  # socket(2) of x86-64
OUT, IN, OPEN = 9, 10, 17		# of the counters: published_out, published_in, published_open


def carriers_of(netd):
    """Their pids: of a gateway of its own each CPU has one, at most four."""
    with contextlib.suppress(subprocess.CalledProcessError):
        return [int(pid) for pid in subprocess.check_output(["pgrep", "-P", str(netd.process.pid), "-x", "gate-carrier"]).split()]
    return []


def links(pid):
    out = {}
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                out[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return out


def carried(netd):
    """How many connections are with carriers now: two sockets each, besides the channel."""
    return sum(sum(link.startswith("socket:") for link in links(pid).values()) - 1 for pid in carriers_of(netd)) / 2


def wakes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))


class Flood:
    """A client that reads what a container says without an end, or says it, until it is cut off or told to stop."""

    def __init__(self, port, upload=False):
        self.socket, self.upload = connect(port), upload
        self.count, self.ended, self.pause = 0, None, threading.Event()
        self.pause.set()

    def begin(self):
        self.socket.sendall(b"h" if self.upload else b"f")
        threading.Thread(target=self.write if self.upload else self.read, daemon=True).start()
        return self

    def read(self):
        try:
            while self.pause.wait() and (data := self.socket.recv(1 << 20)):
                self.count += len(data)
            self.ended = "end"
        except ConnectionResetError:
            self.ended = "reset"
        except OSError as error:
            self.ended = str(error)

    def write(self):
        try:
            while True:
                self.count += self.socket.send(b"y" * (1 << 20))
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"

    def close(self):
        self.socket.close()


def flooding(netd, port, *uploads):
    """One for each, in full flow, all of them with a carrier."""
    floods = [Flood(port, upload).begin() for upload in uploads]
    within(PATIENCE_S, lambda: carried(netd) == len(floods), lambda: f"{carried(netd)} of {len(floods)} are with a carrier")
    return floods


@contextlib.contextmanager
def port_of(*containers):
    with world(*containers) as netd:
        port = netd.publish("p", OUTSIDE, 80)
        for c in containers:
            netd.backend("p", c)
        within(PATIENCE_S, lambda: len(carriers_of(netd)) == min(4, len(os.sched_getaffinity(0))), "carriers")
        yield netd, port


@test
def whole():
    """a long upload, its answer, and a long echo on one connection arrive unharmed and are counted"""
    data = os.urandom(1 << 20) * (LONG_BYTES >> 20)
    c, echo = web("up", 2, serve=special_server(80)), web("echo", 3)
    with world(c, echo) as netd:
        port, echo_port = netd.publish("p", OUTSIDE, 80), netd.publish("e", OUTSIDE, 80)
        netd.backend("p", c)
        netd.backend("e", echo)
        seen = []
        with connect(port) as s:
            s.sendall(b"h")
            for at in range(0, LONG_BYTES, 1 << 20):
                s.sendall(data[at:at + (1 << 20)])
                if at % (8 << 20) == 0:
                    seen.append(carried(netd))
            s.shutdown(socket.SHUT_WR)
            said = read_all(s).decode().split()
        assert said == [str(LONG_BYTES), hashlib.sha256(data).hexdigest()], said
        assert max(seen) == 1 and seen[0] == 0, seen
        fields = netd.stats(c)
        assert fields[IN] == LONG_BYTES + 1 and fields[OUT] == len(" ".join(said)), fields
        # Both directions of one connection: nobody is in full flow, and it is whole.
        with connect(echo_port) as s:
            read_line(s)
            sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
            sender.start()
            back = read_all(s)
            sender.join()
        assert back == data
        within(PATIENCE_S, lambda: carried(netd) == 0, lambda: carried(netd))


@test
def counted():
    """what a carrier carries is counted while it goes on"""
    c = web(serve=special_server(80))
    with port_of(c) as (netd, port):
        flood, = flooding(netd, port, False)
        before = netd.stats(c)[OUT]
        within(PATIENCE_S, lambda: netd.stats(c)[OUT] > before + (32 << 20), lambda: (before, netd.stats(c)[OUT]))
        assert carried(netd) == 1
        flood.close()
        # Its client is gone: so is it, here and there.
        within(PATIENCE_S, lambda: carried(netd) == 0 and netd.stats(c)[OPEN] == 0, lambda: (carried(netd), netd.stats(c)))


@test
def quiet_reader():
    """a reader that stops holds the sender back wherever its connection is, and goes on afterwards"""
    c = web(serve=special_server(80))
    with port_of(c) as (netd, port):
        flood, = flooding(netd, port, False)
        flood.pause.clear()
        # Nothing moves any more: all of the buffers on the way are full.
        seen = []

        def stands():
            seen.append(netd.stats(c)[OUT])
            return seen[-50:] == seen[-1:] * 50
        within(PATIENCE_S, stands, lambda: seen[-50:])
        assert 0 < seen[-1] < flood.count + (64 << 20), (seen[-1], flood.count)
        # Nor is anybody woken for it.
        pids = [netd.process.pid, *carriers_of(netd)]
        before = [wakes(pid) for pid in pids]
        time.sleep(1)
        assert [wakes(pid) for pid in pids] == before, (before, [wakes(pid) for pid in pids])
        flood.pause.set()
        goal = flood.count + (64 << 20)
        within(PATIENCE_S, lambda: flood.count > goal, lambda: (flood.count, goal))
        flood.close()


@test
def limited():
    """a rate that is set for who is in full flow holds: the connection is this process's again"""
    c = web(serve=special_server(80))
    with port_of(c) as (netd, port):
        down, = flooding(netd, port, False)
        c.policy = "rate 40m"
        netd.say_member(c)
        within(PATIENCE_S, lambda: carried(netd) == 0, lambda: f"{carried(netd)} is still with a carrier")
        assert down.ended is None
        # Carriers with nothing to do keep no room in pipes either.
        assert not [link for pid in carriers_of(netd) for fd, link in links(pid).items() if fd > 2 and link.startswith("pipe:")]
        # And neither is it handed over again.
        goal = down.count + (24 << 20)
        within(PATIENCE_S, lambda: down.count > goal, lambda: (down.count, goal))
        assert carried(netd) == 0
        c.policy = ""
        netd.say_member(c)
        within(PATIENCE_S, lambda: carried(netd) == 1, "it is not in full flow again")
        down.close()


@test
def leaves():
    """a container that leaves, and a port that is withdrawn, end what carriers have of theirs by a reset, and no other"""
    stays, goes = web("stays", 2, serve=special_server(80)), web("goes", 3, serve=special_server(80))
    with world(stays, goes) as netd:
        ports = {}
        for c in (stays, goes):
            ports[c] = netd.publish(c.name, OUTSIDE, 80)
            netd.backend(c.name, c)
        kept, = flooding(netd, ports[stays], False)
        others = [Flood(ports[goes], upload).begin() for upload in (False, True)]
        within(PATIENCE_S, lambda: carried(netd) == 3, lambda: carried(netd))
        netd.leave(goes)
        within(PATIENCE_S, lambda: [o.ended for o in others] == ["reset"] * 2, lambda: [o.ended for o in others])
        within(PATIENCE_S, lambda: carried(netd) == 1, lambda: carried(netd))
        assert kept.ended is None
        netd.withdraw("stays")
        within(PATIENCE_S, lambda: kept.ended == "reset" and carried(netd) == 0, lambda: (kept.ended, carried(netd)))


@test
def carrier_killed():
    """kill -9 of a carrier resets what it had, both ways; all others, and the port, go on without it"""
    c = web(serve=special_server(80))
    with port_of(c) as (netd, port):
        floods = flooding(netd, port, False, True, False, True)
        pids = carriers_of(netd)
        for left in range(len(pids) - 1, -1, -1):
            os.kill(pids[left], signal.SIGKILL)
            within(PATIENCE_S, lambda: len(carriers_of(netd)) == left, lambda: carriers_of(netd))
        # On a slow machine one may be the gateway's again at that moment: it is none of theirs, and goes on.
        within(PATIENCE_S, lambda: sum(f.ended == "reset" for f in floods) >= 2, lambda: [f.ended for f in floods])
        for f in floods:
            goal = f.count + (4 << 20)
            within(PATIENCE_S, lambda: f.ended == "reset" or f.count > goal, lambda: (f.ended, f.count, goal))  # pylint: disable=cell-var-from-loop
            f.close()
        assert netd.restarts == 0
        # By itself from now on.
        more = Flood(port).begin()
        within(PATIENCE_S, lambda: more.count > LONG_BYTES, lambda: more.count)
        more.close()
        within(PATIENCE_S, lambda: netd.stats(c)[OPEN] == 0, lambda: netd.stats(c))


@test
def gateway_killed():
    """kill -9 of the gateway takes its carriers along, and what they had; the next one has its own"""
    c = web(serve=special_server(80))
    with port_of(c) as (netd, port):
        flood, = flooding(netd, port, False)
        old = carriers_of(netd)
        # One that reads nothing any more, as if somebody had taken it over.
        os.kill(old[-1], signal.SIGSTOP)
        netd.kill()
        within(PATIENCE_S, lambda: flood.ended, "the client waits for a dead gateway")
        within(PATIENCE_S, lambda: not any(os.path.exists(f"/proc/{pid}/fd/{CHANNEL}") for pid in old), lambda: old)
        assert netd.ready.wait(PATIENCE_S)
        again, = flooding(netd, port, False)
        assert not set(carriers_of(netd)) & set(old)
        again.close()


@test
def many():
    """200 in full flow at once are all carried, and all arrive"""
    c = web(serve=special_server(80))
    with port_of(c) as (netd, port):
        floods = [Flood(port) for _ in range(200)]
        # Who plays netd here has to give a socket for each, which is no work for a process that reads 200 of them.
        within(PATIENCE_S, lambda: netd.stats(c)[OPEN] == 200, lambda: netd.stats(c))
        for f in floods:
            f.begin()
        within(PATIENCE_S, lambda: carried(netd) >= 184, lambda: carried(netd))
        within(4 * PATIENCE_S, lambda: all(f.count > 20 << 20 for f in floods), lambda: sorted((f.count, f.ended) for f in floods)[:5])
        for f in floods:
            f.close()
        within(PATIENCE_S, lambda: carried(netd) == 0 and netd.stats(c)[OPEN] == 0, lambda: (carried(netd), netd.stats(c)))


@test
def jailed():
    """a carrier has the gateway's user, no capability, no file and no socket that nobody gave it (SECURITY F1)"""
    with port_of(web()) as (netd, _):
        for pid in carriers_of(netd):
            with open(f"/proc/{pid}/status") as file:
                status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
            assert set(status["Uid"].split()) == {"103"} and set(status["Gid"].split()) == {"103"}, status["Uid"]
            assert not status["Groups"].strip(), status["Groups"]
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status[kind], 16) == 0, (kind, status[kind])
            assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2", status
            calls = gatelib.calls_of(pid)
            assert calls is None or 10 <= len(calls) <= 40 and SOCKET not in calls, sorted(calls)
            held = {fd: link for fd, link in links(pid).items() if fd > 2}
            assert held.pop(CHANNEL).startswith("socket:") and list(held.values()) == [EPOLL], held


main()
