/* attach.c - see attach.h */
#include "box/attach.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"

enum { HEAD_BYTES = 8, INPUT_BYTES = 4096 };

struct client {
	struct client *next;
	struct attach *attach;
	struct loop_source source;
	struct loop_timer stall;	/* runs while it has something to take */
	unsigned streams;
	bool reading;			/* its sending has not ended */
	size_t from, size_bytes;	/* what it has not taken yet: a ring */
	unsigned char data[ATTACH_BUFFER_BYTES];
};

struct attach {
	struct loop *loop;
	struct attach_config config;
	struct loop_source input;	/* fd -1 = none or closed */
	struct client *first;
	unsigned count;
	bool full;			/* somebody was told that there is no room */
	bool finishing;
	size_t input_bytes;		/* taken from a client, not yet by the container */
	char input_data[INPUT_BYTES];
};

static void watch_client(struct client *c)
{
	const struct attach *a = c->attach;
	/* One client's input at a time: what waits is passed on before more is taken. */
	bool read = c->reading && !a->input_bytes && !a->finishing;
	unsigned events = (read ? LOOP_READ : 0u) | (c->size_bytes ? LOOP_WRITE : 0u);
	struct err e;

	if (loop_change(&c->source, events, &e))
		log_warn("attach: %s", e.text);
}

static void watch_clients(struct attach *a)
{
	for (struct client *c = a->first; c; c = c->next)
		watch_client(c);
}

static bool room_in(const struct client *c)
{
	return ATTACH_BUFFER_BYTES - c->size_bytes >= ATTACH_PUT_MAX + HEAD_BYTES;
}

static void tell_room(struct attach *a)
{
	if (a->full && (a->finishing ? a->first == NULL : attach_has_room(a))) {
		a->full = false;
		a->config.on_room(a->config.ctx);
	}
}

static void drop_client(struct client *c)
{
	struct attach *a = c->attach;
	struct client **at = &a->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	a->count--;
	loop_timer_off(&c->stall);
	loop_remove(&c->source);
	fd_close(&c->source.fd);
	free(c);
}

static void on_stall(struct loop_timer *timer)
{
	struct client *c = owner_of(timer, struct client, stall);
	struct attach *a = c->attach;

	log_warn("attach: a client took nothing for %d ms and is cut off", ATTACH_STALL_MS);
	drop_client(c);
	tell_room(a);
}

/* -1 = it is gone. */
static int flush_client(struct client *c)
{
	bool moved = false;

	while (c->size_bytes) {
		size_t end = ATTACH_BUFFER_BYTES - c->from,
		       part = c->size_bytes < end ? c->size_bytes : end;
		ssize_t n = write(c->source.fd, c->data + c->from, part);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n < 0)
			break;
		c->from = (c->from + (size_t)n) % ATTACH_BUFFER_BYTES;
		c->size_bytes -= (size_t)n;
		moved = true;
	}
	if (!c->size_bytes)
		loop_timer_off(&c->stall);
	else if (moved || !c->stall.loop)
		loop_timer_set(c->attach->loop, &c->stall, ATTACH_STALL_MS);
	return 0;
}

static void close_input(struct attach *a)
{
	loop_remove(&a->input);
	fd_close(&a->input.fd);
	a->input_bytes = 0;
}

/* As much as the container takes now; the rest waits for on_input. */
static void pass_input(struct attach *a)
{
	struct err e;

	while (a->input_bytes && a->input.fd >= 0) {
		ssize_t n = write(a->input.fd, a->input_data, a->input_bytes);

		if (n > 0) {
			a->input_bytes -= (size_t)n;
			memmove(a->input_data, a->input_data + n, a->input_bytes);
		} else if (n < 0 && errno == EAGAIN) {
			if (!a->input.loop && loop_add(a->loop, &a->input, LOOP_WRITE, &e))
				close_input(a);
			return;
		} else if (n < 0 && errno != EINTR) {
			close_input(a); /* nobody reads it any more */
		}
	}
	loop_remove(&a->input);
	a->input_bytes = 0;
}

static void on_input(struct loop_source *source, unsigned events)
{
	struct attach *a = owner_of(source, struct attach, input);

	(void)events;
	pass_input(a);
	if (!a->input_bytes)
		watch_clients(a);
}

/* -1 = the connection is of no use any more. */
static int read_client(struct client *c)
{
	struct attach *a = c->attach;
	ssize_t n = read(c->source.fd, a->input_data, sizeof(a->input_data));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) {
		c->reading = false;
		if (a->config.input_once && c->streams & ATTACH_STDIN)
			close_input(a);
		return c->streams & (ATTACH_STDOUT | ATTACH_STDERR) ? 0 : -1;
	}
	/* What is sent by a client that has no say is read, so that its end is seen, and dropped.
	 */
	if (c->streams & ATTACH_STDIN && a->input.fd >= 0) {
		a->input_bytes = (size_t)n;
		pass_input(a);
		if (a->input_bytes)
			watch_clients(a);
	}
	return 0;
}

static void on_client(struct loop_source *source, unsigned events)
{
	struct client *c = owner_of(source, struct client, source);
	struct attach *a = c->attach;
	bool gone = false;

	if (events & LOOP_READ && !a->input_bytes)
		gone = read_client(c) < 0;
	else if (events & LOOP_HANGUP && !(events & LOOP_READ))
		gone = true;
	if (!gone && events & LOOP_WRITE)
		gone = flush_client(c) < 0;
	if (gone || (a->finishing && !c->size_bytes))
		drop_client(c);
	else
		watch_client(c);
	tell_room(a);
}

struct attach *attach_create(struct loop *loop, const struct attach_config *config)
{
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->loop = loop;
	a->config = *config;
	a->input.fd = config->input_fd;
	a->input.on_event = on_input;
	return a;
}

void attach_destroy(struct attach *a)
{
	if (!a)
		return;
	while (a->first)
		drop_client(a->first);
	close_input(a);
	free(a);
}

int attach_add(struct attach *a, int client_fd, unsigned streams, struct err *e)
{
	AUTO_FD int fd = client_fd;
	struct client *c;

	if (a->count == ATTACH_CLIENTS_MAX)
		return err_set(e, "%d clients are attached already: detach one",
			       ATTACH_CLIENTS_MAX);
	if (streams == 0 || streams & ~(unsigned)ATTACH_ALL)
		return err_set(e, "attach needs at least one of stdin, stdout and stderr");
	if (fd_set_nonblock(fd, e))
		return -1;
	c = malloc(sizeof(*c)); /* its pages come with what is written to them */
	if (!c)
		abort();
	memset(c, 0, offsetof(struct client, data));
	c->attach = a;
	c->streams = streams;
	c->reading = true;
	c->source.on_event = on_client;
	c->stall.on_time = on_stall;
	c->source.fd = fd;
	if (loop_add(a->loop, &c->source, a->input_bytes ? 0 : LOOP_READ, e)) {
		free(c);
		return -1;
	}
	take_fd(&fd);
	c->next = a->first;
	a->first = c;
	a->count++;
	return 0;
}

bool attach_has_room(struct attach *a)
{
	for (const struct client *c = a->first; c; c = c->next)
		if (!room_in(c)) {
			a->full = true;
			return false;
		}
	return true;
}

static void store(struct client *c, const void *data, size_t size_bytes)
{
	size_t at = (c->from + c->size_bytes) % ATTACH_BUFFER_BYTES, end = ATTACH_BUFFER_BYTES - at,
	       part = size_bytes < end ? size_bytes : end;

	memcpy(c->data + at, data, part);
	memcpy(c->data, (const unsigned char *)data + part, size_bytes - part);
	c->size_bytes += size_bytes;
}

void attach_put(struct attach *a, unsigned stream, const void *data, size_t size_bytes)
{
	const unsigned char head[HEAD_BYTES] = {
		stream == ATTACH_STDERR ? 2 : 1, 0, 0, 0, (unsigned char)(size_bytes >> 24),
		(unsigned char)(size_bytes >> 16), (unsigned char)(size_bytes >> 8),
		(unsigned char)size_bytes,
	};

	for (struct client *c = a->first, *next; c; c = next) {
		next = c->next;
		if (!(c->streams & stream) || !room_in(c))
			continue;
		if (a->config.framed)
			store(c, head, sizeof(head));
		store(c, data, size_bytes);
		if (flush_client(c) < 0)
			drop_client(c);
		else
			watch_client(c);
	}
}

bool attach_finish(struct attach *a)
{
	a->finishing = true;
	for (struct client *c = a->first, *next; c; c = next) {
		next = c->next;
		if (!c->size_bytes)
			drop_client(c);
		else
			watch_client(c);
	}
	a->full = a->first != NULL;
	return a->first == NULL;
}
