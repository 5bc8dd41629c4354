"""gate_clients - clients of published ports, outside of all containers."""
import hashlib
import socket
import time

OUTSIDE = "192.0.2.1"
PATIENCE_S = 60		# with what comes at once on a machine that is idle


def connect(port, host=OUTSIDE, source=None, timeout=PATIENCE_S):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(timeout)
    if source:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((source, 0))
    s.connect((host, port))
    return s


def read_line(s):
    line = b""
    while not line.endswith(b"\n"):
        more = s.recv(1)
        if not more:
            raise ConnectionError("ended early")
        line += more
    return line.decode().split()


def read_all(s):
    out = b""
    while data := s.recv(1 << 20):
        out += data
    return out


def upload(s, data):
    """To a server that answers at the end (gate_servers.py): it has all of that, and nothing else."""
    s.sendall(b"h")
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    said = read_all(s).decode()
    assert said == f"{len(data)} {hashlib.sha256(data).hexdigest()}", said


def who(port, **words):
    """What the container says of its client, and the tag of the container."""
    with connect(port, **words) as s:
        mine = s.getsockname()
        return read_line(s), mine


def within(seconds, condition, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.01)
