/* self.c - see self.h */
#include "box/self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/mount_fd.h"
#include "lib/err.h"
#include "lib/fd.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* The program itself through a mount of its own: attached nowhere, so nobody can make it writable
 * again; alive as long as a process runs it. */
static int open_read_only(int exe_fd, struct err *e)
{
	AUTO_FD int fd = mount_fd_clone(exe_fd, "", e);

	if (fd < 0 || mount_fd_set(fd, MOUNT_ATTR_RDONLY, 0, 0, e))
		return -1;
	return take_fd(&fd);
}

/* Kernels before 5.12, and mount namespaces that we do not own. */
static int open_copy(int exe_fd, struct err *e)
{
	AUTO_FD int fd = memfd_create("box", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;

	if (fd < 0 || fstat(exe_fd, &st) < 0)
		return err_sys(e, "copy this program");
	for (off_t done = 0; done < st.st_size;) {
		ssize_t n = sendfile(fd, exe_fd, &done, (size_t)(st.st_size - done));

		if (n <= 0)
			return err_sys(e, "copy this program");
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return err_sys(e, "seal the copy of this program");
	return take_fd(&fd);
}

static int is_sealed(int exe_fd)
{
	int seals = fcntl(exe_fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

/* The lowest free number is what open(2) gives. */
static int open_beyond_stdio(struct err *e)
{
	int fd = openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && fd <= 2) {
		close(fd);
		fd = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0 || fcntl(fd, F_SETFD, 0) < 0)
			return err_sys(e, "open /dev/null");
		fd = openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	}
	return fd < 0 ? err_sys(e, "open /proc/self/exe") : fd;
}

/* By what the kernel says of the file that runs: nothing that a caller sets can skip it. */
int self_protect(char *const argv[], char *const envp[], struct err *e)
{
	AUTO_FD int exe_fd = -1, fd = -1;
	struct statfs fs;

	if (statfs("/proc/self/exe", &fs) == 0 && fs.f_flags & ST_RDONLY)
		return 0;
	exe_fd = open_beyond_stdio(e);
	if (exe_fd < 0)
		return -1;
	if (is_sealed(exe_fd))
		return 0;
	fd = open_read_only(exe_fd, e);
	if (fd < 0)
		fd = open_copy(exe_fd, e);
	if (fd < 0)
		return -1;
	syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
	return err_sys(e, "run a protected copy of this program");
}
