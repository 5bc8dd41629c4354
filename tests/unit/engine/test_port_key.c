/* test_port_key.c - names of published ports: what is printed is read, and nothing else is. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/port_key.h"

#define NAME64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void good(void **state)
{
	static const struct {
		const char *text;
		struct port_key key;
	} cases[] = {
		{ "web tcp :80-80 8080", { "web", IPPROTO_TCP, "", 80, 80, 8080 } },
		{ "web udp 127.0.0.1:8080-8090 53",
		  { "web", IPPROTO_UDP, "127.0.0.1", 8080, 8090, 53 } },
		{ "a.b-c tcp ::1:7-65535 65535", { "a.b-c", IPPROTO_TCP, "::1", 7, 65535, 65535 } },
		{ "web tcp :0-0 80", { "web", IPPROTO_TCP, "", 0, 0, 80 } },
		{ NAME64 " udp fd00:1111:2222:3333:4444:5555:6666:7777:65535-65535 65535",
		  { NAME64, IPPROTO_UDP, "fd00:1111:2222:3333:4444:5555:6666:7777", 65535, 65535,
		    65535 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[PORT_KEY_BYTES];
		struct port_key key;

		assert_true(port_key_parse(cases[i].text, &key));
		assert_memory_equal(&key, &cases[i].key, sizeof(key));
		port_key_print(&key, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void bad(void **state)
{
	static const char *const cases[] = {
		"", " ", "web", "web ", "web tcp", "web tcp ", "web tcp :80-80", "web tcp :80-80 ",
		"web tcp nonsense 80", "web tcp 80 80", "web tcp :80 80", "web tcp 80-80 80",
		"web icmp :80-80 80", "web TCP :80-80 80", " web tcp :80-80 80",
		"web  tcp :80-80 80", "web tcp :80-80 80 ", "web tcp :80-80 80 80",
		"\"web\" tcp :80-80 80", "\"web tcp :80-80 80", "web\ttcp :80-80 80",
		"web tcp :080-80 80", "web tcp :80-80 080", "web tcp :+80-80 80",
		"web tcp :80--80 80", "web tcp :80-79 80", "web tcp :0-1 80", "web tcp :80-80 0",
		"web tcp :80-65536 80", "web tcp :80-80 65536", "web tcp :80-80 4294967376",
		"web tcp :-80 80", "web tcp :80- 80", "web tcp ::80-80 80", "web tcp name:80-80 80",
		"web tcp [::1]:80-80 80", "web tcp 0:0::1:80-80 80", "web tcp ::A:80-80 80",
		"web tcp 127.0.0.01:80-80 80", "web tcp 1.2.3.4%lo:80-80 80",
		"web tcp 1234567890123456789012345678901234567890123456789:1-1 1",
		NAME64 "a tcp :80-80 80", NAME64 NAME64 NAME64 " tcp :80-80 80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct port_key key;

		if (port_key_parse(cases[i], &key))
			fail_msg("\"%s\" is read", cases[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("port_key", tests, NULL, NULL);
}
