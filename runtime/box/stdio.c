/* stdio.c - see stdio.h */
#include "box/stdio.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/console.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"

static int open_null(struct err *e)
{
	AUTO_FD int fd = fs_open_in_root(AT_FDCWD, "/dev/null", O_RDWR, 0, e);
	struct stat st;

	if (fd < 0)
		return err_add(e, "stdio");
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(e, "stdio: /dev/null is not the null device");
	return take_fd(&fd);
}

int stdio_set(const int wanted[3], int console_fd, const struct oci_process *p, bool bind_console,
	      struct err *e)
{
	AUTO_FD int null_fd = -1;

	if (console_fd >= 0)
		return console_make(AT_FDCWD, console_fd, p, bind_console, e);
	if (wanted[0] < 0 || wanted[1] < 0 || wanted[2] < 0) {
		null_fd = open_null(e);
		if (null_fd < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++) {
		int fd = wanted[i] < 0 ? null_fd : wanted[i];

		if (fd != i && dup2(fd, i) < 0)
			return err_sys(e, "set up stdin, stdout and stderr");
	}
	return 0;
}

static int close_from(unsigned first, unsigned last, struct err *e)
{
	if (first <= last && syscall(SYS_close_range, first, last, 0) < 0)
		return err_sys(e, "close_range");
	return 0;
}

int stdio_keep(unsigned preserved, const int *kept, size_t count, struct err *e)
{
	unsigned first = STDERR_FILENO + 1 + preserved;

	for (;;) {
		unsigned next = ~0u;

		for (size_t i = 0; i < count; i++)
			if (kept[i] >= 0 && (unsigned)kept[i] >= first && (unsigned)kept[i] < next)
				next = (unsigned)kept[i];
		if (next == ~0u)
			return close_from(first, ~0u, e);
		if (next > first && close_from(first, next - 1, e))
			return -1;
		first = next + 1;
	}
}
