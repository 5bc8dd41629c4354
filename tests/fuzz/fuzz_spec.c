/* fuzz_spec.c - any bytes as config.json: refused with a sentence, or planned, written, and read
 * again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "box/plan.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "oci/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_spec(const struct oci_spec *spec, struct buf *out)
{
	buf_init(out, OCI_SPEC_BYTES_MAX);
	if (!oci_spec_write(spec, out))
		abort();
}

static void plan_spec(struct arena *a, const struct oci_spec *spec)
{
	const struct box_volume volume = { "v", "local", "/v", true };
	struct box_plan plan = {
		.name = "x", .image = "x", .spec = spec, .volumes = &volume, .volume_count = 1,
	};
	struct err e;
	struct buf out;

	if (box_plan_make(&plan, a, 4, &e))
		return;
	box_plan_check_service(&plan, &e);
	buf_init(&out, 1 << 20);
	box_plan_print(&plan, &out);
	buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(OCI_SPEC_ARENA_BYTES);
	struct oci_spec *spec, *again;
	struct buf first, second;
	struct err e = { 0 };

	spec = oci_spec_parse(a, "x", (const char *)data, size, &e);
	if (!spec && !e.text[0])
		abort();
	if (spec) {
		plan_spec(a, spec);
		write_spec(spec, &first);
		again = oci_spec_parse(a, "x", first.data, first.size_bytes, &e);
		if (!again)
			abort();
		write_spec(again, &second);
		if (first.size_bytes != second.size_bytes ||
		    memcmp(first.data, second.data, first.size_bytes))
			abort();
		buf_finish(&first);
		buf_finish(&second);
	}
	arena_destroy(a);
	return 0;
}
