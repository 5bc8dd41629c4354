/* duration.c - see duration.h */
#include "cli/duration.h"

#include <stddef.h>
#include <string.h>

#include "lib/array.h"
#include "lib/err.h"

#define YEAR_MS (365ull * 24 * 3600 * 1000)

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "ms", 1 },	/* before "m" */
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 3600 * 1000 },
};

/* Milliseconds of the unit at *at, which is moved behind it; 0 = none of ours. */
static uint64_t take_unit(const char **at)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t size = strlen(units[i].name);

		if (strncmp(*at, units[i].name, size) == 0) {
			*at += size;
			return units[i].ms;
		}
	}
	return 0;
}

int duration_parse(const char *text, uint64_t *ms, struct err *e)
{
	const char *at = text;
	uint64_t sum = 0;

	do {
		uint64_t number = 0, unit;
		const char *digits = at;

		for (; *at >= '0' && *at <= '9' && number < YEAR_MS; at++)
			number = number * 10 + (uint64_t)(*at - '0');
		if (at == digits)
			break;
		unit = *at || digits != text ? take_unit(&at) : 1000;
		if (unit == 0 || number > YEAR_MS / unit)
			break;
		sum += number * unit;
		if (!*at && sum > 0 && sum <= YEAR_MS) {
			*ms = sum;
			return 0;
		}
	} while (*at);
	return err_set(e, "\"%.64s\" is no span of time: write it like 500ms, 5s or 1m", text);
}
