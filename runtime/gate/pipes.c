#include "gate/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fd.h"

struct pipes {
	struct pipe *kept;
	unsigned kept_count, count, bulk_count;
};

struct pipes *pipes_create(void)
{
	struct pipes *ps = calloc(1, sizeof(*ps));

	if (!ps)
		abort();
	return ps;
}

static void destroy(struct pipes *ps, struct pipe *p)
{
	fd_close(&p->read_fd);
	fd_close(&p->write_fd);
	ps->count--;
	ps->bulk_count -= p->room == PIPE_BULK_BYTES;
	free(p);
}

void pipes_rest(struct pipes *ps)
{
	struct pipe *p;

	while ((p = ps->kept)) {
		ps->kept = p->next;
		ps->kept_count--;
		destroy(ps, p);
	}
}

void pipes_destroy(struct pipes *ps)
{
	if (!ps)
		return;
	pipes_rest(ps);
	free(ps);
}

/* A smaller one, when this user has many already, works as well, but slower (pipe(7)). */
static size_t make_room(struct pipes *ps, int fd)
{
	if (ps->bulk_count < PIPES_BULK && fcntl(fd, F_SETPIPE_SZ, PIPE_BULK_BYTES) >= 0) {
		ps->bulk_count++;
		return PIPE_BULK_BYTES;
	}
	return fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES) >= 0 ? PIPE_BYTES : 0;
}

static struct pipe *make(struct pipes *ps)
{
	struct pipe *p;
	int fds[2];

	if (ps->count == PIPES_MAX || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->room = make_room(ps, fds[1]);
	p->read_fd = fds[0];
	p->write_fd = fds[1];
	ps->count++;
	return p;
}

struct pipe *pipes_take(struct pipes *ps)
{
	bool few = ps->count - ps->kept_count < PIPES_LARGE;
	struct pipe *p = ps->kept;

	if (p) {
		ps->kept = p->next;
		ps->kept_count--;
	} else {
		p = make(ps);
	}
	if (p)
		p->bytes = few && p->room ? p->room : PIPE_FEW_BYTES;
	return p;
}

/* After a crowd its small ones make place for larger ones again. */
static bool is_outgrown(const struct pipes *ps, const struct pipe *p)
{
	return !p->room || (p->room < PIPE_BULK_BYTES && ps->bulk_count < PIPES_BULK);
}

void pipes_give(struct pipes *ps, struct pipe *p)
{
	if (is_outgrown(ps, p) || ps->kept_count == PIPES_KEPT) {
		destroy(ps, p);
		return;
	}
	/* The last one used is the first one taken: its memory is warm. */
	p->next = ps->kept;
	ps->kept = p;
	ps->kept_count++;
}

void pipes_drop(struct pipes *ps, struct pipe *p)
{
	if (p)
		destroy(ps, p);
}
