/* test_gate.c - what netd says becomes members, ports and backends; nonsense changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "gate/gate.h"
#include "gate/gate_neighbour.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "wire/wire.h"

struct seen {
	struct gate_part part;
	int networks, members, left, published, withdrawn, forbidden, neighbours, gone, peers,
		peers_left;
};

struct world {
	struct loop *loop;
	struct gate *g;
	int netd_fd;
	struct seen seen;
};

static void on_network(struct gate_part *part, struct gate *g, int tun_fds[TUN_DEVICES_MAX])
{
	(void)g;
	(void)tun_fds;
	owner_of(part, struct seen, part)->networks++;
}

static void on_member(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	(void)g;
	(void)m;
	owner_of(part, struct seen, part)->members++;
}

static void on_leave(struct gate_part *part, struct gate *g, struct gate_member *m)
{
	struct published *p = NULL;
	unsigned i;

	while ((p = publish_next(&g->published, p)))
		for (i = 0; i < p->balance.count; i++)
			assert_ptr_not_equal(p->members[i], m);
	/* Still whole. */
	assert_ptr_equal(gate_member_by_name(&g->members, m->container), m);
	owner_of(part, struct seen, part)->left++;
}

static void on_published(struct gate_part *part, struct gate *g, struct published *p)
{
	(void)g;
	assert_true(p->fd >= 0);
	owner_of(part, struct seen, part)->published++;
}

static void on_withdrawn(struct gate_part *part, struct gate *g, struct published *p)
{
	(void)g;
	assert_true(p->fd >= 0);
	owner_of(part, struct seen, part)->withdrawn++;
}

static void on_forbidden(struct gate_part *part, struct gate *g)
{
	(void)g;
	owner_of(part, struct seen, part)->forbidden++;
}

static void on_neighbour(struct gate_part *part, struct gate *g, const struct gate_neighbour *n)
{
	(void)g;
	assert_string_equal(n->network, "back");
	assert_int_equal(n->subnet4.prefix, 24);
	assert_int_equal(n->subnet6.address.family, 0);
	owner_of(part, struct seen, part)->neighbours++;
}

static void on_neighbour_goes(struct gate_part *part, struct gate *g, const char *network)
{
	(void)g;
	assert_string_equal(network, "back");
	owner_of(part, struct seen, part)->gone++;
}

static void on_peer(struct gate_part *part, struct gate *g, const struct gate_peer *p)
{
	(void)g;
	assert_string_equal(p->network, "back");
	assert_string_equal(p->container, "db");
	assert_int_equal(p->address4.bytes[3], 9);
	assert_int_equal(p->address6.family, 0);
	assert_int_equal(p->name_count, 2);
	assert_string_equal(p->names[1], "store");
	assert_int_equal(p->port_count, 1);
	assert_int_equal(p->ports[0].number, 5432);
	owner_of(part, struct seen, part)->peers++;
}

static void on_peer_leaves(struct gate_part *part, struct gate *g, const char *network,
			   const char *container)
{
	(void)g;
	assert_string_equal(network, "back");
	assert_string_equal(container, "db");
	owner_of(part, struct seen, part)->peers_left++;
}

static int set_up(void **state)
{
	static struct world w;
	struct err e;
	int fds[2];

	log_init("test", LOG_LEVEL_ERR);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	memset(&w, 0, sizeof(w));
	w.loop = loop_create(&e);
	w.netd_fd = fds[0];
	w.g = gate_create(w.loop, fds[1], &e);
	assert_non_null(w.g);
	w.seen.part.network = on_network;
	w.seen.part.member = on_member;
	w.seen.part.member_leaves = on_leave;
	w.seen.part.published = on_published;
	w.seen.part.withdrawn = on_withdrawn;
	w.seen.part.forbidden = on_forbidden;
	w.seen.part.neighbour = on_neighbour;
	w.seen.part.neighbour_goes = on_neighbour_goes;
	w.seen.part.peer = on_peer;
	w.seen.part.peer_leaves = on_peer_leaves;
	gate_add_part(w.g, &w.seen.part);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	int fd = w->g->control.fd;

	gate_destroy(w->g);
	loop_destroy(w->loop);
	close(fd);
	close(w->netd_fd);
	return 0;
}

/* format: a letter per argument, s or n (u64), f an fd that is handed over. */
static int tell(struct world *w, uint32_t type, const char *format, ...)
{
	static struct msg m;
	struct err e;
	va_list args;
	int result;

	msg_init(&m, type);
	m.owns_fds = true;
	va_start(args, format);
	for (; *format; format++) {
		if (*format == 's')
			msg_put_str(&m, va_arg(args, const char *));
		else if (*format == 'n')
			msg_put_u64(&m, (uint64_t)va_arg(args, int));
		else
			msg_put_fd(&m, va_arg(args, int));
	}
	va_end(args);
	result = gate_message(w->g, &m, &e);
	msg_finish(&m);
	return result;
}

static int some_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static void members(void **state)
{
	struct world *w = *state;
	struct address a4, a6, other;
	struct gate_member *web;

	assert_true(address_parse("172.30.0.2", &a4) && address_parse("fd00::2", &a6) &&
		    address_parse("172.30.0.3", &other));
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnssnnn", "web", "172.30.0.2", "fd00::2",
			      "deny 10.0.0.0/8", 3, 2, "web", "www", 2, IPPROTO_TCP << 16 | 80,
			      IPPROTO_UDP << 16 | 65535), 0);
	web = gate_member_by_name(&w->g->members, "web");
	assert_non_null(web);
	assert_ptr_equal(gate_member_by_address(&w->g->members, &a4), web);
	assert_ptr_equal(gate_member_by_address(&w->g->members, &a6), web);
	assert_string_equal(web->names[1], "www");
	assert_int_equal(web->port_count, 2);
	assert_int_equal(web->ports[0].protocol, IPPROTO_TCP);
	assert_int_equal(web->ports[1].number, 65535);
	assert_string_equal(web->policy_text, "deny 10.0.0.0/8");
	/* Another one cannot have its address, and then has none. */
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnn", "db", "172.30.0.2", "", "", 0, 0, 0),
			 0);
	assert_ptr_equal(gate_member_by_address(&w->g->members, &a4), web);
	/* Changed: the old address is nobody's. */
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnsn", "web", "172.30.0.3", "", "", 0, 1,
			      "w", 0),
			 0);
	assert_null(gate_member_by_address(&w->g->members, &a4));
	assert_null(gate_member_by_address(&w->g->members, &a6));
	assert_ptr_equal(gate_member_by_address(&w->g->members, &other), web);
	assert_int_equal(web->name_count, 1);
	assert_int_equal(web->port_count, 0);
	assert_int_equal(tell(w, WIRE_GATE_LEAVE, "s", "web"), 0);
	assert_null(gate_member_by_address(&w->g->members, &other));
	assert_int_equal(w->seen.members, 2);
	assert_int_equal(w->seen.left, 1);
}

static void many_members(void **state)
{
	struct world *w = *state;
	const struct gate_member *m = NULL;
	char name[16], address[32];
	int i, count = 0;

	for (i = 0; i < MEMBERS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(address, sizeof(address), "172.%d.%d.%d", 16 + (i >> 16), i >> 8 & 255,
			 i & 255);
		assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnn", name, address, "", "", 0, 0,
				      0),
				 0);
	}
	while ((m = gate_member_next(&w->g->members, m)))
		count++;
	assert_int_equal(count, MEMBERS_MAX);
	for (i = 0; i < MEMBERS_MAX; i += 2) {
		snprintf(name, sizeof(name), "c%d", i);
		assert_int_equal(tell(w, WIRE_GATE_LEAVE, "s", name), 0);
	}
	assert_int_equal(w->g->members.count, MEMBERS_MAX / 2);
	assert_null(gate_member_by_name(&w->g->members, "c0"));
	assert_non_null(gate_member_by_name(&w->g->members, "c1"));
}

static void ports(void **state)
{
	struct world *w = *state;
	struct published *p;

	tell(w, WIRE_GATE_MEMBER, "ssssnnn", "a", "172.30.0.2", "", "", 0, 0, 0);
	tell(w, WIRE_GATE_MEMBER, "ssssnnn", "b", "172.30.0.3", "", "", 0, 0, 0);
	assert_int_equal(tell(w, WIRE_GATE_PUBLISH, "snnnf", "p", IPPROTO_TCP, 80, 1,
			      some_socket()),
			 0);
	p = publish_by_key(&w->g->published, "p");
	assert_non_null(p);
	assert_int_equal(publish_pick(p, NULL, 1), -1);
	assert_int_equal(tell(w, WIRE_GATE_BACKEND, "ssn", "p", "a", BALANCE_SERVES), 0);
	assert_int_equal(tell(w, WIRE_GATE_BACKEND, "ssn", "p", "b", BALANCE_SERVES), 0);
	assert_int_equal(publish_pick(p, NULL, 1), 0);
	assert_int_equal(publish_pick(p, NULL, 1), 1);
	/* a goes while it has a connection: its number is not given to another one. */
	assert_int_equal(tell(w, WIRE_GATE_BACKEND, "ssn", "p", "a", BALANCE_GONE), 0);
	tell(w, WIRE_GATE_MEMBER, "ssssnnn", "c", "172.30.0.4", "", "", 0, 0, 0);
	tell(w, WIRE_GATE_BACKEND, "ssn", "p", "c", BALANCE_SERVES);
	assert_string_equal(p->members[2]->container, "c");
	publish_done(p, 0);
	tell(w, WIRE_GATE_BACKEND, "ssn", "p", "a", BALANCE_DRAINS);
	assert_string_equal(p->members[0]->container, "a");
	assert_int_equal(tell(w, WIRE_GATE_LEAVE, "s", "c"), 0);
	assert_null(p->members[2]);
	/* A new socket for the key: the backends stay. */
	assert_int_equal(tell(w, WIRE_GATE_PUBLISH, "snnnf", "p", IPPROTO_TCP, 81, 0,
			      some_socket()),
			 0);
	assert_int_equal(p->container_port, 81);
	assert_int_equal(w->seen.withdrawn, 1);
	assert_string_equal(p->members[1]->container, "b");
	assert_int_equal(tell(w, WIRE_GATE_WITHDRAW, "s", "p"), 0);
	assert_null(publish_by_key(&w->g->published, "p"));
	assert_int_equal(w->seen.withdrawn, 2);
}

static void neighbours(void **state)
{
	struct world *w = *state;
	char *longest = memset(calloc(1, MEMBER_NAME_BYTES + 1), 'x', MEMBER_NAME_BYTES);

	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR, "sss", "back", "172.19.0.0/24", ""), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnssnn", "back", "db", "172.19.0.9", "", 2,
			      "db", "store", 1, IPPROTO_TCP << 16 | 5432), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER_LEAVE, "ss", "back", "db"), 0);
	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR_GONE, "s", "back"), 0);
	/* Nonsense is nobody's to act on. */
	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR, "sss", "", "172.19.0.0/24", ""), 0);
	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR, "sss", longest, "172.19.0.0/24", ""), 0);
	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR, "sss", "back", "172.19.0.1/24", ""), 0);
	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR, "sss", "back", "fd00::/64", ""), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnn", "", "db", "", "", 0, 0), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnn", "back", "", "", "", 0, 0), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnn", "back", longest, "", "", 0, 0), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnn", "back", "db", "fd00::1", "", 0, 0), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssn", "back", "db", "", "", 65), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnn", "back", "db", "", "", 0, 65), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnnn", "back", "db", "", "", 0, 1, 5432), 0);
	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR, "ssss", "back", "", "", ""), 0);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnnn", "back", "db", "", "", 0, 0, 1), 0);
	/* What cannot be read is netd out of step. */
	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR, "ss", "back", ""), -1);
	assert_int_equal(tell(w, WIRE_GATE_NEIGHBOUR_GONE, "n", 1), -1);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssss", "back", "db", "", ""), -1);
	assert_int_equal(tell(w, WIRE_GATE_PEER, "ssssnsn", "back", "db", "", "", 2, "db", 0), -1);
	assert_int_equal(tell(w, WIRE_GATE_PEER_LEAVE, "s", "back"), -1);
	assert_int_equal(w->seen.neighbours, 1);
	assert_int_equal(w->seen.gone, 1);
	assert_int_equal(w->seen.peers, 1);
	assert_int_equal(w->seen.peers_left, 1);
	free(longest);
}

/* Said in the log, and nothing has changed. */
static void nonsense(void **state)
{
	static const int no_ports[] = { 0, 80, IPPROTO_TCP << 16, 132 << 16 | 80,
					IPPROTO_TCP << 24 | 80, -1 };
	struct world *w = *state;
	size_t i;

	tell(w, WIRE_GATE_MEMBER, "ssssnnn", "a", "172.30.0.2", "", "", 0, 0, 0);
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnn", "b", "fd00::1", "", "", 0, 0, 0), 0);
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnn", "", "172.30.0.9", "", "", 0, 0, 0),
			 0);
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnn", "b", "", "", "", 0, 65), 0);
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnn", "b", "", "", "", 0, 0, 65), 0);
	for (i = 0; i < sizeof(no_ports) / sizeof(no_ports[0]); i++)
		assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnnn", "b", "", "", "", 0, 0, 1,
				      no_ports[i]), 0);
	assert_int_equal(tell(w, WIRE_GATE_NETWORK, "snsssssn", "n", 0, "172.30.0.1/24", "", "", "",
			      "", 0),
			 0);
	assert_int_equal(tell(w, WIRE_GATE_NETWORK, "snsssssn", "n", 0, "", "", "", "", "", 65536),
			 0);
	assert_int_equal(tell(w, WIRE_GATE_PUBLISH, "snnn", "p", IPPROTO_TCP, 80, 0), 0);
	assert_int_equal(tell(w, WIRE_GATE_PUBLISH, "snnnf", "p", 132, 80, 0, some_socket()), 0);
	assert_int_equal(tell(w, WIRE_GATE_PUBLISH, "snnnf", "p", IPPROTO_TCP, 0, 0, some_socket()),
			 0);
	assert_int_equal(tell(w, WIRE_GATE_PUBLISH, "snnnf", "p", IPPROTO_TCP, 65536, 0,
			      some_socket()),
			 0);
	assert_int_equal(tell(w, WIRE_GATE_PUBLISH, "snnnf", "p", IPPROTO_TCP, 80, 2,
			      some_socket()),
			 0);
	assert_int_equal(tell(w, WIRE_GATE_BACKEND, "ssn", "p", "a", BALANCE_SERVES), 0);
	assert_int_equal(tell(w, WIRE_GATE_WITHDRAW, "s", "p"), 0);
	assert_int_equal(tell(w, WIRE_GATE_LEAVE, "s", "z"), 0);
	assert_int_equal(tell(w, WIRE_GATE_SOCKETS, "snf", "a", AF_UNIX, some_socket()), 0);
	assert_int_equal(tell(w, WIRE_GATE_RESOLVERS, "nss", 2, "10.0.0.1", "x"), 0);
	assert_int_equal(tell(w, WIRE_GATE_FORBIDDEN, "n", GATE_FORBIDDEN_MAX + 1), 0);
	assert_int_equal(tell(w, WIRE_GATE_STATS, "s", "z"), 0);
	assert_int_equal(w->g->members.count, 1);
	assert_int_equal(w->g->published.count, 0);
	assert_int_equal(w->g->resolver_count, 0);
	assert_int_equal(w->seen.networks + w->seen.published + w->seen.forbidden, 0);
	/* What cannot be read, or is not netd's to say, is netd out of step. */
	assert_int_equal(tell(w, WIRE_GATE_LEAVE, "n", 1), -1);
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ss", "a", "172.30.0.2"), -1);
	assert_int_equal(tell(w, WIRE_GATE_MEMBER, "ssssnnnn", "a", "", "", "", 0, 0, 2,
			      IPPROTO_TCP << 16 | 80), -1);
	assert_int_equal(tell(w, WIRE_GATE_READY, ""), -1);
	assert_int_equal(tell(w, WIRE_BOX_LIST, ""), -1);
	assert_int_equal(tell(w, 0, ""), -1);
	assert_int_equal(tell(w, 4000, ""), -1);
}

static void answers(void **state)
{
	struct world *w = *state;
	static struct msg m;
	struct gate_member *a;
	struct err e;
	int i;

	assert_int_equal(tell(w, WIRE_GATE_NETWORK, "snsssssn", "n", 1, "172.30.0.0/24",
			      "172.30.0.1", "", "", "", 0),
			 0);
	assert_int_equal(w->g->network.internal, true);
	assert_int_equal(w->g->network.mtu, GATE_MTU);
	assert_non_null(gate_address(w->g, AF_INET));
	assert_null(gate_address(w->g, AF_INET6));
	assert_int_equal(msg_receive(w->netd_fd, &m, &e), 1);
	assert_int_equal(m.type, WIRE_GATE_READY);
	tell(w, WIRE_GATE_MEMBER, "ssssnnn", "a", "172.30.0.2", "", "", 0, 0, 0);
	a = gate_member_by_name(&w->g->members, "a");
	a->stats.bytes_out = 7;
	assert_int_equal(tell(w, WIRE_GATE_STATS, "s", "a"), 0);
	assert_int_equal(msg_receive(w->netd_fd, &m, &e), 1);
	assert_int_equal(m.type, WIRE_GATE_COUNTERS);
	assert_string_equal(msg_get_str(&m), "a");
	assert_int_equal(msg_get_u64(&m), 7);
	for (i = 1; i < STATS_FIELDS; i++)
		assert_int_equal(msg_get_u64(&m), 0);
	assert_int_equal(msg_end(&m, &e), 0);
}

static bool is_own(struct world *w, const char *text)
{
	struct address a;

	assert_true(address_parse(text, &a));
	return gate_is_own(w->g, &a);
}

/* Docker's as well, where there is one of IPv4 that it can be led to. */
static void own_addresses(void **state)
{
	struct world *w = *state;

	assert_false(is_own(w, "127.0.0.11"));
	tell(w, WIRE_GATE_NETWORK, "snsssssn", "n", 0, "", "", "fd00::/64", "fd00::1", "", 0);
	assert_true(is_own(w, "fd00::1"));
	assert_false(is_own(w, "127.0.0.11"));
	tell(w, WIRE_GATE_NETWORK, "snsssssn", "n", 0, "172.30.0.0/24", "172.30.0.1", "fd00::/64",
	     "fd00::1", "", 0);
	assert_true(is_own(w, "172.30.0.1"));
	assert_true(is_own(w, "127.0.0.11"));
	assert_false(is_own(w, "127.0.0.1"));
	assert_false(is_own(w, "127.0.0.12"));
	assert_false(is_own(w, "172.30.0.2"));
	assert_false(is_own(w, "::ffff:127.0.0.11"));
}

struct pause {
	struct loop_timer timer;
	struct loop *loop;
};

static void stop_soon(struct loop_timer *timer)
{
	loop_stop(owner_of(timer, struct pause, timer)->loop);
}

/* netd does not read for a while: what was said is kept, in order, and bounded. */
static void slow_netd(void **state)
{
	struct world *w = *state;
	struct pause pause = { .timer.on_time = stop_soon, .loop = w->loop };
	static struct msg m;
	struct err e;
	uint64_t last = 0, number;
	int i, got = 0;

	for (i = 1; i <= 2000; i++) {
		msg_init(&m, WIRE_GATE_WANT);
		msg_put_u64(&m, (uint64_t)i);
		gate_say(w->g, &m);
	}
	for (i = 0; i < 100; i++) {
		while (recv(w->netd_fd, NULL, 0, MSG_PEEK | MSG_DONTWAIT) >= 0) {
			assert_int_equal(msg_receive(w->netd_fd, &m, &e), 1);
			number = msg_get_u64(&m);
			assert_true(number > last);
			last = number;
			got++;
		}
		loop_timer_set(w->loop, &pause.timer, 1);
		loop_run(w->loop, &e);
		if (!w->g->sayings && recv(w->netd_fd, NULL, 0, MSG_PEEK | MSG_DONTWAIT) < 0)
			break;
	}
	assert_true(got > 256);
	assert_null(w->g->sayings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(neighbours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonsense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(own_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(slow_netd, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
