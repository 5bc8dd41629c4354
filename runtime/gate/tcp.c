#include "gate/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/frame.h"
#include "gate/path_error.h"
#include "gate/tcp_flow.h"
#include "gate/tcp_held.h"
#include "gate/tun.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/time.h"
#include "wire/stats.h"

/* Handshakes in hand: of the gateway, and of one container (a SYN flood takes no more sockets). At
 * its bound one that had its time gives way, so that a container is not locked out until the kernel
 * gives up, after two minutes; and not before, so that a flood is not passed on at its own rate. */
enum { HANDSHAKES_MAX = 4096, HANDSHAKES_OF_ONE_MAX = 1024, HANDSHAKE_TIME_MS = 3000 };
enum { CHUNKS_MAX = 1024 };	/* x 64 KiB: 64 MiB towards containers */
enum { ASK_MAX_S = 7200 };	/* as the kernel does anyhow */
enum { SMALL_BYTES = 1024 };	/* a payload up to this is copied out of its frame */

/* ---- answers */

static void answer_reset(struct tcp *t, const struct packet *p)
{
	uint8_t headers[PACKET_HEADERS_MAX];
	struct tun_offload offload;
	size_t size = packet_build_reset(headers, &offload, p);
	struct iovec piece = { headers, size };

	if (size > 0)
		tun_send(t->setup.tun, &offload, &piece, 1);
}

/* What the container would see if it had asked itself. Silence stays silence, and so does the want
 * of a port of ours, which the next try may find. */
static void answer_error(struct tcp *t, const struct packet *p, int number)
{
	const struct address *from =
		p->from.family == AF_INET ? &t->setup.gateway4 : &t->setup.gateway6;
	struct path_error error;

	if (number == ECONNREFUSED)
		answer_reset(t, p);
	else if (number != EADDRNOTAVAIL && path_error_of_errno(number, p->from.family, &error))
		path_error_pass(t->setup.tun, &error, from, p);
}

/* ---- a flow's life */

static bool in_handshake(const struct tcp_flow *f)
{
	return f->state == TCP_CONNECTING || f->state == TCP_OPENING;
}

/* Last: they are in order of age. */
static void join_handshakes(struct tcp_flow *f)
{
	struct tcp *t = f->tcp;

	f->since_ms = time_boot_ms();
	f->earlier = t->handshake_last;
	*(f->earlier ? &f->earlier->later : &t->handshake_first) = f;
	t->handshake_last = f;
	t->handshakes++;
}

static void unlink_handshake(struct tcp_flow *f)
{
	struct tcp *t = f->tcp;

	*(f->earlier ? &f->earlier->later : &t->handshake_first) = f->later;
	*(f->later ? &f->later->earlier : &t->handshake_last) = f->earlier;
	t->handshakes--;
}

static void leave_handshake(struct tcp_flow *f)
{
	unlink_handshake(f);
	if (f->flow.account)
		f->flow.account->handshakes--;
}

void tcp_flow_opened(struct tcp_flow *f)
{
	leave_handshake(f);
	f->state = TCP_OPEN;
}

void tcp_flow_close_socket(struct tcp_flow *f, bool reset)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (f->socket.fd < 0)
		return;
	tcp_window_leave(f);
	loop_remove(&f->socket);
	f->watched = false;
	if (reset)
		setsockopt(f->socket.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	fd_close(&f->socket.fd);
}

void tcp_flow_leave(struct tcp_flow *f)
{
	if (!f->flow.account)
		return;
	if (in_handshake(f))
		f->flow.account->handshakes--;
	tcp_relay_leave(f);
	flow_remove(f->tcp->setup.flows, &f->flow);
	if (f->stats)
		f->stats->flows_open--;
	f->stats = NULL;
}

void tcp_flow_destroy(struct tcp_flow *f)
{
	struct tcp *t = f->tcp;

	if (in_handshake(f))
		unlink_handshake(f);
	tcp_flow_leave(f);
	tcp_flow_close_socket(f, true);
	tcp_window_leave(f);
	tcp_relay_clear(f);
	tcp_serve_clear(f);
	if (f->prev)
		f->prev->next = f->next;
	else
		t->all = f->next;
	if (f->next)
		f->next->prev = f->prev;
	free(f);
	tcp_relay_feed(t);
}

static void hurry(struct tcp *t)
{
	if (t->setup.loop)
		loop_hurry(t->setup.loop);
}

/* The SYN that was kept, to lwIP: it answers the container. */
void tcp_flow_open(struct tcp_flow *f)
{
	struct packet syn;

	f->state = TCP_OPENING;
	if (packet_parse(&syn, f->syn, f->syn_bytes) != PACKET_GOOD) {
		tcp_flow_destroy(f);
		return;
	}
	tcp_window_open(f);
	hurry(f->tcp);
	f->conn.events = f->service ? &tcp_serve_events : &tcp_relay_events;
	if (lwip_stack_input(f->tcp->lwip, &f->conn, &syn, NULL) < 0)
		tcp_flow_destroy(f);
}

static void connect_done(struct tcp_flow *f, int error)
{
	struct packet syn;

	if (error == 0) {
		loop_remove(&f->socket);
		f->watched = false;
		if (!tcp_relay_waits(f))
			tcp_flow_open(f);
		return;
	}
	if (packet_parse(&syn, f->syn, f->syn_bytes) == PACKET_GOOD)
		answer_error(f->tcp, &syn, error);
	tcp_flow_destroy(f);
}

static void on_socket(struct loop_source *source, unsigned events)
{
	struct tcp_flow *f = owner_of(source, struct tcp_flow, socket);
	socklen_t size = sizeof(int);
	int error = 0;

	if (f->state != TCP_CONNECTING) {
		tcp_relay_event(f, events);
		return;
	}
	if (getsockopt(f->socket.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	/* The kernel queues an ICMP error, of which we are told, before it fails the socket:
	 * connected is only what can be written. */
	if (error == 0 && !(events & LOOP_WRITE))
		return;
	connect_done(f, error);
}

static int open_socket(const struct address *to)
{
	int fd = socket(to->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	/* An urgent byte stays in its place, as it does on the way out, instead of being lost. */
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	return fd;
}

static int take_spare(struct tcp *t, const struct address *to)
{
	int *spare = &t->spare[to->family == AF_INET6];

	return *spare >= 0 ? take_fd(spare) : open_socket(to);
}

/* For the next connection, while the container answers this one. */
static void make_spare(struct tcp *t, const struct address *to)
{
	int *spare = &t->spare[to->family == AF_INET6];

	if (*spare < 0)
		*spare = open_socket(to);
}

static void connect_outside(struct tcp_flow *f, const struct address *to, uint16_t port)
{
	struct sockaddr_storage s;
	socklen_t size = address_to_socket(to, port, &s);
	struct err e;

	f->socket.fd = size > 0 ? take_spare(f->tcp, to) : -1;
	if (f->socket.fd < 0) {
		/* Too many files: as if the SYN had been lost. */
		tcp_flow_destroy(f);
		return;
	}
	if (connect(f->socket.fd, (struct sockaddr *)&s, size) < 0 && errno != EINPROGRESS) {
		connect_done(f, errno);
		return;
	}
	/* On this machine it is connected already; asking again saves a turn of the loop. */
	if (connect(f->socket.fd, (struct sockaddr *)&s, size) == 0 || errno == EISCONN) {
		connect_done(f, 0);
		return;
	}
	if (errno != EALREADY && errno != EINPROGRESS) {
		connect_done(f, errno);
		return;
	}
	if (loop_add(f->tcp->setup.loop, &f->socket, LOOP_WRITE, &e) < 0) {
		tcp_flow_destroy(f);
		return;
	}
	f->watched = true;
	f->events = LOOP_WRITE;
}

static struct flow_key key_of(const struct packet *p)
{
	return (struct flow_key){ .inside = p->from,
				  .outside = p->to,
				  .inside_port = p->from_port,
				  .outside_port = p->to_port,
				  .protocol = IPPROTO_TCP };
}

/* No more than are free: the same share as in the flow table (flow.h). */
static bool may_begin(const struct tcp *t, const struct flow_account *a)
{
	return a->handshakes < HANDSHAKES_OF_ONE_MAX &&
	       a->handshakes < HANDSHAKES_MAX - t->handshakes;
}

/* The oldest of the container's. False: none of them had its time. */
static bool give_way(struct tcp *t, const struct flow_account *a)
{
	struct tcp_flow *f = t->handshake_first;

	while (f && f->flow.account != a)
		f = f->later;
	if (!f || time_boot_ms() - f->since_ms < HANDSHAKE_TIME_MS)
		return false;
	if (f->stats)
		f->stats->limited++;
	if (f->conn.pcb)
		lwip_conn_abort(&f->conn);
	else
		tcp_flow_destroy(f);
	return true;
}

static struct tcp_flow *create_flow(struct tcp *t, const struct packet *p,
				    const struct tcp_ruling *ruling)
{
	size_t headers = p->ip_bytes - p->payload_bytes;
	struct tcp_flow *f;

	if (headers > sizeof(f->syn) ||
	    (!may_begin(t, ruling->payer.account) && !give_way(t, ruling->payer.account)))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->tcp = t;
	f->flow.key = key_of(p);
	f->socket.fd = -1;
	f->socket.on_event = on_socket;
	f->service = ruling->service;
	/* lwIP takes what was read: no payload (TCP Fast Open needs none) and no length but this.
	 */
	memcpy(f->syn, p->ip, headers);
	f->syn_bytes = (uint8_t)headers;
	packet_set_length(f->syn, headers);
	if (flow_add(t->setup.flows, &f->flow, ruling->payer.account) < 0) {
		free(f);
		return NULL;
	}
	join_handshakes(f);
	ruling->payer.account->handshakes++;
	f->row.share = &ruling->payer.account->chunks;
	f->socket.lane = ruling->payer.lane;
	f->rate_out = ruling->payer.rate_out;
	f->rate_in = ruling->payer.rate_in;
	f->stats = ruling->payer.stats;
	if (f->stats) {
		f->stats->flows_open++;
		f->stats->flows_tcp++;
	}
	f->next = t->all;
	if (f->next)
		f->next->prev = f;
	t->all = f;
	return f;
}

static void begin(struct tcp *t, const struct packet *p)
{
	struct tcp_ruling ruling = { .verdict = TCP_IGNORE };
	struct tcp_flow *f;

	t->setup.decide(t->setup.ctx, p, &ruling);
	switch (ruling.verdict) {
	case TCP_REFUSE:
		answer_reset(t, p);
		return;
	case TCP_IGNORE:
		return;
	case TCP_CONNECT:
	case TCP_SERVE:
		break;
	}
	if (ruling.verdict == TCP_CONNECT)
		ruling.service = NULL;
	f = create_flow(t, p, &ruling);
	if (!f) {
		if (ruling.payer.stats)
			ruling.payer.stats->limited++;
		return;
	}
	if (f->service) {
		tcp_flow_open(f);
	} else {
		connect_outside(f, &ruling.address, ruling.port);
		make_spare(t, &ruling.address);
	}
}

/* ---- keep-alive */

/* How long neither side has said anything. */
static uint32_t silence_ms(const struct tcp_flow *f)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(f->socket.fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return UINT32_MAX;
	return info.tcpi_last_data_sent < info.tcpi_last_data_recv ? info.tcpi_last_data_sent :
								     info.tcpi_last_data_recv;
}

/* A question of the container's, which lwIP answers: the kernel asks the other side as often. What
 * comes first after a word tells how long it waits; the next ones come later than that. */
static void ask_outside(struct tcp_flow *f)
{
	uint32_t silence_s = silence_ms(f) / 1000;
	int wait_s = silence_s == 0 ? 1 : silence_s < ASK_MAX_S ? (int)silence_s : ASK_MAX_S;

	if (f->asks_s && f->asks_s <= wait_s)
		return;
	f->asks_s = (uint16_t)wait_s;
	setsockopt(f->socket.fd, IPPROTO_TCP, TCP_KEEPINTVL, &wait_s, sizeof(wait_s));
	setsockopt(f->socket.fd, IPPROTO_TCP, TCP_KEEPIDLE, &wait_s, sizeof(wait_s));
}

/* Who has bytes to get rid of asks for room in the same way. */
static bool is_asked(const struct tcp_flow *f, const struct packet *p)
{
	return f->state == TCP_OPEN && f->socket.fd >= 0 && !f->kept && p->payload_bytes <= 1 &&
	       (p->tcp_flags & ~PACKET_PUSH) == PACKET_ACKED &&
	       lwip_conn_is_asked(&f->conn, p->tcp_seq);
}

/* ---- faces */

void tcp_input_packet(struct tcp *t, const struct packet *p, struct frame *frame)
{
	struct flow_key key = key_of(p);
	struct flow *found = flow_find(t->setup.flows, &key);
	struct tcp_flow *f = found ? owner_of(found, struct tcp_flow, flow) : NULL;
	bool opens = (p->tcp_flags & (PACKET_SYN | PACKET_ACKED | PACKET_RESET)) == PACKET_SYN;

	if (f && opens && lwip_conn_waits(&f->conn)) {
		/* The same ends again, as a client may after a second (RFC 6191). */
		lwip_conn_abort(&f->conn);
		f = NULL;
	}
	if (!f) {
		if (opens)
			begin(t, p);
		else
			answer_reset(t, p);
		return;
	}
	if (f->state == TCP_CONNECTING) {
		/* The SYN again, or the container has given up. */
		if (p->tcp_flags & PACKET_RESET)
			tcp_flow_destroy(f);
		return;
	}
	/* A client that asks one thing for each connection: the next one. */
	if (p->tcp_flags & PACKET_RESET)
		hurry(t);
	if (tcp_held_must(f, p)) {
		tcp_held_refuse(f, p);
		return;
	}
	if (is_asked(f, p))
		ask_outside(f);
	if (p->payload_bytes <= SMALL_BYTES || frame_pool_scarce(frame->pool))
		frame = NULL;
	lwip_stack_input(t->lwip, &f->conn, p, frame);
}

void tcp_forget_account(struct tcp *t, const struct flow_account *account)
{
	struct tcp_flow *f, *next;

	for (f = t->all; f; f = next) {
		next = f->next;
		if (f->flow.account != account)
			continue;
		tcp_flow_leave(f);
		/* The last words of who has ended still go out, for TCP_USER_TIMEOUT at most. */
		if (f->state == TCP_DRAINING)
			continue;
		/* No other flow moves by the end of this one (tcp_relay_feed): next stays. */
		if (f->conn.pcb)
			lwip_conn_abort(&f->conn);
		else
			tcp_flow_destroy(f);
	}
}

void tcp_review(struct tcp *t, const struct flow_account *account, flow_keep_fn *keeps, void *ctx)
{
	struct tcp_flow *f, *next;

	for (f = t->all; f; f = next) {
		next = f->next;
		if (f->service || (account && f->flow.account != account) ||
		    keeps(ctx, &f->flow.key))
			continue;
		/* First, so that nothing which was sent already still goes out. */
		tcp_flow_close_socket(f, true);
		if (f->conn.pcb)
			lwip_conn_abort(&f->conn);
		else
			tcp_flow_destroy(f);
	}
}

struct tcp *tcp_create(const struct tcp_setup *setup)
{
	struct tcp *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->setup = *setup;
	t->spare[0] = t->spare[1] = -1;
	t->chunks = chunk_pool_create(CHUNKS_MAX);
	tcp_relay_init(t);
	tcp_window_init(t);
	t->lwip = lwip_stack_create(setup->loop, setup->tun, setup->mtu);
	return t;
}

void tcp_destroy(struct tcp *t)
{
	if (!t)
		return;
	while (t->all) {
		if (t->all->conn.pcb)
			lwip_conn_abort(&t->all->conn);
		else
			tcp_flow_destroy(t->all);
	}
	fd_close(&t->spare[0]);
	fd_close(&t->spare[1]);
	loop_timer_off(&t->feeding);
	loop_timer_off(&t->pacing);
	loop_timer_off(&t->windows.timer);
	lwip_stack_destroy(t->lwip);
	chunk_pool_destroy(t->chunks);
	free(t);
}
