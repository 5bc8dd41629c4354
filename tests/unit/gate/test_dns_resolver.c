/* test_dns_resolver.c - what is remembered of resolvers: who lives, who does not see EDNS, how
 * long, and of how many. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/dns_resolver.h"

static struct address resolver(int number)
{
	return (struct address){ .family = AF_INET, .bytes = { 192, 0, 2, (uint8_t)number } };
}

/* Each is asked before anything else is known of it. */
static void ask(struct dns_resolver_table *t, const struct address *list, int count)
{
	int i;

	for (i = 0; i < count; i++)
		assert_true(dns_resolver_alive(t, &list[i], 1));
}

static void dead_last(void **state)
{
	struct address list[] = { resolver(1), resolver(2), resolver(3) };
	struct dns_resolver_table t = { 0 };

	(void)state;
	ask(&t, list, 3);
	dns_resolver_dead(&t, &list[0], 1000, DNS_RESOLVER_DEAD_MS);
	dns_resolver_order(&t, list, 3, 1000 + DNS_RESOLVER_DEAD_MS - 1);
	assert_int_equal(list[0].bytes[3], 2);
	assert_int_equal(list[1].bytes[3], 3);
	assert_int_equal(list[2].bytes[3], 1);
	assert_false(dns_resolver_alive(&t, &list[2], 1000 + DNS_RESOLVER_DEAD_MS - 1));
	assert_true(dns_resolver_alive(&t, &list[2], 1000 + DNS_RESOLVER_DEAD_MS));
	dns_resolver_dead(&t, &list[0], 1000, DNS_RESOLVER_DEAD_MS);
	dns_resolver_answered(&t, &list[0]);
	assert_true(dns_resolver_alive(&t, &list[0], 1001));
}

static void checked_at_times(void **state)
{
	struct address a = resolver(1), b = resolver(2);
	struct dns_resolver_table t = { 0 };

	(void)state;
	assert_true(dns_resolver_check(&t, &a, 1000));
	assert_false(dns_resolver_check(&t, &a, 1000 + DNS_RESOLVER_CHECK_MS - 1));
	assert_true(dns_resolver_check(&t, &b, 1000));
	assert_true(dns_resolver_check(&t, &a, 1000 + DNS_RESOLVER_CHECK_MS));
}

/* Without EDNS until something else is found out, for which it is time after a minute. */
static void plain_until_seen(void **state)
{
	struct address a = resolver(1), b = resolver(2);
	struct dns_resolver_table t = { 0 };

	(void)state;
	ask(&t, &a, 1);
	ask(&t, &b, 1);
	assert_false(dns_resolver_plain(&t, &a));
	assert_false(dns_resolver_plain_is_old(&t, &a, UINT64_MAX));
	dns_resolver_set_plain(&t, &a, true, 1000);
	assert_true(dns_resolver_plain(&t, &a));
	assert_false(dns_resolver_plain(&t, &b));
	assert_false(dns_resolver_plain_is_old(&t, &a, 1000 + DNS_RESOLVER_PLAIN_MS - 1));
	assert_true(dns_resolver_plain_is_old(&t, &a, 1000 + DNS_RESOLVER_PLAIN_MS));
	assert_true(dns_resolver_plain(&t, &a));
	dns_resolver_set_plain(&t, &a, false, 1000 + DNS_RESOLVER_PLAIN_MS);
	assert_false(dns_resolver_plain(&t, &a));
	assert_false(dns_resolver_plain_is_old(&t, &a, UINT64_MAX));
}

static void longest_unasked_forgotten(void **state)
{
	struct dns_resolver_table t = { 0 };
	struct address a;
	int i;

	(void)state;
	for (i = 1; i <= DNS_RESOLVER_TABLE; i++) {
		a = resolver(i);
		dns_resolver_alive(&t, &a, (uint64_t)i);
		dns_resolver_set_plain(&t, &a, true, (uint64_t)i);
	}
	a = resolver(1);
	dns_resolver_alive(&t, &a, 1000);
	a = resolver(200);
	dns_resolver_alive(&t, &a, 1001);
	for (i = 1; i <= DNS_RESOLVER_TABLE; i++) {
		if (i == 2)
			continue;
		a = resolver(i);
		assert_true(dns_resolver_plain(&t, &a));
	}
	a = resolver(2);
	assert_false(dns_resolver_plain(&t, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dead_last),
		cmocka_unit_test(checked_at_times),
		cmocka_unit_test(plain_until_seen),
		cmocka_unit_test(longest_unasked_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
