/* spec_io.c - `blockIO` of config.json's resources (config-linux.md "Block IO"). */
#include "lib/array.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

enum { WEIGHT_MIN = 10, WEIGHT_MAX = 1000 };	/* of cgroup v1; box converts */

static const char *const io_keys[] = {
	"leafWeight", "throttleReadBpsDevice", "throttleReadIOPSDevice", "throttleWriteBpsDevice",
	"throttleWriteIOPSDevice", "weight", "weightDevice", NULL,
};
static const char *const weight_keys[] = { "leafWeight", "major", "minor", "weight", NULL };
static const char *const rate_keys[] = { "major", "minor", "rate", NULL };

static const char *const throttle_names[] = {
	[OCI_THROTTLE_READ_BPS] = "throttleReadBpsDevice",
	[OCI_THROTTLE_WRITE_BPS] = "throttleWriteBpsDevice",
	[OCI_THROTTLE_READ_IOPS] = "throttleReadIOPSDevice",
	[OCI_THROTTLE_WRITE_IOPS] = "throttleWriteIOPSDevice",
};
_Static_assert(ARRAY_SIZE(throttle_names) == OCI_THROTTLES, "one name each");

/* Encoders that know no absence write 0 for "not given". */
static int read_weight(const struct spec_reader *r, const struct json *object, const char *key,
		       unsigned *weight, struct err *e)
{
	struct json at = json_member(object, key);
	int64_t value = 0;
	int given = spec_number(r, object, key, 0, UINT16_MAX, &value, e);

	if (given < 0)
		return -1;
	if (given && value == 0 && r->bundle)
		return 0;
	if (given && (value < WEIGHT_MIN || value > WEIGHT_MAX))
		return spec_bad(r, &at, e, "must be from %d to %d", WEIGHT_MIN, WEIGHT_MAX);
	*weight = (unsigned)value;
	return 0;
}

static int read_weight_device(const struct spec_reader *r, const struct json *item, void *out,
			      struct err *e)
{
	struct oci_io_weight *weight = out;

	if (spec_keys(r, item, weight_keys, e) ||
	    spec_u32(r, item, "major", true, &weight->major, e) ||
	    spec_u32(r, item, "minor", true, &weight->minor, e) ||
	    read_weight(r, item, "weight", &weight->weight, e) ||
	    read_weight(r, item, "leafWeight", &weight->leaf_weight, e))
		return -1;
	if (!weight->weight && !weight->leaf_weight)
		return spec_bad(r, item, e, "needs a weight or a leafWeight");
	return 0;
}

static int read_rate(const struct spec_reader *r, const struct json *item, void *out, struct err *e)
{
	struct oci_io_rate *rate = out;

	return spec_keys(r, item, rate_keys, e) ||
			       spec_u32(r, item, "major", true, &rate->major, e) ||
			       spec_u32(r, item, "minor", true, &rate->minor, e) ||
			       json_get_u64(item, "rate", &rate->rate, e)
		       ? -1
		       : 0;
}

int spec_io_read(const struct spec_reader *r, const struct json *resources,
		 struct oci_resources *o, struct err *e)
{
	struct json io;
	void *items = NULL;
	int found = spec_object(r, resources, "blockIO", &io, e);

	if (found <= 0)
		return found;
	if (spec_keys(r, &io, io_keys, e) || read_weight(r, &io, "weight", &o->io_weight, e) ||
	    read_weight(r, &io, "leafWeight", &o->io_leaf_weight, e) ||
	    spec_list(r, &io, "weightDevice", sizeof(*o->io_weights), read_weight_device, &items,
		      &o->io_weight_count, e) < 0)
		return -1;
	o->io_weights = items;
	for (unsigned i = 0; i < OCI_THROTTLES; i++) {
		items = NULL;
		if (spec_list(r, &io, throttle_names[i], sizeof(*o->io_rates[i]), read_rate, &items,
			      &o->io_rate_counts[i], e) < 0)
			return -1;
		o->io_rates[i] = items;
	}
	return 0;
}

static void write_weights(const struct oci_resources *o, struct json_writer *w)
{
	json_key(w, "weightDevice");
	json_begin_array(w);
	for (size_t i = 0; i < o->io_weight_count; i++) {
		const struct oci_io_weight *weight = &o->io_weights[i];

		json_begin_object(w);
		spec_put_u64(w, "major", weight->major);
		spec_put_u64(w, "minor", weight->minor);
		spec_put_given(w, "weight", weight->weight);
		spec_put_given(w, "leafWeight", weight->leaf_weight);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_rates(const struct oci_io_rate *rates, size_t count, const char *key,
			struct json_writer *w)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(w);
		spec_put_u64(w, "major", rates[i].major);
		spec_put_u64(w, "minor", rates[i].minor);
		spec_put_u64(w, "rate", rates[i].rate);
		json_end_object(w);
	}
	json_end_array(w);
}

void spec_io_write(const struct oci_resources *o, struct json_writer *w)
{
	size_t rates = 0;

	for (unsigned i = 0; i < OCI_THROTTLES; i++)
		rates += o->io_rate_counts[i];
	if (!o->io_weight && !o->io_leaf_weight && !o->io_weight_count && !rates)
		return;
	json_key(w, "blockIO");
	json_begin_object(w);
	spec_put_given(w, "weight", o->io_weight);
	spec_put_given(w, "leafWeight", o->io_leaf_weight);
	if (o->io_weight_count)
		write_weights(o, w);
	for (unsigned i = 0; i < OCI_THROTTLES; i++)
		if (o->io_rate_counts[i])
			write_rates(o->io_rates[i], o->io_rate_counts[i], throttle_names[i], w);
	json_end_object(w);
}
