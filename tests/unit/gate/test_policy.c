/* test_policy.c - policy lines good and bad, verdicts, names learnt, address classes; and what
 * egress makes of them with networks and this machine's own addresses (SECURITY F4). */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gate/address.h"
#include "gate/dns_name.h"
#include "gate/egress.h"
#include "gate/policy.h"
#include "lib/err.h"
#include "lib/time.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct address addr(const char *text)
{
	struct address a;

	assert_true(address_parse(text, &a));
	return a;
}

static void lines(void **state)
{
	static const struct {
		const char *text;
		const char *said;	/* NULL: good */
	} cases[] = {
		{ "", NULL },
		{ "\n\n# nothing\n", NULL },
		{ "allow 10.0.0.0/8\ndeny *", NULL },
		{ "allow 10.0.0.0/8; deny * ;", NULL },
		{ "allow 10.1.2.3 443 tcp # one", NULL },
		{ "allow example.org 443-444", NULL },
		{ "allow *.example.org icmp", NULL },
		{ "deny fd00::/8 53 udp", NULL },
		{ "allow-host 5432\nallow-host 8000-8010 udp", NULL },
		{ "rate 10m\nrate 8\nrate 1g\nrate 64k\nrate 1000000", NULL },
		{ "dns-log", NULL },
		{ "dns-allowed-only; allow a.example; allow example.org 443", NULL },
		{ "resolver 9.9.9.9\nresolver 2620:fe::fe", NULL },
		{ "allow", "policy line 1: allow wants a subnet or a name" },
		{ "\n\nallow 10.0.0.1/8", "policy line 3: 10.0.0.1/8 is no subnet" },
		{ "allow 10.0.0.0/33", "policy line 1: 10.0.0.0/33 is no subnet" },
		{ "allow 10.0.0.300", "policy line 1: 10.0.0.300 is no subnet" },
		{ "allow fd00::/129", "is no subnet" },
		{ "allow a..b", "policy line 1: a..b is neither a subnet nor a name" },
		{ "allow *.*.b", "is neither a subnet nor a name" },
		{ "allow a.*.b", "is neither a subnet nor a name" },
		{ "allow *.", "is no subnet" },
		{ "allow . 1", "is no subnet" },
		{ "allow 10.0.0.0/8 0", "0 is no port" },
		{ "allow 10.0.0.0/8 65536", "65536 is no port" },
		{ "allow 10.0.0.0/8 20-10", "20-10 is no port" },
		{ "allow 10.0.0.0/8 10-", "10- is no port" },
		{ "allow 10.0.0.0/8 sctp", "sctp is neither a port nor tcp, udp or icmp" },
		{ "allow 10.0.0.0/8 tcp 80", "80 is neither a port nor" },
		{ "allow 10.0.0.0/8 80 icmp", "icmp has no ports" },
		{ "allow 10.0.0.0/8 80 tcp more", "more than 4 words" },
		{ "allow-host", "allow-host wants a port" },
		{ "allow-host tcp", "allow-host wants a port of tcp or udp" },
		{ "rate", "rate wants bits per second" },
		{ "rate 7", "7 is no number of bits per second" },
		{ "rate 10x", "10x is no number" },
		{ "rate -1", "-1 is no number" },
		{ "rate 18446744073709551615g", "is no number" },
		{ "resolver x", "x is no address" },
		{ "resolver ::1\nresolver ::1\nresolver ::1\nresolver ::1\nresolver ::1",
		  "policy line 5: more than 4 resolvers" },
		{ "resolver", "resolver wants one address" },
		{ "dns-log now", "dns-log stands alone" },
		{ "dns-allowed-only example.org", "dns-allowed-only stands alone" },
		{ "allow \"a b\"", "is neither a subnet nor a name" },
		{ "permit *", "permit is none of allow, deny, allow-host, rate, dns-log" },
	};
	struct policy *p;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		err_clear(&e);
		p = policy_create(cases[i].text, &e);
		if (cases[i].said && (p || !strstr(e.text, cases[i].said)))
			fail_msg("%s: %s", cases[i].text, p ? "taken" : e.text);
		if (!cases[i].said && !p)
			fail_msg("%s: %s", cases[i].text, e.text);
		policy_destroy(p);
	}
}

static void verdicts(void **state)
{
	static const struct {
		const char *policy, *address;
		int protocol, port;
		enum policy_verdict verdict;
		int by;		/* prefix of the line, -1: none */
	} cases[] = {
		{ "", "1.1.1.1", IPPROTO_TCP, 80, POLICY_UNSAID, -1 },
		{ "deny 1.0.0.0/8", "1.1.1.1", IPPROTO_TCP, 80, POLICY_DENY, -1 },
		{ "deny 1.0.0.0/8", "2.1.1.1", IPPROTO_TCP, 80, POLICY_UNSAID, -1 },
		{ "allow 1.0.0.0/8", "1.1.1.1", IPPROTO_TCP, 80, POLICY_ALLOW, 8 },
		{ "allow 1.0.0.0/8", "2.1.1.1", IPPROTO_TCP, 80, POLICY_DENY, -1 },
		{ "allow 1.0.0.0/8", "::1", IPPROTO_TCP, 80, POLICY_DENY, -1 },
		{ "allow 1.1.1.1 80 tcp", "1.1.1.1", IPPROTO_TCP, 80, POLICY_ALLOW, 32 },
		{ "allow 1.1.1.1 80 tcp", "1.1.1.1", IPPROTO_UDP, 80, POLICY_DENY, -1 },
		{ "allow 1.1.1.1 80 tcp", "1.1.1.1", IPPROTO_TCP, 81, POLICY_DENY, -1 },
		{ "allow 1.1.1.1 80-90", "1.1.1.1", IPPROTO_UDP, 90, POLICY_ALLOW, 32 },
		{ "allow 1.1.1.1 80-90", "1.1.1.1", IPPROTO_UDP, 91, POLICY_DENY, -1 },
		{ "allow 1.1.1.1 80", "1.1.1.1", IPPROTO_ICMP, 0, POLICY_DENY, -1 },
		{ "allow * icmp", "1.1.1.1", IPPROTO_ICMP, 0, POLICY_ALLOW, -1 },
		{ "allow * icmp", "fd00::1", IPPROTO_ICMPV6, 0, POLICY_ALLOW, -1 },
		{ "allow fd00::/16", "fd00::1", IPPROTO_ICMPV6, 0, POLICY_ALLOW, 16 },
		/* the first that matches */
		{ "deny 1.1.1.1\nallow 1.0.0.0/8", "1.1.1.1", IPPROTO_TCP, 1, POLICY_DENY, -1 },
		{ "deny 1.1.1.1\nallow 1.0.0.0/8", "1.1.1.2", IPPROTO_TCP, 1, POLICY_ALLOW, 8 },
		{ "allow 1.1.1.1\ndeny *", "1.1.1.1", IPPROTO_TCP, 1, POLICY_ALLOW, 32 },
		{ "allow-host 80\nrate 8k\ndns-log", "1.1.1.1", IPPROTO_TCP, 1, POLICY_UNSAID,
		  -1 },
		{ "allow example.org", "1.1.1.1", IPPROTO_TCP, 1, POLICY_DENY, -1 },
	};
	struct policy *p;
	struct address a;
	struct subnet by;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		p = policy_create(cases[i].policy, &e);
		assert_non_null(p);
		a = addr(cases[i].address);
		if (policy_decide(p, cases[i].protocol, &a, cases[i].port, 0, &by) !=
		    cases[i].verdict)
			fail_msg("%s: %s", cases[i].policy, cases[i].address);
		assert_int_equal(by.address.family ? by.prefix : -1, cases[i].by);
		policy_destroy(p);
	}
	a = addr("1.1.1.1");
	assert_int_equal(policy_decide(NULL, IPPROTO_TCP, &a, 80, 0, NULL), POLICY_UNSAID);
}

static void names(void **state)
{
	struct address a = addr("93.184.215.14"), b = addr("1.1.1.1"), c;
	struct policy *p;
	struct err e;
	int i, kept;

	(void)state;
	p = policy_create("allow example.org 443\nallow *.pypi.org", &e);
	assert_non_null(p);
	policy_learn(p, "EXAMPLE.org.", &a, 1000);
	assert_int_equal(policy_decide(p, IPPROTO_TCP, &a, 443, 999, NULL), POLICY_ALLOW);
	assert_int_equal(policy_decide(p, IPPROTO_TCP, &a, 80, 999, NULL), POLICY_DENY);
	assert_int_equal(policy_decide(p, IPPROTO_TCP, &a, 443, 1000, NULL), POLICY_DENY);
	policy_learn(p, "example.org", &a, 3000);
	policy_learn(p, "example.org", &a, 2000);	/* never shorter */
	assert_int_equal(policy_decide(p, IPPROTO_TCP, &a, 443, 2999, NULL), POLICY_ALLOW);
	policy_learn(p, "www.example.org", &b, 9000);
	policy_learn(p, "example.org.evil.com", &b, 9000);
	policy_learn(p, "pypi.org", &b, 9000);		/* `*.` is what lies below */
	policy_learn(p, "notpypi.org", &b, 9000);
	assert_int_equal(policy_decide(p, IPPROTO_TCP, &b, 443, 1, NULL), POLICY_DENY);
	policy_learn(p, "files.pypi.org", &b, 9000);
	assert_int_equal(policy_decide(p, IPPROTO_UDP, &b, 1, 1, NULL), POLICY_ALLOW);
	/* Bounded: a name with ten thousand addresses takes the places of its own. */
	for (i = 0, kept = 0; i < 10000; i++) {
		c = (struct address){ .family = AF_INET, .bytes = { 20, 0, i >> 8, i & 0xff } };
		policy_learn(p, "x.pypi.org", &c, 5000 + i);
	}
	for (i = 0; i < 10000; i++) {
		c = (struct address){ .family = AF_INET, .bytes = { 20, 0, i >> 8, i & 0xff } };
		kept += policy_decide(p, IPPROTO_TCP, &c, 1, 1, NULL) == POLICY_ALLOW;
	}
	assert_true(kept > 900 && kept <= 1024);
	policy_destroy(p);
}

static void settings(void **state)
{
	const struct address *resolvers;
	struct policy *p;
	struct err e;

	(void)state;
	p = policy_create("allow-host 80 tcp\nallow-host 90-91\nrate 10m\ndns-log\n"
			  "resolver 9.9.9.9\nresolver ::2",
			  &e);
	assert_non_null(p);
	assert_true(policy_allows_host_port(p, IPPROTO_TCP, 80));
	assert_false(policy_allows_host_port(p, IPPROTO_UDP, 80));
	assert_true(policy_allows_host_port(p, IPPROTO_UDP, 91));
	assert_false(policy_allows_host_port(p, IPPROTO_UDP, 92));
	assert_false(policy_allows_host_port(NULL, IPPROTO_UDP, 91));
	assert_int_equal(policy_rate_bits(p), 10000000);
	assert_int_equal(policy_rate_bits(NULL), 0);
	assert_true(policy_logs_dns(p));
	assert_false(policy_logs_dns(NULL));
	assert_int_equal(policy_resolvers(p, &resolvers), 2);
	assert_int_equal(resolvers[1].family, AF_INET6);
	assert_int_equal(policy_resolvers(NULL, &resolvers), 0);
	policy_destroy(p);
}

/* Every class of SECURITY F4, from an ordinary network whose policies are given. */
static void egress(void **state)
{
	static const struct {
		const char *network, *container, *address;
		enum egress_verdict verdict;
	} cases[] = {
		{ "", "", "93.184.215.14", EGRESS_ALLOW },
		{ "", "", "2606:2800::1", EGRESS_ALLOW },
		{ "", "", "192.168.7.1", EGRESS_ALLOW },	/* the LAN outside */
		{ "", "", "127.0.0.1", EGRESS_REFUSE },
		{ "", "", "127.1.2.3", EGRESS_REFUSE },
		{ "", "", "0.0.0.0", EGRESS_REFUSE },
		{ "", "", "0.1.2.3", EGRESS_REFUSE },
		{ "", "", "::1", EGRESS_REFUSE },
		{ "", "", "::", EGRESS_REFUSE },
		{ "", "", "::ffff:127.0.0.1", EGRESS_REFUSE },
		{ "", "", "::ffff:93.184.215.14", EGRESS_REFUSE },
		{ "", "", "::127.0.0.1", EGRESS_REFUSE },
		{ "", "", "64:ff9b::7f00:1", EGRESS_REFUSE },
		{ "", "", "2002:7f00:1::", EGRESS_REFUSE },
		{ "", "", "169.254.169.254", EGRESS_REFUSE },
		{ "", "", "168.63.129.16", EGRESS_REFUSE },
		{ "", "", "168.63.129.17", EGRESS_ALLOW },
		{ "", "", "100.100.100.200", EGRESS_REFUSE },
		{ "", "", "100.100.100.201", EGRESS_ALLOW },
		{ "allow *", "", "168.63.129.16", EGRESS_REFUSE },
		{ "", "allow 100.100.100.200", "100.100.100.200", EGRESS_ALLOW },
		{ "", "", "fd00:ec2::254", EGRESS_REFUSE },
		{ "", "", "fd00:42::42", EGRESS_REFUSE },
		{ "", "", "fd20:ce::254", EGRESS_REFUSE },
		{ "", "", "fe80::1", EGRESS_REFUSE },
		{ "", "", "fec0::1", EGRESS_REFUSE },
		{ "", "", "224.0.0.251", EGRESS_REFUSE },
		{ "", "", "ff02::fb", EGRESS_REFUSE },
		{ "", "", "255.255.255.255", EGRESS_REFUSE },
		{ "", "", "240.0.0.1", EGRESS_REFUSE },
		{ "", "", "172.18.0.9", EGRESS_REFUSE },	/* its own subnet */
		{ "", "", "fd11::9", EGRESS_REFUSE },
		{ "", "", "172.19.0.9", EGRESS_REFUSE },	/* another network */
		{ "", "", "172.18.0.1", EGRESS_REFUSE },	/* the gateway */
		/* wide lines open nothing; never classes stay shut whatever stands there */
		{ "allow *", "", "169.254.169.254", EGRESS_REFUSE },
		{ "allow 0.0.0.0/0", "allow 0.0.0.0/0", "169.254.169.254", EGRESS_REFUSE },
		{ "allow 169.254.0.0/16", "", "169.254.169.254", EGRESS_ALLOW },
		{ "", "allow 169.254.169.254", "169.254.169.254", EGRESS_ALLOW },
		{ "", "allow 169.254.169.254", "169.254.169.253", EGRESS_REFUSE },
		{ "allow 168.0.0.0/7", "", "169.254.169.254", EGRESS_REFUSE },
		{ "allow 127.0.0.1", "allow 127.0.0.1", "127.0.0.1", EGRESS_REFUSE },
		{ "allow ::1", "", "::1", EGRESS_REFUSE },
		{ "allow ::ffff:127.0.0.1", "", "::ffff:127.0.0.1", EGRESS_REFUSE },
		{ "allow 224.0.0.0/4", "", "224.0.0.251", EGRESS_REFUSE },
		{ "allow 172.19.0.9", "", "172.19.0.9", EGRESS_ALLOW },
		{ "allow 172.16.0.0/12", "", "172.19.0.9", EGRESS_REFUSE },
		/* both must agree */
		{ "deny 93.0.0.0/8", "allow 93.184.215.14", "93.184.215.14", EGRESS_REFUSE },
		{ "allow 93.0.0.0/8", "deny 93.184.215.14", "93.184.215.14", EGRESS_REFUSE },
		{ "allow 93.0.0.0/8", "", "93.184.215.14", EGRESS_ALLOW },
		{ "allow 94.0.0.0/8", "", "93.184.215.14", EGRESS_REFUSE },
		{ "deny 169.254.169.254", "allow 169.254.169.254", "169.254.169.254",
		  EGRESS_REFUSE },
		/* the machine's loopback by the gateway's address */
		{ "allow-host 80", "", "172.18.0.1", EGRESS_HOST },
		{ "", "allow-host 80", "fd11::1", EGRESS_HOST },
		{ "", "allow-host 81", "172.18.0.1", EGRESS_REFUSE },
		{ "allow *", "", "172.18.0.1", EGRESS_REFUSE },
	};
	struct address gateways[] = { addr("172.18.0.1"), addr("fd11::1") };
	struct policy *network, *container;
	struct subnet own[2], other;
	struct egress *g;
	struct address a;
	struct err e;
	size_t i;
	int internal;

	(void)state;
	subnet_parse("172.18.0.0/16", &own[0]);
	subnet_parse("fd11::/64", &own[1]);
	subnet_parse("172.19.0.0/16", &other);
	g = egress_create();
	egress_set_forbidden(g, &other, 1);
	for (i = 0; i < COUNT(cases); i++) {
		network = policy_create(cases[i].network, &e);
		container = policy_create(cases[i].container, &e);
		assert_non_null(network);
		assert_non_null(container);
		a = addr(cases[i].address);
		for (internal = 0; internal < 2; internal++) {
			egress_set_network(g, internal, own, 2, gateways, 2, network);
			if (egress_decide(g, container, IPPROTO_TCP, &a, 80) !=
			    (internal && cases[i].verdict == EGRESS_ALLOW ? EGRESS_REFUSE
									  : cases[i].verdict))
				fail_msg("%s | %s: %s", cases[i].network, cases[i].container,
					 cases[i].address);
		}
		policy_destroy(network);
		policy_destroy(container);
	}
	egress_destroy(g);
}

static bool may_ask(const char *policy, const char *name)
{
	struct policy *p;
	struct dns_name wire;
	struct err e;
	bool may;

	p = policy_create(policy, &e);
	assert_non_null(p);
	assert_true(dns_name_parse(name, &wire));
	may = policy_allows_question(p, &wire);
	policy_destroy(p);
	return may;
}

static void questions(void **state)
{
	static const char only[] =
		"deny bad.example.org; allow example.org 443; allow *.example.org; "
		"allow 10.0.0.0/8; dns-allowed-only";

	(void)state;
	assert_true(may_ask("", "x.example"));
	assert_true(may_ask("allow example.org", "x.example"));
	assert_true(may_ask(only, "example.org"));
	assert_true(may_ask(only, "WWW.Example.ORG"));
	assert_false(may_ask(only, "bad.example.org"));
	assert_true(may_ask(only, "very.bad.example.org"));
	assert_false(may_ask(only, "example.org.evil.example"));
	assert_false(may_ask(only, "notexample.org"));
	assert_false(may_ask(only, "org"));
	assert_false(may_ask("dns-allowed-only", "example.org"));
	assert_false(may_ask("dns-allowed-only; allow *", "example.org"));
}

/* What a policy that takes another's place knows of it. */
static void inherits(void **state)
{
	static const struct {
		const char *before, *after;
		bool knows;
	} cases[] = {
		{ "allow a.example", "allow a.example 443", true },
		{ "allow a.example", "deny b.example; allow *.example", true },
		{ "allow a.example", "allow b.example", false },
		{ "allow *.example", "allow *.example; rate 1m", true },
		{ "allow *.example", "allow a.example", false },
		{ "", "allow a.example", false },
		{ "allow a.example", "allow 10.0.0.0/8", false },
	};
	struct address a = addr("93.184.215.14");
	struct policy *before, *after;
	enum policy_verdict wanted;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		before = policy_create(cases[i].before, &e);
		after = policy_create(cases[i].after, &e);
		policy_learn(before, "a.example", &a, 1000);
		policy_inherit(after, before);
		policy_destroy(before);
		wanted = cases[i].knows ? POLICY_ALLOW : POLICY_DENY;
		if (policy_decide(after, IPPROTO_TCP, &a, 443, 999, NULL) != wanted ||
		    policy_decide(after, IPPROTO_TCP, &a, 443, 0, NULL) != wanted ||
		    policy_decide(after, IPPROTO_TCP, &a, 443, 1000, NULL) == POLICY_ALLOW)
			fail_msg("%s -> %s", cases[i].before, cases[i].after);
		assert_string_equal(policy_text(after), cases[i].after);
		policy_destroy(after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),    cmocka_unit_test(verdicts), cmocka_unit_test(names),
		cmocka_unit_test(settings), cmocka_unit_test(egress),	cmocka_unit_test(questions),
		cmocka_unit_test(inherits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
