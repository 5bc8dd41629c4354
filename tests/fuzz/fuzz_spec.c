/* fuzz_spec.c - any bytes as config.json, of ours and of another maker, and as the documents that
 * are one object alone: refused with a sentence, or planned, written, and read again as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "box/plan.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;

/* A document as a value: read it, or say why not; write it. */
struct kind {
	void *(*parse)(const char *text, size_t size, struct err *e);
	void (*write)(const void *value, struct buf *out);
};

static void *parse_own(const char *text, size_t size, struct err *e)
{
	return oci_spec_parse(arena, "x", text, size, e);
}

static void *parse_bundle(const char *text, size_t size, struct err *e)
{
	return oci_spec_parse_bundle(arena, "x", text, size, e);
}

static void *parse_process(const char *text, size_t size, struct err *e)
{
	return oci_process_parse(arena, "x", text, size, e);
}

static void *parse_resources(const char *text, size_t size, struct err *e)
{
	return oci_resources_parse(arena, "x", text, size, e);
}

static void write_spec(const void *value, struct buf *out)
{
	oci_spec_write(value, out);
}

static void write_process(const void *value, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	spec_process_write(value, &w);
}

static void write_resources(const void *value, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	spec_resources_write(value, &w);
}

static const struct kind kinds[] = {
	{ parse_own, write_spec },
	{ parse_bundle, write_spec },
	{ parse_process, write_process },
	{ parse_resources, write_resources },
};

static void plan_spec(const struct oci_spec *spec)
{
	const struct box_volume volume = { "v", "local", "/v", true };
	struct box_plan plan = {
		.name = "x", .image = "x", .spec = spec, .volumes = &volume, .volume_count = 1,
	};
	struct err e;
	struct buf out;

	if (box_plan_make(&plan, arena, 4, &e))
		return;
	box_plan_check_service(&plan, &e);
	buf_init(&out, 1 << 20);
	box_plan_print(&plan, &out);
	buf_finish(&out);
}

static void write_value(const struct kind *kind, const void *value, struct buf *out)
{
	buf_init(out, 8 * OCI_SPEC_BYTES_MAX);
	kind->write(value, out);
	if (out->overflow)
		abort();
}

static void try_kind(const struct kind *kind, const char *text, size_t size)
{
	struct err e = { 0 };
	struct buf first, second;
	void *value = kind->parse(text, size, &e), *again;

	if (!value && !e.text[0])
		abort();
	if (!value)
		return;
	if (kind->write == write_spec)
		plan_spec(value);
	write_value(kind, value, &first);
	/* What grows beyond the reader's bound in writing is not read again. */
	again = first.size_bytes > OCI_SPEC_BYTES_MAX ? value
	      : kind->parse(first.data, first.size_bytes, &e);
	if (!again)
		abort();
	write_value(kind, again, &second);
	if (first.size_bytes != second.size_bytes ||
	    memcmp(first.data, second.data, first.size_bytes))
		abort();
	buf_finish(&first);
	buf_finish(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		arena = arena_create(OCI_SPEC_ARENA_BYTES);
		try_kind(&kinds[i], (const char *)data, size);
		arena_destroy(arena);
	}
	return 0;
}
