/* cmdline.c - see cmdline.h. */
#include "engine/cmdline.h"

#include <string.h>

static const char blanks[] = " \t\r\n";

bool cmdline_has(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		size_t size = strcspn(text, blanks);

		if (size == 2 && memcmp(text, "--", 2) == 0)
			return false;		/* what follows is init's, as the kernel has it */
		if (size == length && memcmp(text, word, length) == 0)
			return true;
		text += size;
	}
	return false;
}
