/* dbus_writer.h - values and messages of D-Bus as bytes, for what we send: pure.
 *
 * A writer holds the body of one message, little endian; the head is put in front at the end. A
 * value that does not fit marks the buffer, as buf.h has it, so one look at the end is enough.
 *
 * Source: D-Bus Specification, "Marshaling (Wire Format)" and "Message Format". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

enum { DBUS_WRITER_BYTES_MAX = 1 << 20 };	/* 1,000 annotations of a page each are nobody's */

struct dbus_writer {
	struct buf body;
};

struct dbus_array {		/* where an open array began */
	size_t length_at, first_at;
};

/* A method and whose it is; the signature is that of its body. destination NULL = the peer. */
struct dbus_method {
	const char *destination, *path, *interface, *member, *signature;
};

void dbus_writer_init(struct dbus_writer *w);
void dbus_writer_finish(struct dbus_writer *w);

void dbus_writer_u32(struct dbus_writer *w, uint32_t value);	/* i as well */
void dbus_writer_u64(struct dbus_writer *w, uint64_t value);	/* x as well */
void dbus_writer_bool(struct dbus_writer *w, bool value);
void dbus_writer_str(struct dbus_writer *w, const char *text);	/* o as well */
void dbus_writer_bytes(struct dbus_writer *w, const uint8_t *bytes, size_t size_bytes);	/* ay */

/* align: of the elements: 4 for s and u, 8 for structs. */
struct dbus_array dbus_writer_begin_array(struct dbus_writer *w, size_t align);
void dbus_writer_end_array(struct dbus_writer *w, const struct dbus_array *array);
void dbus_writer_begin_struct(struct dbus_writer *w);
void dbus_writer_begin_variant(struct dbus_writer *w, const char *signature);

/* The whole message, a call with this serial, appended to out. body NULL = it has none. False: it
 * became too long. */
bool dbus_writer_call(const struct dbus_method *method, uint32_t serial,
		      const struct dbus_writer *body, struct buf *out);
