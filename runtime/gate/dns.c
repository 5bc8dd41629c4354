#include "gate/dns.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "gate/address.h"
#include "gate/dns_cache.h"
#include "gate/dns_forward.h"
#include "gate/dns_log.h"
#include "gate/dns_member.h"
#include "gate/dns_names.h"
#include "gate/dns_records.h"
#include "gate/dns_zones.h"
#include "lib/err.h"
#include "lib/str.h"
#include "lib/time.h"

enum {
	ASKER_BUCKETS = 256,
	ASKER_CLIENTS_MAX = 128,	/* a quarter of what can be on its way at all */
	CHAIN_MAX = 16,			/* aliases that are followed for the policy */
	LEARN_LEAST_MS = 30000,	/* a client takes a while from the answer to its connection */
	PORT = 53,
};

/* A container as one who asks. */
struct dns_asker {
	struct dns_asker *next;
	char *container;		/* NULL: of those that are nobody's */
	int clients;			/* that wait */
	struct dns_resolvers resolvers;	/* its own; count 0: the network's */
	uint32_t variant;		/* of the cache: whose resolvers */
	uint8_t told;			/* of each of them, that it may not be asked */
};

_Static_assert(DNS_RESOLVERS_MAX <= 8, "a bit of dns_asker.told for each");

struct dns {
	struct dns_hooks hooks;
	bool internal;
	struct dns_zones *zones;
	struct dns_cache *cache;
	struct dns_forwarder *forwarder;
	struct dns_log *log;
	struct dns_resolvers resolvers;
	uint32_t seed;
	struct dns_asker nobody;
	struct dns_asker *askers[ASKER_BUCKETS];
	uint8_t out[DNS_MESSAGE_MAX];
};

static dns_forward_done_fn on_forwarded;

struct dns *dns_create(struct loop *loop, const struct dns_hooks *hooks)
{
	struct dns *d = calloc(1, sizeof(*d));

	if (!d || getrandom(&d->seed, sizeof(d->seed), 0) != sizeof(d->seed))
		abort();
	d->hooks = *hooks;
	d->zones = dns_zones_create(d->seed);
	d->cache = dns_cache_create(d->seed);
	d->log = dns_log_create(loop, DNS_LOG_INTERVAL_MS);
	d->forwarder = dns_forwarder_create(
		loop, hooks->resolver_port ? hooks->resolver_port : PORT, on_forwarded, d);
	return d;
}

void dns_destroy(struct dns *d)
{
	struct dns_forward *f = NULL;
	struct dns_client *client;
	struct dns_asker *asker;
	int i;

	if (!d)
		return;
	while ((f = dns_forward_next(d->forwarder, f)))
		for (client = *dns_forward_clients(f); client; client = client->next)
			client->asked = NULL;
	dns_forwarder_destroy(d->forwarder);
	dns_cache_destroy(d->cache);
	dns_log_destroy(d->log);
	dns_zones_destroy(d->zones);
	for (i = 0; i < ASKER_BUCKETS; i++) {
		while ((asker = d->askers[i])) {
			d->askers[i] = asker->next;
			free(asker->container);
			free(asker);
		}
	}
	free(d);
}

void dns_set_network(struct dns *d, bool internal, const char *search,
		     const struct address *gateways, int gateway_count,
		     const struct subnet *subnets, int subnet_count)
{
	d->internal = internal;
	dns_names_set_network(dns_zones_own(d->zones), search, gateways, gateway_count, subnets,
			      subnet_count);
}

/* Each once: else two questions to it are open at once, and a guess hits either. */
static void copy_resolvers(struct dns_resolvers *to, const struct address *list, int count)
{
	int i, at;

	to->count = 0;
	for (i = 0; i < count && to->count < DNS_RESOLVERS_MAX; i++) {
		for (at = 0; at < to->count && !address_equal(&to->list[at], &list[i]);)
			at++;
		if (at == to->count)
			to->list[to->count++] = list[i];
	}
}

void dns_set_resolvers(struct dns *d, const struct address *resolvers, int count)
{
	/* Another network outside may mean other answers to the same questions. */
	dns_cache_clear(d->cache);
	copy_resolvers(&d->resolvers, resolvers, count);
}

/* ---- who asks */

static struct dns_asker **asker_at(struct dns *d, const char *container)
{
	struct dns_asker **at;
	uint32_t hash;

	hash = dns_name_hash((const uint8_t *)container, strlen(container), d->seed);
	for (at = &d->askers[hash % ASKER_BUCKETS]; *at; at = &(*at)->next)
		if (str_equal((*at)->container, container))
			break;
	return at;
}

static struct dns_asker *asker_of(struct dns *d, const char *container)
{
	struct dns_asker *asker = container ? *asker_at(d, container) : NULL;

	return asker ? asker : &d->nobody;
}

int dns_set_member(struct dns *d, const struct dns_member *m, struct err *e)
{
	struct dns_asker **at = asker_at(d, m->container);

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			abort();
		(*at)->container = strdup(m->container);
		if (!(*at)->container)
			abort();
	}
	return dns_names_set_member(dns_zones_own(d->zones), m, e);
}

void dns_set_member_resolvers(struct dns *d, const char *container,
			      const struct address *resolvers, int count)
{
	struct dns_asker *asker = *asker_at(d, container);
	uint32_t before;

	if (!asker)
		return;
	before = asker->variant;
	copy_resolvers(&asker->resolvers, resolvers, count);
	asker->variant = count > 0 ? dns_name_hash((const uint8_t *)asker->resolvers.list,
						   asker->resolvers.count * sizeof(*resolvers),
						   d->seed) | 1
				   : 0;
	if (asker->variant != before)
		asker->told = 0;
}

int dns_set_neighbour(struct dns *d, const char *network, const struct subnet *subnets,
		      int subnet_count, struct err *e)
{
	return dns_zones_set_neighbour(d->zones, network, subnets, subnet_count, e);
}

void dns_remove_neighbour(struct dns *d, const char *network)
{
	dns_zones_remove_neighbour(d->zones, network);
}

int dns_set_peer(struct dns *d, const char *network, const struct dns_member *m, struct err *e)
{
	return dns_zones_set_peer(d->zones, network, m, e);
}

void dns_remove_peer(struct dns *d, const char *network, const char *container)
{
	dns_zones_remove_peer(d->zones, network, container);
}

/* ---- answering */

static void log_question(struct dns *d, const struct dns_client *client,
			 const struct dns_reply *reply, const char *from)
{
	const char *container = client->asker->container;

	if (d->hooks.logs && d->hooks.logs(d->hooks.ctx, container))
		dns_log_question(d->log, container, &client->query.question, from, reply);
}

/* A record that was kept for age_s already lives so much shorter. */
static uint64_t learnt_ms(uint32_t ttl_s, uint32_t age_s)
{
	uint64_t ms;

	if (ttl_s > DNS_TTL_MOST_S)
		ttl_s = DNS_TTL_MOST_S;
	ms = ttl_s > age_s ? 1000ull * (ttl_s - age_s) : 0;
	return ms > LEARN_LEAST_MS ? ms : LEARN_LEAST_MS;
}

/* Gives the addresses of one name of the chain; the name that it is an alias of, or false. */
static bool learn_name(struct dns *d, const char *container, const char *asked,
		       const struct dns_reply *reply, uint32_t age_s, struct dns_name *name)
{
	uint64_t now_ms = time_boot_ms();
	struct dns_record r;
	struct dns_name target;
	struct address a;
	bool alias = false;
	size_t at = 0, from = 0;

	while (dns_records_next(&reply->records, &at, &r)) {
		if (r.section != DNS_ANSWER || !dns_name_equal(&r.name, name))
			continue;
		if (r.type == DNS_TYPE_CNAME && !alias) {
			from = 0;
			alias = dns_name_read(r.data, r.data_bytes, &from, &target);
		}
		if (r.type != DNS_TYPE_A && r.type != DNS_TYPE_AAAA)
			continue;
		a = address_of_bytes(r.data, r.data_bytes);
		d->hooks.on_address(d->hooks.ctx, container, asked, &a,
				    now_ms + learnt_ms(r.ttl, age_s));
	}
	if (alias)
		*name = target;
	return alias;
}

/* Only what hangs on the name that was asked: other records in the answer prove nothing. */
static void learn(struct dns *d, const struct dns_client *client, const struct dns_reply *reply,
		  uint32_t age_s)
{
	struct dns_name name = client->query.question.name;
	char asked[DNS_NAME_TEXT_BYTES];
	int i;

	if (!d->hooks.on_address || reply->rcode != DNS_RCODE_NOERROR)
		return;
	dns_name_print(&name, asked);
	for (i = 0; i < CHAIN_MAX; i++)
		if (!learn_name(d, client->asker->container, asked, reply, age_s, &name))
			return;
}

static void answer(struct dns *d, struct dns_client *client, const struct dns_reply *reply,
		   uint32_t age_s, const char *from)
{
	size_t max = client->tcp ? DNS_MESSAGE_MAX : client->query.udp_max, size;

	log_question(d, client, reply, from);
	size = dns_reply_write(reply, &client->query, age_s, d->out, max);
	client->on_answer(client, d->out, size);
}

static void answer_rcode(struct dns *d, struct dns_client *client, enum dns_rcode rcode,
			 const char *from)
{
	struct dns_reply reply;

	dns_reply_init(&reply);
	reply.rcode = rcode;
	answer(d, client, &reply, 0, from);
	dns_reply_finish(&reply);
}

/* ---- forwarding */

void dns_forget(struct dns_client *client)
{
	struct dns_client **at;

	if (!client->asked)
		return;
	for (at = dns_forward_clients(client->asked); *at != client;)
		at = &(*at)->next;
	*at = client->next;
	client->asked = NULL;
	client->asker->clients--;
}

static void on_forwarded(void *ctx, struct dns_forward *f, const struct dns_reply *reply)
{
	const struct dns_forward_key *key = dns_forward_key(f);
	struct dns_client *client;
	struct dns *d = ctx;

	/* Without the signatures that were asked for: it may be asked with EDNS again soon. */
	if (reply && (reply->edns || !key->dnssec))
		dns_cache_put(d->cache, &key->question, key->variant, reply, time_boot_ms());
	/* NULL: nobody answered, or it was a check of a resolver that nobody waits for. */
	while ((client = *dns_forward_clients(f))) {
		dns_forget(client);
		if (reply) {
			learn(d, client, reply, 0);
			answer(d, client, reply, 0, "resolver");
		} else {
			answer_rcode(d, client, DNS_RCODE_SERVFAIL, "nobody");
		}
	}
}

void dns_remove_member(struct dns *d, const char *container)
{
	struct dns_asker **at = asker_at(d, container), *asker = *at;
	struct dns_forward *f = NULL;
	struct dns_client *client;

	dns_names_remove_member(dns_zones_own(d->zones), container);
	if (!asker)
		return;
	/* A client that is answered may take others with it: begin again after each. */
	while (asker->clients > 0 && (f = dns_forward_next(d->forwarder, f))) {
		for (client = *dns_forward_clients(f); client && client->asker != asker;)
			client = client->next;
		if (client) {
			dns_forget(client);
			answer_rcode(d, client, DNS_RCODE_SERVFAIL, "nobody");
			f = NULL;
		}
	}
	*at = asker->next;
	free(asker->container);
	free(asker);
}

static bool may_ask(struct dns *d, struct dns_asker *asker, int i)
{
	const struct address *resolver = &asker->resolvers.list[i];

	if (!d->hooks.may_ask || d->hooks.may_ask(d->hooks.ctx, asker->container, resolver))
		return true;
	if (d->hooks.on_unasked && !(asker->told & 1 << i))
		d->hooks.on_unasked(d->hooks.ctx, asker->container, resolver);
	asker->told |= (uint8_t)(1 << i);
	return false;
}

/* Whom this container's questions go to: its own resolvers, as far as it may reach them. */
static void resolvers_of(struct dns *d, struct dns_asker *asker, struct dns_resolvers *out)
{
	int i;

	if (asker->resolvers.count == 0) {
		*out = d->resolvers;
		return;
	}
	out->count = 0;
	for (i = 0; i < asker->resolvers.count; i++)
		if (may_ask(d, asker, i))
			out->list[out->count++] = asker->resolvers.list[i];
}

static void forward(struct dns *d, struct dns_client *client, const struct dns_forward_key *key)
{
	struct dns_resolvers resolvers;
	struct dns_forward *f = NULL;

	resolvers_of(d, client->asker, &resolvers);
	/* No more than there is room for: the same share as in the flow table (flow.h). */
	if (client->asker->clients < ASKER_CLIENTS_MAX &&
	    client->asker->clients < dns_forward_room(d->forwarder)) {
		f = dns_forward_find(d->forwarder, key);
		if (!f)
			f = dns_forward_start(d->forwarder, key, &resolvers, client->tcp);
	}
	if (!f) {
		answer_rcode(d, client, DNS_RCODE_SERVFAIL, "nobody");
		return;
	}
	client->asked = f;
	client->next = *dns_forward_clients(f);
	*dns_forward_clients(f) = client;
	client->asker->clients++;
}

/* Not a name of ours: from the cache, or from outside. */
static void ask_outside(struct dns *d, struct dns_client *client)
{
	const struct dns_query *q = &client->query;
	struct dns_forward_key key = { .question = q->question,
				       .checking_off = q->checking_off,
				       .dnssec = q->dnssec };
	const struct dns_reply *reply;
	uint32_t age_s;

	key.variant = client->asker->variant << 2 | q->checking_off << 1 | q->dnssec;
	if (d->internal) {
		answer_rcode(d, client, DNS_RCODE_NXDOMAIN, "internal");
		return;
	}
	if (d->hooks.may_name &&
	    !d->hooks.may_name(d->hooks.ctx, client->asker->container, &q->question.name)) {
		answer_rcode(d, client, DNS_RCODE_REFUSED, "policy");
		return;
	}
	reply = dns_cache_get(d->cache, &q->question, key.variant, time_boot_ms(), &age_s);
	if (reply) {
		learn(d, client, reply, age_s);
		answer(d, client, reply, age_s, "cache");
		return;
	}
	if (d->hooks.on_question)
		d->hooks.on_question(d->hooks.ctx, client->asker->container, true);
	forward(d, client, &key);
}

void dns_ask(struct dns *d, struct dns_client *client, const void *message, size_t size_bytes)
{
	enum dns_rcode rcode = dns_query_read(message, size_bytes, &client->query);
	struct dns_reply reply;

	client->asked = NULL;
	client->asker = asker_of(d, client->container);
	if (rcode == DNS_RCODE_DROP) {
		client->on_answer(client, NULL, 0);
		return;
	}
	if (d->hooks.on_question)
		d->hooks.on_question(d->hooks.ctx, client->asker->container, false);
	if (rcode != DNS_RCODE_NOERROR) {
		answer_rcode(d, client, rcode, "gateway");
		return;
	}
	dns_reply_init(&reply);
	if (dns_zones_answer(d->zones, client->asker->container, &client->query.question, &reply))
		answer(d, client, &reply, 0, "names");
	else
		ask_outside(d, client);
	dns_reply_finish(&reply);
}
