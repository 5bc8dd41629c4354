/* dbus_reader.h - a message of D-Bus that came in: its head, and the values of its body. Pure.
 *
 * Strict: little endian (both ends are on one machine), lengths within the message, strings closed
 * by NUL and without one inside. Texts point into the message. A value that is not there makes the
 * reader fail for good, so one look at the end is enough.
 *
 * Source: D-Bus Specification, "Message Format" and "Marshaling (Wire Format)". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	DBUS_HEAD_BYTES = 16,		/* says how long the message is */
	DBUS_MESSAGE_MAX = 1 << 20,	/* a bus allows 128 MiB; a manager's signals have KiB */
};

enum dbus_type { DBUS_CALL = 1, DBUS_REPLY = 2, DBUS_ERROR = 3, DBUS_SIGNAL = 4 };

enum dbus_field {
	DBUS_FIELD_PATH = 1,
	DBUS_FIELD_INTERFACE,
	DBUS_FIELD_MEMBER,
	DBUS_FIELD_ERROR_NAME,
	DBUS_FIELD_REPLY_SERIAL,
	DBUS_FIELD_DESTINATION,
	DBUS_FIELD_SENDER,
	DBUS_FIELD_SIGNATURE,
	DBUS_FIELD_UNIX_FDS
};

struct dbus_reader {
	const uint8_t *bytes;
	size_t size_bytes, at;
	bool failed;
};

struct dbus_message {
	uint8_t type;			/* enum dbus_type, or one that is newer: to be ignored */
	uint32_t reply_serial;		/* 0 = none */
	const char *path, *interface, *member, *error_name, *sender;	/* NULL = none */
	const char *signature;		/* "" = no body */
	struct dbus_reader body;
};

/* The length of the whole message that begins so; 0 with a sentence: none, or too long. */
size_t dbus_message_bytes(const uint8_t head[DBUS_HEAD_BYTES], struct err *e);
/* size_bytes: what dbus_message_bytes said. */
int dbus_message_read(struct dbus_message *m, const uint8_t *bytes, size_t size_bytes,
		      struct err *e);

uint8_t dbus_reader_u8(struct dbus_reader *r);
uint32_t dbus_reader_u32(struct dbus_reader *r);
const char *dbus_reader_str(struct dbus_reader *r);		/* o as well; "" after a failure */
const char *dbus_reader_signature(struct dbus_reader *r);	/* g, and in front of a variant */
