/* play_svd.h - svd's part in tests: a program gets its listening socket and its notify pipe as it
 * does in the appliance. In a header, so that what plays it is one file to compile. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/str.h"

static inline struct sockaddr_un play_svd_address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (!str_copy(a.sun_path, sizeof(a.sun_path), path))
		die("%s is too long for a socket", path);
	return a;
}

/* Becomes the program; it tells svd on our stdout. passed: "NAME.sock:notify". */
static inline int play_svd_serve(const char *path, const char *passed, char **argv)
{
	struct sockaddr_un a = play_svd_address(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 8) ||
	    dup2(fd, 3) != 3 || dup2(STDOUT_FILENO, 4) != 4)
		die("serve %s: %m", path);
	setenv("CUVETTE_FDS", passed, 1);
	execv(argv[0], argv);
	die("run %s: %m", argv[0]);
}
