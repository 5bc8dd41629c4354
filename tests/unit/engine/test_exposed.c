/* test_exposed.c - where a container listens, as others are told. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compose/network.h"
#include "engine/exposed.h"
#include "engine/image.h"
#include "oci/port_map.h"

#define TCP(port) ((uint64_t)IPPROTO_TCP << 16 | (port))
#define UDP(port) ((uint64_t)IPPROTO_UDP << 16 | (port))

static struct port_map map(const char *container)
{
	struct port_map m;

	assert_int_equal(port_map_parse_parts(NULL, NULL, container, &m, NULL), 0);
	return m;
}

static void each_once_in_order(void **state)
{
	struct port_map published = map("80-81"), exposed[] = { map("53/udp"), map("81") },
			of_image[] = { map("81/udp"), map("80") };
	const struct compose_service_network n = { .ports = &published, .port_count = 1,
						   .exposed = exposed, .exposed_count = 2 };
	const struct image image = { .exposed = of_image, .exposed_count = 2 };
	static const uint64_t want[] = { TCP(80), TCP(81), UDP(53), UDP(81) };
	struct exposed x;

	(void)state;
	exposed_collect(&x, &n, &image);
	assert_int_equal(x.count, 4);
	assert_memory_equal(x.ports, want, sizeof(want));
}

static void nothing_and_too_much(void **state)
{
	struct port_map all = map("1-65535"), one = map("9/udp");
	const struct compose_service_network none = { .port_count = 0 };
	const struct compose_service_network n = { .ports = &all, .port_count = 1 };
	const struct image bare = { .name = "t" };
	const struct image image = { .exposed = &one, .exposed_count = 1 };
	struct exposed x;

	(void)state;
	exposed_collect(&x, &none, &bare);
	assert_int_equal(x.count, 0);
	exposed_collect(&x, &n, &image);
	assert_int_equal(x.count, MEMBER_PORTS_MAX);
	assert_int_equal(x.ports[MEMBER_PORTS_MAX - 1], TCP(MEMBER_PORTS_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_once_in_order),
		cmocka_unit_test(nothing_and_too_much),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("exposed", tests, NULL, NULL);
}
