/* test_rate.c - the bucket of a rate limit, with its own time; and captures. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/capture.h"
#include "gate/rate.h"
#include "lib/err.h"

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

/* A reader that stops loses packets; what it gets is whole packets in their order. */
static void captured(void **state)
{
	struct iovec parts[2];
	uint8_t packet[1000], in[256 << 10];
	uint32_t number, last = 0, head[4];
	struct capture *c;
	size_t size = 0, at;
	int pipes[2], i;
	struct err e;
	ssize_t n;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	c = capture_create(pipes[1], &e);
	assert_non_null(c);
	memset(packet, 0, sizeof(packet));
	for (i = 1; i <= 500; i++) {
		memcpy(packet, &i, 4);
		parts[0] = (struct iovec){ packet, 20 };
		parts[1] = (struct iovec){ packet + 20, 80 + i % 900 };
		assert_true(capture_packet(c, parts, 2));
		if (i == 400)
			while ((n = read(pipes[0], in + size, sizeof(in) - size)) > 0)
				size += n;
	}
	while ((n = read(pipes[0], in + size, sizeof(in) - size)) > 0)
		size += n;
	assert_true(capture_lost(c) > 100);
	assert_memory_equal(in, "\x4d\x3c\xb2\xa1\2\0\4\0", 8);
	assert_int_equal(in[20], 101);
	for (at = 24; at + sizeof(head) + 100 <= size; at += sizeof(head) + head[2]) {
		memcpy(head, in + at, sizeof(head));
		memcpy(&number, in + at + sizeof(head), 4);
		assert_int_equal(head[2], 100 + number % 900);
		assert_int_equal(head[3], head[2]);
		assert_true(number > last);
		last = number;
	}
	assert_true(last > 400);
	close(pipes[0]);
	assert_false(capture_packet(c, parts, 2));
	capture_destroy(c);
	assert_true(capture_packet(NULL, parts, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spend),
		cmocka_unit_test(admit),
		cmocka_unit_test(captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
