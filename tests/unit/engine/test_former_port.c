/* test_former_port.c - netd's keys, read as ports of a service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/former_port.h"
#include "lib/arena.h"

static void read_keys(void **state)
{
	static const struct {
		const char *key;
		uint64_t host_port;
		const char *text;	/* the port; NULL: none of web's */
	} cases[] = {
		{ "web tcp :80-80 8080", 80, "80:8080" },
		{ "web tcp 127.0.0.1:8000-8009 80", 8003, "127.0.0.1:8003:80" },
		{ "web udp ::1:7-7 9", 7, "[::1]:7:9/udp" },
		{ "web tcp :0-0 80", 49153, "49153:80" },
		{ "web tcp :80-80 8080", 0, NULL },
		{ "web tcp :80-80 8080", 65536, NULL },
		{ "webs tcp :80-80 8080", 80, NULL },
		{ "we tcp :80-80 8080", 80, NULL },
		{ "web", 80, NULL },
		{ "web ", 80, NULL },
		{ "web tcp", 80, NULL },
		{ "web tcp ", 80, NULL },
		{ "web tcp nonsense", 80, NULL },
		{ "web tcp :1- ", 80, NULL },
		{ "web tcp :1-1 1-9", 80, NULL },
		{ "web tcp 1 1:1", 80, NULL },
		{ "web icmp :1-1 1", 80, NULL },
		{ "web tcp name:1-1 1", 80, NULL },
		{ "web tcp 1234567890123456789012345678901234567890123456789:1-1 1", 80, NULL },
	};
	struct arena *arena = arena_create(1 << 20);
	char text[PORT_MAP_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct former_port *p =
			former_port_read(cases[i].key, cases[i].host_port, "web", arena);

		assert_int_equal(p != NULL, cases[i].text != NULL);
		if (p)
			assert_string_equal(port_map_print(&p->map, text), cases[i].text);
	}
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("former_port", tests, NULL, NULL);
}
