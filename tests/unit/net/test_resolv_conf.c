/* test_resolv_conf.c - the name servers that a resolv.conf means, whatever else stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/resolv_conf.h"

static void files(void **state)
{
	static const struct {
		const char *text, *servers;
	} cases[] = {
		{ "", "" },
		{ "nameserver 192.0.2.1\n", "192.0.2.1 " },
		{ "nameserver 192.0.2.1", "192.0.2.1 " },
		{ "nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\n", "192.0.2.1 192.0.2.2 " },
		{ "search a.test\nnameserver\t fd00::1  # the router\noptions ndots:1\n",
		  "fd00::1 " },
		{ "  nameserver 192.0.2.1\n", "192.0.2.1 " },
		{ "# nameserver 192.0.2.1\n;nameserver 192.0.2.2\n", "" },
		{ "nameserver\nnameserver \nnameserver\n", "" },
		{ "nameservers 192.0.2.1\nNAMESERVER 192.0.2.2\n", "" },
		{ "nameserver 192.0.2.256\nnameserver 1.2.3\nnameserver 1.2.3.4x\n", "" },
		{ "nameserver 192.0.2.1;192.0.2.2\n", "" },
		{ "nameserver fe80::1%eth0\n", "" },
		{ "nameserver 192.0.2.1\nnameserver 192.0.2.1\n", "192.0.2.1 " },
		{ "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver "
		  "10.0.0.4\n"
		  "nameserver 10.0.0.5\nnameserver 10.0.0.6\nnameserver 10.0.0.7\n"
		  "nameserver 10.0.0.8\nnameserver 10.0.0.9\n",
		  "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 " },
		{ "\n\n\nnameserver 192.0.2.1\n\n", "192.0.2.1 " },
		{ "nameserver 1111111111111111111111111111111111111111111111111111111\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[512] = "", text[ADDRESS_TEXT_MAX];
		struct resolv_conf r;

		resolv_conf_parse(cases[i].text, strlen(cases[i].text), &r);
		for (size_t j = 0; j < r.count; j++) {
			address_print(&r.servers[j], text);
			strcat(strcat(got, text), " ");
		}
		assert_string_equal(got, cases[i].servers);
	}
}

static void bytes(void **state)
{
	static const char nul[] = "nameserver 192.0.2.1\0\nnameserver 192.0.2.2\n";
	struct resolv_conf r;

	(void)state;
	resolv_conf_parse(nul, sizeof(nul) - 1, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.servers[0].bytes[3], 2);
	resolv_conf_parse(NULL, 0, &r);
	assert_int_equal(r.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(files), cmocka_unit_test(bytes) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
