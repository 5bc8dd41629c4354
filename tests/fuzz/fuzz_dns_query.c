/* fuzz_dns_query.c - any bytes as a client's question, to a network with members and a neighbour.
 * What is answered fits the room that the client has, and is an answer to its question. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/address.h"
#include "gate/dns_member.h"
#include "gate/dns_message.h"
#include "gate/dns_names.h"
#include "gate/dns_zones.h"
#include "gate/port.h"
#include "lib/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dns_zones *network(void)
{
	static const char *const names[][2] = { { "web-1", "web" }, { "web-2", "web" } };
	static const char *const texts[][2] = { { "172.18.0.2", "fd11::2" },
						{ "172.18.0.3", "fd11::3" } };
	static const struct port port = { IPPROTO_TCP, 80 };
	struct dns_zones *n = dns_zones_create(1);
	struct address a[2], gateway;
	struct dns_member m = { .addresses = a, .address_count = 2, .name_count = 2,
				.ports = &port, .port_count = 1 };
	struct subnet subnet, back;
	struct err e;
	int i;

	address_parse("172.18.0.1", &gateway);
	subnet_parse("172.18.0.0/16", &subnet);
	subnet_parse("172.19.0.0/16", &back);
	dns_names_set_network(dns_zones_own(n), "lab", &gateway, 1, &subnet, 1);
	for (i = 0; i < 2; i++) {
		address_parse(texts[i][0], &a[0]);
		address_parse(texts[i][1], &a[1]);
		m.container = names[i][0];
		m.names = names[i];
		if (dns_names_set_member(dns_zones_own(n), &m, &e) < 0)
			abort();
		if (dns_zones_set_neighbour(n, "back", &back, 1, &e) < 0 ||
		    dns_zones_set_peer(n, "back", &m, &e) < 0)
			abort();
	}
	return n;
}

static void check_answer(const struct dns_reply *reply, struct dns_query *query, size_t max)
{
	static uint8_t out[DNS_MESSAGE_MAX];
	size_t size = dns_reply_write(reply, query, 0, out, max);
	struct dns_reply again;

	if (size > max || size < 12)
		abort();
	if (query->question.name.size == 0 || query->opcode != 0)
		return;
	out[2] &= ~2;	/* so that it is read although it may be cut */
	dns_reply_init(&again);
	if (!dns_reply_read(out, size, &query->question, query->id, &again))
		abort();
	dns_reply_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_zones *names;
	struct dns_query query;
	struct dns_reply reply;
	enum dns_rcode rcode;

	if (!names)
		names = network();
	rcode = dns_query_read(data, size, &query);
	if (rcode == DNS_RCODE_DROP)
		return 0;
	dns_reply_init(&reply);
	reply.rcode = rcode;
	if (rcode == DNS_RCODE_NOERROR && query.question.name.size == 0)
		abort();
	if (rcode == DNS_RCODE_NOERROR)
		dns_zones_answer(names, "web-1", &query.question, &reply);
	check_answer(&reply, &query, query.udp_max);
	check_answer(&reply, &query, DNS_MESSAGE_MAX);
	dns_reply_finish(&reply);
	return 0;
}
