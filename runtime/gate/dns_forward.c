#include "gate/dns_forward.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/dns_records.h"
#include "gate/dns_resolver.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/time.h"

enum {
	BUCKETS = 512,
	UDP_MS = 1500,
	TCP_MS = 3000,
	CHECK_MS = 2900,	/* over before the attempts of one resolver alone */
	ATTEMPTS_LEAST = 3,	/* of one resolver alone: sent again twice */
	FORWARDS_AND_CHECKS_MAX = DNS_FORWARD_MAX + 64,
	STRANGERS_MAX = 16,	/* datagrams that are not the answer: someone is guessing */
};

/* A resolver that was asked by UDP. It stays open when others are asked: an answer that is late
 * counts, and the question is sent again from the same port with the same id, so that who guesses
 * has no more to hit. */
struct asked {
	struct dns_forward *f;
	struct loop_source source;	/* fd -1: not asked */
	int strangers;
	uint16_t id;
	bool plain;
};

struct dns_forward {
	struct dns_forwarder *w;
	struct dns_forward *next;	/* of the bucket */
	struct dns_forward_key key;
	struct dns_resolvers resolvers;
	struct dns_client *clients;
	struct asked udp[DNS_RESOLVERS_MAX];
	struct loop_source source;	/* TCP; fd -1: none */
	struct loop_timer timer;
	int attempt, attempts;
	uint16_t id;			/* TCP */
	bool tcp, always_tcp, plain;	/* plain: without EDNS, which this one does not know */
	bool check;			/* of a resolver: nobody's question */
	bool sent;			/* TCP: connected, and the question is on its way */
	uint8_t *in;			/* TCP: length and message */
	size_t in_bytes;
	struct dns_reply failure;	/* the last that was said; rcode NOERROR: none */
};

struct dns_forwarder {
	struct loop *loop;
	uint16_t port;
	dns_forward_done_fn *done;
	void *ctx;
	int count;
	struct dns_forward *buckets[BUCKETS];
	struct dns_resolver_table resolvers;
	uint8_t datagram[DNS_MESSAGE_MAX];
};

static void attempt_start(struct dns_forward *f);
static void check(struct dns_forwarder *w, const struct address *resolver);

struct dns_forwarder *dns_forwarder_create(struct loop *loop, uint16_t port,
					   dns_forward_done_fn *done, void *ctx)
{
	struct dns_forwarder *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->loop = loop;
	w->port = port;
	w->done = done;
	w->ctx = ctx;
	return w;
}

static uint32_t bucket_of(const struct dns_forward_key *key)
{
	return (dns_name_hash(key->question.name.wire, key->question.name.size, key->variant) ^
		key->question.type) %
	       BUCKETS;
}

static void udp_close(struct asked *u)
{
	if (u->source.fd < 0)
		return;
	loop_remove(&u->source);
	fd_close(&u->source.fd);
}

static void tcp_close(struct dns_forward *f)
{
	if (f->source.fd < 0)
		return;
	loop_remove(&f->source);
	fd_close(&f->source.fd);
	free(f->in);
	f->in = NULL;
}

static void sockets_close(struct dns_forward *f)
{
	int i;

	loop_timer_off(&f->timer);
	tcp_close(f);
	for (i = 0; i < f->resolvers.count; i++)
		udp_close(&f->udp[i]);
}

static void forward_free(struct dns_forward *f)
{
	struct dns_forward **at = &f->w->buckets[bucket_of(&f->key)];

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	f->w->count--;
	sockets_close(f);
	dns_reply_finish(&f->failure);
	free(f);
}

void dns_forwarder_destroy(struct dns_forwarder *w)
{
	struct dns_forward *f;

	if (!w)
		return;
	while ((f = dns_forward_next(w, NULL)))
		forward_free(f);
	free(w);
}

struct dns_forward *dns_forward_next(struct dns_forwarder *w, struct dns_forward *f)
{
	uint32_t i = 0;

	if (f && f->next)
		return f->next;
	for (i = f ? bucket_of(&f->key) + 1 : 0; i < BUCKETS; i++)
		if (w->buckets[i])
			return w->buckets[i];
	return NULL;
}

struct dns_forward *dns_forward_find(struct dns_forwarder *w, const struct dns_forward_key *key)
{
	struct dns_forward *f;

	for (f = w->buckets[bucket_of(key)]; f; f = f->next)
		if (!f->check && f->key.variant == key->variant && f->key.dnssec == key->dnssec &&
		    f->key.checking_off == key->checking_off &&
		    dns_question_equal(&f->key.question, &key->question))
			return f;
	return NULL;
}

const struct dns_forward_key *dns_forward_key(const struct dns_forward *f)
{
	return &f->key;
}

struct dns_client **dns_forward_clients(struct dns_forward *f)
{
	return &f->clients;
}

/* Whose turn it is. */
static int current(const struct dns_forward *f)
{
	return f->attempt % f->resolvers.count;
}

static const struct address *resolver_of(const struct dns_forward *f)
{
	return &f->resolvers.list[current(f)];
}

static void over(struct dns_forward *f, const struct dns_reply *reply)
{
	sockets_close(f);
	f->w->done(f->w->ctx, f, reply);
	forward_free(f);
}

/* The next resolver; over when there is none. */
static void attempt_next(struct dns_forward *f)
{
	tcp_close(f);
	f->attempt++;
	f->plain = false;
	f->tcp = f->always_tcp;
	attempt_start(f);
}

/* The same one again, in another way. */
static void attempt_again(struct dns_forward *f)
{
	tcp_close(f);
	udp_close(&f->udp[current(f)]);
	attempt_start(f);
}

static bool is_answer(const struct dns_reply *reply)
{
	return reply->rcode == DNS_RCODE_NOERROR || reply->rcode == DNS_RCODE_NXDOMAIN;
}

/* What the one has said whose turn it is. Some answers are worth asking somebody else. */
static void take_reply(struct dns_forward *f, struct dns_reply *reply)
{
	if (f->check) {
		over(f, NULL);
		return;
	}
	if (reply->truncated && !f->tcp) {
		f->tcp = true;
		attempt_again(f);
		return;
	}
	if ((reply->rcode == DNS_RCODE_FORMERR || reply->rcode == DNS_RCODE_NOTIMP) && !f->plain) {
		f->plain = true;
		attempt_again(f);
		return;
	}
	if (is_answer(reply)) {
		over(f, reply);
		return;
	}
	f->failure.rcode = reply->rcode;
	udp_close(&f->udp[current(f)]);
	attempt_next(f);
}

/* From one that was passed over: an answer that ends it all, or nothing is lost. */
static void take_late(struct asked *u, struct dns_reply *reply)
{
	if (is_answer(reply) && !reply->truncated)
		over(u->f, reply);
	else
		udp_close(u);
}

/* True: it was the answer of this resolver, f may be gone. u NULL: by TCP. */
static bool take_message(struct dns_forward *f, struct asked *u, const uint8_t *message,
			 size_t size_bytes)
{
	int from = u ? u - f->udp : current(f);
	struct dns_reply reply;
	bool ours;

	dns_reply_init(&reply);
	ours = dns_reply_read(message, size_bytes, &f->key.question, u ? u->id : f->id, &reply);
	if (ours) {
		dns_resolver_answered(&f->w->resolvers, &f->resolvers.list[from]);
		if (u && (from != current(f) || f->tcp))
			take_late(u, &reply);
		else
			take_reply(f, &reply);
	}
	dns_reply_finish(&reply);
	return ours;
}

static void on_silence(struct loop_timer *timer)
{
	struct dns_forward *f = owner_of(timer, struct dns_forward, timer);

	if (f->check)
		dns_resolver_dead(&f->w->resolvers, resolver_of(f), time_boot_ms(),
				  DNS_RESOLVER_DEAD_MS);
	else
		check(f->w, resolver_of(f));
	attempt_next(f);
}

/* The kernel was told that nobody is there. */
static void lost(struct asked *u)
{
	struct dns_forward *f = u->f;
	int from = u - f->udp;

	dns_resolver_dead(&f->w->resolvers, &f->resolvers.list[from], time_boot_ms(),
			  DNS_RESOLVER_GONE_MS);
	udp_close(u);
	if (from == current(f) && !f->tcp)
		attempt_next(f);
}

/* Someone is guessing, and may try the other sockets too: by TCP from now on. */
static void guessed(struct dns_forward *f)
{
	int i;

	for (i = 0; i < f->resolvers.count; i++)
		udp_close(&f->udp[i]);
	f->always_tcp = true;
	if (f->tcp)
		return;
	f->tcp = true;
	attempt_start(f);
}

static void on_datagram(struct loop_source *source, unsigned events)
{
	struct asked *u = owner_of(source, struct asked, source);
	struct dns_forward *f = u->f;
	struct sockaddr_storage from;
	socklen_t from_size = sizeof(from);
	struct address sender;
	uint16_t port;
	ssize_t n;

	(void)events;
	for (;;) {
		n = recvfrom(source->fd, f->w->datagram, sizeof(f->w->datagram), 0,
			     (struct sockaddr *)&from, &from_size);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			lost(u);
			return;
		}
		/* Before connect(2) had its peer, the port was open to all for a moment. */
		if (address_of_socket(&from, &sender, &port) && port == f->w->port &&
		    address_equal(&sender, &f->resolvers.list[u - f->udp]) &&
		    take_message(f, u, f->w->datagram, n))
			return;
		if (++u->strangers == STRANGERS_MAX) {
			guessed(f);
			return;
		}
	}
}

static size_t question_write(const struct dns_forward *f, uint16_t id, bool plain, uint8_t *out)
{
	return dns_query_write(&f->key.question, id, f->key.checking_off, !plain, f->key.dnssec,
			       out);
}

/* Connected: the whole question fits into an empty socket buffer. */
static int tcp_send(struct dns_forward *f)
{
	uint8_t out[2 + DNS_QUERY_MAX];
	size_t size = question_write(f, f->id, f->plain, out + 2);

	out[0] = size >> 8;
	out[1] = size;
	if (send(f->source.fd, out, 2 + size, MSG_NOSIGNAL) != (ssize_t)(2 + size))
		return -1;
	f->sent = true;
	f->in = malloc(2 + DNS_MESSAGE_MAX);
	if (!f->in)
		abort();
	f->in_bytes = 0;
	return loop_change(&f->source, LOOP_READ, NULL);
}

/* 1 = the answer came, 0 = more to come, -1 = it will not. */
static int tcp_receive(struct dns_forward *f)
{
	size_t wanted;
	ssize_t n;

	for (;;) {
		wanted = f->in_bytes < 2 ? 2 : 2 + ((size_t)f->in[0] << 8 | f->in[1]);
		if (f->in_bytes >= 2 && f->in_bytes == wanted)
			return take_message(f, NULL, f->in + 2, wanted - 2) ? 1 : -1;
		n = recv(f->source.fd, f->in + f->in_bytes, wanted - f->in_bytes, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -1;
		f->in_bytes += n;
	}
}

static void on_tcp(struct loop_source *source, unsigned events)
{
	struct dns_forward *f = owner_of(source, struct dns_forward, source);
	int error = 0;
	socklen_t size = sizeof(error);

	if (!f->sent) {
		/* Neither writable nor failed: the kernel wakes us for an ICMP error before it says
		 * which one. */
		if (getsockopt(f->source.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error ||
		    (events & LOOP_WRITE && tcp_send(f) < 0))
			attempt_next(f);
		return;
	}
	if (events & (LOOP_READ | LOOP_HANGUP) && tcp_receive(f) < 0)
		attempt_next(f);
}

/* Connects; the id of what is asked by it, or -1. */
static int socket_open(struct dns_forward *f, struct loop_source *source, int type, uint16_t *id)
{
	const struct address *to = resolver_of(f);
	struct sockaddr_storage address;

	source->fd = socket(to->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (source->fd < 0)
		return -1;
	if (getrandom(id, sizeof(*id), 0) != sizeof(*id))
		abort();
	if (connect(source->fd, (struct sockaddr *)&address,
		    address_to_socket(to, f->w->port, &address)) < 0 &&
	    errno != EINPROGRESS)
		return -1;
	source->on_event = type == SOCK_STREAM ? on_tcp : on_datagram;
	return loop_add(f->w->loop, source, type == SOCK_STREAM ? LOOP_WRITE : LOOP_READ, NULL);
}

static int udp_ask(struct dns_forward *f)
{
	struct asked *u = &f->udp[current(f)];
	uint8_t out[DNS_QUERY_MAX];
	size_t size;

	if (u->source.fd < 0) {
		u->f = f;
		u->strangers = 0;
		u->plain = f->plain;
		if (socket_open(f, &u->source, SOCK_DGRAM, &u->id) < 0)
			return -1;
	}
	size = question_write(f, u->id, u->plain, out);
	return send(u->source.fd, out, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

/* -1: this resolver cannot be asked now. Local causes say nothing about it. */
static int attempt_socket(struct dns_forward *f)
{
	if (!f->tcp)
		return udp_ask(f);
	f->sent = false;
	return socket_open(f, &f->source, SOCK_STREAM, &f->id);
}

static bool all_dead(struct dns_forward *f)
{
	uint64_t now_ms = time_boot_ms();
	int i;

	for (i = 0; i < f->resolvers.count; i++)
		if (dns_resolver_alive(&f->w->resolvers, &f->resolvers.list[i], now_ms))
			return false;
	return true;
}

/* Asks the resolver whose turn it is, or the next one that can be asked; false when none can. */
static bool attempt_try(struct dns_forward *f)
{
	for (; f->attempt < f->attempts; f->attempt++, f->plain = false) {
		if (!f->check && all_dead(f))
			return false;
		f->tcp |= f->always_tcp;
		if (attempt_socket(f) == 0) {
			loop_timer_set(f->w->loop, &f->timer,
				       f->check ? CHECK_MS
				       : f->tcp ? TCP_MS
						: UDP_MS);
			return true;
		}
		tcp_close(f);
		udp_close(&f->udp[current(f)]);
		f->tcp = f->always_tcp;
	}
	return false;
}

static void attempt_start(struct dns_forward *f)
{
	if (!attempt_try(f))
		over(f, f->failure.rcode != DNS_RCODE_NOERROR ? &f->failure : NULL);
}

static struct dns_forward *forward_create(struct dns_forwarder *w,
					  const struct dns_forward_key *key,
					  const struct dns_resolvers *resolvers)
{
	struct dns_forward *f = calloc(1, sizeof(*f));
	int i;

	if (!f)
		abort();
	f->w = w;
	f->key = *key;
	dns_name_lower(&f->key.question.name);
	f->resolvers = *resolvers;
	f->source.fd = -1;
	for (i = 0; i < DNS_RESOLVERS_MAX; i++)
		f->udp[i].source.fd = -1;
	f->timer.on_time = on_silence;
	f->attempts = resolvers->count > ATTEMPTS_LEAST ? resolvers->count : ATTEMPTS_LEAST;
	dns_reply_init(&f->failure);
	f->next = w->buckets[bucket_of(&f->key)];
	w->buckets[bucket_of(&f->key)] = f;
	w->count++;
	return f;
}

/* Asks it for the root's servers, which is over when it answers anything at all. */
static void check(struct dns_forwarder *w, const struct address *resolver)
{
	struct dns_resolvers only = { .list = { *resolver }, .count = 1 };
	struct dns_forward_key key = { .question = { .type = DNS_TYPE_NS,
						     .class = DNS_CLASS_IN } };
	struct dns_forward *f;

	if (w->count >= FORWARDS_AND_CHECKS_MAX ||
	    !dns_resolver_check(&w->resolvers, resolver, time_boot_ms()))
		return;
	dns_name_parse("", &key.question.name);
	f = forward_create(w, &key, &only);
	f->check = true;
	f->attempts = 1;
	if (!attempt_try(f))
		forward_free(f);
}

int dns_forward_room(const struct dns_forwarder *w)
{
	return w->count < DNS_FORWARD_MAX ? DNS_FORWARD_MAX - w->count : 0;
}

struct dns_forward *dns_forward_start(struct dns_forwarder *w, const struct dns_forward_key *key,
				      const struct dns_resolvers *resolvers, bool by_tcp)
{
	struct dns_forward *f;
	int i;

	if (resolvers->count == 0 || dns_forward_room(w) == 0)
		return NULL;
	f = forward_create(w, key, resolvers);
	f->always_tcp = f->tcp = by_tcp;
	dns_resolver_order(&w->resolvers, f->resolvers.list, f->resolvers.count, time_boot_ms());
	if (attempt_try(f))
		return f;
	for (i = 0; i < f->resolvers.count; i++)
		check(w, &f->resolvers.list[i]);
	forward_free(f);
	return NULL;
}
