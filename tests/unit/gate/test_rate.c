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
	struct rate_turn turn = { 0 };
	uint64_t now = 5 * second_ns, wait, sent = 0;

	(void)state;
	rate_init(&r, 0, now);
	assert_int_equal(rate_spend(&r, RATE_FLOWS, &turn, 1 << 30, now), 0);
	rate_init(&r, 8000000, now);		/* 1 MB/s: the bucket holds 64 KiB */
	assert_int_equal(rate_spend(&r, RATE_FLOWS, &turn, 65536, now), 0);
	wait = rate_spend(&r, RATE_FLOWS, &turn, 1000, now);
	assert_true(wait >= second_ns / 1000 && wait <= second_ns / 1000 + 10);
	assert_in_range(rate_wait(&r, RATE_FLOWS, &turn, now + wait / 2), 1, wait - wait / 2 + 1);
	assert_int_equal(rate_wait(&r, RATE_FLOWS, &turn, now + wait), 0);
	/* Ten seconds of sending as told: one bucket and ten million bytes, within a packet. */
	rate_init(&r, 80000000, now = 0);
	while (now < 10 * second_ns) {
		now += rate_spend(&r, RATE_PORTS, &turn, 65000, now);
		sent += 65000;
	}
	assert_true(sent > 100000000 && sent < 100000000 + 500000 + 2 * 65000);
	/* 1 bit/s and 100 Gbit/s, hours apart */
	rate_init(&r, 1, 0);
	turn.after = 0;
	rate_spend(&r, RATE_PORTS, &turn, 65535, 0);
	rate_spend(&r, RATE_PORTS, &turn, 65535, 0);
	assert_true(rate_spend(&r, RATE_PORTS, &turn, 65535, 36000 * second_ns) > 0);
	rate_init(&r, 100000000000ull, 0);
	turn.after = 0;
	assert_int_equal(rate_spend(&r, RATE_PORTS, &turn, 65535, 100000 * second_ns), 0);
}

/* A limit that is lifted, set again, or raised: who waited waits for no more than is owed. */
static void change(void **state)
{
	struct rate r;
	struct rate_turn turn = { 0 };
	uint64_t wait;

	(void)state;
	rate_init(&r, 8000, 0);
	wait = rate_spend(&r, RATE_FLOWS, &turn, 1000000, 0);
	assert_in_range(wait, 900 * second_ns, 1000 * second_ns);
	rate_change(&r, 8000000, 0);
	assert_in_range(rate_wait(&r, RATE_FLOWS, &turn, 0), second_ns * 9 / 10, second_ns);
	rate_change(&r, 0, 0);
	assert_int_equal(rate_wait(&r, RATE_FLOWS, &turn, 0), 0);
	rate_change(&r, 8000, 0);
	assert_int_equal(rate_wait(&r, RATE_FLOWS, &turn, 0), 0);
	/* A turn from long ago: 2^45 bytes. */
	rate_change(&r, 1ull << 48, 0);
	for (int i = 1; i < 9; i++)
		rate_spend(&r, RATE_FLOWS, &(struct rate_turn){ 0 }, 1ull << 42, i * second_ns);
	assert_int_equal(rate_wait(&r, RATE_FLOWS, &turn, 9 * second_ns), 0);
}

/* Senders that always have something, and what each party's got in ten seconds at 1 MB/s, in
 * percent, after two in which each has taken its first piece. Each has its part whatever the others
 * take at once and however many they are, what one leaves goes to the others, and the sum is the
 * rate. */
static void parties(void **state)
{
	static const struct {
		int flows, ports;
		size_t flow_bytes, port_bytes;
		int flow_late_ms;	/* it looks only so often whether it has its turn */
		int flow_least, flow_most;
	} rows[] = {
		{ 1, 1, 32768, 65536, 5, 43, 57 },
		{ 1, 1, 65536, 1400, 1, 43, 57 },
		{ 1, 16, 32768, 65536, 5, 43, 57 },
		{ 16, 1, 65536, 65536, 5, 43, 57 },
		{ 16, 16, 32768, 65536, 5, 43, 57 },
		{ 1, 0, 32768, 65536, 5, 100, 100 },
		{ 16, 0, 65536, 65536, 5, 100, 100 },
		{ 0, 4, 65536, 65536, 5, 0, 0 },
	};
	enum { SENDERS_MAX = 32 };

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		struct rate_turn turns[SENDERS_MAX] = { 0 };
		uint64_t of[SENDERS_MAX] = { 0 }, now, sum[RATE_PARTIES] = { 0 }, all;
		int senders = rows[n].flows + rows[n].ports, i, late;
		struct rate r;

		rate_init(&r, 8000000, 0);
		for (now = 0; now < 12 * second_ns; now += 1000000) {
			/* The ports are always asked first. */
			for (i = senders - 1; i >= 0; i--) {
				bool flow = i < rows[n].flows;
				enum rate_party party = flow ? RATE_FLOWS : RATE_PORTS;
				size_t bytes = flow ? rows[n].flow_bytes : rows[n].port_bytes;

				late = flow ? rows[n].flow_late_ms : 1;
				if (now / 1000000 % (uint64_t)late ||
				    rate_wait(&r, party, &turns[i], now) > 0)
					continue;
				rate_spend(&r, party, &turns[i], bytes, now);
				if (now < 2 * second_ns)
					continue;
				sum[party] += bytes;
				of[i] += bytes;
			}
		}
		all = sum[RATE_FLOWS] + sum[RATE_PORTS];
		print_message("%d flows, %d ports: %d%% of %d kB\n", rows[n].flows, rows[n].ports,
			      (int)(sum[RATE_FLOWS] * 100 / all), (int)(all / 1000));
		assert_in_range(sum[RATE_FLOWS] * 100 / all, rows[n].flow_least, rows[n].flow_most);
		assert_in_range(all, 9700000, 10300000);
		/* Within a party one gets as much as the other, within two pieces. */
		for (i = 1; i < senders; i++)
			if (i != rows[n].flows)
				assert_in_range(of[i] + 2 * 65536 - of[i - 1], 0, 4 * 65536);
	}
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
		struct rate_turn turn = { 0 };
		struct rate r;

		rate_init(&r, 8000000, 0);
		for (now = 0; now < 10 * second_ns; now += 1000000) {
			/* Before any datagram: TCP knows when its debt is paid. */
			while (rate_wait(&r, RATE_FLOWS, &turn, now) == 0) {
				rate_spend(&r, RATE_FLOWS, &turn, 16384, now);
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
		cmocka_unit_test(change),
		cmocka_unit_test(parties),
		cmocka_unit_test(admit),
		cmocka_unit_test(beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
