#include "gate/policy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "gate/address.h"
#include "gate/dns_name.h"
#include "lib/err.h"
#include "lib/str.h"

enum {
	RULES_MAX = 1024,	/* x ~300 bytes, only what stands there */
	RESOLVERS_MAX = 4,
	WORDS_MAX = 4,
	LINE_MAX = 512,
	LEARNT_SETS = 256,	/* x 4 x 40 bytes: 40 KiB, for policies with names alone */
	LEARNT_WAYS = 4,
};

enum rule_kind { RULE_SUBNET, RULE_ANY, RULE_NAME };

struct rule {
	bool allow;
	enum rule_kind kind;
	bool below;		/* RULE_NAME: `*.`, the names below it */
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
	struct rule *rules;
	int rule_count;
	struct host_ports *host;
	int host_count;
	bool has_allow, dns_log;
	uint64_t rate_bits;
	struct address resolvers[RESOLVERS_MAX];
	int resolver_count;
	struct learnt (*learnt)[LEARNT_WAYS];	/* LEARNT_SETS, or NULL without names */
};

/* ---- reading */

static int read_ports(const char *word, uint16_t *first, uint16_t *last)
{
	char text[12], *dash;
	uint32_t a, b;

	if (!str_copy(text, sizeof(text), word))
		return -1;
	dash = strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (!str_to_u32(text, &a) || !str_to_u32(dash ? dash + 1 : text, &b) || a == 0 ||
	    b > UINT16_MAX || a > b)
		return -1;
	*first = a;
	*last = b;
	return 0;
}

static int read_protocol(const char *word, uint8_t *protocol)
{
	*protocol = str_equal(word, "tcp")    ? IPPROTO_TCP
		    : str_equal(word, "udp")  ? IPPROTO_UDP
		    : str_equal(word, "icmp") ? IPPROTO_ICMP
					      : 0;
	return *protocol ? 0 : -1;
}

/* [PORT[-PORT]] [PROTOCOL] */
static int read_reach(char **words, int count, uint16_t *first, uint16_t *last, uint8_t *protocol,
		      struct err *e)
{
	int at = 0;

	*first = 0;
	*last = UINT16_MAX;
	*protocol = 0;
	if (at < count && isdigit((unsigned char)words[at][0])) {
		if (read_ports(words[at], first, last) < 0)
			return err_set(e, "%s is no port and no range of ports (1-65535)",
				       words[at]);
		at++;
	}
	if (at < count && read_protocol(words[at], protocol) == 0)
		at++;
	if (at < count)
		return err_set(e, "%s is neither a port nor tcp, udp or icmp", words[at]);
	if (*protocol == IPPROTO_ICMP && *first)
		return err_set(e, "icmp has no ports");
	return 0;
}

/* A last label of digits makes it a broken address and not a name (RFC 1123 2.1). */
static bool looks_numeric(const char *text)
{
	const char *label = strrchr(text, '.');

	label = label ? label + 1 : text;
	return label[strspn(label, "0123456789")] == '\0';
}

static int read_where(struct rule *r, const char *word, struct err *e)
{
	if (str_equal(word, "*")) {
		r->kind = RULE_ANY;
		return 0;
	}
	if (subnet_parse(word, &r->subnet)) {
		r->kind = RULE_SUBNET;
		return 0;
	}
	if (strpbrk(word, "/:") || looks_numeric(word))
		return err_set(e, "%s is no subnet (as 10.1.0.0/16, host bits zero)", word);
	r->kind = RULE_NAME;
	r->below = str_starts(word, "*.");
	if (!dns_name_parse(r->below ? word + 2 : word, &r->name) || r->name.size == 1 ||
	    strchr(r->below ? word + 2 : word, '*'))
		return err_set(e, "%s is neither a subnet nor a name", word);
	return 0;
}

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

static int read_rule(struct policy *p, char **words, int count, struct err *e)
{
	struct rule r = { .allow = str_equal(words[0], "allow") };

	if (count < 2)
		return err_set(e, "%s wants a subnet or a name", words[0]);
	if (read_where(&r, words[1], e) < 0 ||
	    read_reach(words + 2, count - 2, &r.port, &r.port_last, &r.protocol, e) < 0)
		return -1;
	if (p->rule_count == RULES_MAX)
		return err_set(e, "more than %d rules", RULES_MAX);
	p->rules = grown(p->rules, p->rule_count, sizeof(*p->rules));
	p->rules[p->rule_count++] = r;
	p->has_allow |= r.allow;
	if (r.kind == RULE_NAME && !p->learnt) {
		p->learnt = calloc(LEARNT_SETS, sizeof(*p->learnt));
		if (!p->learnt)
			abort();
	}
	return 0;
}

static int read_host(struct policy *p, char **words, int count, struct err *e)
{
	struct host_ports h;

	if (count < 2)
		return err_set(e, "allow-host wants a port");
	if (read_reach(words + 1, count - 1, &h.port, &h.port_last, &h.protocol, e) < 0)
		return -1;
	if (h.port == 0 || h.protocol == IPPROTO_ICMP)
		return err_set(e, "allow-host wants a port of tcp or udp");
	if (p->host_count == RULES_MAX)
		return err_set(e, "more than %d rules", RULES_MAX);
	p->host = grown(p->host, p->host_count, sizeof(*p->host));
	p->host[p->host_count++] = h;
	return 0;
}

static int read_rate(struct policy *p, char **words, int count, struct err *e)
{
	static const char suffixes[] = "kmg";
	uint64_t factor = 1, value;
	const char *suffix;
	size_t length;

	if (count != 2)
		return err_set(e, "rate wants bits per second, as 10m");
	length = strlen(words[1]);
	suffix = length > 0 ? strchr(suffixes, words[1][length - 1]) : NULL;
	if (suffix) {
		words[1][length - 1] = '\0';
		for (; suffix >= suffixes; suffix--)
			factor *= 1000;
	}
	/* 8 bits are one byte per second; 2^40 / s is beyond any link of ours. */
	if (!str_to_u64(words[1], &value) || value > (1ull << 40) / factor || value * factor < 8)
		return err_set(e, "%s is no number of bits per second", words[1]);
	p->rate_bits = value * factor;
	return 0;
}

static int read_resolver(struct policy *p, char **words, int count, struct err *e)
{
	if (count != 2 || p->resolver_count == RESOLVERS_MAX)
		return err_set(e, "resolver wants one address, and there are at most %d",
			       RESOLVERS_MAX);
	if (!address_parse(words[1], &p->resolvers[p->resolver_count]))
		return err_set(e, "%s is no address", words[1]);
	p->resolver_count++;
	return 0;
}

static int read_line(struct policy *p, char *line, struct err *e)
{
	char *words[WORDS_MAX];
	int count;

	line[strcspn(line, "#")] = '\0';
	count = str_split_words(line, words, WORDS_MAX);
	if (count == 0)
		return 0;
	if (count < 0)
		return err_set(e, "more than %d words", WORDS_MAX);
	if (str_equal(words[0], "allow") || str_equal(words[0], "deny"))
		return read_rule(p, words, count, e);
	if (str_equal(words[0], "allow-host"))
		return read_host(p, words, count, e);
	if (str_equal(words[0], "rate"))
		return read_rate(p, words, count, e);
	if (str_equal(words[0], "resolver"))
		return read_resolver(p, words, count, e);
	if (str_equal(words[0], "dns-log") && count == 1) {
		p->dns_log = true;
		return 0;
	}
	return err_set(e, "%s is none of allow, deny, allow-host, rate, dns-log, resolver",
		       words[0]);
}

struct policy *policy_create(const char *text, struct err *e)
{
	struct policy *p = calloc(1, sizeof(*p));
	char line[LINE_MAX];
	size_t length;
	int number;

	if (!p)
		abort();
	for (number = 1; *text; number++) {
		length = strcspn(text, "\n;");
		if (length >= sizeof(line)) {
			err_set(e, "policy line %d: longer than %d bytes", number, LINE_MAX - 1);
			policy_destroy(p);
			return NULL;
		}
		memcpy(line, text, length);
		line[length] = '\0';
		if (read_line(p, line, e) < 0) {
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
	free(p->rules);
	free(p->host);
	free(p->learnt);
	free(p);
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
	if (r->kind != RULE_NAME)
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
	switch (r->kind) {
	case RULE_SUBNET: return subnet_contains(&r->subnet, a);
	case RULE_ANY: return true;
	case RULE_NAME: return learnt_has(p, a, i, now_ms);
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
		if (p->rules[i].allow && by && p->rules[i].kind == RULE_SUBNET)
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

static const struct {
	const char *subnet;
	enum policy_class class;
} classes[] = {
	{ "0.0.0.0/8", POLICY_CLASS_NEVER },
	{ "127.0.0.0/8", POLICY_CLASS_NEVER },
	{ "169.254.0.0/16", POLICY_CLASS_CLOSED },
	{ "168.63.129.16/32", POLICY_CLASS_CLOSED },   /* metadata services of two clouds */
	{ "100.100.100.200/32", POLICY_CLASS_CLOSED },
	{ "192.0.0.0/24", POLICY_CLASS_CLOSED },  /* IETF, 192.0.0.192 is a metadata service */
	{ "198.18.0.0/15", POLICY_CLASS_CLOSED }, /* benchmarks */
	{ "224.0.0.0/4", POLICY_CLASS_NEVER },
	{ "255.255.255.255/32", POLICY_CLASS_NEVER },
	{ "240.0.0.0/4", POLICY_CLASS_CLOSED },
	{ "::/128", POLICY_CLASS_NEVER },
	{ "::1/128", POLICY_CLASS_NEVER },
	{ "::ffff:0:0/96", POLICY_CLASS_NEVER }, /* mapped: would be an IPv4 address */
	{ "::/96", POLICY_CLASS_NEVER },	 /* compatible: the same */
	{ "64:ff9b::/96", POLICY_CLASS_CLOSED }, /* NAT64: leads to any IPv4 address */
	{ "64:ff9b:1::/48", POLICY_CLASS_CLOSED },
	{ "100::/64", POLICY_CLASS_CLOSED },	  /* discard */
	{ "2002::/16", POLICY_CLASS_CLOSED },	  /* 6to4: the same as NAT64 */
	{ "2001::/32", POLICY_CLASS_CLOSED },	  /* Teredo */
	{ "fd00:ec2::/32", POLICY_CLASS_CLOSED }, /* metadata services */
	{ "fe80::/10", POLICY_CLASS_CLOSED },
	{ "fec0::/10", POLICY_CLASS_CLOSED }, /* site-local, deprecated */
	{ "ff00::/8", POLICY_CLASS_NEVER },
};

enum policy_class policy_class(const struct address *address, struct subnet *of)
{
	struct subnet s;
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (subnet_parse(classes[i].subnet, &s) && subnet_contains(&s, address)) {
			if (of)
				*of = s;
			return classes[i].class;
		}
	}
	if (of)
		*of = (struct subnet){ 0 };
	return address->family == AF_INET || address->family == AF_INET6 ? POLICY_CLASS_PUBLIC
									 : POLICY_CLASS_NEVER;
}
