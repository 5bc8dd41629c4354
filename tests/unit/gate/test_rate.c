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
	assert_true(taken * 1400 > 9900000 && taken * 1400 < 10000000 + 70000);
	rate_change(&r, 0, now);
	assert_true(rate_admit(&r, 1 << 30, now));
	rate_change(&r, 8000, now);
	assert_true(rate_admit(&r, 65536, now));
	assert_false(rate_admit(&r, 1, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spend),
		cmocka_unit_test(admit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
