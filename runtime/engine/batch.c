/* batch.c - see batch.h. */
#include "engine/batch.h"

#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/str.h"

enum { PATH_BYTES_MAX = 1024 };

int batch_check(const char *path, struct err *e)
{
	const char *at = path;

	if (!*path || *path == '/' || strlen(path) > PATH_BYTES_MAX)
		return err_set(e, "config: batch: must be a path relative to the home folder, like "
				  "work/digits.ipynb");
	for (; *at; at += *at == '/') {
		size_t length = strcspn(at, "/");

		if (length == 2 && at[0] == '.' && at[1] == '.')
			return err_set(e, "config: batch: %.200s leads out of the home folder",
				       path);
		at += length;
	}
	return 0;
}

const char *const *batch_command(const char *path, struct arena *arena)
{
	const char **command = arena_array(arena, 3, sizeof(*command));

	command[0] = "cuvette-batch";
	/* A file called -x is a file. */
	command[1] = *path == '-' ? arena_format(arena, "./%s", path) : arena_str(arena, path);
	return command;
}
