#include "lib/json.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/utf8.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out };
}

static uint64_t depth_bit(const struct json_writer *w)
{
	return w->depth > 0 && w->depth <= 64 ? (uint64_t)1 << (w->depth - 1) : 0;
}

/* What separates an item from the one before. */
static void begin_item(struct json_writer *w)
{
	if (w->after_key)
		w->after_key = false;
	else if (w->has_items & depth_bit(w))
		buf_add(w->out, ",", 1);
	w->has_items |= depth_bit(w);
}

static void begin_container(struct json_writer *w, const char *bracket)
{
	begin_item(w);
	buf_add(w->out, bracket, 1);
	if (++w->depth > 64)
		w->out->overflow = true;
	w->has_items &= ~depth_bit(w);
}

static void end_container(struct json_writer *w, const char *bracket)
{
	buf_add(w->out, bracket, 1);
	if (w->depth-- == 0)
		abort(); /* the caller closed what it never opened */
}

void json_begin_object(struct json_writer *w)
{
	begin_container(w, "{");
}

void json_end_object(struct json_writer *w)
{
	end_container(w, "}");
}

void json_begin_array(struct json_writer *w)
{
	begin_container(w, "[");
}

void json_end_array(struct json_writer *w)
{
	end_container(w, "]");
}

static size_t plain_bytes(const char *text)
{
	size_t size = 0;

	while (text[size] >= ' ' && text[size] <= '~' && text[size] != '"' && text[size] != '\\')
		size++;
	return size;
}

static void put_quoted(struct buf *out, const char *text)
{
	size_t left = strlen(text), size;

	buf_add(out, "\"", 1);
	for (; left > 0; text += size, left -= size) {
		size = plain_bytes(text);
		if (size > 0) {
			buf_add(out, text, size);
			continue;
		}
		size = utf8_size(text, left);
		if (size == 0) {
			buf_add_str(out, "\xef\xbf\xbd"); /* U+FFFD */
			size = 1;
		} else if (*text == '"' || *text == '\\') {
			buf_add(out, "\\", 1);
			buf_add(out, text, 1);
		} else if ((unsigned char)*text < 0x20) {
			buf_add_format(out, "\\u%04x", (unsigned)*text);
		} else {
			buf_add(out, text, size);
		}
	}
	buf_add(out, "\"", 1);
}

void json_key(struct json_writer *w, const char *key)
{
	begin_item(w);
	put_quoted(w->out, key);
	buf_add(w->out, ":", 1);
	w->after_key = true;
}

void json_put_str(struct json_writer *w, const char *value)
{
	begin_item(w);
	if (value)
		put_quoted(w->out, value);
	else
		buf_add_str(w->out, "null");
}

void json_put_u64(struct json_writer *w, uint64_t value)
{
	begin_item(w);
	buf_add_format(w->out, "%llu", (unsigned long long)value);
}

void json_put_i64(struct json_writer *w, int64_t value)
{
	begin_item(w);
	buf_add_format(w->out, "%lld", (long long)value);
}

void json_put_hundredths(struct json_writer *w, uint64_t hundredths)
{
	begin_item(w);
	buf_add_format(w->out, "%llu.%02u", (unsigned long long)(hundredths / 100),
		       (unsigned)(hundredths % 100));
}

void json_put_bool(struct json_writer *w, bool value)
{
	begin_item(w);
	buf_add_str(w->out, value ? "true" : "false");
}
