/* systemd_property.c - see systemd_property.h */
#include "box/systemd_property.h"

#include <limits.h>
#include <string.h>

#include "box/cgroup_values.h"
#include "box/dbus_writer.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/cpu_list.h"

enum {
	US_PER_S = 1000000,
	QUOTA_STEP_US = 10000,	/* systemd keeps a quota in whole hundredths of a processor */
	CPU_PERIOD_US = 100000,
};

static int refuse(const char *where, const char *text, struct err *e)
{
	return err_set(e,
		       ".annotations.%.128s: \"%.64s\" is no value that systemd can be given: "
		       "true, false, 'text', ['text', 'text'], or a number with uint64, int64, "
		       "uint32 or int32 and a blank in front",
		       where, text);
}

/* Behind the quote that opens, up to the same one, into out, which has room for all of text.
 * Returns what stands behind that; NULL = not so. */
static const char *parse_quoted(const char *text, char *out)
{
	char quote = *text++;

	for (; *text && *text != quote; text++) {
		if (*text == '\\' && *++text != '\\' && *text != '\'' && *text != '"')
			return NULL;
		*out++ = *text;
	}
	*out = '\0';
	return *text ? text + 1 : NULL;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static bool parse_list(struct systemd_property *p, const char *text, struct arena *a)
{
	/* Each element has two quotes, and a comma but for one. */
	const char **list = arena_array(a, strlen(text) / 3 + 2, sizeof(*list));
	/* One for all elements: each loses two quotes and gains a NUL. */
	char *out = arena_str(a, text);

	p->signature = "as";
	p->list = list;
	text = skip_blanks(text + 1);
	if (*text == ']')
		return !*skip_blanks(text + 1);
	for (;;) {
		if (*text != '\'' && *text != '"')
			return false;
		*list++ = out;
		text = parse_quoted(text, out);
		if (!text)
			return false;
		out += strlen(out) + 1;
		text = skip_blanks(text);
		if (*text == ']')
			return !*skip_blanks(text + 1);
		if (*text != ',')
			return false;
		text = skip_blanks(text + 1);
	}
}

static bool in_range(const char *signature, int64_t value)
{
	switch (*signature) {
	case 'u':
		return value >= 0 && value <= UINT32_MAX;
	case 'i':
		return value >= INT32_MIN && value <= INT32_MAX;
	}
	return true;
}

static bool parse_number(struct systemd_property *p, const char *text, uint64_t factor)
{
	static const struct {
		const char *word, *signature;
	} types[] = {
		{ "uint64 ", "t" }, { "int64 ", "x" }, { "uint32 ", "u" }, { "int32 ", "i" },
	};
	int64_t value, product;

	p->signature = "i";
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (str_starts(text, types[i].word)) {
			p->signature = types[i].signature;
			text = skip_blanks(text + strlen(types[i].word));
		}
	if (*p->signature == 't')
		return str_to_u64(text, &p->number) &&
		       !__builtin_mul_overflow(p->number, factor, &p->number);
	if (!str_to_i64(text, &value) || __builtin_mul_overflow(value, (int64_t)factor, &product) ||
	    !in_range(p->signature, product))
		return false;
	p->number = (uint64_t)product;
	return true;
}

/* Times are microseconds on the bus, and seconds in unit files: "TimeoutStopSec". */
static const char *name_on_bus(struct arena *a, const char *name, uint64_t *factor)
{
	*factor = 1;
	if (!str_ends(name, "Sec") || str_ends(name, "USec"))
		return name;
	*factor = US_PER_S;
	return arena_format(a, "%.*sUSec", (int)(strlen(name) - 3), name);
}

static bool parse(struct systemd_property *p, struct arena *a, const char *text, uint64_t factor)
{
	const char *end;
	char *out;

	if (str_equal(text, "true") || str_equal(text, "false")) {
		p->signature = "b";
		p->number = text[0] == 't';
		return true;
	}
	if (*text == '[')
		return parse_list(p, text, a);
	if (*text != '\'' && *text != '"')
		return parse_number(p, text, factor);
	p->signature = "s";
	p->text = out = arena_str(a, text);
	end = parse_quoted(text, out);
	return end && !*skip_blanks(end);
}

int systemd_property_parse(struct systemd_property *p, struct arena *a, const char *where,
			   const char *name, const char *text, struct err *e)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789";
	size_t length = strspn(name, letters);
	uint64_t factor;

	*p = (struct systemd_property){ 0 };
	if (length < 3 || name[length])
		return err_set(e, ".annotations.%.128s: has no name of a property of systemd",
			       where);
	p->name = name_on_bus(a, name, &factor);
	return parse(p, a, skip_blanks(text), factor) ? 0 : refuse(where, text, e);
}

static size_t put_number(struct systemd_property *p, const char *name, uint64_t number)
{
	*p = (struct systemd_property){ .name = name, .signature = "t", .number = number };
	return 1;
}

/* "max" is all ones on the bus. */
static bool read_limit(const char *text, uint64_t *limit)
{
	if (!str_equal(text, "max"))
		return str_to_u64(text, limit);
	*limit = UINT64_MAX;
	return true;
}

/* "QUOTA PERIOD": on the bus the quota is one of a second. Rounded up, so that the container's own
 * file, which has the exact value, is the one that counts. */
static size_t put_quota(struct systemd_property *p, const char *text)
{
	uint64_t quota, period = CPU_PERIOD_US;
	char copy[64];
	char *words[3];
	int count;

	if (!str_copy(copy, sizeof(copy), text))
		return 0;
	count = str_split_words(copy, words, 2);
	if (count < 1 || (count == 2 && !str_to_u64(words[1], &period)) || period == 0 ||
	    !read_limit(words[0], &quota))
		return 0;
	if (quota != UINT64_MAX) {
		if (__builtin_mul_overflow(quota, (uint64_t)US_PER_S, &quota))
			return 0;
		quota = quota / period + QUOTA_STEP_US - 1;
		quota -= quota % QUOTA_STEP_US;
	}
	put_number(&p[0], "CPUQuotaPerSecUSec", quota);
	put_number(&p[1], "CPUQuotaPeriodUSec", period);
	return 2;
}

static size_t put_set(struct systemd_property *p, struct arena *a, const char *name,
		      const char *text)
{
	uint8_t *bytes;
	struct cpu_list list;
	struct err e;

	*p = (struct systemd_property){ .name = name, .signature = "ay" };
	if (!*text)
		return 1;	/* all */
	if (cpu_list_parse(text, &list, &e))
		return 0;
	p->size_bytes = (list.end + 7) / 8;
	bytes = arena_array(a, p->size_bytes, 1);
	for (unsigned i = 0; i < list.end; i++)
		bytes[i / 8] |= (uint8_t)(cpu_list_has(&list, i) << i % 8);
	p->bytes = bytes;
	return 1;
}

/* Whoever makes the scope sits in it until the container's first process is there: with less it
 * could not get in. The container's own file has the exact value. */
static size_t put_tasks(struct systemd_property *p, uint64_t limit)
{
	return put_number(p, "TasksMax", limit < 2 ? 2 : limit);
}

static const struct {
	const char *file, *property;
	uint64_t least;		/* below that systemd refuses the value */
} limits[] = {
	{ "cpu.weight", "CPUWeight", 1 },
	{ "io.weight", "IOWeight", 1 },
	{ "memory.high", "MemoryHigh", 1 },
	{ "memory.low", "MemoryLow", 0 },
	{ "memory.max", "MemoryMax", 1 },
	{ "memory.min", "MemoryMin", 0 },
	{ "memory.swap.max", "MemorySwapMax", 0 },
	{ "memory.zswap.max", "MemoryZSwapMax", 0 },
};

size_t systemd_property_of_value(struct systemd_property p[SYSTEMD_PROPERTIES_OF_VALUE],
				 struct arena *a, const struct cgroup_value *v)
{
	/* bfq's weights are on a scale of their own; systemd speaks that of io.weight. */
	bool bfq = str_equal(v->file, "io.bfq.weight") && v->other_file;
	const char *file = bfq ? v->other_file : v->file, *text = bfq ? v->other_text : v->text;
	uint64_t limit;

	if (str_equal(file, "cpu.max"))
		return put_quota(p, text);
	if (str_equal(file, "cpuset.cpus"))
		return put_set(p, a, "AllowedCPUs", text);
	if (str_equal(file, "cpuset.mems"))
		return put_set(p, a, "AllowedMemoryNodes", text);
	if (!read_limit(text, &limit))
		return 0;
	if (str_equal(file, "pids.max"))
		return put_tasks(p, limit);
	/* systemd's weight 0 is cpu.idle. */
	if (str_equal(file, "cpu.idle") && limit == 1)
		return put_number(p, "CPUWeight", 0);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (str_equal(file, limits[i].file) && limit >= limits[i].least)
			return put_number(p, limits[i].property, limit);
	return 0;
}

static void print_set(const struct systemd_property *p, struct buf *out)
{
	const char *separator = "";

	for (size_t i = 0; i < p->size_bytes * 8; i++) {
		if (!(p->bytes[i / 8] & 1u << i % 8))
			continue;
		buf_add_format(out, "%s%zu", separator, i);
		separator = ",";
	}
}

void systemd_property_print(const struct systemd_property *p, struct buf *out)
{
	const char *separator = "";

	switch (*p->signature) {
	case 'b':
		buf_add_str(out, p->number ? "true" : "false");
		break;
	case 's':
		buf_add_format(out, "'%s'", p->text);
		break;
	case 'a':
		buf_add_str(out, "[");
		if (p->signature[1] == 'y')
			print_set(p, out);
		else if (p->signature[1] == 'u')
			buf_add_format(out, "%llu", (unsigned long long)p->number);
		for (size_t i = 0; p->list && p->list[i]; i++, separator = ", ")
			buf_add_format(out, "%s'%s'", separator, p->list[i]);
		buf_add_str(out, "]");
		break;
	case 'i':
	case 'x':
		buf_add_format(out, "%s %lld", *p->signature == 'i' ? "int32" : "int64",
			       (long long)p->number);
		break;
	default:
		buf_add_format(out, "%s %llu", *p->signature == 'u' ? "uint32" : "uint64",
			       (unsigned long long)p->number);
	}
}

static void write_array(const struct systemd_property *p, struct dbus_writer *w)
{
	struct dbus_array array;

	if (p->signature[1] == 'y') {
		dbus_writer_bytes(w, p->bytes, p->size_bytes);
		return;
	}
	array = dbus_writer_begin_array(w, 4);
	if (p->signature[1] == 'u')
		dbus_writer_u32(w, (uint32_t)p->number);
	for (size_t i = 0; p->list && p->list[i]; i++)
		dbus_writer_str(w, p->list[i]);
	dbus_writer_end_array(w, &array);
}

void systemd_property_write(const struct systemd_property *p, struct dbus_writer *w)
{
	dbus_writer_begin_struct(w);
	dbus_writer_str(w, p->name);
	dbus_writer_begin_variant(w, p->signature);
	switch (*p->signature) {
	case 'a':
		write_array(p, w);
		break;
	case 's':
		dbus_writer_str(w, p->text);
		break;
	case 't':
	case 'x':
		dbus_writer_u64(w, p->number);
		break;
	default:
		dbus_writer_u32(w, (uint32_t)p->number);
	}
}
