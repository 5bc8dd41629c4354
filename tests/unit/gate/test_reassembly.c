/* test_reassembly.c - packets in pieces: in any order, hostile ones, and the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "gate/frame.h"
#include "gate/packet.h"
#include "gate/reassembly.h"

enum { PAYLOAD = 4000 };

static uint8_t payload[PAYLOAD];

/* A piece of a UDP datagram from 10.0.0.`host` (or fd00::`host`) in memory of exactly its size. */
static struct frame *piece(struct reassembly *r, int family, int host, uint16_t id, size_t at,
			   size_t size, bool more)
{
	size_t header = family == AF_INET ? 20 : 48;
	uint8_t *bytes = malloc(header + size);
	struct address from, to;
	struct frame *whole;
	struct packet p;

	address_parse(family == AF_INET ? "10.0.0.0" : "fd00::", &from);
	address_parse(family == AF_INET ? "192.0.2.1" : "2001:db8::1", &to);
	from.bytes[family == AF_INET ? 3 : 15] = (uint8_t)host;
	packet_build_ip(bytes, &from, &to, family == AF_INET ? IPPROTO_UDP : 44,
			header - 40 + size);
	if (family == AF_INET) {
		packet_build_ip(bytes, &from, &to, IPPROTO_UDP, size);
		bytes[4] = (uint8_t)(id >> 8);
		bytes[5] = (uint8_t)id;
		bytes[6] = (uint8_t)(at / 8 >> 8 | (more ? 0x20 : 0));
		bytes[7] = (uint8_t)(at / 8);
	} else {
		memset(bytes + 40, 0, 8);
		bytes[40] = IPPROTO_UDP;
		bytes[42] = (uint8_t)(at >> 8);
		bytes[43] = (uint8_t)((at & 0xf8) | more);
		bytes[46] = (uint8_t)(id >> 8);
		bytes[47] = (uint8_t)id;
	}
	memcpy(bytes + header, payload + at % PAYLOAD, at + size <= PAYLOAD ? size : 0);
	assert_int_equal(packet_parse(&p, bytes, header + size), PACKET_GOOD);
	assert_true(p.fragment);
	whole = reassembly_add(r, &p);
	free(bytes);
	return whole;
}

static void check_whole(struct frame *f)
{
	struct packet p;

	assert_non_null(f);
	assert_int_equal(packet_parse(&p, f->bytes, f->size_bytes), PACKET_GOOD);
	assert_false(p.fragment);
	assert_int_equal(p.protocol, IPPROTO_UDP);
	assert_int_equal(p.payload_bytes, PAYLOAD - 8);
	assert_memory_equal(p.payload, payload + 8, PAYLOAD - 8);
	frame_drop(f);
}

static void setup(struct frame_pool **pool, struct reassembly **r)
{
	size_t i;

	for (i = 0; i < PAYLOAD; i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
	/* ports, and the length that the datagram says */
	payload[4] = PAYLOAD >> 8;
	payload[5] = PAYLOAD & 255;
	*pool = frame_pool_create(REASSEMBLY_MAX + 2);
	*r = reassembly_create(*pool);
}

static void test_orders(void **state)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 }, { 0, 2, 1 } };
	static const size_t at[] = { 0, 1480, 2960 }, size[] = { 1480, 1480, 1040 };
	static const int families[] = { AF_INET, AF_INET6 };
	struct frame_pool *pool;
	struct reassembly *r;
	size_t i, k;
	int j, n;

	(void)state;
	setup(&pool, &r);
	for (k = 0; k < 2; k++)
		for (i = 0; i < 4; i++)
			for (j = 0; j < 3; j++) {
				struct frame *f;

				n = orders[i][j];
				f = piece(r, families[k], 2, (uint16_t)i, at[n], size[n], n < 2);
				if (j < 2)
					assert_null(f);
				else
					check_whole(f);
			}
	assert_true(reassembly_idle(r));
	reassembly_destroy(r);
	frame_pool_destroy(pool);
}

static void test_hostile(void **state)
{
	struct frame_pool *pool;
	struct reassembly *r;

	(void)state;
	setup(&pool, &r);
	/* Overlapping: the datagram is gone, its end alone completes nothing. */
	assert_null(piece(r, AF_INET, 2, 1, 0, 1480, true));
	assert_null(piece(r, AF_INET, 2, 1, 1472, 1480, true));
	assert_true(reassembly_idle(r));
	/* A middle piece that ends between two units. */
	assert_null(piece(r, AF_INET, 2, 2, 0, 1001, true));
	assert_true(reassembly_idle(r));
	/* Beyond 65535 ("ping of death"). */
	assert_null(piece(r, AF_INET, 2, 3, 65528, 100, false));
	assert_true(reassembly_idle(r));
	/* Two ends; a piece behind the end. */
	assert_null(piece(r, AF_INET, 2, 4, 1480, 8, false));
	assert_null(piece(r, AF_INET, 2, 4, 2960, 8, false));
	assert_true(reassembly_idle(r));
	assert_null(piece(r, AF_INET, 2, 5, 8, 8, false));
	assert_null(piece(r, AF_INET, 2, 5, 1480, 80, true));
	assert_true(reassembly_idle(r));
	reassembly_destroy(r);
	frame_pool_destroy(pool);
}

/* A stray behind the end makes up for a hole in the sum of bytes: the frame, which held a
 * neighbour's packet before, must not go out with what it held. In either order, and over either
 * protocol. */
static void test_strays(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct frame_pool *pool;
	struct reassembly *r;
	size_t i;

	(void)state;
	setup(&pool, &r);
	for (i = 0; i < 2; i++) {
		/* The end first: 0-8, a hole of 8, 16-24, and 8 bytes far behind. */
		assert_null(piece(r, families[i], 2, 1, 16, 8, false));
		assert_null(piece(r, families[i], 2, 1, 4000, 8, true));
		assert_null(piece(r, families[i], 2, 1, 0, 8, true));
		/* The stray first. */
		assert_null(piece(r, families[i], 2, 2, 4000, 8, true));
		assert_null(piece(r, families[i], 2, 2, 0, 8, true));
		assert_null(piece(r, families[i], 2, 2, 16, 8, false));
	}
	/* Directly behind the end, and across it. */
	assert_null(piece(r, AF_INET, 3, 3, 16, 8, false));
	assert_null(piece(r, AF_INET, 3, 3, 24, 8, true));
	assert_null(piece(r, AF_INET, 3, 3, 0, 8, true));
	assert_null(piece(r, AF_INET, 3, 4, 0, 24, true));
	assert_null(piece(r, AF_INET, 3, 4, 24, 8, true));
	assert_null(piece(r, AF_INET, 3, 4, 8, 8, false));
	reassembly_destroy(r);
	frame_pool_destroy(pool);
}

/* Who sends beginnings only takes no one's place but his own; and all of it ends with time. */
static void test_bounds(void **state)
{
	struct frame_pool *pool;
	struct reassembly *r;
	int i;

	(void)state;
	setup(&pool, &r);
	assert_null(piece(r, AF_INET, 9, 7, 0, 1480, true));
	for (i = 0; i < 1000; i++)
		assert_null(piece(r, AF_INET, 2, (uint16_t)i, 0, 1480, true));
	assert_null(piece(r, AF_INET, 9, 7, 1480, 1480, true));
	check_whole(piece(r, AF_INET, 9, 7, 2960, 1040, false));
	for (i = 0; i < 200; i++)
		assert_null(piece(r, AF_INET, i, 1, 0, 1480, true));
	for (i = 0; i <= REASSEMBLY_TICKS; i++) {
		assert_false(reassembly_idle(r));
		reassembly_tick(r);
	}
	assert_true(reassembly_idle(r));
	reassembly_destroy(r);
	frame_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
