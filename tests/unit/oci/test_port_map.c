/* test_port_map.c - published ports as people write them: exactly these ports, or a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "lib/err.h"
#include "oci/port_map.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void good(void **state)
{
	static const struct {
		const char *text, *again, *address;
		unsigned host_first, host_last, first, last, protocol;
	} cases[] = {
		{ "80", "80", "", 0, 0, 80, 80, IPPROTO_TCP },
		{ "80/tcp", "80", "", 0, 0, 80, 80, IPPROTO_TCP },
		{ "53/UDP", "53/udp", "", 0, 0, 53, 53, IPPROTO_UDP },
		{ "8080:80", "8080:80", "", 8080, 8080, 80, 80, IPPROTO_TCP },
		{ "0:80", "80", "", 0, 0, 80, 80, IPPROTO_TCP },
		{ "65535:1/udp", "65535:1/udp", "", 65535, 65535, 1, 1, IPPROTO_UDP },
		{ "127.0.0.1:8080:80", "127.0.0.1:8080:80", "127.0.0.1", 8080, 8080, 80, 80,
		  IPPROTO_TCP },
		{ "127.0.0.1::80", "127.0.0.1::80", "127.0.0.1", 0, 0, 80, 80, IPPROTO_TCP },
		{ "127.0.0.1:0:80", "127.0.0.1::80", "127.0.0.1", 0, 0, 80, 80, IPPROTO_TCP },
		{ "[::1]:8080:80", "[::1]:8080:80", "::1", 8080, 8080, 80, 80, IPPROTO_TCP },
		{ "[2001:DB8:0::0:1]::53/udp", "[2001:db8::1]::53/udp", "2001:db8::1", 0, 0, 53,
		  53, IPPROTO_UDP },
		{ "[::]:8080:80", "[::]:8080:80", "::", 8080, 8080, 80, 80, IPPROTO_TCP },
		{ "3000-3005", "3000-3005", "", 0, 0, 3000, 3005, IPPROTO_TCP },
		{ "8000-8003:80-83", "8000-8003:80-83", "", 8000, 8003, 80, 83, IPPROTO_TCP },
		{ "8000-8003:80", "8000-8003:80", "", 8000, 8003, 80, 80, IPPROTO_TCP },
		{ "0.0.0.0:1-65535:1-65535", "0.0.0.0:1-65535:1-65535", "0.0.0.0", 1, 65535, 1,
		  65535, IPPROTO_TCP },
		{ "7-7:7-7", "7:7", "", 7, 7, 7, 7, IPPROTO_TCP },
	};
	char text[PORT_MAP_TEXT_BYTES];
	struct port_map m;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		e.text[0] = '\0';
		if (port_map_parse(cases[i].text, &m, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.text);
		assert_string_equal(m.host_address, cases[i].address);
		assert_int_equal(m.host_first, cases[i].host_first);
		assert_int_equal(m.host_last, cases[i].host_last);
		assert_int_equal(m.container_first, cases[i].first);
		assert_int_equal(m.container_last, cases[i].last);
		assert_int_equal(m.protocol, cases[i].protocol);
		assert_string_equal(port_map_print(&m, text), cases[i].again);
	}
}

static void bad(void **state)
{
	static const char *const cases[] = {
		"",
		":",
		"::",
		":80",
		"80:",
		"::80",
		"1:2:3:4",
		"[::1]",
		"[::1]80",
		"[::1]:80",
		"[]:1:2",
		"[1]:1:2",
		"[127.0.0.1]:1:2",
		"::1:80:80",
		"[::1:80:80",
		"::1]:80:80",
		"0",
		"0/tcp",
		"80:0",
		"65536",
		"80:65536",
		"99999999999999999999:80",
		"-1",
		"+80",
		" 80",
		"80 ",
		"080",
		"00",
		"0x50",
		"8080:80/sctp",
		"80/",
		"80/tcp/udp",
		"/tcp",
		"80/icmp",
		"a:80",
		"80:a",
		"localhost:80:80",
		"127.0.0.1.:1:1",
		"127.1:80:80",
		"256.0.0.1:80:80",
		"5-3",
		"3-",
		"-3",
		"3-4-5",
		"0-5:0-5",
		"0-5:1-6",
		"1-5:0-4",
		"8000-8003:80-82",
		"8080:80-81",
		"8000-8001:80-83",
		"1.2.3.4%eth0:1:1",
		"[fe80::1%2]:80:80",
		"80\n",
		"80:80\t",
		"80,81",
		"\xc2\xb2",
		"8080:80/tcp8080:80/tcp8080:80/tcp8080:80/tcp8080:80/tcp8080:80/tcp8080:80/"
		"tcp8080:80"
		"8080:80/tcp8080:80/tcp8080:80/tcp8080:80/tcp8080:80/tcp8080:80/tcp",
	};
	static const struct port_map none;
	struct port_map m;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		e.text[0] = '\0';
		if (port_map_parse(cases[i], &m, &e) == 0)
			fail_msg("'%s' was taken", cases[i]);
		assert_true(strlen(e.text) > 10);
		assert_memory_equal(&m, &none, sizeof(m));
	}
}

static void rows(void **state)
{
	struct port_map m;
	struct port_map_row r;
	struct err e;

	(void)state;
	assert_int_equal(port_map_parse("8000-8003:80-83", &m, &e), 0);
	assert_int_equal(port_map_count(&m), 4);
	r = port_map_row(&m, 3);
	assert_int_equal(r.host_first, 8003);
	assert_int_equal(r.host_last, 8003);
	assert_int_equal(r.container_port, 83);
	assert_int_equal(port_map_parse("8000-8003:80", &m, &e), 0);
	assert_int_equal(port_map_count(&m), 1);
	r = port_map_row(&m, 0);
	assert_int_equal(r.host_first, 8000);
	assert_int_equal(r.host_last, 8003);
	assert_int_equal(r.container_port, 80);
	assert_int_equal(port_map_parse("3000-3001/udp", &m, &e), 0);
	assert_int_equal(port_map_count(&m), 2);
	r = port_map_row(&m, 1);
	assert_int_equal(r.host_first, 0);
	assert_int_equal(r.container_port, 3001);
	assert_int_equal(port_map_parse("1-65535:1-65535", &m, &e), 0);
	assert_int_equal(port_map_count(&m), 65535);
	assert_int_equal(port_map_row(&m, 65534).container_port, 65535);
}

static void collisions(void **state)
{
	static const struct {
		const char *a, *b;
		bool collide;
	} cases[] = {
		{ "8080:80", "8080:81", true },
		{ "8080:80", "8080:80/udp", false },
		{ "8080:80", "127.0.0.1:8080:80", true },
		{ "127.0.0.2:8080:80", "127.0.0.1:8080:80", false },
		{ "0.0.0.0:8080:80", "127.0.0.1:8080:80", true },
		{ "[::]:8080:80", "[::1]:8080:80", true },
		{ "[::]:8080:80", "8080:80", true },
		{ "[::]:8080:80", "0.0.0.0:8080:80", false },	/* one of each family */
		{ "[::]:8080:80", "127.0.0.1:8080:80", false },
		{ "8000-8009:8000-8009", "8009-8010:80-81", true },
		{ "8000-8009:8000-8009", "8010:80", false },
		{ "8000-8009:80", "8000:80", false },	/* another one is free */
		{ "80", "80", false },			/* any port each */
	};
	struct port_map a, b;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(port_map_parse(cases[i].a, &a, &e), 0);
		assert_int_equal(port_map_parse(cases[i].b, &b, &e), 0);
		if (port_map_collides(&a, &b) != cases[i].collide ||
		    port_map_collides(&b, &a) != cases[i].collide)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
}

static void parts(void **state)
{
	char text[PORT_MAP_TEXT_BYTES];
	struct port_map m;
	struct err e;

	(void)state;
	assert_int_equal(port_map_parse_parts("::1", "8080", "80/udp", &m, &e), 0);
	assert_string_equal(port_map_print(&m, text), "[::1]:8080:80/udp");
	assert_int_equal(port_map_parse_parts(NULL, NULL, "80", &m, &e), 0);
	assert_string_equal(port_map_print(&m, text), "80");
	assert_int_equal(port_map_parse_parts("", "", "80", &m, &e), 0);
	assert_string_equal(port_map_print(&m, text), "80");
	assert_int_equal(port_map_parse_parts("[::1]", "1", "80", &m, &e), -1);
	assert_int_equal(port_map_parse_parts("", "1", NULL, &m, &e), -1);
	assert_int_equal(port_map_parse_parts("", "1:2", "3", &m, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(rows), cmocka_unit_test(collisions),
		cmocka_unit_test(parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
