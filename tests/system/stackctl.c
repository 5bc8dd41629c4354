/* stackctl.c - the gateway's way out alone: lwIP behind a TUN device of another network namespace,
 * everything allowed. For tests/system/stack.sh and measurements.
 *
 *   stackctl NETNS-FILE MTU
 *
 * Makes tun0 there, prints "ready" and serves until it is killed. What goes to 10.77.0.1 or fd77::1
 * goes to this machine's loopback; port 7 there is an echo of its own (tcp_service). Port 4040 of
 * anybody has a rate of 40 Mbit/s each way. */
#include <err.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gate/flow.h"
#include "gate/frame.h"
#include "gate/input.h"
#include "gate/packet.h"
#include "gate/rate.h"
#include "gate/tcp.h"
#include "gate/tun.h"
#include "lib/err.h"
#include "lib/loop.h"
#include "lib/time.h"

enum { FRAMES_MAX = 1024, ECHO_PORT = 7, RATE_PORT = 4040, RATE_BITS = 40 * 1000 * 1000 };

static struct flow_account account;
static struct address gateway4, gateway6;
static struct rate rate_out, rate_in;
static struct tcp *tcp;

static void *echo_open(void *ctx, struct tcp_peer *peer, const struct address *from, uint16_t port)
{
	(void)ctx;
	(void)from;
	(void)port;
	return peer;
}

static void echo_bytes(void *conversation, const uint8_t *bytes, size_t size_bytes)
{
	if (tcp_peer_send(conversation, bytes, size_bytes) < 0)
		tcp_peer_close(conversation);
}

static void echo_end(void *conversation)
{
	(void)conversation;
}

static const struct tcp_service echo = { .on_open = echo_open,
					 .on_bytes = echo_bytes,
					 .on_end = echo_end };

static void decide(void *ctx, const struct packet *syn, struct tcp_ruling *ruling)
{
	bool ours = address_equal(&syn->to, &gateway4) || address_equal(&syn->to, &gateway6);

	(void)ctx;
	*ruling = (struct tcp_ruling){ .verdict = TCP_CONNECT,
				       .address = syn->to,
				       .port = syn->to_port,
				       .payer.account = &account };
	if (syn->to_port == RATE_PORT) {
		ruling->payer.rate_out = &rate_out;
		ruling->payer.rate_in = &rate_in;
	}
	if (!ours)
		return;
	address_parse(syn->to.family == AF_INET ? "127.0.0.1" : "::1", &ruling->address);
	if (syn->to_port == ECHO_PORT) {
		ruling->verdict = TCP_SERVE;
		ruling->service = &echo;
	}
}

static void on_tcp(void *ctx, const struct packet *p, struct frame *f)
{
	(void)ctx;
	tcp_input_packet(tcp, p, f);
}

static int open_tun(const char *netns)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(netns, O_RDONLY | O_CLOEXEC);
	int fd;

	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		err(1, "enter %s", netns);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	strcpy(r.ifr_name, "tun0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0)
		err(1, "make tun0");
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		err(1, "offloads of tun0");
	if (setns(home, CLONE_NEWNET) < 0)
		err(1, "come back");
	close(home);
	close(there);
	return fd;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct err e;
	struct loop *loop = loop_create(&e);
	struct frame_pool *pool = frame_pool_create(FRAMES_MAX);
	struct input_setup inputs = { .loop = loop, .pool = pool, .tcp = on_tcp };
	struct tcp_setup setup = { .loop = loop, .decide = decide, .mtu = 1500 };

	if (argc != 3)
		errx(2, "usage: stackctl NETNS-FILE MTU");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	address_parse("10.77.0.1", &gateway4);
	address_parse("fd77::1", &gateway6);
	rate_init(&rate_out, RATE_BITS, time_boot_ns());
	rate_init(&rate_in, RATE_BITS, time_boot_ns());
	setup.gateway4 = gateway4;
	setup.gateway6 = gateway6;
	setup.mtu = (uint16_t)atoi(argv[2]);
	setup.flows = flow_table_create(0);
	setup.tun = tun_create(loop, pool, input_frame, input_create(&inputs));
	if (tun_add(setup.tun, open_tun(argv[1]), NULL, &e) < 0)
		errx(1, "%s", e.text);
	tcp = tcp_create(&setup);
	puts("ready");
	fflush(stdout);
	if (loop_run(loop, &e) < 0)
		errx(1, "%s", e.text);
	return 0;
}
