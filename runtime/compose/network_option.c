/* network_option.c - cuvette.egress, .rate, .dns-log and .dns-allowed-only: what a network's
 * driver_opts and a service's labels say about the way out, as the lines that its gateway reads.
 *
 * Each line is read here as the gateway reads it (wire/policy_line.h), so that a slip of the pen is
 * an error with its place in the file, and nothing starts. What a line means is the gateway's. */
#include <inttypes.h>
#include <string.h>

#include "compose/network.h"
#include "compose/reader.h"
#include "compose/scalar.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"
#include "wire/policy_line.h"

enum { POLICY_MAX = 8192 };	/* of one network or service: some hundred lines */

static int add_line(struct reader *r, const struct yaml_node *node, const char *line,
		    const char **policy, struct err *e)
{
	struct policy_line read;
	struct err why;

	if (policy_line_read(line, strlen(line), &read, &why) < 0)
		return reader_fail(r, node, e, "\"%.64s\": %s", line, why.text);
	if (strlen(*policy) + strlen(line) > POLICY_MAX)
		return reader_fail(r, node, e, "is longer than %d bytes", POLICY_MAX);
	*policy = arena_format(r->arena, "%s%s\n", *policy, line);
	return 0;
}

static int read_rule(struct reader *r, const struct yaml_node *node, const char *line,
		     const char **policy, struct err *e)
{
	static const char *const verbs[] = { "allow ", "deny ", "allow-host " };

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (str_starts(line, verbs[i]))
			return add_line(r, node, line, policy, e);
	return reader_fail(r, node, e,
			   "\"%.64s\": a line is allow, deny or allow-host and what that is "
			   "about: write \"allow 10.0.0.0/8 443 tcp\" or \"allow-host 5432\"",
			   line);
}

/* A line that stands there or does not. */
static int read_switch(struct reader *r, const struct yaml_node *node, const char *line,
		       const char *value, const char **policy, struct err *e)
{
	bool wanted;

	if (!scalar_bool(value, &wanted))
		return reader_fail(r, node, e, "must be true or false: write cuvette.%s: true",
				   line);
	return wanted && add_line(r, node, line, policy, e) < 0 ? -1 : 1;
}

static int read_egress(struct reader *r, const struct yaml_node *node, const char *value,
		       const char **policy, struct err *e)
{
	while (*value) {
		size_t size = strcspn(value, "\n;"), end = size;
		const char *from = value + strspn(value, " \t");

		while (end && (value[end - 1] == ' ' || value[end - 1] == '\t'))
			end--;
		if (from < value + end && *from != '#' &&
		    read_rule(r, node,
			      arena_strn(r->arena, from, (size_t)(value + end - from)), policy,
			      e) < 0)
			return -1;
		value += size + (value[size] != '\0');
	}
	return 0;
}

/* `100mbit`, `1gbit`, `8000`: bits per second, as tc(8) writes them. */
static bool parse_rate(const char *text, struct arena *arena, uint64_t *bits)
{
	static const struct {
		const char *unit;
		uint64_t factor;
	} units[] = { { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 }, { "bit", 1 } };
	uint64_t factor = 1;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (str_ends(text, units[i].unit)) {
			text = arena_strn(arena, text, strlen(text) - strlen(units[i].unit));
			factor = units[i].factor;
			break;
		}
	}
	if (!str_to_u64(text, bits) || *bits > (1ull << 40) / factor)
		return false;
	*bits *= factor;
	return *bits >= 8000;	/* a byte per millisecond: below it nothing works */
}

int network_read_option(struct reader *r, const struct yaml_node *node, const char *key,
			const char *value, const char **policy, struct err *e)
{
	uint64_t bits;

	if (!str_starts(key, "cuvette."))
		return 0;
	if (str_equal(key, "cuvette.egress"))
		return read_egress(r, node, value, policy, e) < 0 ? -1 : 1;
	if (str_equal(key, "cuvette.rate")) {
		if (!parse_rate(value, r->arena, &bits))
			return reader_fail(r, node, e,
					   "\"%.64s\" is not a rate: write 100mbit, 1gbit or a "
					   "number of bits per second from 8000",
					   value);
		value = arena_format(r->arena, "rate %" PRIu64, bits);
		return add_line(r, node, value, policy, e) < 0 ? -1 : 1;
	}
	if (str_equal(key, "cuvette.dns-log"))
		return read_switch(r, node, "dns-log", value, policy, e);
	if (str_equal(key, "cuvette.dns-allowed-only"))
		return read_switch(r, node, "dns-allowed-only", value, policy, e);
	return reader_fail(r, node, e,
			   "\"%.64s\" is not known: known are cuvette.egress, cuvette.rate, "
			   "cuvette.dns-log and cuvette.dns-allowed-only",
			   key);
}
