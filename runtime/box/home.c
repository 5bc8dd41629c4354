/* home.c - see home.h */
#include "box/home.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"

enum { HOME_FILE_MAX = 256 << 10 }; /* some 4000 users; an image may hold GiBs (CVE-2026-47262) */

/* passwd(5): name:password:UID:GID:GECOS:directory:shell. The text is the caller's to cut. */
static const char *match(char *line, uint32_t uid)
{
	char *fields[6];
	uint32_t number;

	for (int i = 0; i < 6; i++) {
		fields[i] = line;
		line = strchr(line, ':');
		if (!line)
			return NULL;
		*line++ = '\0';
	}
	return str_to_u32(fields[2], &number) && number == uid ? fields[5] : NULL;
}

static const char *search(char *text, uint32_t uid)
{
	while (*text) {
		size_t size = strcspn(text, "\n");
		bool last = !text[size];
		const char *found;

		text[size] = '\0';
		found = match(text, uid);
		if (found)
			return found;
		text += size + !last;
	}
	return NULL;
}

void home_find(uint32_t uid, char *home, size_t home_bytes)
{
	/* A FIFO would keep us, a device would do anything. */
	AUTO_FD int fd = fs_open_in_root(AT_FDCWD, "/etc/passwd",
					 O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, NULL);
	AUTO_FREE char *text = NULL;
	const char *found = NULL;
	struct stat st;
	ssize_t size;

	str_copy(home, home_bytes, "/");
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	size = st.st_size < HOME_FILE_MAX ? st.st_size : HOME_FILE_MAX;
	text = malloc((size_t)size + 1);
	if (!text)
		abort();
	size = fd_read_full(fd, text, (size_t)size, NULL);
	if (size > 0) {
		text[size] = '\0';
		found = search(text, uid);
	}
	if (found && found[0] == '/' && !str_copy(home, home_bytes, found))
		str_copy(home, home_bytes, "/");
}
