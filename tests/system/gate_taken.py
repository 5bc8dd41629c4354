"""gate_taken - what a gateway that was taken over may use, as if one were in its place (pidfd_getfd(2)): its TUN devices
(linux/if_tun.h), and its sockets inside containers."""
import fcntl
import os
import socket
import struct

from netlib import LIMIT, TCP, V4, V6, error_of, fds_of, sockets_of
from netspoof import ipv4


class Devices:
    """The gateway's own TUN devices, as if one were in its place."""
    GETNETNS = 0x54e3

    def __init__(self, pid):
        self.fds = {}
        for fd in fds_of(pid):
            with open(f"/proc/self/fdinfo/{fd}") as file:
                name = next((line.split()[1] for line in file if line.startswith("iff:")), None)
            if name:
                self.fds[name] = fd
            else:
                os.close(fd)

    def dropped(self):
        """Packets in their namespace that rp_filter refused so far."""
        net, own = fcntl.ioctl(self.fds["tun0"], self.GETNETNS), os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            os.setns(net)
            with open("/proc/thread-self/net/netstat") as file:
                names, values = [line.split() for line in file if line.startswith("TcpExt:")]
            return int(values[names.index("IPReversePathFilter")])
        finally:
            os.setns(own)
            os.close(own)
            os.close(net)

    def write(self, device, source, to, port, what):
        os.write(self.fds[device], bytes(10) + ipv4(source, to, 17, struct.pack("!HHHH", 5, port, 8 + len(what), 0) + what))


class Inside:
    """The sockets that the gateway has of its containers' namespaces: which are marked (net/plug.h) and used for nothing yet."""
    MARK = 0x63757667

    def __init__(self, pid):
        self.free = {V4: [], V6: []}
        for s in sockets_of(pid):
            if (s.family in self.free and s.type == TCP and s.getsockopt(socket.SOL_SOCKET, socket.SO_MARK) == self.MARK
                    and s.getsockname()[1] == 0):
                s.settimeout(LIMIT)
                self.free[s.family].append(s)
            else:
                s.close()

    def has(self, least):
        return all(len(x) >= least for x in self.free.values())

    def connect(self, family, address, port, source=None, wait=LIMIT):
        s = self.free[family].pop()
        s.settimeout(wait)
        if source:
            s.bind((source, 0))
        return error_of(lambda: s.connect((address, port)))
