/* test_pcap_cut.c - whole packets of a stream that comes in pieces, its bound, and streams that are
 * none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/pcap_cut.h"
#include "lib/err.h"

enum {
	HEAD = 24,
	RECORD = 16,
	FIRST = 40,
	SECOND = 60,
	WHOLE = HEAD + 2 * RECORD + FIRST + SECOND
};

static uint8_t stream[WHOLE];

static void put(size_t at, uint32_t value)
{
	memcpy(stream + at, &value, sizeof(value));
}

static void fill(void)
{
	memset(stream, 0, sizeof(stream));
	put(0, 0xa1b23c4d);
	put(HEAD + 8, FIRST);
	put(HEAD + RECORD + FIRST + 8, SECOND);
}

/* Whatever the pieces are: all of it once, and only to the end of a packet each time. */
static void in_pieces(void **state)
{
	struct err e;

	(void)state;
	fill();
	for (size_t piece = 1; piece <= WHOLE; piece++) {
		struct pcap_cut c = { .bytes_max = WHOLE };
		size_t from = 0;

		for (size_t to = piece;; to += piece) {
			size_t end = to < WHOLE ? to : WHOLE;
			ptrdiff_t n = pcap_cut_take(&c, stream + from, end - from, &e);

			assert_true(n >= 0 && (size_t)n <= end - from);
			from += (size_t)n;
			assert_true(from == 0 || from == HEAD || from == HEAD + RECORD + FIRST ||
				    from == WHOLE);
			if (end == WHOLE)
				break;
		}
		assert_int_equal(from, WHOLE);
		assert_int_equal(c.packets, 2);
		assert_false(c.is_full);
	}
}

static void bounds(void **state)
{
	static const struct {
		uint64_t bytes_max;
		ptrdiff_t taken;
	} cases[] = {
		{ 0, 0 },		     { HEAD - 1, 0 },
		{ HEAD, HEAD },		     { HEAD + RECORD + FIRST - 1, HEAD },
		{ WHOLE - 1, HEAD + RECORD + FIRST },
	};
	struct err e;

	(void)state;
	fill();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pcap_cut c = { .bytes_max = cases[i].bytes_max };

		assert_int_equal(pcap_cut_take(&c, stream, WHOLE, &e), cases[i].taken);
		assert_true(c.is_full);
	}
}

static void others(void **state)
{
	struct pcap_cut c = { .bytes_max = WHOLE };
	struct err e;

	(void)state;
	fill();
	put(0, 0xa1b2c3d4);
	assert_int_equal(pcap_cut_take(&c, stream, WHOLE, &e), -1);
	assert_non_null(strstr(e.text, "something else than packets"));
	fill();
	put(HEAD + 8, PCAP_CUT_PACKET_MAX + 1);
	assert_int_equal(pcap_cut_take(&c, stream, WHOLE, &e), -1);
	assert_non_null(strstr(e.text, "a packet of 65536 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(bounds),
		cmocka_unit_test(others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("pcap_cut", tests, NULL, NULL);
}
