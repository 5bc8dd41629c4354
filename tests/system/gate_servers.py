"""gate_servers - what runs inside of the containers of gate_ports: each is called with what tells that it listens."""
import contextlib
import hashlib
import signal
import socket
import struct
import threading
import time


def echo_server(port, tag=b""):
    """Answers with `ADDRESS PORT` of the client as it sees it and its tag, then echoes what comes until the end."""
    def serve_one(s, peer):
        with s, contextlib.suppress(OSError):
            s.sendall(f"{peer[0]} {peer[1]} ".encode() + tag + b"\n")
            while data := s.recv(65536):
                s.sendall(data)
            s.shutdown(socket.SHUT_WR)

    def serve(ready):
        listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::", port))
        listener.listen(1024)
        ready()
        while True:
            s, peer = listener.accept()
            threading.Thread(target=serve_one, args=(s, peer), daemon=True).start()
    return serve


def special_server(port):
    """By the first byte: `h` reads to the end and only then answers how much came; `r` resets; `f` floods; `w` waits for
    a reset and notes it; `b` says its end, reads nothing for two seconds and notes how much came; `c` closes at once."""
    noted = []

    def serve_one(s):
        with contextlib.suppress(OSError):
            what = s.recv(1)
            if what == b"h":
                hashed, count = hashlib.sha256(), 0
                while data := s.recv(1 << 16):
                    hashed.update(data)
                    count += len(data)
                s.sendall(f"{count} {hashed.hexdigest()}".encode())
            elif what == b"r":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif what == b"f":
                while True:
                    s.sendall(b"x" * 65536)
            elif what == b"w":
                s.sendall(b"k")
                try:
                    noted.append("end" if s.recv(1) == b"" else "byte")
                except ConnectionResetError:
                    noted.append("reset")
            elif what == b"b":
                s.shutdown(socket.SHUT_WR)
                time.sleep(2)
                count = 0
                while data := s.recv(1 << 20):
                    count += len(data)
                noted.append(str(count))
            elif what == b"n":
                s.sendall(",".join(noted).encode())
        s.close()

    def serve(ready):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))
        listener.listen(1024)
        ready()
        while True:
            threading.Thread(target=serve_one, args=(listener.accept()[0],), daemon=True).start()
    return serve


def silent(ready):
    ready()
    signal.pause()
