/* passed.h - the sockets and files that a unit gets from svd, opened as its file says.
 *
 * Sockets are bound once and stay svd's: a client that connects while the unit is started again
 * waits in the backlog. Files are opened for every start. */
#pragma once

#include <stdbool.h>

#include "init/unit_file.h"

struct err;

enum { PASSED_NAMES_BYTES = (UNIT_PASSED_MAX + 1) * 65 };

struct passed {
	int fds[UNIT_PASSED_MAX]; /* in the order of the unit file, without missing optional files
				   */
	bool is_file[UNIT_PASSED_MAX];	/* closed by passed_finish */
	int count;
	char names[PASSED_NAMES_BYTES];	/* for CUVETTE_FDS; `notify` first when the unit has it */
};

/* sockets[i] belongs to f->passed[i]: -1 is bound here and stays. An error leaves nothing to
 * finish. */
int passed_init(struct passed *p, const struct unit_file *f, int sockets[UNIT_PASSED_MAX],
		struct err *e);
void passed_finish(struct passed *p);
