/* spec_put.c - see spec_put.h */
#include "oci/spec_put.h"

#include "lib/json.h"
#include "oci/spec_names.h"
#include "oci/spec_types.h"

void spec_put_str(struct json_writer *w, const char *key, const char *value)
{
	if (!value)
		return;
	json_key(w, key);
	json_put_str(w, value);
}

void spec_put_u64(struct json_writer *w, const char *key, uint64_t value)
{
	json_key(w, key);
	json_put_u64(w, value);
}

void spec_put_i64(struct json_writer *w, const char *key, int64_t value)
{
	json_key(w, key);
	json_put_i64(w, value);
}

void spec_put_bool(struct json_writer *w, const char *key, bool value)
{
	json_key(w, key);
	json_put_bool(w, value);
}

void spec_put_given(struct json_writer *w, const char *key, int64_t value)
{
	if (value)
		spec_put_i64(w, key, value);
}

void spec_put_strings(struct json_writer *w, const char *key, const char *const *list)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; list && list[i]; i++)
		json_put_str(w, list[i]);
	json_end_array(w);
}

void spec_put_pairs(struct json_writer *w, const char *key, const struct oci_pair *pairs,
		    size_t count)
{
	json_key(w, key);
	json_begin_object(w);
	for (size_t i = 0; i < count; i++) {
		json_key(w, pairs[i].key);
		json_put_str(w, pairs[i].value);
	}
	json_end_object(w);
}

void spec_put_flags(struct json_writer *w, const char *key, const struct spec_word *words,
		    uint64_t mask)
{
	json_key(w, key);
	json_begin_array(w);
	for (; words->name[0]; words++)
		if (mask & (uint64_t)words->value)
			json_put_str(w, words->name);
	json_end_array(w);
}
