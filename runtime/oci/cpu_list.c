/* cpu_list.c - see cpu_list.h */
#include "oci/cpu_list.h"

#include <string.h>

#include "lib/err.h"

enum { TEXT_MAX = 6 * CPU_LIST_MAX };	/* every number by itself; bounds the work as well */

/* One number at *text; false when there is none or it is too large. */
static bool take_number(const char **text, unsigned *number)
{
	const char *p = *text;
	unsigned value = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (unsigned)(*p - '0');
		if (value >= CPU_LIST_MAX)
			return false;
	}
	*text = p;
	*number = value;
	return true;
}

int cpu_list_parse(const char *text, struct cpu_list *list, struct err *e)
{
	const char *p = text;
	unsigned first, last;

	memset(list, 0, sizeof(*list));
	if (strlen(text) > TEXT_MAX)
		goto bad;
	for (;; p++) {
		if (!take_number(&p, &first))
			goto bad;
		last = first;
		if (*p == '-') {
			p++;
			if (!take_number(&p, &last) || last < first)
				goto bad;
		}
		for (unsigned i = first; i <= last; i++)
			list->bits[i / CPU_LIST_WORD] |= 1ul << i % CPU_LIST_WORD;
		if (last >= list->end)
			list->end = last + 1;
		if (*p == '\0')
			return 0;
		if (*p != ',')
			goto bad;
	}
bad:
	return err_set(e, "\"%.64s\" is no list of numbers from 0 to %d like 0-3,7", text,
		       CPU_LIST_MAX - 1);
}

bool cpu_list_has(const struct cpu_list *list, unsigned number)
{
	return number < list->end &&
	       list->bits[number / CPU_LIST_WORD] & 1ul << number % CPU_LIST_WORD;
}

size_t cpu_list_bytes(const struct cpu_list *list)
{
	return (list->end + CPU_LIST_WORD - 1) / CPU_LIST_WORD * sizeof(list->bits[0]);
}
