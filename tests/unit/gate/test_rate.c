/* test_rate.c - the bucket of a rate limit, with its own time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/rate.h"

static const uint64_t second_ns = 1000000000;

static void spend(void **state)
{
	struct rate r;
	uint64_t now = 5 * second_ns, wait, sent = 0;

	(void)state;
	rate_init(&r, 0, now);
	assert_int_equal(rate_spend(&r, 1 << 30, now), 0);
	rate_init(&r, 8000000, now);		/* 1 MB/s: the bucket holds 64 KiB */
	assert_int_equal(rate_spend(&r, 65536, now), 0);
	wait = rate_spend(&r, 1000, now);
	assert_true(wait >= second_ns / 1000 && wait <= second_ns / 1000 + 10);
	/* Ten seconds of sending as told: one bucket and ten million bytes, within a packet. */
	rate_init(&r, 80000000, now = 0);
	while (now < 10 * second_ns) {
		now += rate_spend(&r, 65000, now);
		sent += 65000;
	}
	assert_true(sent > 100000000 && sent < 100000000 + 500000 + 2 * 65000);
	/* 1 bit/s and 100 Gbit/s, hours apart */
	rate_init(&r, 1, 0);
	rate_spend(&r, 65535, 0);
	assert_true(rate_spend(&r, 65535, 36000 * second_ns) > 0);
	rate_init(&r, 100000000000ull, 0);
	assert_int_equal(rate_spend(&r, 65535, 100000 * second_ns), 0);
}

static void admit(void **state)
{
	struct rate r;
	uint64_t now;
	int taken = 0;

	(void)state;
	rate_init(&r, 8000000, 0);
	for (now = 0; now < 10 * second_ns; now += 100000)	/* offered: 14 MB/s */
		taken += rate_admit(&r, 1400, now);
	/* What is kept for datagrams (an eighth of a bucket) may be a debt at the end. */
	assert_true(taken * 1400 > 9900000 && taken * 1400 < 10000000 + 65536 + 8192 + 1400);
	rate_change(&r, 0, now);
	assert_true(rate_admit(&r, 1 << 30, now));
	rate_change(&r, 8000, now);
	assert_true(rate_admit(&r, 65536, now));
	assert_false(rate_admit(&r, 1, now));
}

/* TCP takes all that there is, a large piece at a time; few and small datagrams beside it lose
 * none (but one while nothing is kept yet), a flood no more than its part, and both together have
 * the rate. */
static void beside(void **state)
{
	static const struct {
		uint64_t every_ms;
		size_t bytes;
		int least, most;	/* of what was asked for, in 1/100 */
	} rows[] = { { 20, 100, 99, 100 }, { 5, 500, 99, 100 }, { 1, 1400, 5, 30 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t now, sum = 0;
		int asked = 0, taken = 0;
		struct rate r;

		rate_init(&r, 8000000, 0);
		for (now = 0; now < 10 * second_ns; now += 1000000) {
			/* Before any datagram: TCP knows when its debt is paid. */
			while (rate_spend(&r, 0, now) == 0) {
				rate_spend(&r, 16384, now);
				sum += 16384;
			}
			if (now / 1000000 % rows[i].every_ms)
				continue;
			asked++;
			if (!rate_admit(&r, rows[i].bytes, now))
				continue;
			taken++;
			sum += rows[i].bytes;
		}
		print_message("%d of %d datagrams of %zu bytes\n", taken, asked, rows[i].bytes);
		assert_in_range(taken * 100 / asked, rows[i].least, rows[i].most);
		assert_in_range(sum, 9900000, 10000000 + 65536 + 8192 + 16384);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spend),
		cmocka_unit_test(admit),
		cmocka_unit_test(beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
