#include "gate/dns_forward.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/dns_records.h"
#include "gate/dns_resolver.h"
#include "gate/dns_stream.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/time.h"

enum {
	BUCKETS = 512,
	UDP_MS = 1500,
	TCP_MS = 3000,
	CHECK_MS = 500,		/* twice: one lost datagram is no reason to do without EDNS */
	CHECK_PLAIN_MS = 1900,	/* over before the attempts of one resolver alone */
	CHECK_ATTEMPTS = 3,	/* the last one without EDNS */
	ATTEMPTS_LEAST = 3,	/* of one resolver alone: sent again twice */
	FORWARDS_AND_CHECKS_MAX = DNS_FORWARD_MAX + 64,
	STRANGERS_MAX = 16,	/* datagrams that are not the answer: someone is guessing */
};

/* A resolver as this question has asked it. Its socket stays open when others are asked: an answer
 * that is late counts, and the question is sent again from the same port with the same id, so that
 * who guesses has no more to hit. */
struct asked {
	struct dns_forward *f;
	struct loop_source source;	/* UDP; fd -1: not asked */
	int strangers;
	uint16_t id;
	bool cut, plain;	/* it has said: ask by TCP; without EDNS */
	bool owed;		/* ... but late: its turn is to come */
	bool silent;		/* it was asked with EDNS, by either way, and has said nothing */
};

struct dns_forward {
	struct dns_forwarder *w;
	struct dns_forward *next;	/* of the bucket */
	struct dns_forward_key key;
	struct dns_resolvers resolvers;
	struct dns_client *clients;
	struct asked udp[DNS_RESOLVERS_MAX];
	struct dns_stream stream;	/* TCP */
	struct loop_timer timer;
	int attempt, attempts;		/* attempt: those that were made */
	int turn;			/* the resolver that is asked now */
	uint16_t id;			/* TCP */
	bool tcp, always_tcp;
	bool check;			/* of a resolver: nobody's question */
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

static void attempt_next(struct dns_forward *f);
static bool attempt_make(struct dns_forward *f);
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

static void sockets_close(struct dns_forward *f)
{
	int i;

	loop_timer_off(&f->timer);
	dns_stream_close(&f->stream);
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

static const struct address *resolver_of(const struct dns_forward *f)
{
	return &f->resolvers.list[f->turn];
}

static bool check_is_plain(const struct dns_forward *f)
{
	return f->attempt == CHECK_ATTEMPTS;
}

static void over(struct dns_forward *f, const struct dns_reply *reply)
{
	sockets_close(f);
	f->w->done(f->w->ctx, f, reply);
	forward_free(f);
}

/* The same one again, in another way. */
static void attempt_again(struct dns_forward *f)
{
	udp_close(&f->udp[f->turn]);
	if (!attempt_make(f))
		attempt_next(f);
}

static bool is_answer(const struct dns_reply *reply)
{
	return reply->rcode == DNS_RCODE_NOERROR || reply->rcode == DNS_RCODE_NXDOMAIN;
}

/* Does it say that it wants to be asked in another way, in which it was not? */
static bool says_how(struct asked *u, const struct dns_reply *reply, bool by_tcp)
{
	bool cut = reply->truncated && !by_tcp;
	bool plain = (reply->rcode == DNS_RCODE_FORMERR || reply->rcode == DNS_RCODE_NOTIMP) &&
		     !u->plain;

	u->cut |= cut;
	u->plain |= plain;
	return cut || plain;
}

/* What the one has said whose turn it is. Some answers are worth asking somebody else. */
static void take_reply(struct dns_forward *f, struct dns_reply *reply)
{
	if (f->check) {
		/* Who knows EDNS says so in his answer (RFC 6891 6.1.1), even if that is late. */
		dns_resolver_set_plain(&f->w->resolvers, resolver_of(f),
				       check_is_plain(f) && !f->tcp && !reply->edns,
				       time_boot_ms());
		over(f, NULL);
		return;
	}
	if (says_how(&f->udp[f->turn], reply, f->tcp)) {
		attempt_again(f);
		return;
	}
	if (is_answer(reply)) {
		over(f, reply);
		return;
	}
	f->failure.rcode = reply->rcode;
	udp_close(&f->udp[f->turn]);
	attempt_next(f);
}

/* From one that was passed over: an answer that ends it all, or it waits for another turn. */
static void take_late(struct asked *u, struct dns_reply *reply)
{
	if (is_answer(reply) && !reply->truncated) {
		over(u->f, reply);
		return;
	}
	u->owed = says_how(u, reply, false);
	udp_close(u);
}

/* True: it was the answer of this resolver, f may be gone. u NULL: by TCP. */
static bool take_message(struct dns_forward *f, struct asked *u, const uint8_t *message,
			 size_t size_bytes)
{
	int from = u ? u - f->udp : f->turn;
	struct dns_reply reply;
	bool ours;

	dns_reply_init(&reply);
	ours = dns_reply_read(message, size_bytes, &f->key.question, u ? u->id : f->id, &reply);
	if (ours) {
		f->udp[from].silent = false;
		dns_resolver_answered(&f->w->resolvers, &f->resolvers.list[from]);
		if (u && (from != f->turn || f->tcp))
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

	if (!f->check)
		check(f->w, resolver_of(f));
	else if (check_is_plain(f))
		dns_resolver_dead(&f->w->resolvers, resolver_of(f), time_boot_ms(),
				  DNS_RESOLVER_DEAD_MS);
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
	/* A check: only who was silent twice is asked without EDNS. */
	if (f->check)
		over(f, NULL);
	else if (from == f->turn && !f->tcp)
		attempt_next(f);
}

/* Someone is guessing, and may try the other sockets too: by TCP from now on. */
static void guessed(struct dns_forward *f)
{
	int i;

	for (i = 0; i < f->resolvers.count; i++)
		udp_close(&f->udp[i]);
	f->always_tcp = true;
	if (!f->tcp)
		attempt_again(f);
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

static void on_stream(struct dns_stream *s, const uint8_t *message, size_t size_bytes)
{
	struct dns_forward *f = owner_of(s, struct dns_forward, stream);

	if (!message || !take_message(f, NULL, message, size_bytes))
		attempt_next(f);
}

/* Without EDNS: this one has said so, or was found to say nothing to who asks with it. */
static bool is_plain(struct dns_forward *f)
{
	uint64_t now_ms = time_boot_ms();

	if (f->check)
		return check_is_plain(f);
	if (dns_resolver_plain_is_old(&f->w->resolvers, resolver_of(f), now_ms))
		check(f->w, resolver_of(f));
	return f->udp[f->turn].plain || dns_resolver_plain(&f->w->resolvers, resolver_of(f));
}

static size_t question_write(struct dns_forward *f, uint16_t id, uint8_t *out)
{
	bool plain = is_plain(f);

	f->udp[f->turn].silent = !plain;
	return dns_query_write(&f->key.question, id, f->key.checking_off, !plain, f->key.dnssec,
			       out);
}

static uint16_t random_id(void)
{
	uint16_t id;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		abort();
	return id;
}

static int udp_open(struct asked *u, const struct address *to)
{
	struct sockaddr_storage address;

	u->strangers = 0;
	u->id = random_id();
	u->source.on_event = on_datagram;
	u->source.fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (u->source.fd < 0 || connect(u->source.fd, (struct sockaddr *)&address,
					address_to_socket(to, u->f->w->port, &address)) < 0)
		return -1;
	return loop_add(u->f->w->loop, &u->source, LOOP_READ, NULL);
}

/* -1: this resolver cannot be asked now. Local causes say nothing about it. */
static int send_question(struct dns_forward *f)
{
	struct asked *u = &f->udp[f->turn];
	uint8_t out[DNS_QUERY_MAX];
	size_t size;

	if (f->tcp) {
		f->id = random_id();
		size = question_write(f, f->id, out);
		return dns_stream_ask(&f->stream, f->w->loop, resolver_of(f), f->w->port, out,
				      size);
	}
	if (u->source.fd < 0 && udp_open(u, resolver_of(f)) < 0)
		return -1;
	size = question_write(f, u->id, out);
	return send(u->source.fd, out, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
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

/* Asks the resolver whose turn it is; false when it cannot be asked. */
static bool attempt_make(struct dns_forward *f)
{
	dns_stream_close(&f->stream);
	if (!f->check && all_dead(f))
		return false;
	f->tcp = f->always_tcp || f->udp[f->turn].cut;
	if (send_question(f) < 0) {
		udp_close(&f->udp[f->turn]);
		return false;
	}
	loop_timer_set(f->w->loop, &f->timer,
		       f->check && !check_is_plain(f) ? CHECK_MS
		       : f->check		      ? CHECK_PLAIN_MS
		       : f->tcp			      ? TCP_MS
						      : UDP_MS);
	return true;
}

/* Who could say more now than when he was asked: asked in the way that he wants. */
static bool is_owed(struct dns_forward *f, int i)
{
	return f->udp[i].owed || (f->udp[i].silent && !f->check &&
				  dns_resolver_plain(&f->w->resolvers, &f->resolvers.list[i]));
}

/* Such a one, or else the next in order; false: all had their turns. */
static bool turn_next(struct dns_forward *f)
{
	int i;

	for (i = 0; i < f->resolvers.count; i++) {
		if (!is_owed(f, i))
			continue;
		f->udp[i].owed = f->udp[i].silent = false;
		f->turn = i;
		return true;
	}
	f->turn = f->attempt % f->resolvers.count;
	return f->attempt++ < f->attempts;
}

static bool attempt_try(struct dns_forward *f)
{
	while (turn_next(f))
		if (attempt_make(f))
			return true;
	return false;
}

/* The next resolver; over when there is none. */
static void attempt_next(struct dns_forward *f)
{
	dns_stream_close(&f->stream);
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
	dns_stream_init(&f->stream, on_stream);
	for (i = 0; i < DNS_RESOLVERS_MAX; i++) {
		f->udp[i].f = f;
		f->udp[i].source.fd = -1;
	}
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
	f->attempts = CHECK_ATTEMPTS;
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
