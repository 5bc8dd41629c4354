#include "gate/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "gate/pipes.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/time.h"

enum {
	LIMITED_BYTES = 64 * 1024,	/* at once, where a rate is set: a short debt */
	COPY_BYTES = 32 * 1024,
	NS_PER_MS = 1000000,
	PAUSE_MAX_MS = 1000,	/* it asks again then: the rate may be another one */
};

enum outcome { OUTCOME_MORE, OUTCOME_WAIT, OUTCOME_BROKEN };

void relay_reset(int *fd)
{
	const struct linger now = { .l_onoff = 1 };

	if (*fd >= 0)
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	fd_close(fd);
}

void relay_unpaced(int fd)
{
	static const char plain[] = "reno";	/* which each kernel has, for everybody */

	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, plain, sizeof(plain) - 1);
}

static enum outcome no_bytes(void)
{
	return errno == EAGAIN || errno == EINTR ? OUTCOME_WAIT : OUTCOME_BROKEN;
}

static bool is_limited(const struct relay_way *w)
{
	return w->rate && w->rate->bytes_per_s > 0;
}

/* What went through is paid for by waiting: true when there is something to wait for. */
static bool pay(struct relay *r, struct relay_way *w, uint64_t bytes)
{
	uint64_t wait_ns = rate_spend(w->rate, RATE_PORTS, &w->turn, bytes, time_boot_ns());
	uint64_t wait_ms = wait_ns / NS_PER_MS + 1;

	if (wait_ns > 0)
		loop_timer_set(r->loop, &w->pause, wait_ms < PAUSE_MAX_MS ? wait_ms : PAUSE_MAX_MS);
	return wait_ns > 0;
}

/* From the socket into the pipe. As much as it may hold: who waits for the bytes is woken once for
 * all of them, and on the same machine that costs as much as their way. */
static enum outcome fill(struct relay_way *w, int from_fd)
{
	ssize_t n = splice(from_fd, NULL, w->pipe->write_fd, NULL,
			   is_limited(w) ? LIMITED_BYTES : w->pipe->bytes,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n < 0)
		return no_bytes();
	w->held = (size_t)n;
	return n == 0 ? OUTCOME_WAIT : OUTCOME_MORE;
}

static enum outcome drain(struct relay_way *w, int to_fd)
{
	ssize_t n;

	while (w->held > 0) {
		n = splice(w->pipe->read_fd, NULL, to_fd, NULL, w->held,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0)
			return no_bytes();
		w->held -= (size_t)n;
		*w->counter += (uint64_t)n;
	}
	return OUTCOME_MORE;
}

/* What the other end did not take stays where it was: in the first socket. */
static enum outcome copy_on(struct relay_way *w, int from_fd, int to_fd)
{
	char bytes[COPY_BYTES];
	ssize_t n, sent;

	n = recv(from_fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return no_bytes();
	w->eof = n == 0;
	if (n == 0)
		return OUTCOME_WAIT;
	sent = send(to_fd, bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0) {
		w->stalled = errno == EAGAIN;
		return no_bytes();
	}
	/* MSG_TRUNC: taken and thrown away (tcp(7)). */
	if (recv(from_fd, NULL, (size_t)sent, MSG_TRUNC | MSG_DONTWAIT) < 0)
		return OUTCOME_BROKEN;
	*w->counter += (uint64_t)sent;
	return OUTCOME_MORE;
}

/* Once: when there is more the loop tells so, and that costs less than asking in vain. Of a stream
 * in full flow there mostly is, but that is for who has nothing else to do. */
static enum outcome splice_on(struct relay *r, struct relay_way *w, int from_fd, int to_fd)
{
	unsigned rounds = bulk_has(&w->bulk) && !r->asked ? r->bulk->rounds : 1;
	enum outcome outcome = w->held == 0 ? fill(w, from_fd) : OUTCOME_MORE;

	/* No bytes, or the end. Or an urgent byte comes next: splice stops before it, and takes the
	 * end behind it for the end of all; recv does not. */
	if (outcome == OUTCOME_WAIT)
		outcome = copy_on(w, from_fd, to_fd);
	else
		while (outcome == OUTCOME_MORE && (outcome = drain(w, to_fd)) == OUTCOME_MORE &&
		       --rounds > 0)
			outcome = fill(w, from_fd);
	if (w->held == 0) {
		pipes_give(r->pipes, w->pipe);
		w->pipe = NULL;
	}
	return outcome;
}

/* Who answers is not in full flow, and neither is who was answered. */
static void note_flow(struct relay *r, int from, uint64_t bytes)
{
	struct relay_way *w = &r->ways[from];

	if (bytes == 0)
		return;
	bulk_leave(r->bulk, &r->ways[!from].bulk);
	if (is_limited(w))
		bulk_leave(r->bulk, &w->bulk);
	else
		bulk_moved(r->bulk, &w->bulk, r->ends[from].source.fd, bytes);
}

static int pump(struct relay *r, int from)
{
	struct relay_way *w = &r->ways[from];
	int from_fd = r->ends[from].source.fd, to_fd = r->ends[!from].source.fd;
	uint64_t before = *w->counter;
	enum outcome outcome;

	if (w->done || (w->pause.loop && w->held == 0))
		return 0;
	w->stalled = false;
	if (!w->pipe)
		w->pipe = pipes_take(r->pipes);
	outcome = w->pipe ? splice_on(r, w, from_fd, to_fd) : copy_on(w, from_fd, to_fd);
	if (is_limited(w))
		pay(r, w, *w->counter - before);
	note_flow(r, from, *w->counter - before);
	if (outcome == OUTCOME_BROKEN)
		return -1;
	if (w->eof && w->held == 0) {
		w->done = true;
		/* ENOTCONN: it is gone already, and that is noticed by its reader. */
		shutdown(to_fd, SHUT_WR);
	}
	return 0;
}

static unsigned wanted(const struct relay *r, int i)
{
	const struct relay_way *in = &r->ways[i], *out = &r->ways[!i];
	bool reads = !in->eof && in->held == 0 && !in->stalled && !in->pause.loop;
	bool writes = out->held > 0 || out->stalled;

	return (reads ? LOOP_READ : 0u) | (writes ? LOOP_WRITE : 0u);
}

/* One of the two may be watched for nothing but its hangup, or be done with altogether. */
static int watch(struct relay *r, int i, struct err *e)
{
	struct relay_end *end = &r->ends[i];
	unsigned wants = wanted(r, i);

	if (r->ways[0].done && r->ways[1].done) {
		loop_remove(&end->source);
		return 0;
	}
	if (wants == end->wants)
		return 0;
	end->wants = wants;
	return end->source.loop ? loop_change(&end->source, wants, e)
				: loop_add(r->loop, &end->source, wants, e);
}

static void unwatch(struct relay *r)
{
	int i;

	for (i = 0; i < 2; i++) {
		loop_remove(&r->ends[i].source);
		r->ends[i].wants = 0;
		bulk_forget(r->bulk, &r->ways[i].bulk);
		loop_timer_off(&r->ways[i].pause);
	}
}

static void close_both(struct relay *r, bool by_reset)
{
	int i;

	unwatch(r);
	r->was_reset = by_reset;
	for (i = 0; i < 2; i++) {
		if (by_reset)
			relay_reset(&r->ends[i].source.fd);
		else
			fd_close(&r->ends[i].source.fd);
		pipes_drop(r->pipes, r->ways[i].pipe);
		r->ways[i].pipe = NULL;
	}
}

void relay_abort(struct relay *r)
{
	close_both(r, true);
}

void relay_finish(struct relay *r, bool by_reset)
{
	close_both(r, by_reset);
	r->on_end(r);
}

bool relay_flows(const struct relay *r)
{
	return bulk_has(&r->ways[0].bulk) || bulk_has(&r->ways[1].bulk);
}

bool relay_is_limited(const struct relay *r)
{
	return is_limited(&r->ways[0]) || is_limited(&r->ways[1]);
}

static bool has_failed(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0;
}

/* False: it is over. */
static bool go_on(struct relay *r, int i, unsigned events)
{
	struct relay_end *end = &r->ends[i];
	struct err e;

	if (events & LOOP_HANGUP && has_failed(end->source.fd))
		return false;
	/* Both of its directions have ended, and there is no room yet for what it said last: epoll
	 * would tell of the hangup again and again. */
	if (events & LOOP_HANGUP && end->wants == 0) {
		loop_remove(&end->source);
		return true;
	}
	if (events & (LOOP_READ | LOOP_HANGUP) && pump(r, i) < 0)
		return false;
	if (events & LOOP_WRITE && pump(r, !i) < 0)
		return false;
	return watch(r, 0, &e) == 0 && watch(r, 1, &e) == 0;
}

static bool is_empty(const struct relay *r)
{
	int i;

	for (i = 0; i < 2; i++)
		if (r->ways[i].held > 0 || r->ways[i].stalled || r->ways[i].pause.loop)
			return false;
	return true;
}

static void tell_empty(struct relay *r)
{
	if (r->on_empty && is_empty(r))
		r->on_empty(r);
}

void relay_ask_empty(struct relay *r)
{
	r->asked = true;
	tell_empty(r);
}

static void on_event(struct relay *r, int i, unsigned events)
{
	bool goes_on = go_on(r, i, events);

	if (!goes_on || (r->ways[0].done && r->ways[1].done))
		relay_finish(r, !goes_on);
	else
		tell_empty(r);
}

static void on_first(struct loop_source *source, unsigned events)
{
	on_event(owner_of(source, struct relay, ends[0].source), 0, events);
}

static void on_second(struct loop_source *source, unsigned events)
{
	on_event(owner_of(source, struct relay, ends[1].source), 1, events);
}

/* What waits is read on, unless others took so much meanwhile that its turn comes later. */
static void on_paid(struct relay *r, int i)
{
	if (!pay(r, &r->ways[i], 0))
		on_event(r, i, LOOP_READ);
}

static void on_paid_first(struct loop_timer *timer)
{
	on_paid(owner_of(timer, struct relay, ways[0].pause), 0);
}

static void on_paid_second(struct loop_timer *timer)
{
	on_paid(owner_of(timer, struct relay, ways[1].pause), 1);
}

/* In full flow, and what waits is less than it is woken for. */
static void on_sweep(struct relay *r, int i)
{
	if (r->ways[i].held == 0)
		on_event(r, i, LOOP_READ);
}

static void on_sweep_first(struct bulk_way *way)
{
	on_sweep(owner_of(way, struct relay, ways[0].bulk), 0);
}

static void on_sweep_second(struct bulk_way *way)
{
	on_sweep(owner_of(way, struct relay, ways[1].bulk), 1);
}

uint64_t relay_state_bits(const struct relay_state *state)
{
	return (state->done[0] ? 1u : 0u) | (state->done[1] ? 2u : 0u) |
	       (state->flows[0] ? 4u : 0u) | (state->flows[1] ? 8u : 0u);
}

struct relay_state relay_state_of(uint64_t bits)
{
	return (struct relay_state){ .done = { bits & 1, bits & 2 },
				     .flows = { bits & 4, bits & 8 } };
}

struct relay_state relay_state_now(const struct relay *r)
{
	return (struct relay_state){
		.done = { r->ways[0].done, r->ways[1].done },
		.flows = { bulk_has(&r->ways[0].bulk), bulk_has(&r->ways[1].bulk) },
	};
}

void relay_release(struct relay *r)
{
	unwatch(r);
	r->released = true;
}

int relay_resume(struct relay *r, const struct relay_state *state, struct err *e)
{
	int i;

	r->released = false;
	for (i = 0; i < 2; i++) {
		r->ways[i].eof = r->ways[i].done = state->done[i];
		if (state->flows[i])
			bulk_moved(r->bulk, &r->ways[i].bulk, r->ends[i].source.fd,
				   BULK_FROM_BYTES);
	}
	for (i = 0; i < 2; i++) {
		r->ends[i].wants = wanted(r, i);
		if (loop_add(r->loop, &r->ends[i].source, r->ends[i].wants, e) < 0) {
			relay_abort(r);
			return -1;
		}
	}
	return 0;
}

int relay_start(struct relay *r, const struct relay_setup *setup, struct err *e)
{
	int i;

	*r = (struct relay){ .loop = setup->loop,
			     .pipes = setup->pipes,
			     .bulk = setup->bulk,
			     .on_end = setup->on_end,
			     .on_empty = setup->on_empty };
	for (i = 0; i < 2; i++) {
		r->ends[i].source.fd = setup->fds[i];
		r->ends[i].source.on_event = i == 0 ? on_first : on_second;
		r->ways[i].counter = setup->counters[i];
		r->ways[i].rate = setup->rates[i];
		r->ways[i].pause.on_time = i == 0 ? on_paid_first : on_paid_second;
		r->ways[i].bulk.on_sweep = i == 0 ? on_sweep_first : on_sweep_second;
	}
	return relay_resume(r, &setup->state, e);
}
