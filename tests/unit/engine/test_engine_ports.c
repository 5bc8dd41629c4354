/* test_engine_ports.c - published ports: which number, what is asked of netd when one cannot be
 * had, and when it is asked again. */
#include "tests/unit/engine/netd_world.h"
#include "wire/stats.h"

static void any_port_is_said_and_kept(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['127.0.0.1::80/udp']}}");
	wait_for("NET_PUBLISH default lab udp 127.0.0.1:0-0 80 17 127.0.0.1 0 80 0 1 lab;");
	wait_for("lab: its port 80 is published at port 49153 of 127.0.0.1\n");
	wait_for("RELEASE lab;");
	forget();
	tell_exit(1, 0);
	wait_for("NET_BACKEND default lab udp 127.0.0.1:0-0 80 lab 0;NET_DETACH default lab;");
	wait_for(" 17 127.0.0.1 49153 80 0 1 lab;");
	wait_for("RELEASE lab;");
}

static void port_that_is_taken_stops_the_start(void **state)
{
	(void)state;
	n.refuses = "NET_PUBLISH";
	netd_starts();
	boot_file("services: {lab: {image: lab, ports: ['8000-8001:80']}}");
	wait_for(" 6  8000 80 0 1 lab;");
	wait_for(" 6  8001 80 0 1 lab;");
	wait_for("lab could not be started: port 8000/tcp: it is broken\n");
	wait_for("KILL lab 9;NET_DETACH default lab;");
	assert_false(is_there("starts again"));
}

static void range_takes_no_number_that_another_port_must_have(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['8000-8003:80', '8000:90', '8001-8002:91-92']}}");
	wait_for("RELEASE lab;");
	wait_for("NET_BACKEND default lab tcp :8000-8000 90 lab 1;"
		 "NET_PUBLISH default lab tcp :8001-8001 91 6  8001 91 0 1 lab;");
	wait_for("NET_BACKEND default lab tcp :8002-8002 92 lab 1;"
		 "NET_PUBLISH default lab tcp :8000-8003 80 6  8000 80 0 1 lab;");
}

static void any_port_is_kept_without_a_netd(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['80', '8000-8009:81', '8010:82']}}");
	wait_for("lab: its port 80 is published at port 49153\n");
	wait_for("lab: its port 81 is published at port 8000\n");
	assert_false(is_there("its port 82"));
	wait_for("RELEASE lab;");
	kill_engine();
	netd_ends();
	forget();
	n.port = 50000;
	w.listed = "running";
	netd_starts();
	boot_file(LAB "ports: ['80', '8000-8009:81']}}");
	wait_for("NET_PUBLISH default lab tcp :0-0 80 6  49153 80 0 1 lab;");
	wait_for("NET_PUBLISH default lab tcp :8000-8009 81 6  8000 81 0 1 lab;");
	assert_false(is_there("is published"));
	/* Where somebody else has it meanwhile: another one, which is said. */
	kill_engine();
	netd_ends();
	forget();
	n.refuses = " 49153 80 ";
	netd_starts();
	boot_file(LAB "ports: ['80', '8000-8009:81']}}");
	wait_for("lab: its port 80 is published at port 50000\n");
}

/* Not to the first one that is much like it. */
static void kept_port_goes_to_its_own(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['80']}}");
	wait_for("lab: its port 80 is published at port 49153\n");
	wait_for("RELEASE lab;");
	kill_engine();
	netd_ends();
	forget();
	n.port = 50000;
	w.listed = "running";
	netd_starts();
	boot_file(LAB "ports: ['90', '80/udp', '127.0.0.1::80', '80']}}");
	wait_for("NET_PUBLISH default lab tcp :0-0 90 6  0 90 0 1 lab;");
	wait_for("NET_PUBLISH default lab udp :0-0 80 17  0 80 0 1 lab;");
	wait_for("NET_PUBLISH default lab tcp 127.0.0.1:0-0 80 6 127.0.0.1 0 80 0 1 lab;");
	wait_for("NET_PUBLISH default lab tcp :0-0 80 6  49153 80 0 1 lab;");
}

#define REFUSED(port, how) \
	"lab: port " port "/tcp: it is broken; until it can be had it runs on as it was, " how "\n"
#define OLD_KEY " lab tcp 127.0.0.1:8083-8083 80"

/* It runs with the ports of before, and the next engine reads these. */
static void change_ports(const char *compose)
{
	static const char *const ports[] = { OLD_KEY + 1, NULL };

	netd_starts();
	boot_file(LAB "ports: ['127.0.0.1:8083:80']}}");
	wait_for("RELEASE lab;");
	kill_engine();
	netd_ends();
	forget();
	n.has = "default";
	n.ports = ports;
	w.listed = "running";
	netd_starts();
	boot_file(compose);
}

static void port_that_is_missing_is_tried_again(void **state)
{
	(void)state;
	n.refuses = "NET_PUBLISH default lab tcp :8082";
	change_ports(LAB "ports: ['8081:80', '8082:80']}}");
	wait_for(REFUSED("8082", "with its ports of before"));
	/* All or nothing. */
	wait_for("NET_PUBLISH default lab tcp :8081-8081 80 6  8081 80 0 1 lab;");
	wait_for("NET_WITHDRAW default lab tcp :8081-8081 80;"
		 "NET_PUBLISH default" OLD_KEY " 6 127.0.0.1 8083 80 0 1 lab;");
	forget();
	wait_for("NET_PUBLISH default lab tcp :8082");
	assert_false(is_there("NET_ATTACH"));
	assert_false(is_there("8081"));
	assert_false(is_there("8083"));
	assert_false(is_there("it is broken"));
	n.refuses = NULL;
	wait_for("lab: all of its ports can be had now\n");
	wait_for("NET_WITHDRAW default" OLD_KEY ";");
	wait_for("KILL lab 15;");
}

/* Each of two that swap theirs would hold what the other waits for. */
static void port_of_before_that_another_service_has_now_stays_closed(void **state)
{
	(void)state;
	n.refuses = "NET_PUBLISH default lab tcp :8082";
	change_ports(LAB "ports: ['8082:80']}, web: {image: lab, ports: ['127.0.0.1:8083:80']}}");
	wait_for("NET_WITHDRAW default" OLD_KEY ";");
	wait_for("lab: port 8082/tcp: it is broken");
	wait_for("NET_PUBLISH default web tcp 127.0.0.1:8083-8083 80 6 127.0.0.1 8083 80 0 1 web;");
	assert_false(is_there("NET_PUBLISH default" OLD_KEY));
	forget();
	wait_for("NET_PUBLISH default lab tcp :8082");
	assert_false(is_there("8083"));
}

static void netd_comes_back_while_a_port_is_missing(void **state)
{
	(void)state;
	n.refuses = "NET_PUBLISH default lab tcp :8082";
	change_ports(LAB "ports: ['8081:80', '8082:80']}}");
	wait_for(REFUSED("8082", "with its ports of before"));
	netd_ends();
	forget();
	n.ports = NULL;
	netd_starts();
	wait_for(CREATE "NET_ATTACH default lab ");
	wait_for("NET_PUBLISH default lab tcp :8082");
	wait_for("NET_PUBLISH default" OLD_KEY " 6 127.0.0.1 8083 80 0 1 lab;");
	assert_false(is_there("8081"));
	assert_false(is_there("it is broken"));
}

/* Without a netd nobody knows what there was: what can be had is kept. */
static void all_but_the_missing_port_are_had(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['8081:80', '8082:80', '8083:80']}}");
	wait_for("RELEASE lab;");
	kill_engine();
	netd_ends();
	forget();
	w.listed = "running";
	n.refuses = "NET_PUBLISH default lab tcp :8082";
	netd_starts();
	boot_file(LAB "ports: ['8081:80', '8082:80', '8083:80']}}");
	wait_for(REFUSED("8082", "without it"));
	wait_for("NET_BACKEND default lab tcp :8081-8081 80 lab 1;");
	wait_for("NET_BACKEND default lab tcp :8083-8083 80 lab 1;");
	forget();
	wait_for("NET_PUBLISH default lab tcp :8082");
	n.refuses = NULL;
	wait_for("lab: all of its ports can be had now\n");
	assert_false(is_there("WITHDRAW"));
	assert_false(is_there("KILL"));
}

/* What serves is closed for nothing once, not every few seconds. */
static void port_of_before_makes_way_in_vain_once(void **state)
{
	(void)state;
	n.refuses = "NET_PUBLISH default lab tcp :8083";
	change_ports(LAB "ports: ['8083:80', '8081:80']}}");
	wait_for(REFUSED("8083", "with its ports of before"));
	wait_for("NET_BACKEND default lab tcp :8081-8081 80 lab 1;"
		 "NET_WITHDRAW default" OLD_KEY
		 ";NET_PUBLISH default lab tcp :8083-8083 80 6  8083 "
		 "80 0 1 lab;");
	wait_for("NET_WITHDRAW default lab tcp :8081-8081 80;NET_PUBLISH default" OLD_KEY);
	forget();
	n.refuses = NULL;
	w.awaited = "NET_";
	w.ticks = PATIENCE_MS / 2 - 1800;	/* more than a retry */
	loop_timer_set(w.loop, &w.tick, 0);
	loop_run(w.loop, NULL);
	loop_timer_off(&w.tick);
	assert_false(is_there("NET_"));
	netd_ends();
	n.ports = NULL;
	netd_starts();
	wait_for("lab: all of its ports can be had now\n");
}

/* The gateway may have its copy of the socket in the way for a moment yet. */
static void port_of_before_that_is_refused_is_asked_for_again(void **state)
{
	(void)state;
	n.refuses = "NET_PUBLISH default lab tcp :8083";
	change_ports(LAB "ports: ['8083:80']}}");
	wait_for("NET_WITHDRAW default" OLD_KEY);
	n.refuses = "NET_PUBLISH default lab tcp ";
	wait_for(REFUSED("8083", "with its ports of before"));
	wait_for("NET_PUBLISH default" OLD_KEY);
	n.refuses = "NET_PUBLISH default lab tcp :8083";
	forget();
	wait_for("NET_PUBLISH default" OLD_KEY " 6 127.0.0.1 8083 80 0 1 lab;");
}

/* What it has given back the gateway may have yet: that is no other port that is missing. */
static void port_that_was_given_back_is_asked_for_with_patience(void **state)
{
	(void)state;
	n.refuses = "NET_PUBLISH default lab tcp :8082";
	change_ports(LAB "ports: ['8081:80', '8082:80']}}");
	wait_for(REFUSED("8082", "with its ports of before"));
	wait_for("NET_WITHDRAW default lab tcp :8081-8081 80;");
	n.refuses = "NET_PUBLISH default lab tcp :8081";
	forget();
	wait_for("NET_PUBLISH default lab tcp :8081-8081 80 6  8081 80 0 1 lab;"
		 "NET_PUBLISH default lab tcp :8081-8081 80 6  8081 80 0 1 lab;");
	assert_false(is_there("it is broken"));
	/* Somebody else has it: people know, and no way was made in vain, so it is tried again. */
	wait_for(REFUSED("8081", "with its ports of before"));
	n.refuses = NULL;
	wait_for("lab: all of its ports can be had now\n");
}

#define SLOW "services: {lab: {image: lab, restart: always, stop_grace_period: 1h, "
#define OLD_PORT "ports: ['127.0.0.1:8083:80']}}"

static void tell_that_it_is_idle(void)
{
	msg_init(&out, WIRE_NET_COUNTERS);
	msg_put_str(&out, "default");
	msg_put_str(&out, "lab");
	for (size_t i = 0; i < sizeof(struct stats_told) / sizeof(uint64_t); i++)
		msg_put_u64(&out, 0);
	assert_int_equal(msg_send(n.peer.fd, &out, NULL), 0);
}

/* What it has can be counted all the same: it ends when that does. */
static void who_waits_for_a_port_drains_as_others_do(void **state)
{
	(void)state;
	netd_starts();
	boot_file(SLOW OLD_PORT);
	wait_for("RELEASE lab;");
	kill_engine();
	netd_ends();
	n.has = "default";
	w.listed = "running";
	netd_starts();
	boot_file(SLOW "environment: {NEW: one}, " OLD_PORT);
	wait_for("NET_BACKEND default" OLD_KEY " lab 0;");
	wait_for("NET_STATS default lab;");
	netd_ends();
	forget();
	n.refuses = "NET_PUBLISH default" OLD_KEY;
	netd_starts();
	wait_for("NET_ATTACH default lab ");
	wait_for("NET_PUBLISH default" OLD_KEY);
	forget();
	wait_for("NET_STATS default lab;");
	assert_false(is_there("KILL"));
	tell_that_it_is_idle();
	tell_that_it_is_idle();
	wait_for("KILL lab 15;");
}

/* The document is read by the next engine: it is not to be one that counts for nothing. */
static void port_that_netd_does_not_say_is_not_written(void **state)
{
	(void)state;
	n.port = 0;
	netd_starts();
	boot_file(LAB "ports: ['80']}}");
	wait_for("RELEASE lab;");
	kill_engine();
	netd_ends();
	forget();
	w.listed = "running";
	netd_starts();
	boot_file(LAB "ports: ['80']}}");
	wait_for("NET_BACKEND default lab tcp :0-0 80 lab 1;");
	assert_int_equal(faccessat(w.files.state_fd, "containers/lab.json", F_OK, 0), 0);
	assert_int_equal(faccessat(w.files.state_fd, "containers/lab.json.bad", F_OK, 0), -1);
}

/* More than a socket takes at once, with no pause for netd to read it. */
static void netd_reads_of_many_ports_when_it_can(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['20000-20399:20000-20399']}}");
	wait_for("RELEASE lab;");
	forget();
	tell_exit(1, 0);
	wait_for("NET_BACKEND default lab tcp :20399-20399 20399 lab 0;NET_DETACH default lab;");
	assert_false(is_there("NET_LIST"));
	forget();
	wait_for("RELEASE lab;");
	assert_false(is_there("NET_LIST"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_port_is_said_and_kept),
		TEST(port_that_is_taken_stops_the_start),
		TEST(range_takes_no_number_that_another_port_must_have),
		TEST(any_port_is_kept_without_a_netd),
		TEST(kept_port_goes_to_its_own),
		TEST(port_that_is_missing_is_tried_again),
		TEST(port_of_before_that_another_service_has_now_stays_closed),
		TEST(netd_comes_back_while_a_port_is_missing),
		TEST(all_but_the_missing_port_are_had),
		TEST(port_of_before_makes_way_in_vain_once),
		TEST(port_of_before_that_is_refused_is_asked_for_again),
		TEST(port_that_was_given_back_is_asked_for_with_patience),
		TEST(who_waits_for_a_port_drains_as_others_do),
		TEST(port_that_netd_does_not_say_is_not_written),
		TEST(netd_reads_of_many_ports_when_it_can),
	};

	/* As in test_engine.c. */
	setenv("CUVETTE_FDS", "notify", 1);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < NOTIFY_FD)
		;
	signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("engine_ports", tests, NULL, NULL);
}
