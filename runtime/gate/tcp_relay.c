#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/lwip_bytes.h"
#include "gate/tcp_flow.h"
#include "gate/tcp_held.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/time.h"

enum {
	KEPT_WHOLE_MIN = 24 * 1024,   /* less than this does not keep a frame of 64 KiB */
	FRAME_COST = 66 * 1024,
	/* Read from one socket at once when nobody else is there, and when somebody is. */
	TURN_BYTES = 512 * 1024,
	TURN_SHARED_BYTES = CHUNK_BYTES,
	PIECES_MAX = 64,
	FEED_MAX = 32, /* starving flows in one turn */
	PACE_MS = 5, PACE_MORE_MS = 40, /* less than a bucket holds (rate.h) */
	PACED_OF_MS = 200, /* so many are walked past in a sixteenth of it */
	DRAIN_MS = 60 * 1000, /* without a byte that the other side takes */
	TALK_BYTES = 1024, /* a question or an answer, and no part of a stream */
};

/* A link of what the socket did not take. */
struct tcp_kept {
	struct tcp_kept *next;
	struct lwip_bytes *bytes;
	size_t cost; /* memory */
};

static struct tcp_flow *flow_of(struct lwip_conn *c)
{
	return owner_of(c, struct tcp_flow, conn);
}

/* What the loop shall watch of the socket. Not at all where nothing is wanted: a hangup would be
 * reported for ever. */
static void watch(struct tcp_flow *f, unsigned events)
{
	struct err e;

	if (f->socket.fd < 0 || (f->watched ? f->events : 0) == events)
		return;
	if (events == 0) {
		loop_remove(&f->socket);
		f->watched = false;
	} else if (!f->watched) {
		f->watched = loop_add(f->tcp->setup.loop, &f->socket, events, &e) == 0;
	} else {
		loop_change(&f->socket, events, &e);
	}
	f->events = (uint8_t)events;
}

void tcp_relay_want(struct tcp_flow *f, unsigned event, bool on)
{
	unsigned now = f->watched ? f->events : 0;

	watch(f, on ? now | event : now & ~event);
}

/* Both directions are done outside: the descriptor is not needed for what lwIP still waits for. */
static void close_when_done(struct tcp_flow *f)
{
	if (f->socket_shut && f->socket_ended)
		tcp_flow_close_socket(f, false);
}

/* ---- a container's rate */

static void pace(struct tcp_flow *f)
{
	struct tcp *t = f->tcp;

	if (f->is_paced)
		return;
	f->is_paced = true;
	f->paced = t->paced;
	f->paced_at = &t->paced;
	if (f->paced)
		f->paced->paced_at = &f->paced;
	t->paced = f;
	if (!t->pacing.loop && t->setup.loop)
		loop_timer_set(t->setup.loop, &t->pacing, PACE_MS + t->pace_more_ms);
}

/* Out of the row that it stands in: of those that wait, or whose time has come. */
static void stop_pacing(struct tcp_flow *f)
{
	if (!f->is_paced)
		return;
	*f->paced_at = f->paced;
	if (f->paced)
		f->paced->paced_at = f->paced_at;
	f->is_paced = false;
}

/* Spends; true when the rate says to wait. */
static bool over_rate(struct rate *r, struct rate_turn *turn, size_t size_bytes)
{
	return r && r->bytes_per_s > 0 &&
	       rate_spend(r, RATE_FLOWS, turn, size_bytes, time_boot_ns()) > 0;
}

/* The window opens again only when the rate allows: that is what slows the container down. */
static void tell_consumed(struct tcp_flow *f, size_t size_bytes)
{
	bool over = over_rate(f->rate_out, &f->turn_out, size_bytes);

	if (over || f->owed_bytes > 0) {
		f->owed_bytes += size_bytes;
		pace(f);
		return;
	}
	tcp_window_used(f, size_bytes);
	lwip_conn_consumed(&f->conn, size_bytes);
}

/* A question may be answered at once, and an answer followed by the next question. */
static void passed_on(struct tcp_flow *f, size_t size_bytes)
{
	if (size_bytes <= TALK_BYTES && f->tcp->setup.loop)
		loop_hurry(f->tcp->setup.loop);
}

/* ---- from the container */

static ssize_t send_pieces(struct tcp_flow *f, const struct lwip_bytes *b, size_t skip)
{
	struct iovec pieces[PIECES_MAX];
	struct msghdr m = { .msg_iov = pieces };

	m.msg_iovlen = (size_t)lwip_bytes_pieces(b, skip, pieces, PIECES_MAX);
	return sendmsg(f->socket.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void tcp_relay_count_kept(struct tcp_flow *f, ssize_t cost)
{
	f->tcp->kept_bytes += (size_t)cost;
	if (f->flow.account)
		f->flow.account->kept_bytes += (size_t)cost;
}

static void keep(struct tcp_flow *f, struct lwip_bytes *b, size_t skip)
{
	struct tcp_kept *k = malloc(sizeof(*k));
	size_t size = lwip_bytes_size(b) - skip;
	struct lwip_bytes *small;

	if (!k)
		abort();
	k->next = NULL;
	k->cost = FRAME_COST;
	small = size < KEPT_WHOLE_MIN ? lwip_bytes_compact(b, skip) : b;
	if (small != b) {
		b = small;
		k->cost = size + sizeof(*k);
		skip = 0;
	}
	k->bytes = b;
	if (f->kept_last) {
		f->kept_last->next = k;
	} else {
		f->kept = k;
		f->kept_skip = skip;
	}
	f->kept_last = k;
	tcp_relay_count_kept(f, (ssize_t)k->cost);
}

static void drop_first_kept(struct tcp_flow *f)
{
	struct tcp_kept *k = f->kept;

	f->kept = k->next;
	if (!f->kept)
		f->kept_last = NULL;
	f->kept_skip = 0;
	tcp_relay_count_kept(f, -(ssize_t)k->cost);
	lwip_bytes_drop(k->bytes);
	free(k);
}

static void shut_socket(struct tcp_flow *f)
{
	if (f->socket_shut || f->socket.fd < 0)
		return;
	shutdown(f->socket.fd, SHUT_WR);
	f->socket_shut = true;
	close_when_done(f);
}

/* Ends both sides at once; the flow is no more. */
static void break_off(struct tcp_flow *f)
{
	tcp_flow_close_socket(f, true);
	if (f->conn.pcb)
		lwip_conn_abort(&f->conn);
	else
		tcp_flow_destroy(f);
}

/* Returns false when the flow is no more. */
static bool write_kept(struct tcp_flow *f)
{
	size_t sum = 0, size;
	ssize_t n = 0;

	while (f->kept) {
		size = lwip_bytes_size(f->kept->bytes) - f->kept_skip;
		n = send_pieces(f, f->kept->bytes, f->kept_skip);
		if (n < 0)
			break;
		sum += (size_t)n;
		f->kept_skip += (size_t)n;
		if ((size_t)n < size)
			break;
		drop_first_kept(f);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		break_off(f);
		return false;
	}
	tcp_relay_want(f, LOOP_WRITE, f->kept || f->held);
	if (!f->kept && f->container_ended)
		shut_socket(f);
	if (f->state == TCP_DRAINING) {
		if (!f->kept) {
			tcp_flow_close_socket(f, false);
			tcp_flow_destroy(f);
			return false;
		}
		return true;
	}
	tell_consumed(f, sum);
	return true;
}

static void on_received(struct lwip_conn *c, struct lwip_bytes *b)
{
	struct tcp_flow *f = flow_of(c);
	size_t size = lwip_bytes_size(b);
	ssize_t n = 0;

	if (f->socket.fd < 0) {
		/* The other side has gone; its end was a reset. */
		lwip_bytes_drop(b);
		break_off(f);
		return;
	}
	if (!f->kept) {
		n = send_pieces(f, b, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			lwip_bytes_drop(b);
			break_off(f);
			return;
		}
		if (n < 0)
			n = 0;
	}
	if ((size_t)n == size) {
		lwip_bytes_drop(b);
		passed_on(f, size);
	} else {
		keep(f, b, (size_t)n);
	}
	tcp_relay_want(f, LOOP_WRITE, f->kept || f->held);
	tell_consumed(f, (size_t)n);
}

static void on_ended(struct lwip_conn *c)
{
	struct tcp_flow *f = flow_of(c);

	f->container_ended = true;
	if (!f->kept)
		shut_socket(f);
}

/* ---- from the socket */

static void starve(struct tcp_flow *f)
{
	struct tcp *t = f->tcp;

	if (f->is_starving)
		return;
	f->is_starving = true;
	f->starving = NULL;
	if (t->starving)
		t->starving_last->starving = f;
	else
		t->starving = f;
	t->starving_last = f;
}

static void stop_starving(struct tcp_flow *f)
{
	struct tcp *t = f->tcp;
	struct tcp_flow *before = NULL, *at;

	if (!f->is_starving)
		return;
	for (at = t->starving; at != f; at = at->starving)
		before = at;
	if (before)
		before->starving = f->starving;
	else
		t->starving = f->starving;
	if (t->starving_last == f)
		t->starving_last = before;
	f->is_starving = false;
}

enum taken { TAKEN_MORE, TAKEN_ALL, TAKEN_BLOCKED, TAKEN_END, TAKEN_ERROR };

/* Nothing is under way, the window is shut: a byte in front of it, so that lwIP asks for room. */
static enum taken take_asking(struct tcp_flow *f, size_t *sum)
{
	ssize_t n = recv(f->socket.fd, &f->asking, 1, MSG_DONTWAIT);

	if (n == 0)
		return TAKEN_END;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? TAKEN_ALL : TAKEN_ERROR;
	if (lwip_conn_write(&f->conn, &f->asking, 1, false) < 0)
		return TAKEN_ERROR;
	f->asks = true;
	*sum += 1;
	return TAKEN_BLOCKED;
}

/* No more than the container's window takes: who does not read holds no chunk. */
static enum taken take_some(struct tcp_flow *f, size_t *sum)
{
	size_t room = lwip_conn_takes(&f->conn), most;
	struct chunk *c;
	ssize_t n;

	if (over_rate(f->rate_in, &f->turn_in, 0))
		return TAKEN_BLOCKED;
	if (room == 0)
		return lwip_conn_is_shut(&f->conn) ? take_asking(f, sum) : TAKEN_BLOCKED;
	c = chunk_row_room(f->tcp->chunks, &f->row);
	if (!c) {
		starve(f);
		return TAKEN_BLOCKED;
	}
	most = CHUNK_BYTES - c->used;
	most = most < room ? most : room;
	most = most < f->conn.segment_bytes ? most : f->conn.segment_bytes;
	n = recv(f->socket.fd, c->bytes + c->used, most, MSG_DONTWAIT);
	if (n <= 0) {
		chunk_row_trim(f->tcp->chunks, &f->row);
		if (n == 0)
			return TAKEN_END;
		return errno == EAGAIN || errno == EINTR ? TAKEN_ALL : TAKEN_ERROR;
	}
	if (lwip_conn_write(&f->conn, c->bytes + c->used, (size_t)n, (size_t)n == most) < 0)
		return TAKEN_ERROR;
	c->used += (uint32_t)n;
	*sum += (size_t)n;
	passed_on(f, (size_t)n);
	if (over_rate(f->rate_in, &f->turn_in, (size_t)n))
		pace(f);
	return (size_t)n < most ? TAKEN_ALL : TAKEN_MORE;
}

/* Returns false when the flow is no more. */
static bool pump(struct tcp_flow *f)
{
	const struct loop *loop = f->tcp->setup.loop;
	size_t sum = 0, most = loop && !loop_is_quiet(loop) ? TURN_SHARED_BYTES : TURN_BYTES;
	enum taken taken = TAKEN_MORE;

	if (f->socket.fd < 0 || f->socket_ended || f->state != TCP_OPEN)
		return true;
	while (taken == TAKEN_MORE && sum < most) {
		taken = take_some(f, &sum);
		/* The device gets each large segment at once: the container works meanwhile. */
		if (sum > 0)
			lwip_conn_flush(&f->conn);
	}
	switch (taken) {
	case TAKEN_ERROR:
		break_off(f);
		return false;
	case TAKEN_END:
		f->socket_ended = true;
		tcp_relay_want(f, LOOP_READ, false);
		lwip_conn_shut(&f->conn);
		lwip_conn_flush(&f->conn);
		close_when_done(f);
		return true;
	case TAKEN_BLOCKED:
		tcp_relay_want(f, LOOP_READ, false);
		return true;
	case TAKEN_ALL:
	case TAKEN_MORE:
		tcp_relay_want(f, LOOP_READ, true);
		return true;
	}
	return true;
}

static void on_sent(struct lwip_conn *c, size_t size_bytes)
{
	struct tcp_flow *f = flow_of(c);

	if (f->asks) {
		f->asks = false;
		size_bytes--;
	}
	chunk_row_drop(f->tcp->chunks, &f->row, size_bytes);
	tcp_relay_feed(f->tcp);
	/* The container has all of a short answer: its next question, or its end. */
	if (f->row.count == 0)
		passed_on(f, size_bytes);
	if (!(f->watched && f->events & LOOP_READ))
		pump(f);
}

static void on_room(struct lwip_conn *c)
{
	struct tcp_flow *f = flow_of(c);

	if (!(f->watched && f->events & LOOP_READ))
		pump(f);
}

static void feed(struct loop_timer *timer)
{
	struct tcp *t = owner_of(timer, struct tcp, feeding);
	struct tcp_flow *f;
	int i;

	for (i = 0; i < FEED_MAX && (f = t->starving) && chunk_pool_left(t->chunks) > 0; i++) {
		stop_starving(f);
		pump(f);
	}
	/* Those whose container has all of its share stand in front of others again and again. */
	if (i == FEED_MAX && t->starving)
		loop_timer_set(t->setup.loop, &t->feeding, PACE_MS);
}

/* Short connections, one after the other, would each have their first window for nothing. */
bool tcp_relay_waits(struct tcp_flow *f)
{
	if (!f->rate_out)
		return false;
	rate_queue(f->rate_out, RATE_FLOWS, &f->turn_out);
	if (!over_rate(f->rate_out, &f->turn_out, 0))
		return false;
	pace(f);
	return true;
}

static void go_on_one(struct tcp_flow *f)
{
	bool out = !over_rate(f->rate_out, &f->turn_out, 0);
	bool in = !over_rate(f->rate_in, &f->turn_in, 0);
	size_t owed;

	if (f->state == TCP_CONNECTING) {
		if (out)
			tcp_flow_open(f);
		else
			pace(f);
		return;
	}
	if (!out || !in)
		pace(f);
	owed = out ? f->owed_bytes : 0;
	f->owed_bytes -= owed;
	if (owed > 0)
		lwip_conn_consumed(&f->conn, owed);
	if (in && !(f->watched && f->events & LOOP_READ))
		pump(f);
}

/* All that waited for their rate; who still has to comes back into the row. */
static void go_on(struct loop_timer *timer)
{
	struct tcp *t = owner_of(timer, struct tcp, pacing);
	unsigned walked = 0;
	struct tcp_flow *f;

	t->paid = t->paced;
	t->paced = NULL;
	if (t->paid)
		t->paid->paced_at = &t->paid;
	for (; (f = t->paid); walked++) {
		stop_pacing(f);
		go_on_one(f);
	}
	/* Where thousands wait it is not all that a gateway does. */
	walked /= PACED_OF_MS;
	t->pace_more_ms = walked < PACE_MORE_MS ? walked : PACE_MORE_MS;
}

void tcp_relay_init(struct tcp *t)
{
	t->feeding.on_time = feed;
	t->pacing.on_time = go_on;
}

/* Later, from the loop: whoever gives chunks back does not expect other flows to move. */
void tcp_relay_feed(struct tcp *t)
{
	if (t->starving && !t->feeding.loop && chunk_pool_left(t->chunks) > 0)
		loop_timer_set(t->setup.loop, &t->feeding, 0);
}

/* ---- both */

static void on_opened(struct lwip_conn *c)
{
	struct tcp_flow *f = flow_of(c);

	tcp_flow_opened(f);
	passed_on(f, 0); /* who asks first does it now */
	pump(f);
}

/* lwIP is done with it. What the container sent and closed properly still goes out. */
static void on_gone(struct lwip_conn *c)
{
	struct tcp_flow *f = flow_of(c);
	unsigned timeout_ms = DRAIN_MS;

	if (f->state == TCP_OPEN && f->kept && f->container_ended && f->socket.fd >= 0) {
		f->state = TCP_DRAINING;
		chunk_row_clear(f->tcp->chunks, &f->row);
		stop_starving(f);
		flow_unlist(f->tcp->setup.flows, &f->flow);
		/* Nobody waits for it any more: the kernel ends it when its window stays shut. */
		setsockopt(f->socket.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
			   sizeof(timeout_ms));
		tcp_relay_want(f, LOOP_READ, false);
		return;
	}
	tcp_flow_destroy(f);
}

void tcp_relay_event(struct tcp_flow *f, unsigned events)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (events & LOOP_HANGUP) {
		getsockopt(f->socket.fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error) {
			break_off(f);
			return;
		}
	}
	if (f->kept && !write_kept(f))
		return;
	if (events & (LOOP_READ | LOOP_HANGUP) && !pump(f))
		return;
	/* Both directions are shut and nothing can be read: not to be told of it for ever. */
	if (events & LOOP_HANGUP && f->watched && !(f->events & LOOP_READ) && !f->kept && !f->held)
		watch(f, 0);
	if (f->held && !f->kept && events & (LOOP_WRITE | LOOP_HANGUP))
		tcp_held_release(f);
}

void tcp_relay_leave(struct tcp_flow *f)
{
	const struct tcp_kept *k;

	tcp_held_clear(f);
	chunk_row_leave_share(&f->row);
	for (k = f->kept; k && f->flow.account; k = k->next)
		f->flow.account->kept_bytes -= k->cost;
	f->rate_out = f->rate_in = NULL;
}

void tcp_relay_clear(struct tcp_flow *f)
{
	stop_starving(f);
	stop_pacing(f);
	while (f->kept)
		drop_first_kept(f);
	chunk_row_clear(f->tcp->chunks, &f->row);
}

const struct lwip_events tcp_relay_events = {
	.opened = on_opened,
	.received = on_received,
	.sent = on_sent,
	.room = on_room,
	.ended = on_ended,
	.gone = on_gone,
};
