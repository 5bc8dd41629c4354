/* test_dns_names.c - what names of a network are answered with, and the cache. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gate/address.h"
#include "gate/dns_cache.h"
#include "gate/dns_member.h"
#include "gate/dns_message.h"
#include "gate/dns_names.h"
#include "gate/dns_records.h"
#include "gate/dns_zones.h"
#include "gate/port.h"
#include "lib/err.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct address addr(const char *text)
{
	struct address a;

	assert_true(address_parse(text, &a));
	return a;
}

static void member(struct dns_zones *n, const char *container, const char *four, const char *six,
		   const char *const *names, int count, const struct port *ports, int port_count)
{
	struct address a[2] = { addr(four), addr(six) };
	const struct dns_member said = { container, a, 2, names, count, ports, port_count };
	struct err e;

	assert_int_equal(dns_names_set_member(dns_zones_own(n), &said, &e), 0);
}

/* Where c2 listens. */
static const struct port ports[] = { { IPPROTO_TCP, 80 }, { IPPROTO_TCP, 81 },
				     { IPPROTO_UDP, 53 } };

static struct dns_zones *network(void)
{
	struct address gateways[] = { addr("172.18.0.1"), addr("fd11::1") };
	struct dns_zones *n = dns_zones_create(1);
	struct subnet subnets[2];

	subnet_parse("172.18.0.0/16", &subnets[0]);
	subnet_parse("fd11::/64", &subnets[1]);
	dns_names_set_network(dns_zones_own(n), "lab", gateways, 2, subnets, 2);
	member(n, "c1", "172.18.0.2", "fd11::2",
	       (const char *const[]){ "web-1", "web", "Api.Example.com" }, 3, ports, 1);
	member(n, "c2", "172.18.0.3", "fd11::3", (const char *const[]){ "web-2", "web" }, 2, ports,
	       3);
	return n;
}

/* The answers as one line: "A:172.18.0.2 AAAA:fd11::2", or the code, or "outside". */
static const char *ask_as(struct dns_zones *n, const char *container, const char *name,
			  uint16_t type, char line[1024])
{
	char text[DNS_NAME_TEXT_BYTES], word[16];
	struct dns_question q = { .type = type, .class = DNS_CLASS_IN };
	struct dns_reply reply;
	struct dns_name target;
	struct dns_record r;
	struct address a;
	size_t at = 0, from;

	assert_true(dns_name_parse(name, &q.name));
	dns_reply_init(&reply);
	strcpy(line, "");
	if (!dns_zones_answer(n, container, &q, &reply)) {
		strcpy(line, "outside");
	} else if (reply.rcode != DNS_RCODE_NOERROR) {
		strcpy(line, dns_rcode_print(reply.rcode));
	}
	while (dns_records_next(&reply.records, &at, &r)) {
		if (r.type == DNS_TYPE_A || r.type == DNS_TYPE_AAAA) {
			a = address_of_bytes(r.data, r.data_bytes);
			address_print(&a, text);
		} else {
			from = r.type == DNS_TYPE_SRV ? 6 : 0;
			assert_true(dns_name_read(r.data, r.data_bytes, &from, &target));
			dns_name_print(&target, text);
		}
		sprintf(line + strlen(line), "%s%s:%s", *line ? " " : "",
			dns_type_print(r.type, word), text);
		if (r.type == DNS_TYPE_SRV)
			sprintf(line + strlen(line), ":%d", r.data[4] << 8 | r.data[5]);
	}
	dns_reply_finish(&reply);
	return line;
}

static const char *ask(struct dns_zones *n, const char *name, uint16_t type, char line[1024])
{
	return ask_as(n, NULL, name, type, line);
}

static void answers(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *line;
	} cases[] = {
		{ "web-1", DNS_TYPE_A, "A:172.18.0.2" },
		{ "WEB-1", DNS_TYPE_A, "A:172.18.0.2" },
		{ "web-1.lab", DNS_TYPE_AAAA, "AAAA:fd11::2" },
		{ "web-1.LAB.", DNS_TYPE_A, "A:172.18.0.2" },
		{ "web-2", DNS_TYPE_ANY, "A:172.18.0.3 AAAA:fd11::3" },
		{ "web-1", DNS_TYPE_MX, "" },		/* it is there, but has none */
		{ "api.example.com", DNS_TYPE_A, "A:172.18.0.2" },
		{ "example.com", DNS_TYPE_A, "outside" },
		{ "x.api.example.com", DNS_TYPE_A, "outside" },
		{ "nobody", DNS_TYPE_A, "NXDOMAIN" },	/* a single label stays here */
		{ "nobody", DNS_TYPE_AAAA, "NXDOMAIN" },
		{ "com", DNS_TYPE_NS, "outside" },
		{ "", DNS_TYPE_NS, "outside" },
		{ "nobody.lab", DNS_TYPE_A, "NXDOMAIN" },
		{ "a.b.lab", DNS_TYPE_MX, "NXDOMAIN" },
		{ "gateway", DNS_TYPE_A, "A:172.18.0.1" },
		{ "gateway.lab", DNS_TYPE_AAAA, "AAAA:fd11::1" },
		{ "host.docker.internal", DNS_TYPE_A, "A:172.18.0.1" },
		{ "localhost", DNS_TYPE_A, "A:127.0.0.1" },
		{ "x.localhost", DNS_TYPE_AAAA, "AAAA:::1" },
		{ "x.invalid", DNS_TYPE_A, "NXDOMAIN" },
		/* reverse names */
		{ "2.0.18.172.in-addr.arpa", DNS_TYPE_PTR, "PTR:web-1.lab" },
		{ "1.0.18.172.IN-ADDR.arpa", DNS_TYPE_PTR, "PTR:gateway.lab" },
		{ "9.0.18.172.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN" },
		{ "9.0.19.172.in-addr.arpa", DNS_TYPE_PTR, "outside" },
		{ "2.0.18.172.in-addr.arpa", DNS_TYPE_A, "" },
		{ "256.0.18.172.in-addr.arpa", DNS_TYPE_PTR, "outside" },
		{ "0.18.172.in-addr.arpa", DNS_TYPE_PTR, "outside" },
		{ "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.d.f.ip6.arpa",
		  DNS_TYPE_PTR, "PTR:web-2.lab" },
		{ "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.d.g.ip6.arpa",
		  DNS_TYPE_PTR, "outside" },
		/* ports */
		{ "_80._tcp.web-1", DNS_TYPE_SRV, "SRV:web-1:80" },
		{ "_tcp.web-2.lab", DNS_TYPE_SRV, "SRV:web-2.lab:80 SRV:web-2.lab:81" },
		{ "_53._UDP.web-2", DNS_TYPE_SRV, "SRV:web-2:53" },
		{ "_53._tcp.web-2", DNS_TYPE_SRV, "" },
		{ "_tcp.web-2", DNS_TYPE_A, "" },
		{ "_tcp.nobody.example", DNS_TYPE_SRV, "outside" },
		{ "_99999._tcp.web-1", DNS_TYPE_SRV, "" },
		{ "_http._tcp.web-1.lab", DNS_TYPE_SRV, "" },
		{ "_0._tcp.web-1", DNS_TYPE_SRV, "" },
		{ "_http._tcp.nobody.example", DNS_TYPE_SRV, "outside" },
		{ "_tcp", DNS_TYPE_SRV, "outside" },
	};
	struct dns_zones *n = network();
	char line[1024];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (strcmp(ask(n, cases[i].name, cases[i].type, line), cases[i].line) != 0)
			fail_msg("%s: %s, not %s", cases[i].name, line, cases[i].line);
	dns_zones_destroy(n);
}

/* Replicas take turns; who leaves is gone under all names; a name said anew is the new one. */
static void replicas(void **state)
{
	struct dns_zones *n = network();
	const struct dns_member wrong = { .container = "c2",
					  .names = (const char *const[]){ "a..b" },
					  .name_count = 1 };
	char first[1024], second[1024], line[1024];
	struct err e;

	(void)state;
	ask(n, "web", DNS_TYPE_A, first);
	ask(n, "web", DNS_TYPE_A, second);
	assert_string_not_equal(first, second);
	assert_string_equal(ask(n, "web", DNS_TYPE_A, line), first);
	assert_int_equal(strlen(first), strlen("A:172.18.0.2 A:172.18.0.3"));
	assert_non_null(strstr(ask(n, "_80._tcp.web", DNS_TYPE_SRV, line), "SRV:web-1:80"));
	assert_non_null(strstr(line, "SRV:web-2:80"));
	member(n, "c1", "172.18.0.2", "fd11::2", (const char *const[]){ "web-1", "web" }, 2, NULL,
	       0);
	assert_string_equal(ask(n, "_80._tcp.web", DNS_TYPE_SRV, line), "SRV:web-2:80");
	dns_names_remove_member(dns_zones_own(n), "c1");
	assert_string_equal(ask(n, "web", DNS_TYPE_A, line), "A:172.18.0.3");
	assert_string_equal(ask(n, "web-1", DNS_TYPE_A, line), "NXDOMAIN");
	assert_string_equal(ask(n, "2.0.18.172.in-addr.arpa", DNS_TYPE_PTR, line), "NXDOMAIN");
	member(n, "c2", "172.18.0.4", "fd11::4", (const char *const[]){ "db" }, 1, ports, 3);
	assert_string_equal(ask(n, "web", DNS_TYPE_A, line), "NXDOMAIN");
	assert_string_equal(ask(n, "db", DNS_TYPE_A, line), "A:172.18.0.4");
	assert_string_equal(ask(n, "_81._tcp.db", DNS_TYPE_SRV, line), "SRV:db:81");
	/* A name that is none leaves everything as it was. */
	assert_int_equal(dns_names_set_member(dns_zones_own(n), &wrong, &e), -1);
	assert_string_equal(ask(n, "db", DNS_TYPE_A, line), "A:172.18.0.4");
	dns_zones_destroy(n);
}

/* ---- neighbours: networks that c1 and c2 are on too */

static int peer(struct dns_zones *n, const char *network, const char *container, const char *four,
		const char *const *names, int count)
{
	struct address a = addr(four);
	const struct dns_member said = { container, &a, 1, names, count, ports, 3 };
	struct err e;

	return dns_zones_set_peer(n, network, &said, &e);
}

static int neighbour(struct dns_zones *n, const char *network, const char *subnet)
{
	struct subnet s;
	struct err e;

	assert_true(subnet_parse(subnet, &s));
	return dns_zones_set_neighbour(n, network, &s, 1, &e);
}

/* c1 is on back and deep, c2 on deep alone. */
static struct dns_zones *neighbourhood(void)
{
	struct dns_zones *n = network();

	assert_int_equal(neighbour(n, "deep", "172.20.0.0/16"), 0);
	assert_int_equal(neighbour(n, "back", "172.19.0.0/16"), 0);
	assert_int_equal(peer(n, "back", "c1", "172.19.0.2", (const char *const[]){ "web-1" }, 1),
			 0);
	assert_int_equal(peer(n, "back", "c3", "172.19.0.3",
			      (const char *const[]){ "db-1", "db", "store", "gateway" }, 4), 0);
	assert_int_equal(peer(n, "deep", "c1", "172.20.0.2", (const char *const[]){ "web-1" }, 1),
			 0);
	assert_int_equal(peer(n, "deep", "c2", "172.20.0.3", (const char *const[]){ "web-2" }, 1),
			 0);
	assert_int_equal(peer(n, "deep", "c4", "172.20.0.4",
			      (const char *const[]){ "cache", "db", "a.example" }, 3), 0);
	return n;
}

static void neighbours(void **state)
{
	static const struct {
		const char *container, *name;
		uint16_t type;
		const char *line;
	} cases[] = {
		/* own names first, and the gateway's are the own one's */
		{ "c1", "web-1", DNS_TYPE_A, "A:172.18.0.2" },
		{ "c1", "web-2", DNS_TYPE_A, "A:172.18.0.3" },
		{ "c1", "gateway", DNS_TYPE_A, "A:172.18.0.1" },
		{ "c1", "localhost", DNS_TYPE_A, "A:127.0.0.1" },
		/* then the neighbours', by their names; back is before deep */
		{ "c1", "db", DNS_TYPE_A, "A:172.19.0.3" },
		{ "c1", "DB.Deep", DNS_TYPE_A, "A:172.20.0.4" },
		{ "c1", "store", DNS_TYPE_A, "A:172.19.0.3" },
		{ "c1", "store", DNS_TYPE_AAAA, "" },
		{ "c1", "cache", DNS_TYPE_A, "A:172.20.0.4" },
		{ "c1", "a.example", DNS_TYPE_A, "A:172.20.0.4" },
		{ "c1", "web-1.back", DNS_TYPE_A, "A:172.19.0.2" },
		{ "c1", "3.0.19.172.in-addr.arpa", DNS_TYPE_PTR, "PTR:db-1.back" },
		{ "c1", "2.0.20.172.in-addr.arpa", DNS_TYPE_PTR, "PTR:web-1.deep" },
		{ "c1", "_53._udp.db", DNS_TYPE_SRV, "SRV:db-1.back:53" },
		{ "c1", "_81._tcp.cache.deep", DNS_TYPE_SRV, "SRV:cache.deep:81" },
		{ "c1", "_80._tcp.web-1", DNS_TYPE_SRV, "SRV:web-1:80" },
		/* nobody there, and nobody else's */
		{ "c1", "nobody", DNS_TYPE_A, "NXDOMAIN" },
		{ "c1", "nobody.back", DNS_TYPE_A, "NXDOMAIN" },
		{ "c1", "gateway.deep", DNS_TYPE_A, "NXDOMAIN" },
		{ "c1", "9.0.19.172.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN" },
		{ "c1", "1.0.20.172.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN" },
		{ "c1", "1.0.21.172.in-addr.arpa", DNS_TYPE_PTR, "outside" },
		{ "c1", "example", DNS_TYPE_MX, "outside" },
		/* who is not on back learns nothing of it */
		{ "c2", "db", DNS_TYPE_A, "A:172.20.0.4" },
		{ "c2", "store", DNS_TYPE_A, "NXDOMAIN" },
		{ "c2", "db.back", DNS_TYPE_A, "outside" },
		{ "c2", "nobody.back", DNS_TYPE_A, "outside" },
		{ "c2", "3.0.19.172.in-addr.arpa", DNS_TYPE_PTR, "outside" },
		{ "c2", "9.0.19.172.in-addr.arpa", DNS_TYPE_PTR, "outside" },
		{ "c2", "_53._udp.db-1", DNS_TYPE_SRV, "outside" },
		{ "c2", "4.0.20.172.in-addr.arpa", DNS_TYPE_PTR, "PTR:cache.deep" },
		/* nor does a member of none, one who is only there, and nobody */
		{ "c9", "cache", DNS_TYPE_A, "NXDOMAIN" },
		{ "c9", "a.example", DNS_TYPE_A, "outside" },
		{ "c9", "4.0.20.172.in-addr.arpa", DNS_TYPE_PTR, "outside" },
		{ NULL, "db", DNS_TYPE_A, "NXDOMAIN" },
		{ NULL, "db.deep", DNS_TYPE_A, "outside" },
		{ "", "cache", DNS_TYPE_A, "NXDOMAIN" },
	};
	struct dns_zones *n = neighbourhood();
	char line[1024];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (strcmp(ask_as(n, cases[i].container, cases[i].name, cases[i].type, line),
			   cases[i].line) != 0)
			fail_msg("%s asks for %s: %s, not %s", cases[i].container, cases[i].name,
				 line, cases[i].line);
	dns_zones_destroy(n);
}

static void neighbours_change(void **state)
{
	struct dns_zones *n = neighbourhood();
	char line[1024];

	(void)state;
	/* A peer moves, and is called something else. */
	assert_int_equal(peer(n, "back", "c3", "172.19.0.9", (const char *const[]){ "sql" }, 1), 0);
	assert_string_equal(ask_as(n, "c1", "sql", DNS_TYPE_A, line), "A:172.19.0.9");
	assert_string_equal(ask_as(n, "c1", "db", DNS_TYPE_A, line), "A:172.20.0.4");
	assert_string_equal(ask_as(n, "c1", "3.0.19.172.in-addr.arpa", DNS_TYPE_PTR, line),
			    "NXDOMAIN");
	/* One leaves; then the asker himself, and is told nothing of those who stay. */
	dns_zones_remove_peer(n, "deep", "c4");
	assert_string_equal(ask_as(n, "c2", "cache", DNS_TYPE_A, line), "NXDOMAIN");
	dns_zones_remove_peer(n, "back", "c1");
	assert_string_equal(ask_as(n, "c1", "sql", DNS_TYPE_A, line), "NXDOMAIN");
	assert_string_equal(ask_as(n, "c1", "9.0.19.172.in-addr.arpa", DNS_TYPE_PTR, line),
			    "outside");
	assert_string_equal(ask_as(n, "c3", "sql", DNS_TYPE_A, line), "A:172.19.0.9");
	/* The network goes, with all of them; what nobody knows is no matter. */
	dns_zones_remove_neighbour(n, "deep");
	assert_string_equal(ask_as(n, "c2", "web-2.deep", DNS_TYPE_A, line), "outside");
	assert_string_equal(ask_as(n, "c2", "web-2", DNS_TYPE_A, line), "A:172.18.0.3");
	assert_int_equal(peer(n, "deep", "c2", "172.20.0.3", NULL, 0), -1);
	dns_zones_remove_neighbour(n, "deep");
	dns_zones_remove_peer(n, "deep", "c2");
	dns_zones_remove_peer(n, "back", "c7");
	dns_zones_destroy(n);
}

/* What neighbours fill is theirs: the own network has its room, and gets it all back. */
static void neighbours_are_bounded(void **state)
{
	struct dns_zones *n = network();
	char name[64], other[64], line[1024];
	const char *const names[] = { name, other };
	int i, taken = 0;

	(void)state;
	for (i = 0; i < DNS_ZONES_MAX; i++) {
		sprintf(name, "n%d", i);
		assert_int_equal(neighbour(n, name, "172.19.0.0/16"), 0);
	}
	assert_int_equal(neighbour(n, "n0", "172.19.0.0/16"), 0);
	assert_int_equal(neighbour(n, "one-more", "172.19.0.0/16"), -1);
	for (i = 0; i < DNS_NAMES_MAX; i++) {
		sprintf(name, "p%d", i);
		sprintf(other, "q%d", i);
		taken += peer(n, i % 2 ? "n1" : "n2", name, "172.19.0.2", names, 2) == 0;
	}
	assert_int_equal(taken, DNS_NAMES_MAX / 3);
	member(n, "c3", "172.18.0.4", "fd11::4", (const char *const[]){ "late" }, 1, NULL, 0);
	assert_string_equal(ask(n, "late", DNS_TYPE_A, line), "A:172.18.0.4");
	/* Said again is no more; one network's room is the others'. */
	strcpy(name, "p1");
	strcpy(other, "again");
	assert_int_equal(peer(n, "n1", name, "172.19.0.9", names, 2), 0);
	assert_string_equal(ask_as(n, "p1", "again", DNS_TYPE_A, line), "A:172.19.0.9");
	assert_int_equal(peer(n, "n3", name, "172.19.0.9", names, 2), -1);
	dns_zones_remove_neighbour(n, "n1");
	assert_int_equal(peer(n, "n3", name, "172.19.0.9", names, 2), 0);
	dns_zones_destroy(n);
}

static void put(struct dns_cache *c, const char *name, uint32_t variant, uint32_t ttl, int bytes,
		uint64_t now_ms)
{
	struct dns_question q = { .type = DNS_TYPE_TXT, .class = 1 };
	struct dns_reply reply;
	uint8_t data[16384];
	struct dns_record r = { .type = DNS_TYPE_TXT, .class = 1, .ttl = ttl, .data = data,
				.data_bytes = bytes };

	memset(data, 0, sizeof(data));
	dns_name_parse(name, &q.name);
	r.name = q.name;
	dns_reply_init(&reply);
	dns_records_add(&reply.records, &r);
	dns_cache_put(c, &q, variant, &reply, now_ms);
	dns_reply_finish(&reply);
}

static int get(struct dns_cache *c, const char *name, uint32_t variant, uint64_t now_ms)
{
	struct dns_question q = { .type = DNS_TYPE_TXT, .class = 1 };
	uint32_t age;

	dns_name_parse(name, &q.name);
	return dns_cache_get(c, &q, variant, now_ms, &age) ? (int)age : -1;
}

static void cache(void **state)
{
	struct dns_cache *c = dns_cache_create(3);
	char name[64];
	int i;

	(void)state;
	put(c, "a.org", 0, 10, 4, 1000);
	assert_int_equal(get(c, "A.org", 0, 1000), 0);
	assert_int_equal(get(c, "a.org", 0, 10999), 9);
	assert_int_equal(get(c, "a.org", 1, 1000), -1);
	assert_int_equal(get(c, "b.org", 0, 1000), -1);
	assert_int_equal(get(c, "a.org", 0, 11000), -1);
	assert_int_equal(dns_cache_entries(c), 0);
	put(c, "a.org", 0, 0, 4, 1000);			/* TTL 0, and what is too large */
	put(c, "b.org", 0, 100, 16380, 1000);
	assert_int_equal(dns_cache_entries(c), 0);
	put(c, "keep.org", 0, 1000, 4, 1000);
	for (i = 0; i < 10000; i++) {
		sprintf(name, "n%d.org", i);
		put(c, name, 0, 1000, i % 2000, 1000);
		assert_true(dns_cache_entries(c) <= DNS_CACHE_ENTRIES_MAX);
		assert_true(dns_cache_bytes(c) <= DNS_CACHE_BYTES_MAX);
		assert_int_equal(get(c, "keep.org", 0, 2000), 1);	/* used: never the oldest */
	}
	assert_int_equal(get(c, "n0.org", 0, 2000), -1);
	assert_true(dns_cache_entries(c) > 100);
	dns_cache_clear(c);
	assert_int_equal(dns_cache_bytes(c), 0);
	dns_cache_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers), cmocka_unit_test(replicas), cmocka_unit_test(cache),
		cmocka_unit_test(neighbours), cmocka_unit_test(neighbours_change),
		cmocka_unit_test(neighbours_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
