"""queue_line.py SOCKET HOG NEIGHBOURS EACH - the line behind a card of QEMU (-netdev stream), for tests/vm/queue.sh.

Takes nothing off it until a line comes on standard input. Then until the last of HOG datagrams to port 1000 and of EACH
datagrams to the NEIGHBOURS ports from 2000 on, and prints NAME VALUE lines:
  line    the hog's that had left the machine before
  card    those that came between them and the first of a neighbour: the card held them, nobody can overtake there
  behind  for each neighbour the hog's that came after his last
"""
import array
import fcntl
import socket
import struct
import sys
import termios

path, hog, neighbours, each = sys.argv[1], *map(int, sys.argv[2:])
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
print("ready", flush=True)
line, _ = listener.accept()
sys.stdin.readline()
waiting = array.array("i", [0])
fcntl.ioctl(line, termios.FIONREAD, waiting)
line.settimeout(120)
stream = line.makefile("rb")
left = waiting[0]
order = []	# port and number of each datagram
early = 0
missing = {(2000 + n, i) for n in range(neighbours) for i in range(each)} | {(1000, hog - 1)}
while missing:
    size, = struct.unpack(">I", stream.read(4))
    frame = stream.read(size)
    left -= 4 + size
    if frame[12:14] != b"\x08\x00" or frame[23] != 17:
        continue
    port, = struct.unpack(">H", frame[36:38])
    if port != 1000 and not 2000 <= port < 2000 + neighbours:
        continue	# the machine's own DHCP
    seen = port, struct.unpack(">I", frame[42:46])[0]
    order.append(seen)
    early += left >= 0 and port == 1000
    missing.discard(seen)
first = next(i for i, (port, _) in enumerate(order) if port != 1000)
print("line", early)
print("card", first - early)
for n in range(neighbours):
    last = max(i for i, (port, _) in enumerate(order) if port == 2000 + n)
    print("behind", sum(port == 1000 for port, _ in order[last:]))
