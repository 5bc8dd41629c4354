/* pid_file.c - see pid_file.h */
#include "cli/pid_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"

int pid_file_write(const char *path, pid_t pid, struct err *e)
{
	char temporary[PATH_MAX], text[16];
	const char *slash;
	AUTO_FD int fd = -1;
	int size, folder;

	if (!path)
		return 0;
	slash = strrchr(path, '/');
	folder = slash ? (int)(slash - path) + 1 : 0;
	size = snprintf(temporary, sizeof(temporary), "%.*s.%s.%d", folder, path, path + folder,
			getpid());
	if (size >= (int)sizeof(temporary))
		return err_set(e, "--pid-file: the name is longer than %d bytes", PATH_MAX);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "--pid-file %s", path);
	size = snprintf(text, sizeof(text), "%d", pid);
	if (fd_write_all(fd, text, (size_t)size, e) || rename(temporary, path) < 0) {
		unlink(temporary);
		return err_sys(e, "--pid-file %s", path);
	}
	return 0;
}
