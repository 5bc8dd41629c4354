/* option.c - see option.h */
#include "cli/option.h"

#include <stdint.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"

enum { OPTIONS_MAX = 64, NAME_MAX_BYTES = 40 };

struct parse {
	const struct option *table;
	const char *who;
	char *const *argv;
	int at;			/* the word in work */
	void *values;
	struct arena *arena;
};

static void add_to_list(struct parse *p, const char ***list, const char *text)
{
	size_t count = 0;
	const char **longer;

	while (*list && (*list)[count])
		count++;
	longer = arena_array(p->arena, count + 2, sizeof(*longer));
	if (count > 0)
		memcpy(longer, *list, count * sizeof(*longer));
	longer[count] = text;
	*list = longer;
}

static int store(struct parse *p, const struct option *o, const char *text, struct err *e)
{
	char *place = (char *)p->values + o->offset;
	uint64_t number;

	switch (o->kind) {
	case OPTION_FLAG:
		if (text && !str_equal(text, "true") && !str_equal(text, "false"))
			return err_set(e, "%s: --%s is true or false, not \"%.64s\"", p->who,
				       o->name, text);
		*(bool *)place = !text || str_equal(text, "true");
		return 0;
	case OPTION_TEXT: memcpy(place, &text, sizeof(text)); return 0;
	case OPTION_LIST: add_to_list(p, (const char ***)place, text); return 0;
	case OPTION_COUNT:
		if (!str_to_u64(text, &number))
			return err_set(e, "%s: --%s takes a whole number, not \"%.64s\"", p->who,
				       o->name, text);
		memcpy(place, &number, sizeof(number));
		return 0;
	case OPTION_NOTHING: return 0;
	case OPTION_KINDS: break;
	}
	return err_set(e, "%s: --%s has no kind", p->who, o->name);
}

static int unknown(const struct parse *p, const char *dashes, const char *name, struct err *e)
{
	const char *names[OPTIONS_MAX + 1], *near;
	size_t count = 0;

	for (const struct option *o = p->table; o->name && count < OPTIONS_MAX; o++)
		names[count++] = o->name;
	names[count] = NULL;
	near = str_nearest(name, names);
	if (near)
		return err_set(e, "%s: unknown option %s%.64s; did you mean --%s?", p->who, dashes,
			       name, near);
	return err_set(e, "%s: unknown option %s%.64s; --help shows all", p->who, dashes, name);
}

/* The value of an option that needs one: `given` or the next word. */
static int take_value(struct parse *p, const struct option *o, const char *given, struct err *e)
{
	if (!given && o->kind != OPTION_FLAG) {
		given = p->argv[p->at + 1];
		if (!given)
			return err_set(e, "%s: --%s needs a value: --%s=%s", p->who, o->name,
				       o->name, o->value ? o->value : "VALUE");
		p->at++;
	}
	return store(p, o, given, e);
}

static int read_long(struct parse *p, const char *word, bool *help, struct err *e)
{
	char name[NAME_MAX_BYTES];
	size_t size = strcspn(word, "=");
	const char *value = word[size] ? word + size + 1 : NULL;

	if (size >= sizeof(name))
		return unknown(p, "--", word, e);
	memcpy(name, word, size);
	name[size] = '\0';
	if (str_equal(name, "help") || str_equal(name, "usage")) {
		*help = true;
		return 0;
	}
	for (const struct option *o = p->table; o->name; o++)
		if (str_equal(o->name, name))
			return take_value(p, o, value, e);
	return unknown(p, "--", name, e);
}

static int read_letters(struct parse *p, const char *word, bool *help, struct err *e)
{
	for (; *word; word++) {
		const char single[2] = { *word };
		const struct option *o = p->table;

		while (o->name && o->letter != *word)
			o++;
		if (!o->name && (*word == 'h' || *word == '?')) {
			*help = true;
			return 0;
		}
		if (!o->name)
			return unknown(p, "-", single, e);
		if (o->kind != OPTION_FLAG)
			return take_value(p, o, word[1] ? word + 1 + (word[1] == '=') : NULL, e);
		/* `-t=false` */
		if (word[1] == '=')
			return store(p, o, word + 2, e);
		if (store(p, o, NULL, e))
			return -1;
	}
	return 0;
}

int option_parse(const struct option *table, const char *who, char *const *argv, void *values,
		 struct arena *a, bool *help, struct err *e)
{
	struct parse p = { table, who, argv, 0, values, a };

	*help = false;
	for (; argv[p.at]; p.at++) {
		const char *word = argv[p.at];
		int failed;

		if (str_equal(word, "--"))
			return p.at + 1;
		if (word[0] != '-' || word[1] == '\0')
			break;
		failed = word[1] == '-' ? read_long(&p, word + 2, help, e) :
					  read_letters(&p, word + 1, help, e);
		if (failed)
			return -1;
		if (*help)
			break;
	}
	return p.at;
}

void option_print(const struct option *table, struct buf *out)
{
	for (const struct option *o = table; o->name; o++) {
		char left[64];
		struct buf line;

		if (!o->help)
			continue;
		buf_init(&line, sizeof(left));
		if (o->letter)
			buf_add_format(&line, "-%c, ", o->letter);
		buf_add_format(&line, "--%s%s%s", o->name, o->value ? "=" : "",
			       o->value ? o->value : "");
		buf_add_format(out, "  %-30s %s\n", line.data, o->help);
		buf_finish(&line);
	}
}
