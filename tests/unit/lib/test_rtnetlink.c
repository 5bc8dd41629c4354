/* test_rtnetlink.c - requests have the kernel's layout and stop where the buffer does; answers that
 * are cut or lie about their length end the walk; the real kernel answers and refuses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/rtnetlink.h"

static void layout(void **state)
{
	const struct ifinfomsg body = { .ifi_index = 7 };
	struct rtnetlink_batch b;
	struct rtnetlink_reader r, attributes, inner;
	struct rtnetlink_message m;
	struct rtnetlink_attribute a;
	struct ifinfomsg got;
	uint32_t number;
	size_t nest;

	(void)state;
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "first", RTM_SETLINK, 0, &body, sizeof(body));
	rtnetlink_put_str(&b, IFLA_IFNAME, "v1");
	nest = rtnetlink_nest(&b, IFLA_LINKINFO);
	rtnetlink_put_str(&b, IFLA_INFO_KIND, "veth");
	rtnetlink_put_u32(&b, 9, 77);
	rtnetlink_nest_end(&b, nest);
	rtnetlink_begin(&b, "second", RTM_DELLINK, NLM_F_EXCL, &body, sizeof(body));
	assert_false(b.broken);
	r = rtnetlink_read(b.data, b.size_bytes);
	assert_true(rtnetlink_next(&r, &m));
	assert_int_equal(m.type, RTM_SETLINK);
	assert_int_equal(m.flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_int_equal(m.sequence, 1);
	assert_true(rtnetlink_body(&m, &got, sizeof(got), &attributes));
	assert_int_equal(got.ifi_index, 7);
	assert_true(rtnetlink_next_attribute(&attributes, &a));
	assert_int_equal(a.type, IFLA_IFNAME);
	assert_string_equal(rtnetlink_text(&a), "v1");
	assert_false(rtnetlink_u32(&a, &number));
	assert_true(rtnetlink_next_attribute(&attributes, &a));
	assert_int_equal(a.type, IFLA_LINKINFO);
	inner = rtnetlink_inside(&a);
	assert_true(rtnetlink_next_attribute(&inner, &a));
	assert_string_equal(rtnetlink_text(&a), "veth");
	assert_true(rtnetlink_next_attribute(&inner, &a));
	assert_true(rtnetlink_u32(&a, &number));
	assert_int_equal(number, 77);
	assert_false(rtnetlink_next_attribute(&inner, &a));
	assert_false(inner.broken);
	assert_false(rtnetlink_next_attribute(&attributes, &a));
	assert_true(rtnetlink_next(&r, &m));
	assert_int_equal(m.flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_EXCL);
	assert_int_equal(m.sequence, 2);
	assert_false(rtnetlink_next(&r, &m));
	assert_false(r.broken);
}

static void too_much(void **state)
{
	static const unsigned char bulk[RTNETLINK_BATCH_BYTES];
	const struct rtgenmsg body = { 0 };
	struct rtnetlink_batch b;
	struct err e = { 0 };

	(void)state;
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "x", RTM_GETLINK, 0, &body, sizeof(body));
	rtnetlink_put(&b, 1, bulk, sizeof(bulk) - 64);
	assert_false(b.broken);
	rtnetlink_put(&b, 1, bulk, 64);
	assert_true(b.broken);
	assert_true(b.size_bytes <= RTNETLINK_BATCH_BYTES);
	assert_int_equal(rtnetlink_send(-1, &b, &e), -1);
	rtnetlink_init(&b);
	for (int i = 0; i < RTNETLINK_BATCH_MESSAGES; i++)
		rtnetlink_begin(&b, "x", RTM_GETLINK, 0, &body, sizeof(body));
	assert_false(b.broken);
	rtnetlink_begin(&b, "x", RTM_GETLINK, 0, &body, sizeof(body));
	assert_true(b.broken);
	rtnetlink_init(&b);
	rtnetlink_put_u8(&b, 1, 1); /* outside any message */
	assert_true(b.broken);
}

/* Lengths that lie, as 16 bytes of header or 4 of an attribute. */
static void lies(void **state)
{
	static const struct {
		uint32_t length;
		size_t given;
		bool whole;
	} messages[] = {
		{ 16, 16, true },  { 17, 20, true },  { 17, 17, true },	 { 17, 16, false },
		{ 15, 16, false }, { 0, 16, false },  { 16, 15, false }, { UINT32_MAX, 64, false },
		{ 16, 17, false }, { 16, 31, false }, { 16, 1, false },
	}, attributes[] = {
		{ 4, 4, true },	 { 5, 8, true }, { 5, 5, true },      { 5, 4, false },
		{ 3, 4, false }, { 0, 4, false }, { 65535, 8, false }, { 4, 6, false },
	};
	unsigned char data[64];

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct rtnetlink_reader r = rtnetlink_read(data, messages[i].given);
		struct rtnetlink_message m;

		memset(data, 0, sizeof(data));
		memcpy(data, &messages[i].length, 4);
		while (rtnetlink_next(&r, &m))
			assert_true(m.data + m.size_bytes <= data + messages[i].given);
		assert_int_equal(!r.broken, messages[i].whole);
		assert_false(rtnetlink_next(&r, &m));
	}
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		uint16_t length = (uint16_t)attributes[i].length;
		struct rtnetlink_reader r = rtnetlink_read(data, attributes[i].given);
		struct rtnetlink_attribute a;

		memset(data, 0, sizeof(data));
		memcpy(data, &length, 2);
		while (rtnetlink_next_attribute(&r, &a))
			assert_true(a.data + a.size_bytes <= data + attributes[i].given);
		assert_int_equal(!r.broken, attributes[i].whole);
	}
}

static void texts(void **state)
{
	const struct rtnetlink_attribute open = { .data = (const void *)"abc", .size_bytes = 3 },
					 none = { .data = (const void *)"", .size_bytes = 0 },
					 closed = { .data = (const void *)"abc", .size_bytes = 4 };

	(void)state;
	assert_null(rtnetlink_text(&open));
	assert_null(rtnetlink_text(&none));
	assert_string_equal(rtnetlink_text(&closed), "abc");
}

static int count_links(void *ctx, const struct rtnetlink_message *m, struct err *e)
{
	int *links = ctx;

	(void)e;
	*links += m->type == RTM_NEWLINK;
	return 0;
}

static int refuse(void *ctx, const struct rtnetlink_message *m, struct err *e)
{
	(void)m;
	++*(int *)ctx;
	return err_set(e, "no more");
}

static void kernel_answers(void **state)
{
	const struct ifinfomsg all = { 0 }, lo = { .ifi_index = 1 }, none = { .ifi_index = 999999 };
	struct rtnetlink_batch b;
	struct err e = { 0 };
	int fd = rtnetlink_open(&e), links = 0;

	(void)state;
	assert_true(fd >= 0);
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "list links", RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	assert_int_equal(rtnetlink_ask(fd, &b, count_links, &links, &e), 0);
	assert_true(links >= 1);
	links = 0;
	assert_int_equal(rtnetlink_ask(fd, &b, refuse, &links, &e), -1);
	assert_int_equal(links, 1);
	assert_string_equal(e.text, "no more");
	links = 0;
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "look at lo", RTM_GETLINK, 0, &lo, sizeof(lo));
	assert_int_equal(rtnetlink_ask(fd, &b, count_links, &links, &e), 0);
	assert_int_equal(links, 1); /* and nothing is left of the answers before */
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "look at nothing", RTM_GETLINK, 0, &none, sizeof(none));
	assert_int_equal(rtnetlink_ask(fd, &b, count_links, &links, &e), -1);
	assert_int_equal(e.number, ENODEV);
	assert_memory_equal(e.text, "look at nothing: No such device", 31);
	rtnetlink_fine(&b, ENODEV);
	assert_int_equal(rtnetlink_ask(fd, &b, count_links, &links, &e), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout), cmocka_unit_test(too_much),	    cmocka_unit_test(lies),
		cmocka_unit_test(texts),  cmocka_unit_test(kernel_answers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
