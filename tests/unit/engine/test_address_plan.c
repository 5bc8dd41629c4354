/* test_address_plan.c - subnets and addresses that nobody said; the kernel's lists of routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/address_plan.h"
#include "engine/routes.h"

static void is_subnet(const struct subnet *s, const char *wanted)
{
	char text[SUBNET_TEXT_MAX];

	assert_string_equal(subnet_print(s, text), wanted);
}

static void is_address(const struct address *a, const char *wanted)
{
	char text[ADDRESS_TEXT_MAX];

	address_print(a, text);
	assert_string_equal(text, wanted);
}

static struct subnet subnet(const char *text)
{
	struct subnet s;

	assert_true(subnet_parse(text, &s));
	return s;
}

static void subnets_do_not_overlap(void **state)
{
	struct subnet taken[64], s;
	size_t count = 0;

	(void)state;
	while (address_plan_subnet4(taken, count, &s)) {
		for (size_t i = 0; i < count; i++)
			assert_false(subnet_overlaps(&s, &taken[i]));
		taken[count++] = s;
	}
	assert_int_equal(count, 14 + 16);
	is_subnet(&taken[0], "172.18.0.0/16");
	is_subnet(&taken[13], "172.31.0.0/16");
	is_subnet(&taken[14], "192.168.0.0/20");
	is_subnet(&taken[29], "192.168.240.0/20");
}

static void subnets_leave_the_machine_its_own(void **state)
{
	struct subnet taken[] = { subnet("172.16.0.0/14"), subnet("172.20.5.0/24"),
				  subnet("172.21.1.1/32") };
	struct subnet s;

	(void)state;
	assert_true(address_plan_subnet4(taken, 3, &s));
	is_subnet(&s, "172.22.0.0/16");
	taken[0] = subnet("172.16.0.0/12");
	assert_true(address_plan_subnet4(taken, 3, &s));
	is_subnet(&s, "192.168.0.0/20");
	taken[0] = subnet("0.0.0.0/1");
	taken[1] = subnet("128.0.0.0/1");
	assert_false(address_plan_subnet4(taken, 3, &s));
}

static void ula(void **state)
{
	struct subnet s = address_plan_subnet6((const uint8_t[]){ 1, 2, 3, 4, 5 });
	struct address gateway = subnet_first_host(&s);

	(void)state;
	is_subnet(&s, "fd01:203:405::/64");
	is_address(&gateway, "fd01:203:405::1");
}

struct taken {
	const char *list;
	unsigned asked;
};

static bool is_taken(void *ctx, const struct address *a)
{
	struct taken *t = ctx;
	char text[ADDRESS_TEXT_MAX + 1];

	t->asked++;
	address_print(a, text);
	strcat(text, ",");
	return strstr(t->list, text) != NULL;
}

static void next_address(void **state)
{
	static const struct {
		const char *subnet, *range, *taken, *next;
	} cases[] = {
		{ "172.18.0.0/16", "172.18.0.0/16", "172.18.0.1,", "172.18.0.2" },
		{ "172.18.0.0/16", "172.18.0.0/16", "172.18.0.1,172.18.0.3,", "172.18.0.2" },
		{ "172.18.0.0/16", "172.18.0.0/16", "172.18.0.1,172.18.0.2,", "172.18.0.3" },
		{ "172.18.0.0/16", "172.18.0.255/32", "", "172.18.0.255" },
		{ "172.18.0.0/16", "172.18.5.0/24", "", "172.18.5.0" },
		{ "10.0.0.0/30", "10.0.0.0/30", "10.0.0.1,10.0.0.2,", NULL },
		{ "10.0.0.0/30", "10.0.0.0/30", "10.0.0.1,", "10.0.0.2" },
		{ "10.0.0.0/24", "10.0.0.254/31", "10.0.0.254,", NULL },
		{ "fd00::/64", "fd00::/64", "fd00::1,", "fd00::2" },
		{ "fd00::/64", "fd00::ff/128", "", "fd00::ff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct subnet s = subnet(cases[i].subnet), range = subnet(cases[i].range);
		struct taken t = { cases[i].taken, 0 };
		struct address a;
		bool found = address_plan_next(&s, &range, is_taken, &t, &a);

		assert_int_equal(found, cases[i].next != NULL);
		if (found)
			is_address(&a, cases[i].next);
	}
}

static void routes_of_the_kernel(void **state)
{
	static const char text4[] = "Iface\tDestination\tGateway "
				    "\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
				    "eth0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
				    "eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
				    "no line\n"
				    "wl0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0";
	static const char text6[] =
		"fd000000000000000000000000000000 40 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
		"x\n";
	struct subnet list[ROUTES_MAX];

	(void)state;
	assert_int_equal(routes_read4(text4, list, 0), 2);
	is_subnet(&list[0], "10.0.2.0/24");
	is_subnet(&list[1], "192.168.1.0/24");
	assert_int_equal(routes_read6(text6, list, 2), 3);
	is_subnet(&list[2], "fd00::/64");
	assert_int_equal(routes_read4("", list, 0), 0);
	assert_int_equal(routes_read4(text4, list, ROUTES_MAX), ROUTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subnets_do_not_overlap),
		cmocka_unit_test(subnets_leave_the_machine_its_own),
		cmocka_unit_test(ula),
		cmocka_unit_test(next_address),
		cmocka_unit_test(routes_of_the_kernel),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("address_plan", tests, NULL, NULL);
}
