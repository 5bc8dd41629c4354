/* outbox.c - see outbox.h */
#include "wire/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"

struct outbox_item {
	struct outbox_item *next;
	uint32_t type;
	size_t size_bytes;
	int fds[MSG_FDS_MAX];
	int fd_count;
	unsigned char data[];
};

static void destroy(struct outbox_item *item)
{
	for (int i = 0; i < item->fd_count; i++)
		fd_close(&item->fds[i]);
	free(item);
}

void outbox_init(struct outbox *o)
{
	*o = (struct outbox){ .last = &o->first };
}

void outbox_finish(struct outbox *o)
{
	while (o->first) {
		struct outbox_item *item = o->first;

		o->first = item->next;
		destroy(item);
	}
	outbox_init(o);
}

void outbox_add(struct outbox *o, const struct msg *m)
{
	struct outbox_item *item;

	if (m->broken || o->count == OUTBOX_MESSAGES_MAX) {
		o->is_full = true;
		return;
	}
	item = malloc(sizeof(*item) + m->size_bytes);
	if (!item)
		abort();
	*item = (struct outbox_item){ .type = m->type, .size_bytes = m->size_bytes };
	memcpy(item->data, m->data, m->size_bytes);
	for (int i = 0; i < m->fd_count; i++) {
		item->fds[item->fd_count] = fcntl(m->fds[i], F_DUPFD_CLOEXEC, 0);
		if (item->fds[item->fd_count] < 0) {
			o->is_full = true;
			destroy(item);
			return;
		}
		item->fd_count++;
	}
	*o->last = item;
	o->last = &item->next;
	o->count++;
}

static void unpack(struct msg *m, const struct outbox_item *item)
{
	msg_init(m, item->type);
	memcpy(m->data, item->data, item->size_bytes);
	m->size_bytes = item->size_bytes;
	for (int i = 0; i < item->fd_count; i++)
		msg_put_fd(m, item->fds[i]);
}

int outbox_flush(struct outbox *o, int socket_fd, struct err *e)
{
	struct msg m;
	struct err why;

	while (o->first) {
		struct outbox_item *item = o->first;

		unpack(&m, item);
		if (msg_send(socket_fd, &m, &why)) {
			if (why.number == EAGAIN)
				return 0;
			*e = why;
			return -1;
		}
		o->first = item->next;
		if (!o->first)
			o->last = &o->first;
		o->count--;
		destroy(item);
	}
	return 1;
}
