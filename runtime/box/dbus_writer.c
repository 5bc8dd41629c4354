/* dbus_writer.c - see dbus_writer.h */
#include "box/dbus_writer.h"

#include <string.h>

#include "box/dbus_reader.h"

void dbus_writer_init(struct dbus_writer *w)
{
	buf_init(&w->body, DBUS_WRITER_BYTES_MAX);
}

void dbus_writer_finish(struct dbus_writer *w)
{
	buf_finish(&w->body);
}

static void pad(struct buf *out, size_t align)
{
	static const char zeros[8];
	size_t over = out->size_bytes % align;

	if (over)
		buf_add(out, zeros, align - over);
}

static void store_u32(uint8_t bytes[4], uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

static void put_u32(struct buf *out, uint32_t value)
{
	uint8_t bytes[4];

	pad(out, 4);
	store_u32(bytes, value);
	buf_add(out, bytes, sizeof(bytes));
}

static void put_str(struct buf *out, const char *text)
{
	size_t length = strlen(text);

	put_u32(out, (uint32_t)length);
	buf_add(out, text, length + 1);
}

/* One byte for its length: the specification's limit is 255. */
static void put_signature(struct buf *out, const char *signature)
{
	uint8_t length = (uint8_t)strlen(signature);

	buf_add(out, &length, 1);
	buf_add(out, signature, (size_t)length + 1);
}

void dbus_writer_u32(struct dbus_writer *w, uint32_t value)
{
	put_u32(&w->body, value);
}

void dbus_writer_u64(struct dbus_writer *w, uint64_t value)
{
	uint8_t bytes[8];

	pad(&w->body, 8);
	store_u32(bytes, (uint32_t)value);
	store_u32(bytes + 4, (uint32_t)(value >> 32));
	buf_add(&w->body, bytes, sizeof(bytes));
}

void dbus_writer_bool(struct dbus_writer *w, bool value)
{
	put_u32(&w->body, value);
}

void dbus_writer_str(struct dbus_writer *w, const char *text)
{
	put_str(&w->body, text);
}

void dbus_writer_bytes(struct dbus_writer *w, const uint8_t *bytes, size_t size_bytes)
{
	put_u32(&w->body, (uint32_t)size_bytes);
	buf_add(&w->body, bytes, size_bytes);
}

static struct dbus_array begin_array(struct buf *out, size_t align)
{
	struct dbus_array array;

	pad(out, 4);
	array.length_at = out->size_bytes;
	put_u32(out, 0);
	/* The padding in front of the first element is there without one, and not counted. */
	pad(out, align);
	array.first_at = out->size_bytes;
	return array;
}

static void end_array(struct buf *out, const struct dbus_array *array)
{
	if (!out->overflow)
		store_u32((uint8_t *)out->data + array->length_at,
			  (uint32_t)(out->size_bytes - array->first_at));
}

struct dbus_array dbus_writer_begin_array(struct dbus_writer *w, size_t align)
{
	return begin_array(&w->body, align);
}

void dbus_writer_end_array(struct dbus_writer *w, const struct dbus_array *array)
{
	end_array(&w->body, array);
}

void dbus_writer_begin_struct(struct dbus_writer *w)
{
	pad(&w->body, 8);
}

void dbus_writer_begin_variant(struct dbus_writer *w, const char *signature)
{
	put_signature(&w->body, signature);
}

static void put_field(struct buf *out, uint8_t code, const char *type, const char *text)
{
	if (!text)
		return;
	pad(out, 8);
	buf_add(out, &code, 1);
	put_signature(out, type);
	if (*type == 'g')
		put_signature(out, text);
	else
		put_str(out, text);
}

bool dbus_writer_call(const struct dbus_method *method, uint32_t serial,
		      const struct dbus_writer *body, struct buf *out)
{
	static const uint8_t start[] = { 'l', DBUS_CALL, 0, 1 };	/* no flags, protocol 1 */
	size_t body_bytes = body ? body->body.size_bytes : 0;
	struct dbus_array fields;
	struct buf head;
	bool fits;

	buf_init(&head, DBUS_WRITER_BYTES_MAX);
	buf_add(&head, start, sizeof(start));
	put_u32(&head, (uint32_t)body_bytes);
	put_u32(&head, serial);
	fields = begin_array(&head, 8);
	put_field(&head, DBUS_FIELD_PATH, "o", method->path);
	put_field(&head, DBUS_FIELD_INTERFACE, "s", method->interface);
	put_field(&head, DBUS_FIELD_MEMBER, "s", method->member);
	put_field(&head, DBUS_FIELD_DESTINATION, "s", method->destination);
	put_field(&head, DBUS_FIELD_SIGNATURE, "g", method->signature);
	end_array(&head, &fields);
	pad(&head, 8);
	fits = !head.overflow && !(body && body->body.overflow) &&
	       buf_add(out, head.data, head.size_bytes) &&
	       (!body_bytes || buf_add(out, body->body.data, body_bytes));
	buf_finish(&head);
	return fits;
}
