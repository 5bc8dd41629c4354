/* scalar.c - see scalar.h. */
#include "compose/scalar.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/cpu_list.h"
#include "oci/signal.h"
#include "oci/spec_names.h"

/* digits[.digits] as a count of 10^-9; moves *text behind it. */
static bool read_nanos(const char **text, uint64_t *nanos)
{
	const char *at = *text;
	uint64_t whole = 0, part = 0, unit = 1000000000;

	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++) {
		whole = whole * 10 + (uint64_t)(*at - '0');
		if (whole >
		    4000000000) /* x 10^9 still fits; longer than anybody waits or computes */
			return false;
	}
	if (*at == '.') {
		if (!isdigit((unsigned char)at[1]))
			return false;
		for (at++; isdigit((unsigned char)*at); at++) {
			unit /= 10;
			if (!unit)
				return false;
			part += unit * (uint64_t)(*at - '0');
		}
	}
	*text = at;
	*nanos = whole * 1000000000 + part;
	return true;
}

bool scalar_duration_ms(const char *text, uint64_t *ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{ "h", 3600000 }, { "ms", 1 }, { "m", 60000 }, { "s", 1000 }
	}; /* ms stands before m */
	enum { UNITS = ARRAY_SIZE(units) };
	uint64_t total_ms = 0;

	if (!*text)
		return false;
	while (*text) {
		uint64_t nanos;
		size_t i = 0;

		if (!read_nanos(&text, &nanos))
			return false;
		while (i < UNITS && !str_starts(text, units[i].name))
			i++;
		if (i == UNITS)
			return false;
		text += strlen(units[i].name);
		total_ms += nanos / 1000000 * units[i].ms / 1000; /* at most 4e12 x 3.6e6: fits */
	}
	*ms = total_ms;
	return true;
}

bool scalar_nano_cpus(const char *text, uint64_t *nano_cpus)
{
	return read_nanos(&text, nano_cpus) && *text == '\0' && *nano_cpus > 0;
}

bool scalar_signal(const char *text, unsigned *number)
{
	struct err ignored;
	int value;

	if (signal_parse(text, &value, &ignored) || value == 0)
		return false;
	*number = (unsigned)value;
	return true;
}

bool scalar_bool(const char *text, bool *value)
{
	*value = str_equal(text, "true") || str_equal(text, "True") || str_equal(text, "TRUE");
	return *value || str_equal(text, "false") || str_equal(text, "False") ||
	       str_equal(text, "FALSE");
}

/* `cap_` + upper case of the text, as the kernel's headers spell it. */
static bool upper_name(char *out, size_t out_bytes, const char *prefix, const char *text)
{
	int length = snprintf(out, out_bytes, "%s%s", prefix, text);

	for (; *out; out++)
		*out = (char)toupper((unsigned char)*out);
	return length > 0 && (size_t)length < out_bytes;
}

bool scalar_capability(const char *text, uint64_t *bits)
{
	char name[64];
	unsigned number;

	if (!upper_name(name, sizeof(name), "", text))
		return false;
	if (str_equal(name, "ALL")) {
		*bits = UINT64_MAX;
		return true;
	}
	if (!str_starts(name, "CAP_") && !upper_name(name, sizeof(name), "CAP_", text))
		return false;
	if (!oci_cap_number(name, &number))
		return false;
	*bits = 1ull << number;
	return true;
}

bool scalar_rlimit(const char *text, int *resource)
{
	char name[64];

	return upper_name(name, sizeof(name), "RLIMIT_", text) && oci_rlimit_number(name, resource);
}

bool scalar_limit(const char *text, uint64_t *limit)
{
	if (str_equal(text, "-1") || str_equal(text, "unlimited")) {
		*limit = UINT64_MAX;
		return true;
	}
	return str_to_u64(text, limit);
}

bool scalar_is_cpuset(const char *text)
{
	struct cpu_list list;
	struct err ignored;

	return cpu_list_parse(text, &list, &ignored) == 0;
}

bool scalar_is_clean_path(const char *text)
{
	if (*text != '/')
		return false;
	while (*text == '/') {
		size_t length = strcspn(++text, "/");

		if (length == 0 || (length == 1 && text[0] == '.') ||
		    (length == 2 && text[0] == '.' && text[1] == '.'))
			return false;
		text += length;
	}
	return true;
}
