/* test_plug.c - MAC addresses: made of addresses as Docker makes them, and read strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/plug.h"

static void read_strictly(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "02:42:ac:12:00:02", true },	 { "02:42:AC:12:00:FF", true },
		{ "00:00:00:00:00:01", true },	 { "00:00:00:00:00:00", false },
		{ "01:00:5e:00:00:01", false },	 { "ff:ff:ff:ff:ff:ff", false },
		{ "02:42:ac:12:00", false },	 { "02:42:ac:12:00:02:03", false },
		{ "02:42:ac:12:00:2", false },	 { "02-42-ac-12-00-02", false },
		{ "0242.ac12.0002", false },	 { "02:42:ac:12:00:0g", false },
		{ " 02:42:ac:12:00:02", false }, { "02:42:ac:12:00:02 ", false },
		{ "", false },			 { "0", false },
		{ "02:", false },		 { "02:42:ac:12:00:", false },
	};
	unsigned char mac[PLUG_MAC_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(plug_mac_parse(cases[i].text, mac), cases[i].good);
	assert_true(plug_mac_parse("0a:1B:2c:3D:4e:5F", mac));
	assert_memory_equal(mac, "\x0a\x1b\x2c\x3d\x4e\x5f", 6);
}

static void made_of_addresses(void **state)
{
	struct address four, six, none = { 0 };
	unsigned char mac[PLUG_MAC_BYTES];

	(void)state;
	assert_true(address_parse("172.18.0.2", &four));
	assert_true(address_parse("fd00::1:2:3", &six));
	plug_mac_of(&four, &six, mac);
	assert_memory_equal(mac, "\x02\x42\xac\x12\x00\x02", 6);
	plug_mac_of(&none, &six, mac);
	assert_memory_equal(mac, "\x02\x43\x00\x02\x00\x03", 6);
	/* Never the router's own: it would answer itself. */
	assert_memory_not_equal(mac, plug_router_mac, PLUG_MAC_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(read_strictly),
					    cmocka_unit_test(made_of_addresses) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
