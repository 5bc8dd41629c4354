"""gate_stalled.py - the story of gate_stalled.sh. Prints TAP."""
import contextlib
import selectors
import socket
import struct
import threading
import time

from farlib import FAR, LIMIT, V4, Namespace, Netd, connect_many, far_world, lab, pair, pattern, pss_mib, read_all, within
from netlib import Tap

t = Tap("stalled")
COUNT, MIB = 300, 1 << 20
STILL_S = 1         # nobody takes a byte for so long: they stand
BACKOFF = 6         # so often the container's kernel has doubled its timer: the next time is 12 seconds away, or more
TELLS = pattern(1, 4 * MIB) * 2


def bytes_of(i, at, size):
    return TELLS[i * 1009 + at:i * 1009 + at + size]


def pairs(client, server, count):
    """So many connections: both ends, in the same order. The gateway has ports of its own: each one says which it is."""
    with server.listen(0, V4) as listening:
        listening.listen(count)
        mine, theirs = connect_many(client, FAR[V4], listening.getsockname()[1], count), {}
        for i, s in enumerate(mine):
            s.sendall(struct.pack("=H", i))
        for _ in mine:
            s, _ = listening.accept()
            s.settimeout(LIMIT)
            theirs[struct.unpack("=H", s.recv(2, socket.MSG_WAITALL))[0]] = s
            s.setblocking(False)
    return mine, [theirs[i] for i in range(count)]


def send_until_still(ends):
    """As much as each of them takes; how much that is."""
    sent = dict.fromkeys(ends, 0)
    with selectors.DefaultSelector() as all_:
        for i, s in enumerate(ends):
            all_.register(s, selectors.EVENT_WRITE, i)
        while ready := all_.select(STILL_S):
            for key, _ in ready:
                s = key.fileobj
                try:
                    sent[s] += s.send(bytes_of(key.data, sent[s], min(1 << 17, 4 * MIB - COUNT * 1009 - sent[s])))
                except BlockingIOError:
                    pass
    return [sent[s] for s in ends]


def stands(s):
    """How a sender's kernel sees it: what to look at where something stands still (linux/tcp.h)."""
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    names = "rto 8 unacked 24 lost 32 retrans 36 last_sent 44 last_ack 56 total_retrans 100 notsent 160 snd_wnd 228".split()
    words = {n: struct.unpack_from("=I", info, int(at))[0] for n, at in zip(names[::2], names[1::2])}
    return f"ca {info[1]} probes {info[3]} backoff {info[4]} {words} {s.getsockname()}"


def read_until_all(ends, sizes, senders):
    """The bytes that were sent, of all at once: what was wrong, and when each had its own."""
    begin, took = time.monotonic(), []
    wrong, got = [], [0] * len(ends)
    with selectors.DefaultSelector() as all_:
        for i, s in enumerate(ends):
            all_.register(s, selectors.EVENT_READ, i)
        while all_.get_map():
            ready = all_.select(LIMIT)
            if not ready:
                still = [key.data for key in all_.get_map().values()]
                return wrong + [f"{len(still)} of {len(ends)} get nothing more: {stands(senders[still[0]])}"], took
            for key, _ in ready:
                i = key.data
                try:
                    data = key.fileobj.recv(1 << 18)
                except OSError as e:
                    data = b""
                    wrong.append(f"{i}: {e}")
                if data != bytes_of(i, got[i], len(data)):
                    wrong.append(f"{i}: other bytes after {got[i]}")
                got[i] += len(data)
                if not data or got[i] >= sizes[i]:
                    all_.unregister(key.fileobj)
                    took.append(time.monotonic() - begin)
    return wrong + [f"{i}: {n} of {sizes[i]}" for i, n in enumerate(got) if n != sizes[i]], took


def waits(s):
    """How often its timer was doubled (linux/tcp.h: tcpi_backoff), when it has something under way (tcpi_unacked)."""
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return info[4] if struct.unpack_from("=I", info, 24)[0] else None


def passed(from_, to):
    """How much of a MiB arrives, or what went wrong."""
    def send():
        with contextlib.suppress(OSError):
            from_.sendall(bytes_of(0, 0, MIB))

    threading.Thread(target=send, daemon=True).start()
    got = 0
    to.settimeout(LIMIT)
    try:
        while got < MIB and (data := to.recv(MIB)):
            got += len(data)
    except OSError as e:
        return f"{e} after {got}"
    return got


router, far = far_world()
a, b = Namespace(), Namespace()
netd = Netd()
lab(netd, a, b)
gated = within(lambda: netd.gateways().get("lab"))

# ---- far ends that do not read
before = pss_mib(gated)
mine, theirs = pairs(a, far, COUNT)
sizes = send_until_still(mine)
waiting = [s for s in mine if waits(s) is not None]
print(f"# {sum(sizes) / MIB:.0f} MiB were taken; {len(waiting)} have something under way; {before:.0f} -> {pss_mib(gated):.0f} MiB")
t.ok("far ends of 300 connections do not read: bounded memory", pss_mib(gated) - before < 32, (before, pss_mib(gated)))
t.ok("... some of what they were sent has no place", within(lambda: sum((waits(s) or 0) >= BACKOFF for s in waiting) > COUNT / 10), [waits(s) for s in waiting])
other, there = pair(a, far, V4)
got = passed(other, there)
t.is_("... another one gets through", got, MIB)
wrong, took = read_until_all(theirs, sizes, mine)
print(f"# {max(took, default=0):.2f} s")
t.ok("... they read: all of it arrives", not wrong, wrong[:10])
late = [s for s in took if s >= 5]
# A frame that a busy kernel loses is sent again by the timer.
t.ok("... by no timer", len(late) <= COUNT / 100, late)
for s in mine + theirs:
    s.close()

# ---- it does not read itself
mine, theirs = pairs(a, far, COUNT)
sizes = send_until_still(theirs)
print(f"# {sum(sizes) / MIB:.0f} MiB were taken; {pss_mib(gated):.0f} MiB")
t.ok("it does not read 300 connections itself: bounded memory", pss_mib(gated) - before < 32, (before, pss_mib(gated)))
other, there = pair(a, far, V4)
got = passed(there, other)
t.is_("... another one gets its bytes", got, MIB)
wrong, took = read_until_all(mine, sizes, theirs)
print(f"# {max(took, default=0):.2f} s")
t.ok("... it reads: all of it is there", not wrong, wrong[:10])
t.is_("netd ends", netd.end(), 0)
t.ok("nothing was killed by its jail", "SIGSYS" not in netd.log() and "signal 31" not in netd.log(), netd.log())
t.end()
