/* syn_flood.c - SYNs of hosts that are not there, as many a second as a test wants of its own
 * gateway.
 *
 *   syn_flood FROM TO PORT RATE COUNT
 *
 * Of FROM and TO one is the first address of 65,536, taken in turn; the other one is always the
 * same. Says how many a second there were in the end: a slow machine sends them all, but later. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { AT_ONCE = 50, SIZE = 40 };

struct flood {
	uint32_t from, to;		/* host order */
	uint16_t port;
	uint8_t packets[AT_ONCE][SIZE];
	struct sockaddr_in places[AT_ONCE];
	struct iovec pieces[AT_ONCE];
	struct mmsghdr messages[AT_ONCE];
};

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* RFC 9293, 3.1: with a pseudo header of both addresses, the protocol and the size. */
static unsigned checksum(const uint8_t *ip)
{
	uint32_t sum = IPPROTO_TCP + SIZE - 20;
	size_t i;

	for (i = 12; i < SIZE; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16)) & 0xffff;
}

/* The kernel fills in what is left of the IP header (raw(7)). */
static void write_syn(struct flood *f, size_t slot, uint32_t number)
{
	static const uint8_t ip[12] = { 0x45, 0, 0, SIZE, 0, 0, 0x40, 0, 64, IPPROTO_TCP };
	uint8_t *p = f->packets[slot], *tcp = p + 20;
	uint32_t shift = number & 0xffff;

	memset(p, 0, SIZE);
	memcpy(p, ip, sizeof(ip));
	put32(p + 12, f->from & 0xffff ? f->from : f->from + shift);
	put32(p + 16, f->to & 0xffff ? f->to : f->to + shift);
	put16(tcp, 1024 + number % 60000);
	put16(tcp + 2, f->port);
	put32(tcp + 4, number * 2654435761u);
	put32(tcp + 12, 0x5002ffff);
	put16(tcp + 16, checksum(p));
	memcpy(&f->places[slot].sin_addr, p + 16, 4);
}

static void sleep_until(const struct timespec *begun, uint64_t passed_ns)
{
	uint64_t at = (uint64_t)begun->tv_nsec + passed_ns;
	struct timespec until = { begun->tv_sec + (time_t)(at / 1000000000),
				  (long)(at % 1000000000) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv)
{
	static struct flood f;
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct timespec begun, ended;
	long rate, count, sent;
	double took;

	if (argc != 6)
		errx(2, "usage: syn_flood FROM TO PORT RATE COUNT");
	if (fd < 0)
		err(1, "raw socket");
	f.from = ntohl(inet_addr(argv[1]));
	f.to = ntohl(inet_addr(argv[2]));
	f.port = (uint16_t)atoi(argv[3]);
	rate = atol(argv[4]);
	count = atol(argv[5]);
	for (int i = 0; i < AT_ONCE; i++) {
		f.places[i].sin_family = AF_INET;
		f.pieces[i] = (struct iovec){ f.packets[i], SIZE };
		f.messages[i].msg_hdr = (struct msghdr){ .msg_name = &f.places[i],
							 .msg_namelen = sizeof(f.places[i]),
							 .msg_iov = &f.pieces[i],
							 .msg_iovlen = 1 };
	}
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (sent = 0; sent < count; sent += AT_ONCE) {
		for (int i = 0; i < AT_ONCE; i++)
			write_syn(&f, (size_t)i, (uint32_t)(sent + i));
		/* What the way does not take is lost, as outside. */
		if (sendmmsg(fd, f.messages, AT_ONCE, 0) < 0 && errno != ENOBUFS && errno != EPERM)
			err(1, "send");
		sleep_until(&begun, (uint64_t)sent * 1000000000 / (uint64_t)rate);
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	took = (double)(ended.tv_sec - begun.tv_sec) +
	       (double)(ended.tv_nsec - begun.tv_nsec) / 1e9;
	printf("%ld SYNs, %.0f a second\n", sent, (double)sent / took);
}
