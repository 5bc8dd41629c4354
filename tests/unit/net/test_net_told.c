/* test_net_told.c - what a gateway says is believed, and worked for, only as far as netd waits for
 * it; and how much is said of the ports that the last one spoiled. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "net/net_network.h"
#include "net/net_told.h"
#include "net/nets.h"
#include "wire/wire.h"

static struct nets nets;
static struct net_network w;
static struct net_member a;
static int engined_fd, kernel_fd; /* the other ends of what netd asks and tells */
static struct msg m;

static int set_up(void **state)
{
	int engined[2], kernel[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    engined), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    kernel), 0);
	engined_fd = engined[1];
	kernel_fd = kernel[1];
	nets = (struct nets){ .loop = loop_create(NULL), .peer_fd = engined[0], .own_ns_fd = -1 };
	a = (struct net_member){ .name = "a", .plug.index = NET_FIRST_INDEX,
				 .plug.address4.family = AF_INET };
	w = (struct net_network){ .nets = &nets, .name = "lab", .members = &a, .member_count = 1,
				  .router.route_fd = kernel[0], .serves = true };
	keeper_init(&w.keeper, nets.loop, w.name, &net_told_events);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	keeper_stop(&w.keeper);
	fd_close(&engined_fd);
	fd_close(&kernel_fd);
	fd_close(&nets.peer_fd);
	fd_close(&w.router.route_fd);
	loop_destroy(nets.loop);
	return 0;
}

static void hear(uint32_t type, const char *whom, uint64_t count)
{
	struct err e = { .text = "" };

	msg_init(&m, type);
	if (type != WIRE_GATE_READY)
		msg_put_str(&m, whom);
	if (type == WIRE_GATE_WANT) {
		msg_put_u64(&m, AF_INET);
		msg_put_u64(&m, count);
	}
	if (type == WIRE_GATE_COUNTERS)
		msg_put_u64(&m, count);
	m.at = 0;
	if (net_told_events.on_message(&w.keeper, &m, &e))
		fail_msg("%s", e.text);
}

static bool has_something(int fd)
{
	char data[4096];

	return recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0;
}

static void counters_that_nobody_asked_for(void **state)
{
	(void)state;
	hear(WIRE_GATE_COUNTERS, "a", 7);
	hear(WIRE_GATE_COUNTERS, "nobody", 7);
	assert_false(has_something(kernel_fd));
	assert_false(has_something(engined_fd));
}

static void counters_that_are_waited_for(void **state)
{
	(void)state;
	a.waits_for_counters = true;
	hear(WIRE_GATE_COUNTERS, "a", 7);
	assert_true(has_something(kernel_fd));
	assert_true(has_something(engined_fd));
	hear(WIRE_GATE_COUNTERS, "a", 7);
	assert_false(has_something(kernel_fd));
	assert_false(has_something(engined_fd));
}

/* Whatever it is that it says in vain: the next is not heard for a while. */
static void idle_talk_is_not_heard_for_ever(void **state)
{
	static const struct {
		uint32_t type;
		const char *whom;
	} talk[] = {
		{ WIRE_GATE_COUNTERS, "a" }, { WIRE_GATE_COUNTERS, "nobody" },
		{ WIRE_GATE_WANT, "a" }, { WIRE_GATE_WANT, "nobody" }, { WIRE_GATE_READY, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(talk) / sizeof(talk[0]); i++) {
		int left = 1000000;

		loop_timer_off(&w.keeper.rest);
		w.due_us = 0;
		while (!w.keeper.rest.loop && --left)
			hear(talk[i].type, talk[i].whom, 0);
		if (!left)
			fail_msg("%s is heard without end", wire_name(talk[i].type));
	}
}

/* Lines of the log that a start writes which have the text. */
static int start_says(const char *text)
{
	FILE *log = tmpfile();
	int own = dup(STDERR_FILENO), count = 0;
	char line[1024];

	dup2(fileno(log), STDERR_FILENO);
	net_told_events.on_start(&w.keeper);
	dup2(own, STDERR_FILENO);
	close(own);
	rewind(log);
	while (fgets(line, sizeof(line), log))
		count += strstr(line, text) != NULL;
	fclose(log);
	return count;
}

/* A gateway may have up to 16384 ports: the log is not to be full of them. */
static void spoiled_ports_are_said_as_far_as_they_help(void **state)
{
	enum { PORTS = 12, MOST = 8 };
	struct net_port ports[PORTS];

	(void)state;
	w.members = NULL;
	w.policy = (char *)"";
	for (int start = 0; start < 2; start++) {
		for (int i = 0; i < PORTS; i++) {
			ports[i] = (struct net_port){
				.next = i + 1 < PORTS ? &ports[i + 1] : NULL,
				.key = "web",
				.protocol = IPPROTO_TCP,
				.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
			};
			/* Opened anew, and no address of this machine. */
			strcpy(ports[i].address, i % 2 ? "127.0.0.1" : "192.0.2.1");
		}
		w.ports = ports;
		assert_int_equal(start_says("port web did not listen any more"), MOST);
		for (int i = 0; i < PORTS; i++)
			assert_int_equal(ports[i].fd >= 0, i % 2);
		/* What is open is left alone, what is not waits for the timer. */
		assert_non_null(w.mend.loop);
		assert_int_equal(start_says("did not listen"), 0);
		loop_timer_off(&w.mend);
		for (int i = 0; i < PORTS; i++)
			fd_close(&ports[i].fd);
	}
	w.ports = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counters_that_nobody_asked_for),
		TEST(counters_that_are_waited_for),
		TEST(idle_talk_is_not_heard_for_ever),
		TEST(spoiled_ports_are_said_as_far_as_they_help),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("net_told", tests, NULL, NULL);
}
