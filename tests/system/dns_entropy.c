/* dns_entropy.c - can an answer be forged by guessing? Questions to a resolver of its own on
 * loopback, which keeps the id and the port of each (SECURITY F6).
 *
 *   dns_entropy QUESTIONS [plain]	plain: the resolver does not see questions with EDNS
 *
 * Prints the entropy of the pairs in bits, from how often two of them are the same (the collision
 * entropy), and of ids and ports each. Ends with 1 when they are more often the same than 30 bits
 * allow (by four standard deviations), pairs or what leads from one to the next. */
#include <err.h>
#include <math.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gate/address.h"
#include "gate/dns.h"
#include "lib/err.h"
#include "lib/loop.h"

enum { AT_ONCE = 100, BITS_WANTED = 30 };

struct asker {
	struct dns_client client;
};

static struct loop *loop;
static struct dns *dns;
static struct asker askers[AT_ONCE];
static uint32_t *pairs;
static long asked, wanted, seen;
static bool blind;

static void ask(struct asker *a)
{
	/* ids and names of our own do not matter; the name differs, so nothing is kept or shared */
	uint8_t q[64] = { 1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
	int length = sprintf((char *)q + 13, "%08lx", asked++);

	q[12] = length;
	memcpy(q + 13 + length, "\7example\0\0\1\0\1", 13);
	dns_ask(dns, &a->client, q, 13 + length + 13);
}

static void on_answer(struct dns_client *client, const void *message, size_t size_bytes)
{
	if (!message || size_bytes < 12 || (((const uint8_t *)message)[3] & 15) != 3)
		errx(1, "question %ld was not answered", asked);
	if (asked < wanted)
		ask(owner_of(client, struct asker, client));
	else if (seen >= wanted)
		loop_stop(loop);
}

static void on_question(struct loop_source *source, unsigned events)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	uint8_t data[512];
	ssize_t n;

	(void)events;
	while ((n = recvfrom(source->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &size)) > 0) {
		if (blind && data[11])
			continue;
		if (seen < wanted)
			pairs[seen++] = (uint32_t)(data[0] << 8 | data[1]) << 16 |
					ntohs(from.sin_port);
		data[2] |= 0x80;
		data[3] = 3;
		if (data[11])
			n -= 11;
		data[11] = 0;
		sendto(source->fd, data, n, 0, (struct sockaddr *)&from, size);
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* How many pairs of them are the same. */
static double same_pairs(uint32_t *values, long count)
{
	double same = 0, run;
	long i, from = 0;

	qsort(values, count, sizeof(*values), by_value);
	for (i = 1; i <= count; i++) {
		if (i < count && values[i] == values[from])
			continue;
		run = i - from;
		same += run * (run - 1) / 2;
		from = i;
	}
	return same;
}

/* One more than was seen: none at all proves nothing. */
static double bits(double same)
{
	return log2((double)wanted * (wanted - 1) / 2 / (same + 1));
}

static bool random_enough(double same)
{
	double of_wanted = (double)wanted * (wanted - 1) / 2 / (1 << BITS_WANTED);

	return same <= of_wanted + 4 * sqrt(of_wanted) + 1;
}

static double same_of(int shift, bool differences)
{
	uint32_t *values = calloc(wanted, sizeof(*values));
	double result;
	long i;

	if (!values)
		err(1, "memory");
	for (i = 0; i < wanted; i++) {
		values[i] = pairs[i];
		if (differences && i > 0)
			values[i] = (uint16_t)((pairs[i] >> 16) - (pairs[i - 1] >> 16)) << 16 |
				    (uint16_t)(pairs[i] - pairs[i - 1]);
		values[i] = shift == 16 ? values[i] >> 16 : shift ? values[i] & 0xffff : values[i];
	}
	result = same_pairs(values, wanted);
	free(values);
	return result;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	struct loop_source resolver = { .on_event = on_question };
	socklen_t size = sizeof(here);
	struct dns_hooks hooks = { 0 };
	struct address loopback;
	double all, next;
	struct err e;
	int i, room = 4 << 20;

	wanted = argc >= 2 ? atol(argv[1]) : 0;
	blind = argc == 3 && strcmp(argv[2], "plain") == 0;
	if (wanted < AT_ONCE || argc > 2 + blind)
		errx(2, "usage: dns_entropy QUESTIONS [plain]");
	pairs = calloc(wanted, sizeof(*pairs));
	loop = loop_create(&e);
	resolver.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!pairs || !loop || bind(resolver.fd, (struct sockaddr *)&here, size) < 0 ||
	    getsockname(resolver.fd, (struct sockaddr *)&here, &size) < 0 ||
	    loop_add(loop, &resolver, LOOP_READ, &e) < 0)
		err(1, "resolver");
	setsockopt(resolver.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	hooks.resolver_port = ntohs(here.sin_port);
	dns = dns_create(loop, &hooks);
	address_parse("127.0.0.1", &loopback);
	dns_set_resolvers(dns, &loopback, 1);
	for (i = 0; i < AT_ONCE; i++) {
		askers[i].client.on_answer = on_answer;
		ask(&askers[i]);
	}
	if (loop_run(loop, &e) < 0)
		errx(1, "%s", e.text);
	all = same_of(0, false);
	next = same_of(0, true);
	printf("%ld questions: id and port %.1f bits, id %.1f, port %.1f, from one to the next "
	       "%.1f\n",
	       wanted, bits(all), bits(same_of(16, false)), bits(same_of(1, false)), bits(next));
	dns_destroy(dns);
	return random_enough(all) && random_enough(next) ? 0 : 1;
}
