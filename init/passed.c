#include "init/passed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "init/user.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"

enum { BACKLOG = 128 };

static void make_parent(const char *path)
{
	char parent[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	if (!str_copy(parent, sizeof(parent), path))
		return;
	slash = strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = '\0';
		mkdir(parent, 0755);		/* what is wrong with it, bind tells */
	}
}

/* A listening socket, bound anew: a socket file of an earlier life goes away. Its directory is
 * made. */
static int bind_socket(const struct unit_passed *p, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO_FD int fd = socket(AF_UNIX, p->socket_type | SOCK_CLOEXEC, 0);
	uid_t uid;
	gid_t gid;
	mode_t mask;
	int rc;

	if (fd < 0)
		return err_sys(e, "socket %s", p->name);
	if (!str_copy(address.sun_path, sizeof(address.sun_path), p->path))
		return err_set(e, "socket %s: the path is longer than %zu bytes", p->name,
			       sizeof(address.sun_path) - 1);
	if (user_find(p->socket_user, &uid, &gid, e) || user_find_group(p->socket_group, &gid, e))
		return err_add(e, "socket %s", p->name);
	make_parent(p->path);
	unlink(p->path);
	/* The umask gives the file its mode from the first moment on: nobody connects in between.
	 */
	mask = umask(0777 & ~p->socket_mode);
	rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc)
		return err_sys(e, "socket %s: bind %s", p->name, p->path);
	if (lchown(p->path, uid, gid))
		return err_sys(e, "socket %s: owner of %s", p->name, p->path);
	if (listen(fd, BACKLOG))
		return err_sys(e, "socket %s: listen", p->name);
	return take_fd(&fd);
}

static int open_file(const struct unit_passed *p, struct err *e)
{
	/* O_NONBLOCK for the open alone: a serial line without a carrier or a FIFO would hold svd
	 * up. */
	AUTO_FD int fd = open(p->path, p->open_flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int flags;

	if (fd < 0)
		return err_sys(e, "file %s: open %s", p->name, p->path);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK))
		return err_sys(e, "file %s: %s", p->name, p->path);
	return take_fd(&fd);
}

static bool may_be_missing(const struct unit_passed *p, const struct err *e)
{
	return p->optional && (e->number == ENOENT || e->number == ENXIO || e->number == ENODEV);
}

int passed_init(struct passed *p, const struct unit_file *f, int sockets[UNIT_PASSED_MAX],
		struct err *e)
{
	size_t used;

	*p = (struct passed){ .count = 0 };
	used = (size_t)snprintf(p->names, sizeof(p->names), "%s",
				f->ready == UNIT_READY_NOTIFY ? "notify" : "");
	for (int i = 0; i < f->passed_count; i++) {
		const struct unit_passed *item = &f->passed[i];
		int fd;

		if (item->is_socket && sockets[i] < 0)
			sockets[i] = bind_socket(item, e);
		fd = item->is_socket ? sockets[i] : open_file(item, e);
		if (fd < 0 && may_be_missing(item, e))
			continue;
		if (fd < 0) {
			passed_finish(p);
			return -1;
		}
		p->fds[p->count] = fd;
		p->is_file[p->count++] = !item->is_socket;
		used += (size_t)snprintf(p->names + used, sizeof(p->names) - used, "%s%s",
					 used ? ":" : "", item->name);
	}
	return 0;
}

void passed_finish(struct passed *p)
{
	for (int i = 0; i < p->count; i++)
		if (p->is_file[i])
			fd_close(&p->fds[i]);
	p->count = 0;
}
