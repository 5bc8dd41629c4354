#include "gate/bulk.h"

#include <stddef.h>
#include <sys/socket.h>

enum { REST_BYTES = BULK_FROM_BYTES / (BULK_REST_MS / BULK_SWEEP_MS) };

static void wake_for(int fd, int bytes)
{
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

static void enter(struct bulk *b, struct bulk_way *way, int fd)
{
	way->fd = fd;
	way->next = b->first;
	way->place = &b->first;
	if (way->next)
		way->next->place = &way->next;
	b->first = way;
	wake_for(fd, BULK_WAKE_BYTES);
	if (!b->sweep.loop)
		loop_timer_set(b->loop, &b->sweep, BULK_SWEEP_MS);
}

void bulk_forget(struct bulk *b, struct bulk_way *way)
{
	way->flow_bytes = 0;
	if (!way->place)
		return;
	*way->place = way->next;
	if (way->next)
		way->next->place = way->place;
	if (b->next == way)
		b->next = way->next;
	way->place = NULL;
	if (!b->first)
		loop_timer_off(&b->sweep);
}

void bulk_leave(struct bulk *b, struct bulk_way *way)
{
	if (way->place)
		wake_for(way->fd, 1);
	bulk_forget(b, way);
}

void bulk_moved(struct bulk *b, struct bulk_way *way, int fd, uint64_t bytes)
{
	if (bytes == 0)
		return;
	/* By the sweep itself: it stood still all the same. */
	way->moved = !b->sweeps;
	way->flow_bytes = bytes < BULK_FROM_BYTES - way->flow_bytes
				  ? way->flow_bytes + (uint32_t)bytes
				  : BULK_FROM_BYTES;
	if (!way->place && way->flow_bytes == BULK_FROM_BYTES)
		enter(b, way, fd);
}

/* What is told of its turn may end any of them, others included. */
static void on_sweep(struct loop_timer *timer)
{
	struct bulk *b = owner_of(timer, struct bulk, sweep);
	struct bulk_way *way;

	b->sweeps = true;
	for (way = b->first; way; way = b->next) {
		b->next = way->next;
		if (way->moved) {
			way->moved = false;
			continue;
		}
		if (way->flow_bytes > REST_BYTES)
			way->flow_bytes -= REST_BYTES;
		else
			bulk_leave(b, way);
		way->on_sweep(way);
	}
	b->sweeps = false;
	if (b->first)
		loop_timer_set(b->loop, &b->sweep, BULK_SWEEP_MS);
}

void bulk_init(struct bulk *b, struct loop *loop, unsigned rounds)
{
	*b = (struct bulk){ .loop = loop, .rounds = rounds, .sweep.on_time = on_sweep };
}
