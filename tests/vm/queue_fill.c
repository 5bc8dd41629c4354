/* queue_fill.c - datagrams that nobody takes off the line yet, for tests/vm/queue.sh.
 *
 *   queue_fill DEVICE ADDRESS PORT BYTES COUNT: sends COUNT datagrams with their number in front,
 * and says how many the kernel took. ADDRESS need not answer ARP. */
#include <arpa/inet.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ROOM_BYTES = 64 << 20
}; /* more than all of them: what has no room must be the queue's doing */

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct arpreq arp = { .arp_flags = ATF_PERM | ATF_COM,
			      .arp_ha = { ARPHRD_ETHER, { 2, 0, 0, 0, 0, 1 } } };
	static char datagram[1400];
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), room = ROOM_BYTES;
	unsigned taken = 0;

	if (argc != 6 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((unsigned short)atoi(argv[3]));
	size_t bytes = (size_t)atoi(argv[4]), count = (size_t)atoi(argv[5]);

	if (bytes < sizeof(unsigned) || bytes > sizeof(datagram))
		return 2;
	memcpy(&arp.arp_pa, &to, sizeof(to));
	snprintf(arp.arp_dev, sizeof(arp.arp_dev), "%s", argv[1]);
	if (ioctl(s, SIOCSARP, &arp) < 0 ||
	    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0) {
		perror("queue_fill");
		return 1;
	}
	for (unsigned i = 0; i < count; i++) {
		unsigned number = htonl(i);

		memcpy(datagram, &number, sizeof(number));
		taken += sendto(s, datagram, bytes, MSG_DONTWAIT, (struct sockaddr *)&to,
				sizeof(to)) == (ssize_t)bytes;
	}
	printf("%u\n", taken);
	return 0;
}
