#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "gate/packet.h"
#include "gate/tun.h"

static struct address address(const char *text)
{
	struct address a;

	assert_true(address_parse(text, &a));
	return a;
}

/* In memory of exactly its size, so that the sanitizer sees a byte too many. */
static enum packet_fault parse(struct packet *p, const void *bytes, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	enum packet_fault fault;

	memcpy(exact, bytes, size);
	fault = packet_parse(p, exact, size);
	free(exact);
	return fault;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A TCP segment with the given offset nibble and 12 bytes of options, 4 of payload: 56 bytes. */
static void make_tcp4(uint8_t p[56], const uint8_t options[12])
{
	struct address from = address("10.0.0.2"), to = address("192.0.2.9");

	memset(p, 0, 56);
	packet_build_ip(p, &from, &to, IPPROTO_TCP, 36);
	put16(p + 20, 40000);
	put16(p + 22, 80);
	p[32] = 8 << 4;
	p[33] = PACKET_SYN;
	memcpy(p + 40, options, 12);
}

static void test_tcp(void **state)
{
	static const uint8_t options[12] = { 1, 2, 4, 0x05, 0xb4, 3, 3, 7, 0 };
	uint8_t bytes[56];
	struct packet p;

	(void)state;
	make_tcp4(bytes, options);
	assert_int_equal(packet_parse(&p, bytes, 56), PACKET_GOOD);
	assert_int_equal(p.from_port, 40000);
	assert_int_equal(p.to_port, 80);
	assert_int_equal(p.tcp_flags, PACKET_SYN);
	assert_int_equal(p.tcp_mss, 1460);
	assert_int_equal(p.payload_bytes, 4);
	assert_ptr_equal(p.payload, bytes + 52);
	/* Bytes behind the packet are padding. */
	put16(bytes + 2, 54);
	assert_int_equal(packet_parse(&p, bytes, 56), PACKET_GOOD);
	assert_int_equal(p.payload_bytes, 2);
}

/* Where a header field lies about a length: offset, value, verdict. */
static void test_hostile_tcp(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum packet_fault fault;
	} cases[] = {
		{ 0, 0x44, PACKET_MALFORMED }, /* IP header of 16 bytes */
		{ 0, 0x4f, PACKET_MALFORMED }, /* of 60, longer than the rest: TCP's offset is 0 */
		{ 0, 0x55, PACKET_FOREIGN },   { 0, 0x05, PACKET_FOREIGN },
		{ 3, 57, PACKET_SHORT },       { 3, 19, PACKET_MALFORMED },
		{ 3, 39, PACKET_SHORT },       { 32, 4 << 4, PACKET_MALFORMED },
		{ 32, 10 << 4, PACKET_SHORT }, { 2, 0xff, PACKET_SHORT },
	};
	static const uint8_t none[12];
	uint8_t bytes[56];
	struct packet p;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_tcp4(bytes, none);
		bytes[cases[i].at] = cases[i].value;
		if (parse(&p, bytes, 56) != cases[i].fault)
			fail_msg("case %zu: %d", i, parse(&p, bytes, 56));
	}
	make_tcp4(bytes, none);
	for (n = 0; n < 56; n++)
		assert_int_not_equal(parse(&p, bytes, n), PACKET_GOOD);
	put16(bytes + 20, 0);
	assert_int_equal(parse(&p, bytes, 56), PACKET_MALFORMED);
}

static void test_hostile_options(void **state)
{
	static const struct {
		uint8_t options[12];
		unsigned mss;
	} cases[] = {
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2 }, 0 },	      /* cut before its length */
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 5 }, 0 },	      /* cut in its value */
		{ { 8, 0, 2, 4, 5, 6 }, 0 },			      /* a length of 0 */
		{ { 8, 1, 2, 4, 5, 6 }, 0 },
		{ { 8, 255, 2, 4, 5, 6 }, 0 },
		{ { 2, 3, 5, 2, 4, 5, 6 }, 0 },
		{ { 0, 2, 4, 5, 6 }, 0 },
		{ { 8, 2, 2, 4, 5, 6 }, 0x506 },
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 5, 6 }, 0x506 },
	};
	struct packet p;
	uint8_t bytes[56];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_tcp4(bytes, cases[i].options);
		assert_int_equal(parse(&p, bytes, 56), PACKET_GOOD);
		if (p.tcp_mss != cases[i].mss)
			fail_msg("case %zu: %u", i, p.tcp_mss);
	}
}

static void test_extensions(void **state)
{
	struct address from = address("fd00::2"), to = address("2001:db8::9");
	uint8_t bytes[40 + 8 * 12 + 16];
	struct packet p;
	size_t i;

	(void)state;
	/* hop-by-hop, destination options (16 bytes), atomic fragment, then UDP with 4 bytes */
	memset(bytes, 0, sizeof(bytes));
	packet_build_ip(bytes, &from, &to, 0, 8 + 16 + 8 + 12);
	bytes[40] = 60;
	bytes[48] = 44;
	bytes[49] = 1;
	bytes[64] = 17;
	put16(bytes + 72, 5353);
	put16(bytes + 74, 53);
	put16(bytes + 76, 12);
	assert_int_equal(parse(&p, bytes, 84), PACKET_GOOD);
	assert_int_equal(p.protocol, IPPROTO_UDP);
	assert_int_equal(p.header_bytes, 72);
	assert_int_equal(p.to_port, 53);
	assert_int_equal(p.payload_bytes, 4);
	assert_false(p.fragment);
	/* A real one: what follows is not read as ports. */
	bytes[67] = 0x11;
	assert_int_equal(parse(&p, bytes, 84), PACKET_GOOD);
	assert_true(p.fragment && p.fragment_more);
	assert_int_equal(p.fragment_at, 0x10);
	assert_int_equal(p.to_port, 0);
	/* An extension that goes beyond the end; and more of them than anybody sends. */
	bytes[49] = 200;
	assert_int_equal(parse(&p, bytes, 84), PACKET_SHORT);
	memset(bytes, 0, sizeof(bytes));
	packet_build_ip(bytes, &from, &to, 60, sizeof(bytes) - 40);
	for (i = 40; i < 40 + 8 * 12; i += 8)
		bytes[i] = 60;
	assert_int_equal(parse(&p, bytes, sizeof(bytes)), PACKET_MALFORMED);
}

/* The sum over pseudo header and transport, with the field as it would be completed, is 0xffff. */
static unsigned whole_sum(const uint8_t *at, size_t size, unsigned sum)
{
	for (; size > 1; size -= 2, at += 2)
		sum += (unsigned)(at[0] << 8 | at[1]);
	if (size)
		sum += (unsigned)at[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void test_build_udp(void **state)
{
	static const char *ends[][2] = { { "10.0.0.1", "10.0.0.2" }, { "fd00::1", "fd00::2" } };
	struct address from, to;
	uint8_t bytes[256];
	struct tun_offload o;
	struct packet p;
	size_t size;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		from = address(ends[i][0]);
		to = address(ends[i][1]);
		size = packet_build_udp(bytes, &o, &from, 53, &to, 4000, 5);
		memcpy(bytes + size, "hello", 5);
		assert_int_equal(packet_parse(&p, bytes, size + 5), PACKET_GOOD);
		assert_true(address_equal(&p.from, &from) && address_equal(&p.to, &to));
		assert_int_equal(p.from_port, 53);
		assert_int_equal(p.payload_bytes, 5);
		assert_memory_equal(p.payload, "hello", 5);
		if (i == 0)
			assert_int_equal(whole_sum(bytes, 20, 0), 0xffff);
		/* What the kernel does: the sum from the start on replaces the field. */
		assert_int_equal(o.checksum_start + 8, size);
		put16(bytes + o.checksum_start + o.checksum_offset,
		      0xffff & ~whole_sum(bytes + o.checksum_start, 13, 0));
		assert_int_equal(whole_sum(bytes + o.checksum_start, 13,
					   packet_pseudo_sum(&from, &to, IPPROTO_UDP, 13)),
				 0xffff);
		assert_int_equal(packet_build_udp(bytes, &o, &from, 1, &to, 1, 65535), 0);
	}
}

static void test_build_reset(void **state)
{
	static const uint8_t none[12];
	uint8_t bytes[56], headers[PACKET_HEADERS_MAX];
	struct tun_offload o;
	struct packet p, r;

	(void)state;
	make_tcp4(bytes, none);
	bytes[27] = 9; /* the sequence number */
	assert_int_equal(packet_parse(&p, bytes, 56), PACKET_GOOD);
	assert_int_equal(packet_build_reset(headers, &o, &p), 40);
	assert_int_equal(packet_parse(&r, headers, 40), PACKET_GOOD);
	assert_int_equal(r.tcp_flags, PACKET_RESET | PACKET_ACKED);
	assert_int_equal(r.tcp_ack, 9 + 1 + 4);
	assert_int_equal(r.to_port, 40000);
	/* Never an answer to a reset: two such ends would go on for ever. */
	bytes[33] = PACKET_RESET;
	assert_int_equal(packet_parse(&p, bytes, 56), PACKET_GOOD);
	assert_int_equal(packet_build_reset(headers, &o, &p), 0);
}

static void test_build_error(void **state)
{
	static const uint8_t none[12];
	struct address gateway = address("10.0.0.1"), other = address("fd00::1");
	uint8_t bytes[56], error[PACKET_ERROR_MAX], again[PACKET_ERROR_MAX];
	struct tun_offload o;
	struct packet p, r;
	size_t size;

	(void)state;
	make_tcp4(bytes, none);
	assert_int_equal(packet_parse(&p, bytes, 56), PACKET_GOOD);
	size = packet_build_error(error, &o, &gateway, &p, 3, 1, 0);
	assert_int_equal(size, 28 + 56);
	assert_int_equal(packet_parse(&r, error, size), PACKET_GOOD);
	assert_int_equal(r.icmp_type, 3);
	assert_memory_equal(r.payload, bytes, 56);
	assert_int_equal(packet_build_error(again, &o, &gateway, &r, 3, 1, 0), 0);
	assert_int_equal(packet_build_error(again, &o, &other, &p, 3, 1, 0), 0);
	bytes[16] = 224; /* to many */
	assert_int_equal(packet_parse(&p, bytes, 56), PACKET_GOOD);
	assert_int_equal(packet_build_error(again, &o, &gateway, &p, 3, 1, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),	   cmocka_unit_test(test_hostile_tcp),
		cmocka_unit_test(test_hostile_options), cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_build_udp),  cmocka_unit_test(test_build_reset),
		cmocka_unit_test(test_build_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
