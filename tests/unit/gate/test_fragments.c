/* test_fragments.c - what is cut comes together again, with the checksum that it must have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "gate/fragments.h"
#include "gate/frame.h"
#include "gate/packet.h"
#include "gate/reassembly.h"
#include "gate/tun.h"

enum { PAYLOAD_MAX = 65487 };

static uint8_t payload[PAYLOAD_MAX];

/* What a receiver sums up: 0xffff when it is right (RFC 1071). */
static uint32_t sum_of(const struct packet *p)
{
	uint32_t sum = packet_pseudo_sum(&p->from, &p->to, p->protocol,
					 p->ip_bytes - p->header_bytes);
	const uint8_t *at = p->ip + p->header_bytes;
	size_t size = p->ip_bytes - p->header_bytes, i;

	for (i = 0; i < size; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* One piece, flat, as the device gets it. */
static struct frame *receive(struct reassembly *r, const struct iovec *v, int n, size_t mtu)
{
	static uint8_t bytes[65536];
	struct packet p;
	size_t size = 0;
	int i;

	for (i = 0; i < n; i++) {
		memcpy(bytes + size, v[i].iov_base, v[i].iov_len);
		size += v[i].iov_len;
	}
	assert_true(size <= mtu);
	assert_int_equal(packet_parse(&p, bytes, size), PACKET_GOOD);
	assert_true(p.fragment);
	assert_int_equal(p.ip_bytes, size);
	return reassembly_add(r, &p);
}

static void check(struct frame_pool *pool, bool is_udp, size_t size, uint16_t mtu)
{
	struct reassembly *r = reassembly_create(pool);
	struct iovec out[FRAGMENTS_PIECES_MAX + 1], pieces[2];
	uint8_t headers[PACKET_HEADERS_MAX];
	struct address from, to;
	struct tun_offload o;
	struct frame *whole = NULL;
	struct fragments f;
	struct packet p;
	int n;

	address_parse("2001:db8::1", &from);
	address_parse("fd18::2", &to);
	pieces[0] = (struct iovec){ headers, 0 };
	pieces[0].iov_len =
		is_udp ? packet_build_udp(headers, &o, &from, 53, &to, 4000, size)
		       : packet_build_echo(headers, &o, &from, &to, 129, 7, 1, size);
	pieces[1] = (struct iovec){ payload, size };
	assert_int_equal(fragments_begin(&f, &o, pieces, 2, mtu, 0x12345678), size + 48 > mtu);
	if (size + 48 > mtu) {
		while ((n = fragments_next(&f, out)) > 0) {
			assert_null(whole);
			whole = receive(r, out, n, mtu);
		}
		assert_non_null(whole);
		assert_int_equal(packet_parse(&p, whole->bytes, whole->size_bytes), PACKET_GOOD);
		assert_int_equal(p.payload_bytes, size);
		assert_memory_equal(p.payload, payload, size);
		assert_int_equal(sum_of(&p), 0xffff);
		frame_drop(whole);
	}
	reassembly_destroy(r);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0,    1,    1232, 1233, 1239, 1240, 1452,
					1453, 1455, 1456, 2897, 9001, 65486, PAYLOAD_MAX };
	struct frame_pool *pool = frame_pool_create(4);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31 + i / 251);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		check(pool, true, sizes[i], 1500);
		check(pool, true, sizes[i], 1280);
		check(pool, false, sizes[i], 1500);
	}
	frame_pool_destroy(pool);
}

/* A sum of 0 is sent as 0xffff: 0 means that there is none. */
static void test_zero_sum(void **state)
{
	struct frame_pool *pool = frame_pool_create(4);
	unsigned i;

	(void)state;
	memset(payload, 0, sizeof(payload));
	for (i = 0; i < 65536; i++) {
		payload[0] = (uint8_t)(i >> 8);
		payload[1] = (uint8_t)i;
		check(pool, true, 1236, 1280);
	}
	frame_pool_destroy(pool);
}

static void test_left_alone(void **state)
{
	struct iovec piece = { payload, 2000 };
	uint8_t headers[PACKET_HEADERS_MAX];
	struct address four, six;
	struct tun_offload o;
	struct fragments f;
	struct iovec v[2] = { { headers, 0 }, piece };

	(void)state;
	address_parse("192.0.2.1", &four);
	address_parse("fd18::2", &six);
	v[0].iov_len = packet_build_udp(headers, &o, &four, 1, &four, 1, 2000);
	assert_false(fragments_begin(&f, &o, v, 2, 1500, 1));
	v[0].iov_len = packet_build_udp(headers, &o, &six, 1, &six, 1, 2000);
	assert_false(fragments_begin(&f, NULL, v, 2, 1500, 1));
	assert_false(fragments_begin(&f, &o, v, 2, 0, 1));
	assert_false(fragments_begin(&f, &o, v, 2, 2048, 1));
	/* TCP is cut by the device. */
	v[0].iov_len = packet_build_ip(headers, &six, &six, IPPROTO_TCP, 2020) + 20;
	assert_false(fragments_begin(&f, &o, v, 2, 1500, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_zero_sum),
		cmocka_unit_test(test_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
