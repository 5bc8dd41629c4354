/* fuzz_rtnetlink.c - any bytes as an answer of rtnetlink: what is handed out lies inside what was
 * given, each walk ends, and attributes of attributes do too. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/rtnetlink.h"

enum { DEPTH_MAX = 4, BODY_BYTES = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *at, size_t size, const uint8_t *start, const uint8_t *end)
{
	if (at < start || at > end || size > (size_t)(end - at))
		abort();
}

static void attributes(struct rtnetlink_reader r, const uint8_t *start, const uint8_t *end,
		       int depth)
{
	struct rtnetlink_attribute a;
	const uint8_t *before = r.at;
	const char *text;
	uint32_t number;

	while (rtnetlink_next_attribute(&r, &a)) {
		check(a.data, a.size_bytes, start, end);
		if (r.at <= before)
			abort();
		before = r.at;
		text = rtnetlink_text(&a);
		for (; text && *text; text++)
			check((const uint8_t *)text, 1, start, end);
		if (rtnetlink_u32(&a, &number) != (a.size_bytes == 4))
			abort();
		if (depth < DEPTH_MAX)
			attributes(rtnetlink_inside(&a), start, end, depth + 1);
	}
	if (!r.broken && r.at != r.end)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtnetlink_reader r = rtnetlink_read(data, size), inner;
	struct rtnetlink_message m;
	uint8_t body[BODY_BYTES];

	while (rtnetlink_next(&r, &m)) {
		check(m.data, m.size_bytes, data, data + size);
		if (rtnetlink_body(&m, body, sizeof(body), &inner))
			attributes(inner, data, data + size, 0);
	}
	if (!r.broken && r.at != r.end)
		abort();
	return 0;
}
