/* resolvers.c - see resolvers.h */
#include "net/resolvers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"

static void read_file(struct resolv_conf *to)
{
	AUTO_FD int fd =
		open("/run/net/resolv.conf", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	struct err e;
	size_t size = 0;

	*to = (struct resolv_conf){ 0 };
	if (fd < 0)
		return;
	text = fd_read_all(fd, RESOLV_CONF_BYTES_MAX, &size, &e);
	if (text)
		resolv_conf_parse(text, size, to);
	else
		log_warn("read the name servers: %s", e.text);
}

static void on_event(struct loop_source *source, unsigned events)
{
	struct resolvers *r = owner_of(source, struct resolvers, source);
	struct resolv_conf before = r->now;
	char said[4096] __attribute__((aligned(8)));

	(void)events;
	while (read(source->fd, said, sizeof(said)) > 0)
		;	/* whatever it was, the file is read anew */
	read_file(&r->now);
	if (memcmp(&before, &r->now, sizeof(before)) != 0)
		r->on_change(r);
}

int resolvers_open(struct resolvers *r, struct loop *loop, void (*on_change)(struct resolvers *),
		   struct err *e)
{
	*r = (struct resolvers){ .on_change = on_change, .source.on_event = on_event };
	r->source.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->source.fd < 0)
		return err_sys(e, "watch the name servers");
	if (inotify_add_watch(r->source.fd, "/run/net",
			      IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) < 0) {
		if (errno != ENOENT)
			return err_sys(e, "watch /run/net");
		log_warn("there is no /run/net: no name server is known");
		return 0;
	}
	if (loop_add(loop, &r->source, LOOP_READ, e))
		return -1;
	read_file(&r->now);
	return 0;
}
