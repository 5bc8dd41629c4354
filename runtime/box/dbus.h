/* dbus.h - a connection to a bus of D-Bus, or to one peer that speaks it: calls and signals.
 *
 * One call at a time. Signals that come before its answer go to on_signal; so do those that
 * dbus_await waits for. Every wait ends at the connection's deadline. Descriptors are not taken:
 * they are not negotiated, so nobody may send any.
 *
 * Source: D-Bus Specification, "Authentication Protocol" (EXTERNAL, whose empty answer means
 * "whoever the socket says that I am", also out of a user namespace) and "Message Bus Messages". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "box/dbus_reader.h"

struct dbus_method;
struct dbus_writer;
struct err;

enum { DBUS_NAME_BYTES = 256 };		/* of an error: 255 by the specification */

struct dbus {
	int fd;
	uint32_t serial;
	uint64_t deadline_ms;		/* time_boot_ms */
	uint8_t *bytes;			/* the last message */
	char error_name[DBUS_NAME_BYTES]; /* of the last call that was answered by an error */
	/* May be NULL. True: what was waited for has come. */
	bool (*on_signal)(void *ctx, const struct dbus_message *signal);
	void *ctx;
};

/* The path of the first unix socket in an address ("unix:path=/run/bus,guid=..."), which may be a
 * list; false: it has none that fits. An abstract one is "@NAME". Pure. */
bool dbus_address_path(const char *address, char *path, size_t path_bytes);

/* -1 with e->number ENOENT or ECONNREFUSED: nobody is there. */
int dbus_open(struct dbus *d, const char *path, unsigned wait_ms, struct err *e);
void dbus_close(struct dbus *d);

/* answer NULL = nothing of it is wanted; else it holds until the next message. An error is one
 * sentence with the other side's words; error_name has its name. */
int dbus_call(struct dbus *d, const struct dbus_method *method, const struct dbus_writer *body,
	      struct dbus_message *answer, struct err *e);

/* Until on_signal says so. */
int dbus_await(struct dbus *d, struct err *e);
