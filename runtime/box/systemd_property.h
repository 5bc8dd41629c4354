/* systemd_property.h - one property of a systemd unit, typed: out of an annotation's text, out of a
 * file of cgroup v2, as text, and onto the bus. Pure; texts live in the caller's arena.
 *
 * Source: org.freedesktop.systemd1(5) for names and types; systemd.resource-control(5); GVariant's
 * text format for annotations, of which the forms below are taken, as crun and runc document
 * them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct cgroup_value;
struct dbus_writer;
struct err;

struct systemd_property {
	const char *name;
	const char *signature;		/* b, u, i, t, x, s, as, ay, au */
	uint64_t number;	/* b, u, i, t, x, au's only one; signed: two's complement */
	const char *text;		/* s */
	const char *const *list;	/* as, NULL-terminated */
	const uint8_t *bytes;		/* ay: a set of numbers, one bit each */
	size_t size_bytes;
};

/* true, false, 'text', "text", ['text', ...], 12 (int32), and uint32, int32, uint64, int64 in front
 * of a number. NameSec with a number becomes NameUSec. where: the annotation's key, for errors. */
int systemd_property_parse(struct systemd_property *p, struct arena *a, const char *where,
			   const char *name, const char *text, struct err *e);

/* What systemd knows of a limit, at most two properties. 0 = it has none for this file: then the
 * file in the container's own cgroup is all there is of it. */
enum { SYSTEMD_PROPERTIES_OF_VALUE = 2 };
size_t systemd_property_of_value(struct systemd_property p[SYSTEMD_PROPERTIES_OF_VALUE],
				 struct arena *a, const struct cgroup_value *v);

/* As an annotation has it; a set of numbers as cpuset has it. */
void systemd_property_print(const struct systemd_property *p, struct buf *out);

/* (sv): an element of an array of them. */
void systemd_property_write(const struct systemd_property *p, struct dbus_writer *w);
