/* fuzz_words.c - any text as a user, a signal and a list of CPUs: refused with a sentence, or a
 * value that is exactly what the text says. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "oci/cpu_list.h"
#include "oci/signal.h"
#include "oci/user_string.h"

enum { TEXT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void user(const char *text)
{
	struct user_string u;
	struct err e = { 0 };
	char again[64];

	if (user_string_parse(text, &u, &e)) {
		if (!e.text[0] || u.uid != UINT32_MAX || u.gid != UINT32_MAX)
			abort();
		return;
	}
	/* One spelling for each value: what is written back is the text. */
	if (u.has_gid)
		snprintf(again, sizeof(again), "%u:%u", u.uid, u.gid);
	else
		snprintf(again, sizeof(again), "%u", u.uid);
	if (strcmp(again, text) != 0 || u.uid == UINT32_MAX)
		abort();
}

static void signals(const char *text)
{
	struct err e = { 0 };
	int number = -1, again;

	if (signal_parse(text, &number, &e)) {
		if (!e.text[0])
			abort();
		return;
	}
	if (number < 0 || number > SIGNAL_MAX)
		abort();
	if (signal_name(number) &&
	    (signal_parse(signal_name(number), &again, &e) || again != number))
		abort();
}

static void cpus(const char *text)
{
	static struct cpu_list list, again;
	struct err e = { 0 };
	static char plain[6 * CPU_LIST_MAX + 1];
	size_t used = 0;

	if (cpu_list_parse(text, &list, &e)) {
		if (!e.text[0])
			abort();
		return;
	}
	if (list.end == 0 || list.end > CPU_LIST_MAX || !cpu_list_has(&list, list.end - 1))
		abort();
	for (unsigned i = 0; i < list.end; i++)
		if (cpu_list_has(&list, i))
			used += (size_t)sprintf(plain + used, "%s%u", used ? "," : "", i);
	if (cpu_list_parse(plain, &again, &e) || memcmp(&list, &again, sizeof(list)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1];

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	user(text);
	signals(text);
	cpus(text);
	return 0;
}
