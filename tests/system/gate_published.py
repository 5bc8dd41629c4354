"""gate_published - the world of a story about published ports, a gateway and the containers behind it, and the order of its cases."""
import contextlib
import os
import signal
import sys
import time
import traceback

from gate_clients import OUTSIDE
from gate_servers import echo_server
from gatelib import Container, Netd, ip

GATED = os.path.abspath(sys.argv[1])
CLIENT, CLIENT6, OUTSIDE6 = "198.51.100.7", "2001:db8:7::7", "2001:db8:1::1"
INSIDE = "172.30.0.99"
LIMIT_S = 300		# of one test
TESTS = []


def test(function):
    TESTS.append(function)
    return function


@contextlib.contextmanager
def world(*containers, **words):
    netd = Netd(GATED, **words)
    try:
        for c in containers:
            netd.member(c)
        yield netd
    finally:
        netd.end()
        for c in containers:
            c.stop()


def web(name="web", last=2, tag=b"", serve=None):
    return Container(name, f"172.30.0.{last}", f"fd00:30::{last}", serve=serve or echo_server(80, tag))


def too_late(_number, _frame):
    raise AssertionError(f"not done within {LIMIT_S} s")


def main():
    """All of them, or those that the command line names."""
    signal.signal(signal.SIGALRM, too_late)
    ip("link", "set", "lo", "up")
    for address in (OUTSIDE, CLIENT, INSIDE):
        ip("address", "add", f"{address}/32", "dev", "lo")
    for address in (OUTSIDE6, CLIENT6):
        ip("address", "add", f"{address}/128", "dev", "lo", "nodad")
    wanted = sys.argv[2:]
    tests = [t for t in TESTS if not wanted or t.__name__ in wanted]
    failed, story = 0, os.path.basename(sys.argv[0]).removesuffix(".py")
    print(f"1..{len(tests)}", flush=True)
    for number, function in enumerate(tests, 1):
        began = time.monotonic()
        try:
            signal.alarm(LIMIT_S)
            function()
            signal.alarm(0)
            print(f"ok {number} - {story}: {function.__doc__} ({time.monotonic() - began:.1f} s)", flush=True)
        except BaseException:  # pylint: disable=broad-except
            signal.alarm(0)
            failed += 1
            print(f"not ok {number} - {story}: {function.__doc__}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), flush=True)
    sys.exit(failed > 0)
