#include "init/user.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"

enum { FILE_BYTES_MAX = 65536, FIELDS_MAX = 4 };

/* The fields of the line that begins with `name:`; at least FIELDS_MAX of them, or it does not
 * count. */
static int find_line(const char *path, const char *name, uint32_t *third, uint32_t *fourth,
		     struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	char *line, *rest;
	size_t size;

	if (fd < 0)
		return err_sys(e, "open %s", path);
	text = fd_read_all(fd, FILE_BYTES_MAX, &size, e);
	if (!text)
		return err_add(e, "%s", path);
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *fields[FIELDS_MAX] = { NULL };

		for (int i = 0; i < FIELDS_MAX; i++)
			fields[i] = strsep(&line, ":");
		if (!fields[3] || !str_equal(fields[0], name))
			continue;
		if (str_to_u32(fields[2], third) && (!fourth || str_to_u32(fields[3], fourth)))
			return 0;
		return err_set(e, "%s: the line of %s has no number where one must be", path, name);
	}
	return err_set(e, "%s has no line for %s", path, name);
}

int user_find(const char *name, uid_t *uid, gid_t *gid, struct err *e)
{
	uint32_t u, g;

	if (find_line("/etc/passwd", name, &u, &g, e))
		return -1;
	*uid = u;
	*gid = g;
	return 0;
}

int user_find_group(const char *name, gid_t *gid, struct err *e)
{
	uint32_t g;

	if (find_line("/etc/group", name, &g, NULL, e))
		return -1;
	*gid = g;
	return 0;
}
