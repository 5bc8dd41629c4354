/* test_dns_message.c - names, questions and answers by tables: good ones, and the hostile ones of
 * RFC 9267 (pointer loops, labels and data beyond their end, counts that lie). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "gate/dns_message.h"
#include "gate/dns_records.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
/* A literal with its size; NULs are part of it. */
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static void names_read(void **state)
{
	static const struct {
		const char *text;	/* NULL: refused */
		const uint8_t *bytes;
		size_t size, at, end;
	} cases[] = {
		{ ".", BYTES("\0"), 0, 1 },
		{ "web", BYTES("\3web\0"), 0, 5 },
		{ "web.lab", BYTES("\3web\3lab\0x"), 0, 9 },
		{ "web.lab", BYTES("\3lab\0\3web\300\0"), 5, 11 },
		{ "a.web.lab", BYTES("\3lab\0\3web\300\0\1a\300\5"), 11, 15 },
		{ "a\\046b", BYTES("\3a.b\0"), 0, 5 },
		{ "\\000\\255", BYTES("\2\0\377\0"), 0, 4 },
		{ NULL, BYTES(""), 0, 0 },
		{ NULL, BYTES("\3web"), 0, 0 },		/* no end */
		{ NULL, BYTES("\3we"), 0, 0 },		/* label beyond the end */
		{ NULL, BYTES("\77we"), 0, 0 },
		{ NULL, BYTES("\100we\0"), 0, 0 },	/* reserved label types */
		{ NULL, BYTES("\200we\0"), 0, 0 },
		{ NULL, BYTES("\300"), 0, 0 },		/* half a pointer */
		{ NULL, BYTES("\300\0"), 0, 0 },	/* to itself */
		{ NULL, BYTES("\300\2\1a\0"), 0, 0 },	/* forward */
		{ NULL, BYTES("\300\2\300\0"), 0, 0 },	/* and back */
		{ NULL, BYTES("\300\2\300\0"), 2, 0 },
		{ NULL, BYTES("\1a\300\0"), 0, 0 },	/* into its own labels */
		{ NULL, BYTES("\1a\1b\300\2"), 2, 0 },
		{ NULL, BYTES("\1a\300\5\0\1b\300\0"), 5, 0 },
		{ NULL, BYTES("\377\377"), 0, 0 },
	};
	char text[DNS_NAME_TEXT_BYTES];
	struct dns_name name;
	size_t i, at;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		at = cases[i].at;
		if (!cases[i].text) {
			assert_false(dns_name_read(cases[i].bytes, cases[i].size, &at, &name));
			assert_int_equal(at, cases[i].at);
			continue;
		}
		assert_true(dns_name_read(cases[i].bytes, cases[i].size, &at, &name));
		assert_int_equal(at, cases[i].end);
		assert_string_equal(dns_name_print(&name, text), cases[i].text);
	}
}

/* 255 bytes are a name, 256 are none; also when a pointer makes it so. */
static void names_longest(void **state)
{
	uint8_t bytes[300];
	struct dns_name name;
	size_t at;
	int i;

	(void)state;
	for (i = 0; i < 127; i++)
		memcpy(bytes + 2 * i, "\1a", 2);
	bytes[254] = 0;
	at = 0;
	assert_true(dns_name_read(bytes, 255, &at, &name));
	assert_int_equal(name.size, 255);
	assert_int_equal(dns_name_labels(&name), 127);
	memcpy(bytes + 255, "\1b\300\0", 4);
	at = 255;
	assert_false(dns_name_read(bytes, 259, &at, &name));
	memcpy(bytes + 255, "\300\2", 2);
	at = 255;
	assert_true(dns_name_read(bytes, 257, &at, &name));
	assert_int_equal(name.size, 253);
}

static void names_parse(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "web", true }, { "web.lab.", true }, { "", true },  { ".", true },
		{ "..", false }, { ".a", false },      { "a..b", false }, { "a b", false },
		{ "0123456789012345678901234567890123456789012345678901234567890123", false },
		{ "012345678901234567890123456789012345678901234567890123456789012", true },
	};
	struct dns_name name, zone;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(dns_name_parse(cases[i].text, &name), cases[i].good);
	dns_name_parse("WEB.Example.ORG", &name);
	dns_name_parse("example.org", &zone);
	assert_true(dns_name_within(&name, &zone));
	assert_false(dns_name_within(&zone, &name));
	assert_true(dns_name_cut(&name, &zone));
	dns_name_parse("web", &zone);
	assert_true(dns_name_equal(&name, &zone));
	dns_name_parse("ample.org", &zone);
	dns_name_parse("example.org", &name);
	assert_false(dns_name_within(&name, &zone));
}

#define HEAD(flags, q, a, n, x) "\x12\x34" flags "\0" q "\0" a "\0" n "\0" x
#define WEB		       "\3web\3lab\0"

static void queries(void **state)
{
	static const struct {
		enum dns_rcode rcode;
		const uint8_t *bytes;
		size_t size;
		uint16_t udp_max;
		bool dnssec;
	} cases[] = {
		{ DNS_RCODE_NOERROR, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") WEB "\0\1\0\1"),
		  512, false },
		{ DNS_RCODE_NOERROR,
		  BYTES(HEAD("\1\40", "\1", "\0", "\0", "\1") WEB
			"\0\34\0\1\0\0\51\20\0\0\0\200\0\0\0"),
		  1232, true },
		{ DNS_RCODE_NOERROR,
		  BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") WEB
			"\0\1\0\1\0\0\51\0\100\0\0\0\0\0\4\0\3\0\0"),
		  512, false },
		{ DNS_RCODE_NOERROR,
		  BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") WEB "\0\1\0\1\0\0\51\4\0\0\0\0\0\0\0"),
		  1024, false },
		{ DNS_RCODE_DROP, BYTES(""), 0, false },
		{ DNS_RCODE_DROP, BYTES("\x12\x34\1\0\0\1\0\0\0\0\0"), 0, false },
		{ DNS_RCODE_DROP, BYTES(HEAD("\201\0", "\1", "\0", "\0", "\0") WEB "\0\1\0\1"), 0,
		  false },
		{ DNS_RCODE_NOTIMP, BYTES(HEAD("\51\0", "\1", "\0", "\0", "\0") WEB "\0\6\0\1"), 0,
		  false },
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\1\0", "\0", "\0", "\0", "\0")), 0, false },
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0")), 0, false },
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\3\0", "\1", "\0", "\0", "\0") WEB "\0\1\0\1"), 0,
		  false },
		{ DNS_RCODE_FORMERR,
		  BYTES(HEAD("\1\0", "\2", "\0", "\0", "\0") WEB "\0\1\0\1" WEB "\0\1\0\1"), 0,
		  false },
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\1\0", "\1", "\1", "\0", "\0") WEB "\0\1\0\1"), 0,
		  false },
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") WEB "\0\1\0"), 0,
		  false },
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") WEB "\0\1\0\1x"), 0,
		  false },
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") "\300\14\0\1\0\1"),
		  0, false },
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") "\300\0\0\1\0\1"),
		  0, false },
		/* OPT: missing, below a name, options beyond its end, twice */
		{ DNS_RCODE_FORMERR, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") WEB "\0\1\0\1"), 0,
		  false },
		{ DNS_RCODE_FORMERR,
		  BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") WEB
			"\0\1\0\1\1a\0\0\51\4\0\0\0\0\0\0\0"),
		  0, false },
		{ DNS_RCODE_FORMERR,
		  BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") WEB
			"\0\1\0\1\0\0\51\4\0\0\0\0\0\0\4\0\3\0\1"),
		  0, false },
		{ DNS_RCODE_FORMERR,
		  BYTES(HEAD("\1\0", "\1", "\0", "\0", "\2") WEB
			"\0\1\0\1\0\0\51\4\0\0\0\0\0\0\0\0\0\51\4\0\0\0\0\0\0\0"),
		  0, false },
		{ DNS_RCODE_FORMERR,
		  BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") WEB
			"\0\1\0\1\0\0\51\4\0\0\0\0\0\377\377"),
		  0, false },
		{ DNS_RCODE_BADVERS,
		  BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") WEB "\0\1\0\1\0\0\51\4\0\0\1\0\0\0\0"),
		  0, false },
		{ DNS_RCODE_REFUSED, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") WEB "\0\1\0\3"), 0,
		  false },
		{ DNS_RCODE_NOTIMP, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") WEB "\0\374\0\1"), 0,
		  false },
		{ DNS_RCODE_NOTIMP, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") WEB "\0\51\0\1"), 0,
		  false },
	};
	struct dns_query query;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("query %zu\n", i);
		assert_int_equal(dns_query_read(cases[i].bytes, cases[i].size, &query),
				 cases[i].rcode);
		if (cases[i].rcode != DNS_RCODE_NOERROR)
			continue;
		assert_int_equal(query.id, 0x1234);
		assert_int_equal(query.udp_max, cases[i].udp_max);
		assert_int_equal(query.dnssec, cases[i].dnssec);
		assert_true(query.recursion);
	}
}

#define Q     HEAD("\201\200", "\1", "\1", "\0", "\0") WEB "\0\1\0\1"
#define QN(a, n, x) HEAD("\201\200", "\1", a, n, x) WEB "\0\1\0\1"
#define NAME  "\300\14"

static void replies(void **state)
{
	static const struct {
		bool good;
		const uint8_t *bytes;
		size_t size;
		int rcode, records;
		uint32_t ttl;
		bool edns;
	} cases[] = {
		{ true, BYTES(Q NAME "\0\1\0\1\0\0\0\74\0\4\1\2\3\4"), 0, 1, 60, false },
		/* an alias, and a pointer into its data */
		{ true,
		  BYTES(QN("\2", "\0", "\0") NAME "\0\5\0\1\0\0\0\12\0\4\1x\300\20"
						  "\300\45\0\1\0\1\0\0\0\5\0\4\1\2\3\4"),
		  0, 2, 5, false },
		{ true, BYTES(Q NAME "\0\1\0\1\377\0\0\0\0\4\1\2\3\4"), 0, 1, 0, false },
		{ true, BYTES(HEAD("\201\203", "\1", "\0", "\0", "\0") WEB "\0\1\0\1"), 3, 0, 0,
		  false },
		/* no such name: its SOA says for how long */
		{ true,
		  BYTES(HEAD("\201\203", "\1", "\0", "\1", "\0") WEB
			"\0\1\0\1"
			"\300\20\0\6\0\1\0\0\0\144\0\30\0\0"
			"\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\7"
			"\0\0"),
		  -1, 0, 0, false },
		{ true,
		  BYTES(HEAD("\201\203", "\1", "\0", "\1", "\0") WEB
			"\0\1\0\1"
			"\300\20\0\6\0\1\0\0\0\144\0\26\0\0"
			"\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\7"),
		  3, 1, 7, false },
		/* SERVFAIL without its question; cut: nothing of it counts */
		{ true, BYTES("\x12\x34\201\202\0\0\0\0\0\0\0\0"), 2, 0, 0, false },
		{ true, BYTES(HEAD("\203\200", "\1", "\1", "\0", "\0") WEB "\0\1\0\1" NAME), 0, 0,
		  0, false },
		/* OPT is taken off; its upper bits of the code make SERVFAIL of it */
		{ true,
		  BYTES(QN("\1", "\0", "\1") NAME "\0\1\0\1\0\0\0\74\0\4\1\2\3\4"
						  "\0\0\51\4\320\0\0\0\0\0\0"),
		  0, 1, 60, true },
		{ true,
		  BYTES(QN("\1", "\0", "\1") NAME "\0\1\0\1\0\0\0\74\0\4\1\2\3\4"
						  "\0\0\51\4\320\1\0\0\0\0\0"),
		  2, 0, 0, true },
		/* a type that is not known; another class is left out */
		{ true, BYTES(Q NAME "\4\1\0\1\0\0\0\74\0\3abc"), 0, 1, 60, false },
		{ true, BYTES(Q NAME "\0\1\0\3\0\0\0\74\0\4\1\2\3\4"), 0, 0, 0, false },
		/* another id, a question back, another question, none, two */
		{ false, BYTES("\x12\x35\201\200\0\1\0\0\0\0\0\0" WEB "\0\1\0\1"), 0, 0, 0, false },
		{ false, BYTES(HEAD("\1\0", "\1", "\0", "\0", "\0") WEB "\0\1\0\1"), 0, 0, 0,
		  false },
		{ false, BYTES(HEAD("\201\200", "\1", "\0", "\0", "\0") "\3wex\3lab\0\0\1\0\1"), 0,
		  0, 0, false },
		{ false, BYTES(HEAD("\201\200", "\1", "\0", "\0", "\0") WEB "\0\34\0\1"), 0, 0, 0,
		  false },
		{ false, BYTES("\x12\x34\201\200\0\0\0\0\0\0\0\0"), 0, 0, 0, false },
		{ false, BYTES("\x12\x34\201\203\0\0\0\0\0\0\0\0"), 0, 0, 0, false },
		{ false,
		  BYTES(HEAD("\201\200", "\2", "\0", "\0", "\0") WEB "\0\1\0\1" WEB "\0\1\0\1"), 0,
		  0, 0, false },
		{ false, BYTES("\x12\x34\201\200\0\1"), 0, 0, 0, false },
		/* counts that lie, bytes behind the end */
		{ false, BYTES(QN("\2", "\0", "\0") NAME "\0\1\0\1\0\0\0\74\0\4\1\2\3\4"), 0, 0, 0,
		  false },
		{ false, BYTES(HEAD("\201\200", "\1", "\377", "\0", "\0") WEB "\0\1\0\1" NAME), 0,
		  0, 0, false },
		{ false, BYTES(Q NAME "\0\1\0\1\0\0\0\74\0\4\1\2\3\4x"), 0, 0, 0, false },
		/* data: longer and shorter than the message or the type, names over the edge */
		{ false, BYTES(Q NAME "\0\1\0\1\0\0\0\74\0\5\1\2\3\4"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\1\0\1\0\0\0\74\377\377\1\2\3\4"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\1\0\1\0\0\0\74\0\3\1\2\3"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\1\0\1\0\0\0\74\0\5\1\2\3\4\5"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\34\0\1\0\0\0\74\0\4\1\2\3\4"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\5\0\1\0\0\0\74\0\2\1a"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\5\0\1\0\0\0\74\0\3\1a\0\0"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\5\0\1\0\0\0\74\0\4\1a\0x"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\5\0\1\0\0\0\74\0\0"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\20\0\1\0\0\0\74\0\2\2a"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\20\0\1\0\0\0\74\0\0"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\17\0\1\0\0\0\74\0\1\0"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\41\0\1\0\0\0\74\0\6\0\0\0\0\0\1"), 0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\6\0\1\0\0\0\74\0\2\0\0"), 0, 0, 0, false },
		/* a pointer to itself, forward, into the header; OPT among the answers, twice */
		{ false,
		  BYTES(Q "\300\31"
			  "\0\1\0\1\0\0\0\74\0\4\1\2\3\4"),
		  0, 0, 0, false },
		{ false,
		  BYTES(Q "\300\50"
			  "\0\1\0\1\0\0\0\74\0\4\1\2\3\4"),
		  0, 0, 0, false },
		{ false, BYTES(Q NAME "\0\5\0\1\0\0\0\74\0\2\300\45"), 0, 0, 0, false },
		{ false, BYTES(Q "\0\0\51\4\320\0\0\0\0\0\0"), 0, 0, 0, false },
		{ false,
		  BYTES(QN("\0", "\0", "\2") "\0\0\51\4\320\0\0\0\0\0\0"
					     "\0\0\51\4\320\0\0\0\0\0\0"),
		  0, 0, 0, false },
	};
	struct dns_question question = { .type = 1, .class = 1 };
	struct dns_reply reply;
	struct dns_record r;
	size_t i, at;
	int records;

	(void)state;
	dns_name_parse("WEB.lab", &question.name);
	for (i = 0; i < COUNT(cases); i++) {
		if (cases[i].rcode < 0)
			continue;
		print_message("reply %zu\n", i);
		dns_reply_init(&reply);
		assert_int_equal(dns_reply_read(cases[i].bytes, cases[i].size, &question, 0x1234,
						&reply),
				 cases[i].good);
		for (at = 0, records = 0; dns_records_next(&reply.records, &at, &r);)
			records++;
		assert_int_equal(records, cases[i].records);
		if (cases[i].good) {
			assert_int_equal(reply.rcode, cases[i].rcode);
			assert_int_equal(reply.edns, cases[i].edns);
			assert_int_equal(dns_reply_ttl(&reply), cases[i].ttl);
		}
		dns_reply_finish(&reply);
	}
}

static void add(struct dns_reply *reply, const char *name, uint16_t type, uint32_t ttl,
		const void *data, size_t bytes)
{
	struct dns_record r = { .type = type, .class = 1, .ttl = ttl, .data = data,
				.data_bytes = bytes };

	dns_name_parse(name, &r.name);
	assert_true(dns_records_add(&reply->records, &r));
}

/* What was written is read again; names come out compressed, TTLs lowered. */
static void written(void **state)
{
	struct dns_query query = { .id = 7, .udp_max = 512, .recursion = true, .edns = true };
	struct dns_reply reply, again;
	struct dns_record r;
	struct dns_name alias;
	uint8_t out[DNS_MESSAGE_MAX];
	size_t size, at = 0, room;
	int i;

	(void)state;
	dns_name_parse("web.Example.org", &query.question.name);
	query.question.type = 1;
	query.question.class = 1;
	dns_reply_init(&reply);
	dns_name_parse("host.example.org", &alias);
	add(&reply, "web.example.org", DNS_TYPE_CNAME, 100, alias.wire, alias.size);
	for (i = 0; i < 40; i++)
		add(&reply, "host.example.org", DNS_TYPE_A, 50, (uint8_t[]){ 10, 0, 0, i }, 4);
	size = dns_reply_write(&reply, &query, 60, out, sizeof(out));
	/* header, question, alias (2+10+7), 40 x (2+10+4), OPT */
	assert_int_equal(size, 12 + 21 + 19 + 40 * 16 + 11);
	dns_reply_init(&again);
	assert_true(dns_reply_read(out, size, &query.question, 7, &again));
	assert_true(dns_records_next(&again.records, &at, &r));
	assert_int_equal(r.ttl, 40);
	assert_true(dns_name_equal(&r.name, &query.question.name));
	assert_memory_equal(r.data, "\4host\7Example\3org", r.data_bytes);
	assert_true(dns_records_next(&again.records, &at, &r));
	assert_int_equal(r.ttl, 0);
	assert_true(dns_name_equal(&r.name, &alias));
	dns_reply_finish(&again);
	/* every room that a client may have: never more, always readable, and said to be cut */
	for (room = 512; room < size; room++) {
		size_t cut = dns_reply_write(&reply, &query, 0, out, room);

		assert_true(cut <= room && cut > room - 16 - 1);
		assert_int_equal(out[2] & 2, 2);
		dns_reply_init(&again);
		assert_true(dns_reply_read(out, cut, &query.question, 7, &again));
		assert_true(again.truncated);
		dns_reply_finish(&again);
		out[2] &= ~2;
		dns_reply_init(&again);
		assert_true(dns_reply_read(out, cut, &query.question, 7, &again));
		assert_true(again.records.size_bytes > 0);
		dns_reply_finish(&again);
	}
	dns_reply_finish(&reply);
}

/* Names that are as expensive as they can be: a chain of pointers through 16 KiB, and 4,000 records
 * that begin at its end. The bound is generous: sanitizers, a shared machine. */
static void hostile_is_cheap(void **state)
{
	static uint8_t bytes[DNS_MESSAGE_MAX];
	struct dns_question question = { .type = 1, .class = 1 };
	struct timespec from, to;
	struct dns_reply reply;
	size_t at = sizeof(Q) - 1, chain;
	int i;

	(void)state;
	dns_name_parse("web.lab", &question.name);
	memcpy(bytes, Q, at);
	memcpy(bytes + at, NAME "\4\1\0\1\0\0\0\74", 10);
	chain = 16000;
	bytes[at + 10] = chain >> 8;
	bytes[at + 11] = chain & 0xff;
	at += 12;
	for (i = 0; i < (int)chain; i += 2) {
		size_t to_at = i ? at + i - 2 : 12;

		bytes[at + i] = 0xc0 | to_at >> 8;
		bytes[at + i + 1] = to_at & 0xff;
	}
	at += chain;
	for (i = 1; at + 16 <= sizeof(bytes); i++, at += 16) {
		memcpy(bytes + at, "\377\377\0\1\0\1\0\0\0\74\0\4\1\2\3\4", 16);
		bytes[at] = 0xc0 | 16020 >> 8;
		bytes[at + 1] = 16020 & 0xff;
	}
	bytes[6] = i >> 8;
	bytes[7] = i & 0xff;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	dns_reply_init(&reply);
	assert_false(dns_reply_read(bytes, at, &question, 0x1234, &reply));
	dns_reply_finish(&reply);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	i = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
	print_message("a chain of 8,000 pointers: %d us\n", i);
	assert_true(i < 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_read),  cmocka_unit_test(names_longest),
		cmocka_unit_test(names_parse), cmocka_unit_test(queries),
		cmocka_unit_test(replies),     cmocka_unit_test(written),
		cmocka_unit_test(hostile_is_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
