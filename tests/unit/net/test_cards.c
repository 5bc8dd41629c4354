/* test_cards.c - which devices are cards, how large the frames of one may be by its speed, and what
 * is said when the kernel, which is the test itself, tells of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#include <cmocka.h>

#include "lib/err.h"
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
	UNDER_A_BRIDGE,
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
	if (said == WITHOUT_HARDWARE || said == UNDER_A_BRIDGE) {
		size_t nest = rtnetlink_nest(&b, IFLA_LINKINFO);

		if (said == WITHOUT_HARDWARE)
			rtnetlink_put_str(&b, IFLA_INFO_KIND, "veth");
		else
			rtnetlink_put_str(&b, IFLA_INFO_SLAVE_KIND, "bridge");
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

/* ---- the kernel */

static struct world {
	struct cards cards;
	int events_fd, route_fd; /* the kernel's ends */
	FILE *log;
	int own_stderr;
	size_t sentences;
} w;

/* ethtool's: each card has 1 Gbit/s. */
int ioctl(int fd, unsigned long request, ...)
{
	struct ifreq *asked;
	va_list more;

	(void)fd;
	assert_true(request == SIOCETHTOOL);
	va_start(more, request);
	asked = va_arg(more, struct ifreq *);
	va_end(more);
	ethtool_cmd_speed_set((struct ethtool_cmd *)(void *)asked->ifr_data, 1000);
	return 0;
}

static int be_the_kernel_of(int fd)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(dup2(ends[0], fd), fd);
	close(ends[0]);
	return ends[1];
}

static void say(const struct rtnetlink_batch *b)
{
	assert_int_equal(send(w.route_fd, b->data, b->size_bytes, 0), (ssize_t)b->size_bytes);
}

static void say_result(uint16_t type, int error)
{
	const struct nlmsgerr result = { .error = -error };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	rtnetlink_begin(&b, "", type, 0, &result, sizeof(result));
	say(&b);
}

/* One of whose frames nothing is changed, as they fit already, or one that is new. */
static void say_card(int index, uint32_t frame_bytes)
{
	const struct ifinfomsg body = { .ifi_index = index, .ifi_type = ARPHRD_ETHER };
	struct rtnetlink_batch b;
	char name[CARD_NAME_BYTES];

	snprintf(name, sizeof(name), "eth%d", index);
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "", RTM_NEWLINK, 0, &body, sizeof(body));
	rtnetlink_put_str(&b, IFLA_IFNAME, name);
	rtnetlink_put_u32(&b, IFLA_GSO_MAX_SIZE, frame_bytes);
	say(&b);
}

static void say_event(void)
{
	assert_int_equal(send(w.events_fd, "", 1, MSG_DONTWAIT), 1);
}

static void look(void)
{
	w.cards.source.on_event(&w.cards.source, LOOP_READ);
}

/* How often it stands in all that was said so far. */
static int said(const char *words)
{
	char line[512];
	int count = 0;

	rewind(w.log);
	w.sentences = 0;
	while (fgets(line, sizeof(line), w.log)) {
		w.sentences++;
		count += strstr(line, words) != NULL;
	}
	return count;
}

static int begin(void **state)
{
	struct loop *loop;
	struct err e;

	memset(&w, 0, sizeof(w));
	loop = loop_create(&e);
	assert_non_null(loop);
	*state = loop;
	assert_int_equal(cards_open(&w.cards, loop, &e), 0);
	w.events_fd = be_the_kernel_of(w.cards.source.fd);
	w.route_fd = be_the_kernel_of(w.cards.route_fd);
	w.log = tmpfile();
	assert_non_null(w.log);
	w.own_stderr = dup(STDERR_FILENO);
	dup2(fileno(w.log), STDERR_FILENO);
	return 0;
}

static int end(void **state)
{
	dup2(w.own_stderr, STDERR_FILENO);
	close(w.own_stderr);
	fclose(w.log);
	loop_destroy(*state);
	close(w.cards.source.fd);
	close(w.cards.route_fd);
	close(w.events_fd);
	close(w.route_fd);
	return 0;
}

static void say_new_card_that(int result)
{
	say_card(3, 65536);
	say_result(NLMSG_DONE, 0);
	say_result(NLMSG_ERROR, result);
	say_event();
	look();
}

static void who_refuses_is_warned_of_once(void **state)
{
	(void)state;
	say_new_card_that(EOPNOTSUPP);
	say_new_card_that(EOPNOTSUPP);
	assert_int_equal(said("card eth3: say how large its frames may be: "), 1);
	assert_int_equal(w.sentences, 1);
	say_new_card_that(0);
	assert_int_equal(said("card eth3: frames fit its speed mbit=1000 bytes=16000"), 1);
}

static void say_cards(int count)
{
	for (int i = 1; i <= count; i++)
		say_card(i, 16000);
	say_result(NLMSG_DONE, 0);
	say_event();
	look();
}

static void first_without_a_place_is_named_once(void **state)
{
	(void)state;
	say_cards(CARDS_MAX);
	said("");
	assert_int_equal(w.sentences, 0);
	say_cards(CARDS_MAX + 2);
	say_cards(CARDS_MAX + 1);
	assert_int_equal(said("card eth65: its frames stay as they are: "), 1);
	assert_int_equal(w.sentences, 1);
	say_cards(CARDS_MAX);
	say_cards(CARDS_MAX + 1);
	assert_int_equal(said("card eth65: "), 2);
}

/* All of them come to an end, but others have a turn between. */
static void events_without_end_leave_others_a_turn(void **state)
{
	int turns = 0;
	char c;

	(void)state;
	for (int i = 0; i < 100; i++)
		say_event();
	while (recv(w.cards.source.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		say_result(NLMSG_DONE, 0);
		look();
		turns++;
	}
	assert_int_equal(turns, 2);
}

#define CARDS_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(who_is_one),
		CARDS_TEST(who_refuses_is_warned_of_once),
		CARDS_TEST(first_without_a_place_is_named_once),
		CARDS_TEST(events_without_end_leave_others_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
