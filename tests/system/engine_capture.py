"""engine_capture.py - the ends of the flows in engine_capture.sh.

  serve                 TCP and UDP echo on 80 of every address, both families; says "serves"; ends when its input does
  send tcp|udp ADDRESS PORT WORD   the word there and back
  flood ADDRESS COUNT   so many datagrams of one byte, answered by nobody
  fetch ADDRESS         reads all of port 82"""
import os
import select
import socket
import sys


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve():
    listener = socket.create_server(("", 80), family=socket.AF_INET6, dualstack_ipv6=True)
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    datagrams.bind(("", 80))
    clients = set()
    print("serves", flush=True)
    while True:
        for s in select.select([0, listener, datagrams, *clients], [], [])[0]:
            if s == 0:
                if not os.read(0, 1024):
                    return
            elif s is listener:
                clients.add(listener.accept()[0])
            elif s is datagrams:
                data, sender = s.recvfrom(2048)
                s.sendto(data, sender)
            else:
                try:
                    data = s.recv(65536)
                    s.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    clients.discard(s)
                    s.close()


def send(protocol, address, port, word):
    with socket.socket(family_of(address), {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[protocol]) as s:
        s.settimeout(20)
        s.connect((address, int(port)))
        s.send(word.encode())
        sys.exit(s.recv(2048) != word.encode())


def flood(address, count):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as s:
        for _ in range(int(count)):
            s.sendto(b"x", (address, 9))


def fetch(address):
    with socket.create_connection((address, 82), timeout=30) as s:
        while s.recv(65536):
            pass


if __name__ == "__main__":
    {"serve": serve, "send": send, "flood": flood, "fetch": fetch}[sys.argv[1]](*sys.argv[2:])
