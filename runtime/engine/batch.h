/* batch.h - running one file instead of the server: its name is checked, and becomes a command.
 * Pure. */
#pragma once

struct arena;
struct err;

enum { BATCH_STATUS_CANNOT_START = 125 };	/* as docker run: the engine's own failure */

/* Relative to the home folder, not leading out of it. */
int batch_check(const char *path, struct err *e);

/* What the image's entry point gets as its arguments; NULL-terminated. */
const char *const *batch_command(const char *path, struct arena *arena);
