/* test_cards.c - which devices are cards, and how large the frames of one may be by its speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include <cmocka.h>

#include "lib/rtnetlink.h"
#include "net/cards.h"

static void sizes(void **state)
{
	static const struct {
		uint32_t speed_mbit, now, max, wanted;
	} cases[] = {
		{ 0, 65536, 65536, 65536 },		/* not known */
		{ 0, 16000, 65536, 16000 },
		{ 10, 65536, 65536, 4096 },
		{ 100, 65536, 65536, 4096 },
		{ 1000, 65536, 65536, 16000 },
		{ 1000, 16000, 65536, 16000 },
		{ 2500, 65536, 65536, 40000 },
		{ 2500, 65536, 32768, 32768 },		/* its driver can no more */
		{ 10000, 65536, 65536, 65536 },
		{ 10000, 16000, 65536, 65536 },		/* it has become faster */
		{ 10000, 200000, 262144, 200000 },	/* somebody wants more (BIG TCP) */
		{ 10000, 16000, 20000, 20000 },
		{ 1000, 65536, 0, 16000 },		/* a kernel that does not say it */
		{ UINT32_MAX - 1, 65536, 65536, 65536 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct card c = { .frame_bytes = cases[i].now, .frame_bytes_max = cases[i].max };

		assert_int_equal(card_frame_bytes(&c, cases[i].speed_mbit), cases[i].wanted);
	}
}

enum said {
	ALL,
	LOOPBACK,
	WITHOUT_HARDWARE,
	WITHOUT_NAME,
	NAME_TOO_LONG,
	NAME_WITHOUT_END,
	WITHOUT_SIZE,
	SIZE_OF_A_BYTE,
	GONE,
	SAID
};

static struct card hear(enum said said, size_t cut_bytes)
{
	const struct ifinfomsg body = { .ifi_index = 3,
					.ifi_type = said == LOOPBACK ? ARPHRD_LOOPBACK
								     : ARPHRD_ETHER };
	struct rtnetlink_batch b;
	struct rtnetlink_reader r;
	struct rtnetlink_message m;

	rtnetlink_init(&b);
	rtnetlink_begin(&b, "", said == GONE ? RTM_DELLINK : RTM_NEWLINK, 0, &body, sizeof(body));
	if (said == NAME_TOO_LONG)
		rtnetlink_put_str(&b, IFLA_IFNAME, "sixteen-letters.");
	else if (said == NAME_WITHOUT_END)
		rtnetlink_put(&b, IFLA_IFNAME, "eth0", 4);
	else if (said != WITHOUT_NAME)
		rtnetlink_put_str(&b, IFLA_IFNAME, "fifteen-letters");
	if (said == SIZE_OF_A_BYTE)
		rtnetlink_put_u8(&b, IFLA_GSO_MAX_SIZE, 1);
	else if (said != WITHOUT_SIZE)
		rtnetlink_put_u32(&b, IFLA_GSO_MAX_SIZE, 65536);
	rtnetlink_put_u32(&b, IFLA_TSO_MAX_SIZE, 131072);
	if (said == WITHOUT_HARDWARE) {
		size_t nest = rtnetlink_nest(&b, IFLA_LINKINFO);

		rtnetlink_put_str(&b, IFLA_INFO_KIND, "veth");
		rtnetlink_nest_end(&b, nest);
	}
	r = rtnetlink_read(b.data, b.size_bytes);
	assert_true(rtnetlink_next(&r, &m));
	m.size_bytes -= cut_bytes;
	return card_read(&m);
}

static void who_is_one(void **state)
{
	struct card c = hear(ALL, 0);

	(void)state;
	assert_int_equal(c.index, 3);
	assert_string_equal(c.name, "fifteen-letters");
	assert_int_equal(c.frame_bytes, 65536);
	assert_int_equal(c.frame_bytes_max, 131072);
	for (enum said said = ALL + 1; said < SAID; said++)
		assert_int_equal(hear(said, 0).index, 0);
	for (size_t cut = 1; cut < 8; cut++)	/* in the midst of the last one */
		assert_int_equal(hear(ALL, cut).index, 0);
	assert_int_equal(hear(ALL, 40).index, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(who_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
