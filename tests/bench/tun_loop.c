/* tun_loop.c - the floor of `make bench-gate`: two TUN devices with virtio-net headers and a copy
 * between them, so neither TCP nor sockets. What a gateway in user mode cannot beat.
 *
 * tun_loop NETNS-PATH MTU    device `tun0` there, `loop0` here; prints `ready`, then copies */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FRAME_BYTES = 65536 + 64 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int make_device(const char *name, int mtu)
{
	struct ifreq wish = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(wish.ifr_name, name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &wish) < 0)
		fail(name);
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		fail("TUNSETOFFLOAD");
	wish.ifr_mtu = mtu;
	if (any < 0 || ioctl(any, SIOCSIFMTU, &wish) < 0)
		fail("SIOCSIFMTU");
	close(any);
	return fd;
}

int main(int argc, char **argv)
{
	static char frame[FRAME_BYTES];
	struct pollfd ends[2];
	int there;

	if (argc != 3 || (there = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0)
		fail("usage: tun_loop NETNS-PATH MTU");
	ends[0] = (struct pollfd){ .fd = make_device("loop0", atoi(argv[2])), .events = POLLIN };
	if (setns(there, CLONE_NEWNET) < 0)
		fail("setns");
	ends[1] = (struct pollfd){ .fd = make_device("tun0", atoi(argv[2])), .events = POLLIN };
	puts("ready");
	fflush(stdout);
	while (poll(ends, 2, -1) > 0)
		for (int i = 0; i < 2; i++)
			for (;;) {
				ssize_t size = read(ends[i].fd, frame, sizeof(frame));

				if (size <= 0 || write(ends[!i].fd, frame, (size_t)size) < 0)
					break;
			}
	fail("poll");
}
