/* fuzz_dbus.c - any bytes as a message from the bus, as an address, and as an annotation for
 * systemd. What a message says lies within it, and its body is read to its end at most. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "box/dbus.h"
#include "box/dbus_reader.h"
#include "box/dbus_writer.h"
#include "box/systemd_property.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"

enum { TEXT_MAX = 4096, ARENA_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, const uint8_t *data, size_t size)
{
	const uint8_t *start = (const uint8_t *)text;

	if (text && *text && (start < data || start + strlen(text) >= data + size))
		abort();
}

static void read_body(const struct dbus_message *m, const uint8_t *data, size_t size)
{
	struct dbus_reader body = m->body;

	for (const char *type = m->signature; *type && !body.failed; type++) {
		if (*type == 's' || *type == 'o')
			check_text(dbus_reader_str(&body), data, size);
		else if (*type == 'g' || *type == 'v')
			check_text(dbus_reader_signature(&body), data, size);
		else if (*type == 'y')
			dbus_reader_u8(&body);
		else
			dbus_reader_u32(&body);
		if (body.at > body.size_bytes)
			abort();
	}
}

static void message(const uint8_t *data, size_t size)
{
	struct dbus_message m;
	struct err e;

	if (size < DBUS_HEAD_BYTES)
		return;
	size_t bytes = dbus_message_bytes(data, &e);

	if (bytes > DBUS_MESSAGE_MAX)
		abort();
	if (dbus_message_read(&m, data, size, &e))
		return;
	if (bytes != size || m.body.bytes + m.body.size_bytes != data + size)
		abort();
	const char *const texts[] = { m.path, m.interface, m.member,
				      m.error_name, m.sender, m.signature };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_text(texts[i], data, size);
	if ((m.type == DBUS_ERROR && !m.error_name) ||
	    (m.type == DBUS_SIGNAL && (!m.path || !m.interface || !m.member)))
		abort();
	read_body(&m, data, size);
}

static void address(const char *text)
{
	char path[64];

	if (dbus_address_path(text, path, sizeof(path)) && (!*path || strlen(path) >= 64))
		abort();
}

/* What is taken can be sent, and sent it fits its type. */
static void annotation(struct arena *a, const char *text)
{
	struct systemd_property p;
	struct dbus_writer w;
	struct buf out;
	struct err e;

	if (systemd_property_parse(&p, a, "x", "TimeoutStopSec", text, &e))
		return;
	dbus_writer_init(&w);
	buf_init(&out, 4 * TEXT_MAX);
	systemd_property_write(&p, &w);
	systemd_property_print(&p, &out);
	if (w.body.overflow || out.overflow || !strchr("biutxsa", *p.signature))
		abort();
	dbus_writer_finish(&w);
	buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(ARENA_MAX);
	char *text;

	message(data, size);
	text = arena_strn(a, (const char *)data, size < TEXT_MAX ? size : TEXT_MAX);
	address(text);
	annotation(a, text);
	arena_destroy(a);
	return 0;
}
