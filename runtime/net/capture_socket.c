/* capture_socket.c - see capture_socket.h */
#include "net/capture_socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "net/net_ns.h"

enum {
	WAITING_BYTES = 4 << 20, /* the kernel doubles it: a burst, while the disk is written to */
	LOOPBACK_INDEX = 1,	 /* in every namespace */
	WHOLE = 0x40000,	 /* longer than any packet */
};

/* Through a loopback each packet passes twice, on its way out and in again. */
static struct sock_filter once[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LOOPBACK_INDEX, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, WHOLE),
};

static int set_up(int fd, struct err *e)
{
	const struct sockaddr_ll all = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};
	const struct sock_fprog filter = { ARRAY_SIZE(once), once };
	int waiting = WAITING_BYTES, on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &waiting, sizeof(waiting)) < 0)
		return err_sys(e, "set up a packet socket");
	if (bind(fd, (const struct sockaddr *)&all, sizeof(all)) < 0)
		return err_sys(e, "bind a packet socket");
	return 0;
}

int capture_socket_make(int ns_fd, int own_ns_fd, struct err *e)
{
	AUTO_FD int fd = -1;

	if (net_ns_enter(ns_fd, e))
		return -1;
	/* Of no protocol: it sees nothing before it is set up. */
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err_sys(e, "make a packet socket in its namespace");
	net_ns_return(own_ns_fd);
	return fd < 0 || set_up(fd, e) < 0 ? -1 : take_fd(&fd);
}
