/* reconcile.c - see reconcile.h. */
#include "orch/reconcile.h"

#include <stdbool.h>

#include "lib/str.h"

static bool differs(const char *wanted, const char *known)
{
	return known[0] && !str_equal(wanted, known);
}

static enum reconcile_kind decide(const struct reconcile_wanted *wanted,
				  const struct reconcile_actual *actual)
{
	bool image = differs(wanted->image, actual->image);
	bool revision = differs(wanted->revision, actual->revision);

	switch (actual->found) {
	case RECONCILE_KEPT:
		return image ? RECONCILE_REPLACE : RECONCILE_START;
	case RECONCILE_RUNS:
		return image || revision ? RECONCILE_REPLACE : RECONCILE_ADOPT;
	case RECONCILE_ENDED:
		if (image)
			return RECONCILE_REPLACE;
		return revision ? RECONCILE_START : RECONCILE_SETTLE;
	}
	return RECONCILE_START;
}

size_t reconcile(const struct reconcile_wanted *wanted, size_t wanted_count,
		 const struct reconcile_actual *actual, size_t actual_count,
		 struct reconcile_step *steps)
{
	size_t count = 0;

	for (size_t a = 0; a < actual_count; a++) {
		size_t w = 0;

		while (w < wanted_count && !str_equal(wanted[w].name, actual[a].name))
			w++;
		if (w == wanted_count)
			steps[count++] =
				(struct reconcile_step){ RECONCILE_REMOVE, actual[a].name };
	}
	for (size_t w = 0; w < wanted_count; w++) {
		enum reconcile_kind kind = RECONCILE_START;

		for (size_t a = 0; a < actual_count; a++)
			if (str_equal(wanted[w].name, actual[a].name))
				kind = decide(&wanted[w], &actual[a]);
		steps[count++] = (struct reconcile_step){ kind, wanted[w].name };
	}
	return count;
}
