/* fuzz_msg.c - any bytes as a received message, read in any order of fields; and fields put and
 * got again. The first 8 bytes choose the order: a bit per field, 1 = string. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/msg.h"

enum { FIELDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct msg m;

/* Gets fields until one is wrong or all is read. */
static void read_fields(uint64_t order)
{
	const char *text;
	int i;

	for (i = 0; i < FIELDS && m.at < m.size_bytes; i++) {
		if (order >> i & 1) {
			text = msg_get_str(&m);
			if (!m.broken && (text < (const char *)m.data ||
					  text + strlen(text) + 1 != (const char *)m.data + m.at))
				abort();
			if (m.broken && *text)
				abort();
		} else if (msg_get_u64(&m) != 0 && m.broken) {
			abort();
		}
		if (m.at > m.size_bytes)
			abort();
		if (m.broken)
			return;
	}
}

/* The same bytes as values: what was put comes back. */
static void put_and_get(const uint8_t *data, size_t size, uint64_t order)
{
	char text[9] = "";
	uint64_t value;
	struct err e;
	size_t at;
	int i;

	msg_init(&m, 1);
	for (i = 0, at = 0; i < FIELDS && at + 8 <= size; i++, at += 8) {
		memcpy(&value, data + at, 8);
		memcpy(text, data + at, 8);
		if (order >> i & 1)
			msg_put_str(&m, text);
		else
			msg_put_u64(&m, value);
	}
	for (i = 0, at = 0; i < FIELDS && at + 8 <= size; i++, at += 8) {
		memcpy(&value, data + at, 8);
		memcpy(text, data + at, 8);
		if (order >> i & 1 ? strcmp(msg_get_str(&m), text) != 0 : msg_get_u64(&m) != value)
			abort();
	}
	if (msg_end(&m, &e) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	uint64_t order;

	if (size < sizeof(order) || size - sizeof(order) > MSG_BYTES_MAX)
		return 0;
	memcpy(&order, data, sizeof(order));
	data += sizeof(order);
	size -= sizeof(order);
	msg_init(&m, 1);
	if (size > 0)
		memcpy(m.data, data, size);
	m.size_bytes = size;
	read_fields(order);
	if (msg_end(&m, &e) == 0 && m.at != size)
		abort();
	put_and_get(data, size, order);
	return 0;
}
