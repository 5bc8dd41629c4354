#include "gate/policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "gate/address.h"
#include "gate/dns_name.h"
#include "lib/array.h"
#include "lib/err.h"
#include "wire/policy_line.h"

enum {
	RULES_MAX = 4096, /* x ~300 bytes, only what stands there; netd takes 16 KiB of text */
	RESOLVERS_MAX = 4,
	LEARNT_SETS = 256, /* x 4 x 40 bytes: 40 KiB, for policies with names alone */
	LEARNT_WAYS = 4,
};

struct rule {
	bool allow;
	enum policy_line_where where;
	bool below;		/* of a name: `*.`, those below it */
	uint8_t protocol;	/* 0 = all */
	uint16_t port, port_last;
	struct subnet subnet;
	struct dns_name name;
};

struct host_ports {
	uint8_t protocol;	/* 0 = both */
	uint16_t port, port_last;
};

/* An address that a name of a rule stands for. */
struct learnt {
	struct address address;
	uint32_t rule;
	uint64_t until_ms;	/* 0 = free */
};

struct policy {
	char *text;
	struct rule *rules;
	int rule_count;
	struct host_ports *host;
	int host_count;
	bool has_allow, dns_log, dns_allowed_only;
	uint64_t rate_bits;
	struct address resolvers[RESOLVERS_MAX];
	int resolver_count;
	struct learnt (*learnt)[LEARNT_WAYS];	/* LEARNT_SETS, or NULL without names */
};

/* ---- reading */

static void *grown(void *rows, int count, size_t row_bytes)
{
	void *more = rows;

	/* Doubles at each power of two. */
	if ((count & (count - 1)) == 0)
		more = realloc(rows, (count ? 2 * (size_t)count : 1) * row_bytes);
	if (!more)
		abort();
	return more;
}

static int add_rule(struct policy *p, const struct policy_line *l, struct err *e)
{
	struct rule r = { .allow = l->word == POLICY_LINE_ALLOW,
			  .where = l->where,
			  .below = l->below,
			  .protocol = l->protocol,
			  .port = l->port,
			  .port_last = l->port_last,
			  .subnet = l->subnet };

	if (r.where == POLICY_LINE_NAME && !dns_name_parse(l->name, &r.name))
		return err_set(e, "%s is neither a subnet nor a name", l->name);
	if (p->rule_count == RULES_MAX)
		return err_set(e, "more than %d rules", RULES_MAX);
	p->rules = grown(p->rules, p->rule_count, sizeof(*p->rules));
	p->rules[p->rule_count++] = r;
	p->has_allow |= r.allow;
	if (r.where == POLICY_LINE_NAME && !p->learnt) {
		p->learnt = calloc(LEARNT_SETS, sizeof(*p->learnt));
		if (!p->learnt)
			abort();
	}
	return 0;
}

static int add_host(struct policy *p, const struct policy_line *l, struct err *e)
{
	if (p->host_count == RULES_MAX)
		return err_set(e, "more than %d rules", RULES_MAX);
	p->host = grown(p->host, p->host_count, sizeof(*p->host));
	p->host[p->host_count++] = (struct host_ports){ l->protocol, l->port, l->port_last };
	return 0;
}

static int add_resolver(struct policy *p, const struct policy_line *l, struct err *e)
{
	if (p->resolver_count == RESOLVERS_MAX)
		return err_set(e, "more than %d resolvers", RESOLVERS_MAX);
	p->resolvers[p->resolver_count++] = l->resolver;
	return 0;
}

static int add_line(struct policy *p, const char *text, size_t size, struct err *e)
{
	struct policy_line l;

	if (policy_line_read(text, size, &l, e) < 0)
		return -1;
	switch (l.word) {
	case POLICY_LINE_NOTHING: return 0;
	case POLICY_LINE_ALLOW:
	case POLICY_LINE_DENY: return add_rule(p, &l, e);
	case POLICY_LINE_ALLOW_HOST: return add_host(p, &l, e);
	case POLICY_LINE_RATE: p->rate_bits = l.rate_bits; return 0;
	case POLICY_LINE_DNS_LOG: p->dns_log = true; return 0;
	case POLICY_LINE_DNS_ALLOWED_ONLY: p->dns_allowed_only = true; return 0;
	case POLICY_LINE_RESOLVER: return add_resolver(p, &l, e);
	}
	return 0;
}

struct policy *policy_create(const char *text, struct err *e)
{
	struct policy *p = calloc(1, sizeof(*p));
	size_t length;
	int number;

	if (!p || !(p->text = strdup(text)))
		abort();
	for (number = 1; *text; number++) {
		length = strcspn(text, "\n;");
		if (add_line(p, text, length, e) < 0) {
			err_add(e, "policy line %d", number);
			policy_destroy(p);
			return NULL;
		}
		text += length + (text[length] != '\0');
	}
	return p;
}

void policy_destroy(struct policy *p)
{
	if (!p)
		return;
	free(p->text);
	free(p->rules);
	free(p->host);
	free(p->learnt);
	free(p);
}

const char *policy_text(const struct policy *p)
{
	return p->text;
}

/* ---- names */

static struct learnt *learnt_set(const struct policy *p, const struct address *a, uint32_t rule)
{
	return p->learnt[dns_name_hash(a->bytes, sizeof(a->bytes), rule) % LEARNT_SETS];
}

static bool learnt_has(const struct policy *p, const struct address *a, uint32_t rule,
		       uint64_t now_ms)
{
	const struct learnt *set = learnt_set(p, a, rule);
	int i;

	for (i = 0; i < LEARNT_WAYS; i++)
		if (set[i].until_ms > now_ms && set[i].rule == rule &&
		    address_equal(&set[i].address, a))
			return true;
	return false;
}

/* Takes its own place again, or the one that ends first. */
static void learnt_add(struct policy *p, const struct address *a, uint32_t rule, uint64_t until_ms)
{
	struct learnt *set = learnt_set(p, a, rule), *place = set;
	int i;

	for (i = 0; i < LEARNT_WAYS; i++) {
		if (set[i].until_ms && set[i].rule == rule && address_equal(&set[i].address, a)) {
			if (set[i].until_ms < until_ms)
				set[i].until_ms = until_ms;
			return;
		}
		if (set[i].until_ms < place->until_ms)
			place = &set[i];
	}
	*place = (struct learnt){ .address = *a, .rule = rule, .until_ms = until_ms };
}

static bool rule_names(const struct rule *r, const struct dns_name *name)
{
	if (r->where != POLICY_LINE_NAME)
		return false;
	if (!r->below)
		return dns_name_equal(&r->name, name);
	return name->size > r->name.size && dns_name_within(name, &r->name);
}

void policy_learn(struct policy *p, const char *name, const struct address *address,
		  uint64_t until_ms)
{
	struct dns_name wire;
	int i;

	if (!p || !p->learnt || !dns_name_parse(name, &wire))
		return;
	for (i = 0; i < p->rule_count; i++)
		if (rule_names(&p->rules[i], &wire))
			learnt_add(p, address, i, until_ms);
}

/* Which name a `*.` line learnt by is not known any more: only the same line has it too. */
static bool takes_over(const struct rule *r, const struct rule *from)
{
	if (!from->below)
		return rule_names(r, &from->name);
	return r->where == POLICY_LINE_NAME && r->below && dns_name_equal(&r->name, &from->name);
}

void policy_inherit(struct policy *p, const struct policy *from)
{
	const struct learnt *l;
	const struct rule *r;
	int set, way;

	if (!p || !from || !p->learnt || !from->learnt)
		return;
	for (set = 0; set < LEARNT_SETS; set++) {
		for (way = 0; way < LEARNT_WAYS; way++) {
			l = &from->learnt[set][way];
			r = &from->rules[l->rule];
			for (int i = 0; l->until_ms && i < p->rule_count; i++)
				if (takes_over(&p->rules[i], r))
					learnt_add(p, &l->address, (uint32_t)i, l->until_ms);
		}
	}
}

bool policy_allows_question(const struct policy *p, const struct dns_name *name)
{
	int i;

	if (!p || !p->dns_allowed_only)
		return true;
	for (i = 0; i < p->rule_count; i++)
		if (rule_names(&p->rules[i], name))
			return p->rules[i].allow;
	return false;
}

/* ---- deciding */

static bool protocol_matches(uint8_t of_rule, uint8_t protocol)
{
	return of_rule == 0 || of_rule == protocol ||
	       (of_rule == IPPROTO_ICMP && protocol == IPPROTO_ICMPV6);
}

static bool rule_matches(const struct policy *p, int i, uint8_t protocol, const struct address *a,
			 uint16_t port, uint64_t now_ms)
{
	const struct rule *r = &p->rules[i];

	if (!protocol_matches(r->protocol, protocol) || port < r->port || port > r->port_last)
		return false;
	switch (r->where) {
	case POLICY_LINE_SUBNET: return subnet_contains(&r->subnet, a);
	case POLICY_LINE_ANY: return true;
	case POLICY_LINE_NAME: return learnt_has(p, a, i, now_ms);
	}
	return false;
}

enum policy_verdict policy_decide(const struct policy *p, uint8_t protocol,
				  const struct address *address, uint16_t port, uint64_t now_ms,
				  struct subnet *by)
{
	int i;

	if (by)
		*by = (struct subnet){ 0 };
	if (!p)
		return POLICY_UNSAID;
	for (i = 0; i < p->rule_count; i++) {
		if (!rule_matches(p, i, protocol, address, port, now_ms))
			continue;
		if (p->rules[i].allow && by && p->rules[i].where == POLICY_LINE_SUBNET)
			*by = p->rules[i].subnet;
		return p->rules[i].allow ? POLICY_ALLOW : POLICY_DENY;
	}
	return p->has_allow ? POLICY_DENY : POLICY_UNSAID;
}

bool policy_allows_host_port(const struct policy *p, uint8_t protocol, uint16_t port)
{
	int i;

	for (i = 0; p && i < p->host_count; i++)
		if (protocol_matches(p->host[i].protocol, protocol) && port >= p->host[i].port &&
		    port <= p->host[i].port_last)
			return true;
	return false;
}

uint64_t policy_rate_bits(const struct policy *p)
{
	return p ? p->rate_bits : 0;
}

bool policy_logs_dns(const struct policy *p)
{
	return p && p->dns_log;
}

int policy_resolvers(const struct policy *p, const struct address **resolvers)
{
	*resolvers = p ? p->resolvers : NULL;
	return p ? p->resolver_count : 0;
}

/* ---- classes: the first row that holds the address */

/* In the form of the struct: each new flow of a container is compared with all of them. */
#define V4(bits, a, b, c, d) { { .family = AF_INET, .bytes = { a, b, c, d } }, bits }
/* The first three words of 16 bits; what a subnet here has beyond them stands after it. */
#define BYTES(word) (word) >> 8, (word) & 255
#define V6(bits, a, b, c, ...)                                                                  \
	{ { .family = AF_INET6, .bytes = { BYTES(a), BYTES(b), BYTES(c), ##__VA_ARGS__ } }, bits }

static const struct {
	struct subnet subnet;
	enum policy_class class;
} classes[] = {
	{ V4(8, 0, 0, 0, 0), POLICY_CLASS_NEVER },
	{ V4(8, 127, 0, 0, 0), POLICY_CLASS_NEVER },
	{ V4(16, 169, 254, 0, 0), POLICY_CLASS_CLOSED },
	{ V4(32, 168, 63, 129, 16), POLICY_CLASS_CLOSED }, /* metadata services of two clouds */
	{ V4(32, 100, 100, 100, 200), POLICY_CLASS_CLOSED },
	{ V4(24, 192, 0, 0, 0), POLICY_CLASS_CLOSED }, /* IETF; .192 is a metadata service */
	{ V4(15, 198, 18, 0, 0), POLICY_CLASS_CLOSED }, /* benchmarks */
	{ V4(4, 224, 0, 0, 0), POLICY_CLASS_NEVER },
	{ V4(32, 255, 255, 255, 255), POLICY_CLASS_NEVER },
	{ V4(4, 240, 0, 0, 0), POLICY_CLASS_CLOSED },
	{ V6(128, 0, 0, 0), POLICY_CLASS_NEVER }, /* ::/128 */
	{ V6(128, 0, 0, 0, [15] = 0x01), POLICY_CLASS_NEVER }, /* ::1/128 */
	{ V6(96, 0, 0, 0, [10] = 0xff, 0xff), POLICY_CLASS_NEVER }, /* mapped: IPv4 */
	{ V6(96, 0, 0, 0), POLICY_CLASS_NEVER }, /* compatible: too */
	{ V6(96, 0x64, 0xff9b, 0), POLICY_CLASS_CLOSED }, /* 64:ff9b::/96, NAT64: any IPv4 */
	{ V6(48, 0x64, 0xff9b, 0x1), POLICY_CLASS_CLOSED }, /* 64:ff9b:1::/48 */
	{ V6(64, 0x100, 0, 0), POLICY_CLASS_CLOSED }, /* 100::/64: discard */
	{ V6(16, 0x2002, 0, 0), POLICY_CLASS_CLOSED }, /* 2002::/16, 6to4: any IPv4 */
	{ V6(32, 0x2001, 0, 0), POLICY_CLASS_CLOSED }, /* 2001::/32: Teredo */
	{ V6(32, 0xfd00, 0xec2, 0), POLICY_CLASS_CLOSED }, /* fd00:ec2::/32, metadata */
	{ V6(128, 0xfd00, 0x42, 0, [15] = 0x42), POLICY_CLASS_CLOSED }, /* of other clouds */
	{ V6(128, 0xfd20, 0xce, 0, [14] = 0x02, 0x54), POLICY_CLASS_CLOSED },
	{ V6(10, 0xfe80, 0, 0), POLICY_CLASS_CLOSED }, /* fe80::/10 */
	{ V6(10, 0xfec0, 0, 0), POLICY_CLASS_CLOSED }, /* fec0::/10: site-local, deprecated */
	{ V6(8, 0xff00, 0, 0), POLICY_CLASS_NEVER }, /* ff00::/8 */
};

enum policy_class policy_class(const struct address *address, struct subnet *of)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		if (subnet_contains(&classes[i].subnet, address)) {
			if (of)
				*of = classes[i].subnet;
			return classes[i].class;
		}
	}
	if (of)
		*of = (struct subnet){ 0 };
	return address->family == AF_INET || address->family == AF_INET6 ? POLICY_CLASS_PUBLIC
									 : POLICY_CLASS_NEVER;
}
