/* console.c - see console.h */
#include "box/console.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/mount_fd.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "oci/spec.h"

/* linux/tty.h of the kernel; TIOCGPTPEER since 4.13. */
#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

int console_connect(const char *path, struct err *e)
{
	int fd = fd_connect_unix(path, FD_CONNECT_WAIT_MS, e);

	return fd < 0 ? err_add(e, "console socket") : fd;
}

int console_receive(int socket_fd, struct err *e)
{
	char text[64];
	struct iovec part = { .iov_base = text, .iov_len = sizeof(text) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(socket_fd, &m, MSG_CMSG_CLOEXEC) < 0)
		return err_sys(e, "receive the terminal");
	if (m.msg_controllen < CMSG_LEN(sizeof(int)) || control.header.cmsg_type != SCM_RIGHTS)
		return err_set(e, "receive the terminal: there was none");
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* The multiplexer of the container's own devpts, not what an image may have put in its place. */
static int open_master(int root_fd, struct err *e)
{
	AUTO_FD int fd = fs_open_in_root(root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW,
					 0, e);
	struct statfs fs;
	struct stat st;
	int unlocked = 0;

	if (fd < 0)
		return err_add(e, "terminal: is devpts mounted at /dev/pts?");
	if (fstatfs(fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC || fstat(fd, &st) < 0 ||
	    !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return err_set(e, "terminal: /dev/pts/ptmx is not a pty multiplexer");
	if (ioctl(fd, TIOCSPTLCK, &unlocked) < 0)
		return err_sys(e, "terminal: unlock");
	return take_fd(&fd);
}

static int open_slave(int master_fd, const struct oci_process *p, struct err *e)
{
	AUTO_FD int fd = ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	const struct winsize size = { .ws_row = p->console_rows, .ws_col = p->console_columns };

	if (fd < 0)
		return err_sys(e, "terminal: open its other end");
	if (size.ws_row && size.ws_col && ioctl(fd, TIOCSWINSZ, &size) < 0)
		return err_sys(e, "terminal: set its size");
	/* devpts gave it to the one who opened the master: root. */
	if (p->user.uid != 0 && fchown(fd, p->user.uid, (gid_t)-1) < 0)
		return err_sys(e, "terminal: give it to user %u", p->user.uid);
	return take_fd(&fd);
}

/* The mount point is made in the folder that dev_fd is, or was there; a link is neither. */
static int open_place(int root_fd, struct err *e)
{
	AUTO_FD int dev_fd =
		fs_open_in_root(root_fd, "/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, e);
	AUTO_FD int fd = -1;
	struct stat st;

	if (dev_fd < 0)
		return -1;
	fd = openat(dev_fd, "console", O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = openat(dev_fd, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "make /dev/console");
	if (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
		return err_set(e, "/dev/console in the image is not a file");
	return take_fd(&fd);
}

static int bind_slave(int root_fd, int slave_fd, struct err *e)
{
	AUTO_FD int place_fd = open_place(root_fd, e);
	AUTO_FD int mount_fd = -1;

	if (place_fd < 0)
		return -1;
	mount_fd = mount_fd_clone(slave_fd, "", e);
	return mount_fd < 0 ? -1 : mount_fd_attach(mount_fd, place_fd, e);
}

int console_make(int root_fd, int socket_fd, const struct oci_process *p, int bind_console,
		 struct err *e)
{
	static const char name[] = "/dev/pts/ptmx";
	AUTO_FD int master_fd = open_master(root_fd, e);
	AUTO_FD int slave_fd = -1;

	if (master_fd < 0)
		return -1;
	slave_fd = open_slave(master_fd, p, e);
	if (slave_fd < 0)
		return -1;
	if (bind_console && bind_slave(root_fd, slave_fd, e))
		return err_add(e, "/dev/console");
	if (fd_send_over(socket_fd, master_fd, name, strlen(name), e))
		return err_add(e, "console socket");
	if (ioctl(slave_fd, TIOCSCTTY, 0) < 0)
		return err_sys(e, "terminal: make it the controlling one");
	for (int i = 0; i < 3; i++)
		if (dup2(slave_fd, i) < 0)
			return err_sys(e, "terminal: make it stdin, stdout and stderr");
	return 0;
}
