/* tail.h - the last lines of a stream within a bound: what a container said before it ended.
 *
 * Pure. The text is the container's: whoever shows it escapes it. */
#pragma once

#include <stddef.h>

enum {
	TAIL_BYTES = 640,	/* the end of a Python traceback */
	TAIL_LINES = 5,
};

struct tail {				/* zeroed is empty */
	size_t size_bytes;
	char text[TAIL_BYTES];
};

/* What came, in pieces of any size. A NUL, which a string cannot hold, becomes "?". */
void tail_put(struct tail *t, const char *text, size_t size_bytes);
/* At most TAIL_LINES, without the last newline; whole ones, unless one line alone is too long. */
const char *tail_text(struct tail *t);
