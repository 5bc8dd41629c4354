#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "gate/chunk.h"
#include "gate/flow.h"
#include "gate/frame.h"
#include "gate/siphash.h"

static struct flow_key key(uint16_t port)
{
	struct flow_key k = { .inside_port = port, .outside_port = 80, .protocol = 6 };

	k.inside = address_of_bytes("\x0a\0\0\2", 4);
	k.outside = address_of_bytes("\xc0\0\2\1", 4);
	return k;
}

static void test_found(void **state)
{
	struct flow_table *t = flow_table_create(1100);
	struct flow_account accounts[10] = { 0 };
	static struct flow flows[1000];
	struct flow_key k;
	uint16_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		flows[i].key = key(i);
		assert_int_equal(flow_add(t, &flows[i], &accounts[i % 10]), 0);
	}
	for (i = 0; i < 1000; i++) {
		k = key(i);
		assert_ptr_equal(flow_find(t, &k), &flows[i]);
		k.protocol = 17;
		assert_null(flow_find(t, &k));
	}
	for (i = 0; i < 1000; i += 2)
		flow_remove(t, &flows[i]);
	flow_remove(t, &flows[0]);
	assert_int_equal(flow_table_count(t), 500);
	assert_int_equal(accounts[0].flows, 0);
	assert_int_equal(accounts[1].flows, 100);
	for (i = 0; i < 1000; i++) {
		k = key(i);
		assert_ptr_equal(flow_find(t, &k), i % 2 ? &flows[i] : NULL);
	}
	flow_table_destroy(t);
}

static uint32_t take_all(struct flow_table *t, struct flow_account *a)
{
	static struct flow flows[400];
	static uint16_t used;
	int i;

	for (i = 0; i < 40; i++) {
		flows[used].key = key(used);
		used += flow_add(t, &flows[used], a) == 0;
	}
	return a->flows;
}

/* One container's flood leaves the rest of the table to its neighbours, so does that of many. */
static void test_bounds(void **state)
{
	struct flow_table *t = flow_table_create(20);
	struct flow_account greedy = { .flows_max = 8 }, others[3] = { 0 };

	(void)state;
	assert_int_equal(take_all(t, &greedy), 8);
	assert_int_equal(take_all(t, &others[0]), 6);
	assert_int_equal(take_all(t, &others[1]), 3);
	assert_int_equal(take_all(t, &others[2]), 2);
	assert_int_equal(take_all(t, &others[0]), 6);
	assert_int_equal(flow_table_count(t), 19);
	flow_table_destroy(t);
}

/* The vector of SipHash-1-3's reference for 15 bytes would need its table: two properties instead.
 */
static void test_siphash(void **state)
{
	struct siphash_key a = { { 1, 2 } }, b = { { 1, 3 } };
	uint8_t data[16] = { 0 };
	uint64_t first = siphash(&a, data, 15);

	(void)state;
	assert_true(first != siphash(&b, data, 15));
	assert_true(first != siphash(&a, data, 16));
	data[14] = 1;
	assert_true(first != siphash(&a, data, 15));
	data[14] = 0;
	assert_true(first == siphash(&a, data, 15));
}

static void test_chunks(void **state)
{
	struct chunk_pool *pool = chunk_pool_create(3);
	struct chunk_row row = { 0 };
	struct chunk *c;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		c = chunk_row_room(pool, &row);
		assert_non_null(c);
		c->used = CHUNK_BYTES;
	}
	assert_null(chunk_row_room(pool, &row));
	assert_int_equal(chunk_row_size(&row), 3 * CHUNK_BYTES);
	chunk_row_drop(pool, &row, CHUNK_BYTES + 5);
	assert_int_equal(chunk_pool_left(pool), 1);
	c = chunk_row_room(pool, &row);
	assert_int_equal(c->used, 0);
	chunk_row_trim(pool, &row);
	assert_int_equal(chunk_pool_left(pool), 1);
	assert_int_equal(chunk_row_size(&row), 2 * CHUNK_BYTES - 5);
	chunk_row_drop(pool, &row, 2 * CHUNK_BYTES - 5);
	assert_int_equal(chunk_pool_left(pool), 3);
	assert_null(row.first);
	assert_null(row.last);
	chunk_row_trim(pool, &row);
	chunk_pool_destroy(pool);
}

static uint32_t grow(struct chunk_pool *pool, struct chunk_row *row)
{
	struct chunk *c;

	while ((c = chunk_row_room(pool, row)))
		c->used = CHUNK_BYTES;
	return row->count;
}

static void test_chunk_shares(void **state)
{
	struct chunk_pool *pool = chunk_pool_create(64);
	uint32_t shares[5] = { 0 };
	struct chunk_row rows[5][10] = { 0 };
	int i, j;

	(void)state;
	for (i = 0; i < 5; i++)
		for (j = 0; j < 10; j++)
			rows[i][j].share = &shares[i];
	assert_int_equal(grow(pool, &rows[0][0]), 8);
	assert_int_equal(grow(pool, &rows[0][1]), 4);
	assert_int_equal(grow(pool, &rows[0][2]), 2);
	assert_int_equal(grow(pool, &rows[0][3]), 1);
	assert_int_equal(grow(pool, &rows[0][4]), 1);
	assert_int_equal(grow(pool, &rows[0][5]), 0);
	chunk_row_drop(pool, &rows[0][0], CHUNK_BYTES);
	assert_int_equal(grow(pool, &rows[0][0]), 7);
	assert_int_equal(grow(pool, &rows[0][5]), 1);
	for (i = 1; i < 4; i++)
		for (j = 0; j < 2; j++)
			grow(pool, &rows[i][j]);
	assert_true(chunk_pool_left(pool) > 0);
	assert_true(grow(pool, &rows[4][0]) > 0);
	for (i = 0; i < 5; i++) {
		for (j = 0; j < 10; j++)
			chunk_row_clear(pool, &rows[i][j]);
		assert_int_equal(shares[i], 0);
	}
	assert_int_equal(chunk_pool_left(pool), 64);
	chunk_pool_destroy(pool);
}

static void test_frames(void **state)
{
	struct frame_pool *pool = frame_pool_create(2);
	struct frame *a = frame_get(pool), *b = frame_get(pool);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_null(frame_get(pool));
	frame_keep(a);
	frame_drop(a);
	assert_null(frame_get(pool));
	frame_drop(a);
	assert_ptr_equal(frame_get(pool), a);
	frame_drop(a);
	frame_drop(b);
	frame_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),	cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_siphash), cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunk_shares),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
