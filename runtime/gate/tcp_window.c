/* tcp_window.c - how far containers may be ahead: all connections together by what the TUN device
 * can queue (net/router.c). Beyond that its ring throws packets away, and the senders fall back to
 * small ones.
 *
 * A connection begins with at most 64 KiB and doubles each time that it has used up its window, up
 * to its part: the budget over those that moved bytes within the last second. Where many fill small
 * windows, each moves in steps of nearly a frame: moved by a piece it would be used for a piece. */
#include "gate/rate.h"
#include "gate/tcp_flow.h"

enum {
	/* An eighth of 4000 frames of 64 KiB: small ones take a place too. */
	BUDGET_BYTES = 32 * 1024 * 1024,
	WINDOW_MIN = 64 * 1024,
	RATED_MIN = 32 * 1024,
	STEPS_PART_MAX = 256 * 1024, /* more than a hundred fill their windows */
	EPOCH_MS = 1000,
	RATE_PARTS = 20, /* of a second: 50 ms, as the bucket of rate.h */
};

static void on_epoch(struct loop_timer *timer)
{
	struct tcp *t = owner_of(timer, struct tcp, windows.timer);

	t->windows.active_before = t->windows.active;
	t->windows.active = 0;
	t->windows.epoch++;
	if (t->windows.active_before > 0)
		loop_timer_set(t->setup.loop, timer, EPOCH_MS);
}

void tcp_window_init(struct tcp *t)
{
	t->windows.timer.on_time = on_epoch;
	t->windows.epoch = 2;	/* a new connection has 0: neither this one nor the one before */
}

static uint32_t part_of(const struct tcp *t)
{
	const struct tcp_windows *w = &t->windows;
	uint32_t flows = w->active > w->active_before ? w->active : w->active_before;
	uint32_t part;

	/* Those that come at once are active at once. */
	flows += t->handshakes;
	part = flows > 0 ? BUDGET_BYTES / flows : LWIP_WINDOW_MAX;

	if (part < WINDOW_MIN)
		return WINDOW_MIN;
	return part < LWIP_WINDOW_MAX ? part : LWIP_WINDOW_MAX;
}

static void be_active(struct tcp_flow *f)
{
	struct tcp *t = f->tcp;

	if (f->window_left || f->window_epoch == t->windows.epoch)
		return;
	f->window_before = f->window_epoch == t->windows.epoch - 1;
	f->window_epoch = t->windows.epoch;
	t->windows.active++;
	if (!t->windows.timer.loop && t->setup.loop)
		loop_timer_set(t->setup.loop, &t->windows.timer, EPOCH_MS);
}

/* Thousands of short connections a second are not thousands at once. */
void tcp_window_leave(struct tcp_flow *f)
{
	struct tcp_windows *w = &f->tcp->windows;

	if (f->window_left)
		return;
	f->window_left = true;
	if (f->window_epoch == w->epoch) {
		w->active--;
		w->active_before -= f->window_before;
	} else if (f->window_epoch == w->epoch - 1) {
		w->active_before--;
	}
}

void tcp_window_open(struct tcp_flow *f)
{
	f->conn.window_bytes = part_of(f->tcp);
	be_active(f);
}

void tcp_window_used(struct tcp_flow *f, size_t size_bytes)
{
	uint32_t part, window = f->conn.window_bytes;
	uint64_t rated;
	bool steps;

	be_active(f);
	part = part_of(f->tcp);
	steps = part <= STEPS_PART_MAX;
	/* Who has a rate is not far ahead of it: what is announced comes in any case. */
	if (f->rate_out && f->rate_out->bytes_per_s > 0) {
		rated = f->rate_out->bytes_per_s / RATE_PARTS;
		if (rated < RATED_MIN)
			rated = RATED_MIN;
		if (part > rated)
			part = (uint32_t)rated;
	}
	f->window_used += (uint32_t)size_bytes;
	if (window > part)
		lwip_conn_window(&f->conn, part);
	if (f->window_used < window)
		return;
	f->window_used = 0;
	if (window < part)
		lwip_conn_window(&f->conn, window * 2 < part ? window * 2 : part);
	/* Once in an epoch: who was found not to fill it waits for an acknowledgement each time. */
	if (f->steps_epoch == f->tcp->windows.epoch)
		return;
	f->steps_epoch = f->tcp->windows.epoch;
	lwip_conn_steps(&f->conn, steps);
}
