/* test_net_neighbour.c - gateways are told of networks that have a container in common with theirs,
 * as long as they have, and of nobody else's. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "net/net_neighbour.h"
#include "net/net_network.h"
#include "net/net_told.h"
#include "net/nets.h"
#include "wire/wire.h"

enum { NETWORKS = 3 };

static struct nets nets;
static struct net_network w[NETWORKS]; /* front, back, deep */
static int ends[2];

static int set_up(void **state)
{
	static const char *const names[] = { "front", "back", "deep" };
	char subnet[SUBNET_TEXT_MAX];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    ends), 0);
	nets = (struct nets){ .loop = loop_create(NULL), .peer_fd = -1, .own_ns_fd = -1 };
	for (int i = NETWORKS - 1; i >= 0; i--) {
		w[i] = (struct net_network){ .nets = &nets, .next = nets.first,
					     .router.route_fd = -1 };
		str_copy(w[i].name, sizeof(w[i].name), names[i]);
		snprintf(subnet, sizeof(subnet), "10.%d.0.0/16", i);
		assert_true(subnet_parse(subnet, &w[i].router.subnet4));
		keeper_init(&w[i].keeper, nets.loop, w[i].name, &net_told_events);
		/* What it is told waits in its outbox. */
		w[i].keeper.pid = 0;
		nets.first = &w[i];
	}
	return 0;
}

static void leave(struct net_network *n, struct net_member *m)
{
	net_neighbours_leave(n, m);
	net_member_remove(n, m);
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < NETWORKS; i++) {
		while (w[i].members)
			leave(&w[i], w[i].members);
		assert_null(w[i].neighbours);
		keeper_stop(&w[i].keeper);
	}
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	loop_destroy(nets.loop);
	return 0;
}

static struct net_member *join(struct net_network *n, const char *name, const char *address,
			       const char *alias)
{
	static const uint64_t port = IPPROTO_TCP << 16 | 80;
	struct net_member *m = net_member_find(n, name);
	bool is_new = !m;

	if (is_new)
		m = net_member_add(n, name);
	assert_true(address_parse(address, &m->plug.address4));
	net_member_describe(m, "", (const char *const[]){ name, alias }, alias ? 2 : 1);
	net_member_expose(m, &port, 1);
	net_neighbours_join(n, m, is_new);
	return m;
}

/* What a gateway was told meanwhile: "NEIGHBOUR back 10.1.0.0/16  ;PEER back db 10.1.0.9 ..." */
static const char *told(struct net_network *n)
{
	static char text[4096];
	struct err e;
	struct msg m;

	text[0] = '\0';
	assert_int_equal(outbox_flush(&n->keeper.outbox, ends[0], &e), 1);
	while (msg_receive(ends[1], &m, NULL) == 1) {
		strcat(text, wire_name(m.type) + strlen("GATE_"));
		while (m.at < m.size_bytes && !m.broken) {
			char *end = text + strlen(text);

			if (m.data[m.at] == 's')
				sprintf(end, " %s", msg_get_str(&m));
			else
				sprintf(end, " %ju", (uintmax_t)msg_get_u64(&m));
		}
		strcat(text, ";");
		msg_finish(&m);
	}
	return text;
}

#define PORT " 1 393296;"

static void told_of_networks_in_common(void **state)
{
	struct net_member *m;

	(void)state;
	join(&w[1], "db", "10.1.0.9", "store");
	join(&w[0], "web", "10.0.0.2", NULL);
	assert_string_equal(told(&w[0]), "");
	assert_string_equal(told(&w[1]), "");
	/* The first in common: all of both. */
	m = join(&w[1], "web", "10.1.0.2", NULL);
	assert_string_equal(told(&w[0]), "NEIGHBOUR back 10.1.0.0/16 ;"
					 "PEER back web 10.1.0.2  1 web" PORT
					 "PEER back db 10.1.0.9  2 db store" PORT);
	assert_string_equal(told(&w[1]), "NEIGHBOUR front 10.0.0.0/16 ;"
					 "PEER front web 10.0.0.2  1 web" PORT);
	assert_string_equal(told(&w[2]), "");
	/* Then each change, to the other one. */
	join(&w[1], "late", "10.1.0.3", NULL);
	assert_string_equal(told(&w[0]), "PEER back late 10.1.0.3  1 late" PORT);
	join(&w[1], "late", "10.1.0.3", "alias");
	assert_string_equal(told(&w[0]), "PEER back late 10.1.0.3  2 late alias" PORT);
	leave(&w[1], net_member_find(&w[1], "late"));
	assert_string_equal(told(&w[0]), "PEER_LEAVE back late;");
	assert_string_equal(told(&w[1]), "");
	/* The last in common leaves, and the rest of them is nobody's business. */
	leave(&w[1], m);
	assert_string_equal(told(&w[0]), "PEER_LEAVE back web;NEIGHBOUR_GONE back;");
	assert_string_equal(told(&w[1]), "NEIGHBOUR_GONE front;");
	join(&w[1], "late", "10.1.0.3", NULL);
	assert_string_equal(told(&w[0]), "");
}

static void two_in_common(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		join(&w[i], "a", "10.0.0.2", NULL);
		join(&w[i], "b", "10.0.0.3", NULL);
	}
	told(&w[0]);
	told(&w[1]);
	leave(&w[0], net_member_find(&w[0], "b"));
	assert_string_equal(told(&w[0]), "");
	assert_string_equal(told(&w[1]), "PEER_LEAVE front b;");
	/* It comes again, on another network of them. */
	join(&w[2], "b", "10.2.0.3", NULL);
	assert_string_equal(told(&w[0]), "");
	assert_string_equal(told(&w[2]), "NEIGHBOUR back 10.1.0.0/16 ;"
					 "PEER back b 10.0.0.3  1 b" PORT
					 "PEER back a 10.0.0.2  1 a" PORT);
	leave(&w[0], net_member_find(&w[0], "a"));
	assert_string_equal(told(&w[0]), "NEIGHBOUR_GONE back;");
	assert_string_equal(told(&w[1]), "NEIGHBOUR deep 10.2.0.0/16 ;"
					 "PEER deep b 10.2.0.3  1 b" PORT
					 "PEER_LEAVE front a;NEIGHBOUR_GONE front;");
}

static void everything_anew_and_a_network_that_goes(void **state)
{
	(void)state;
	for (int i = 0; i < NETWORKS; i++)
		join(&w[i], "a", "10.0.0.2", NULL);
	for (int i = 0; i < NETWORKS; i++)
		told(&w[i]);
	net_neighbours_tell(&w[0]);
	assert_string_equal(told(&w[0]), "NEIGHBOUR deep 10.2.0.0/16 ;"
					 "PEER deep a 10.0.0.2  1 a" PORT
					 "NEIGHBOUR back 10.1.0.0/16 ;"
					 "PEER back a 10.0.0.2  1 a" PORT);
	net_neighbours_part(&w[1]);
	assert_null(w[1].neighbours);
	assert_string_equal(told(&w[0]), "NEIGHBOUR_GONE back;");
	assert_string_equal(told(&w[2]), "NEIGHBOUR_GONE back;");
	net_neighbours_tell(&w[0]);
	assert_string_equal(told(&w[0]), "NEIGHBOUR deep 10.2.0.0/16 ;"
					 "PEER deep a 10.0.0.2  1 a" PORT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(told_of_networks_in_common),
		TEST(two_in_common),
		TEST(everything_anew_and_a_network_that_goes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("net_neighbour", tests, NULL, NULL);
}
