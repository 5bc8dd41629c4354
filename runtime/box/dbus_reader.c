/* dbus_reader.c - see dbus_reader.h */
#include "box/dbus_reader.h"

#include <string.h>

#include "lib/err.h"
#include "lib/str.h"

enum { FIELDS_AT = 16, FIELDS_MAX = 64 };	/* the specification knows nine kinds */

static uint32_t load_u32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static size_t round_up(size_t at, size_t align)
{
	return (at + align - 1) / align * align;
}

/* The next size_bytes bytes, on their boundary; NULL when there are not as many. */
static const uint8_t *take(struct dbus_reader *r, size_t align, size_t size_bytes)
{
	size_t at = round_up(r->at, align);
	const uint8_t *bytes = r->bytes + at;

	if (r->failed || at > r->size_bytes || size_bytes > r->size_bytes - at) {
		r->failed = true;
		return NULL;
	}
	for (size_t i = r->at; i < at; i++)
		r->failed |= r->bytes[i] != 0;
	r->at = at + size_bytes;
	return r->failed ? NULL : bytes;
}

uint8_t dbus_reader_u8(struct dbus_reader *r)
{
	const uint8_t *byte = take(r, 1, 1);

	return byte ? *byte : 0;
}

uint32_t dbus_reader_u32(struct dbus_reader *r)
{
	const uint8_t *bytes = take(r, 4, 4);

	return bytes ? load_u32(bytes) : 0;
}

static const char *take_text(struct dbus_reader *r, size_t length)
{
	const char *text = (const char *)take(r, 1, length + 1);

	if (text && !text[length] && strlen(text) == length)
		return text;
	r->failed = true;
	return "";
}

const char *dbus_reader_str(struct dbus_reader *r)
{
	return take_text(r, dbus_reader_u32(r));
}

const char *dbus_reader_signature(struct dbus_reader *r)
{
	return take_text(r, dbus_reader_u8(r));
}

size_t dbus_message_bytes(const uint8_t head[DBUS_HEAD_BYTES], struct err *e)
{
	size_t body = load_u32(head + 4), fields = load_u32(head + 12);

	if (head[0] != 'l' || head[3] != 1) {
		err_set(e, "the answer is no message of D-Bus, version 1, little endian");
		return 0;
	}
	if (body > DBUS_MESSAGE_MAX || fields > DBUS_MESSAGE_MAX ||
	    round_up(FIELDS_AT + fields, 8) + body > DBUS_MESSAGE_MAX) {
		err_set(e, "a message of the bus is longer than %d bytes", DBUS_MESSAGE_MAX);
		return 0;
	}
	return round_up(FIELDS_AT + fields, 8) + body;
}

/* One field of the head: a byte and a variant. Every kind has a basic type; one that is newer is
 * passed over. */
static void read_field(struct dbus_message *m, struct dbus_reader *r)
{
	uint8_t code;
	const char *type, *text = NULL;
	uint32_t number = 0;

	take(r, 8, 0);
	code = dbus_reader_u8(r);
	type = dbus_reader_signature(r);
	if (str_equal(type, "u"))
		number = dbus_reader_u32(r);
	else if (str_equal(type, "s") || str_equal(type, "o"))
		text = dbus_reader_str(r);
	else if (str_equal(type, "g"))
		text = dbus_reader_signature(r);
	else
		r->failed = true;
	if (code == DBUS_FIELD_PATH)
		m->path = text;
	else if (code == DBUS_FIELD_INTERFACE)
		m->interface = text;
	else if (code == DBUS_FIELD_MEMBER)
		m->member = text;
	else if (code == DBUS_FIELD_ERROR_NAME)
		m->error_name = text;
	else if (code == DBUS_FIELD_REPLY_SERIAL)
		m->reply_serial = number;
	else if (code == DBUS_FIELD_SENDER)
		m->sender = text;
	else if (code == DBUS_FIELD_SIGNATURE)
		m->signature = text;
}

/* What a message of its type must have, so that nobody has to ask again. */
static bool is_whole(const struct dbus_message *m)
{
	switch (m->type) {
	case DBUS_CALL:
		return m->path && m->member;
	case DBUS_REPLY:
		return m->reply_serial != 0;
	case DBUS_ERROR:
		return m->reply_serial != 0 && m->error_name;
	case DBUS_SIGNAL:
		return m->path && m->interface && m->member;
	}
	return m->type != 0;
}

int dbus_message_read(struct dbus_message *m, const uint8_t *bytes, size_t size_bytes,
		      struct err *e)
{
	struct dbus_reader r = { .bytes = bytes, .size_bytes = size_bytes, .at = FIELDS_AT };
	size_t end;

	*m = (struct dbus_message){ 0 };
	if (size_bytes < DBUS_HEAD_BYTES || dbus_message_bytes(bytes, e) != size_bytes)
		return err_set(e, "a message of the bus is cut off");
	m->type = bytes[1];
	end = FIELDS_AT + load_u32(bytes + 12);
	r.size_bytes = end;
	for (unsigned i = 0; !r.failed && r.at < end; i++) {
		r.failed |= i == FIELDS_MAX;
		read_field(m, &r);
	}
	if (r.failed || !is_whole(m))
		return err_set(e, "a message of the bus has a head that D-Bus does not allow");
	if (!m->signature)
		m->signature = "";
	m->body.bytes = bytes + round_up(end, 8);
	m->body.size_bytes = load_u32(bytes + 4);
	return 0;
}
