/* cpu_list.c - see cpu_list.h */
#include "box/cpu_list.h"

#include <string.h>

#include "lib/err.h"

/* Digits alone, at most CPU_LIST_MAX; NULL when there are none. */
static const char *read_number(const char *at, unsigned *value)
{
	const char *begin = at;

	*value = 0;
	while (*at >= '0' && *at <= '9' && *value < CPU_LIST_MAX)
		*value = *value * 10 + (unsigned)(*at++ - '0');
	return at == begin ? NULL : at;
}

int cpu_list_parse(struct cpu_list *list, const char *text, struct err *e)
{
	const char *at = text;

	memset(list, 0, sizeof(*list));
	for (;;) {
		unsigned first, last;

		at = read_number(at, &first);
		last = first;
		if (at && *at == '-')
			at = read_number(at + 1, &last);
		if (!at || last < first || (*at && *at != ','))
			return err_set(e, "\"%s\" is no list like 0-3,7", text);
		if (last >= CPU_LIST_MAX)
			return err_set(e, "\"%s\": numbers end at %d", text, CPU_LIST_MAX - 1);
		for (unsigned i = first; i <= last; i++)
			list->bits[i / CPU_LIST_WORD_BITS] |= 1ul << i % CPU_LIST_WORD_BITS;
		if (*at++ == '\0')
			return 0;
	}
}
