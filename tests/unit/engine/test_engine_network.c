/* test_engine_network.c - the engine with a netd that answers by a script: what it asks of whom, in
 * which order, and what it does when a network cannot be made or netd goes away. */
#include "engine/document.h"
#include "tests/unit/engine/netd_world.h"

/* The engine ends its loop when all is stopped; what it sent last is heard after that. */
static void wait_past_stop(const char *text)
{
	for (int i = 0; i < 10 && !is_there(text); i++) {
		w.awaited = text;
		w.ticks = PATIENCE_MS / 2 - 50;
		loop_timer_set(w.loop, &w.tick, 0);
		loop_run(w.loop, NULL);
		loop_timer_off(&w.tick);
	}
	if (!is_there(text))
		fail_msg("never came: %s\nheard: %s", text, w.heard.data);
}

static void networks_before_the_first_byte(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['8888:8888']}}");
	wait_for("log=10485760 fds=1;HOLD;"
		 "resolver=nameserver 172.18.0.1\noptions ndots:0\n;hosts=172.18.0.2\tlab\n;");
	wait_for(CREATE ATTACH_8888 PUBLISH "RELEASE lab;");
	wait_for("service:lab ");
}

static void restart_keeps_the_address(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "}, web: {image: lab}}");
	wait_for("RELEASE lab;");
	wait_for("RELEASE web;");
	wait_for("NET_ATTACH default web eth0 172.18.0.3 ");
	kill_engine();
	forget();
	/* Without lab in front of it the first address is free, and web keeps its own. */
	boot_file("services: {web: {image: lab}, zoo: {image: lab}}");
	wait_for("NET_ATTACH default web eth0 172.18.0.3 ");
	wait_for("NET_ATTACH default zoo eth0 172.18.0.2 ");
}

static void network_that_fails_stops_the_start(void **state)
{
	(void)state;
	n.refuses = "NET_CREATE";
	netd_starts();
	boot_file(LAB "}}");
	wait_for("lab could not be started: network default: it is broken\n");
	wait_for("KILL lab 9;");
	wait_for("lab: starts again in 100 ms (restart 1)");
	assert_false(is_there("RELEASE"));
	n.refuses = NULL;
	forget();
	wait_for(CREATE);
	wait_for("RELEASE lab;");
}

static void subnet_of_the_machine_is_refused(void **state)
{
	(void)state;
	w.files.routes4_fd = memory_file(
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
		"eth0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
		"eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
		"eth1\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	netd_starts();
	boot_file("services: {lab: {image: lab, networks: [a]}, web: {image: lab}}\n"
		  "networks: {a: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}");
	wait_for("lab could not be started: network a: its subnet 10.0.0.0/8 overlaps "
		 "10.0.2.0/24, which the machine itself uses");
	wait_for("NET_CREATE default 0 172.19.0.0/16 172.19.0.1 ");
	fd_close(&w.files.routes4_fd);
}

static void subnet_of_a_later_lease_is_said(void **state)
{
	static const char lease[] =
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
		"eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

	(void)state;
	w.files.routes4_fd = memory_file("");
	netd_starts();
	boot_file("services: {lab: {image: lab, networks: [a]}, web: {image: lab}}\n"
		  "networks: {a: {ipam: {config: [{subnet: 10.0.2.0/24}]}}}");
	wait_for("RELEASE lab;");
	assert_int_equal(pwrite(w.files.routes4_fd, lease, strlen(lease), 0), strlen(lease));
	wait_for("network a: its subnet 10.0.2.0/24 overlaps 10.0.2.0/24, which the machine itself "
		 "is in by now: its containers do not reach that; give the network another subnet");
	assert_false(is_there("network default: "));
	assert_false(is_there("KILL"));
	fd_close(&w.files.routes4_fd);
}

static void netd_comes_late(void **state)
{
	(void)state;
	boot_file(LAB "}}");
	wait_for("HOLD;");
	assert_false(is_there("RELEASE"));
	netd_starts();
	wait_for("NET_LIST;" CREATE ATTACH "RELEASE lab;");
}

static void netd_comes_back(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['8888:8888']}}");
	wait_for("RELEASE lab;");
	netd_ends();
	forget();
	netd_starts();
	wait_for("NET_LIST;");
	wait_for("NETNS lab;");
	wait_for(CREATE ATTACH_8888 PUBLISH);
	assert_false(is_there("RELEASE"));
	assert_false(is_there("KILL"));
}

static void engine_comes_back(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['8888:8888']}}");
	wait_for("RELEASE lab;");
	kill_engine();
	forget();
	w.listed = "running";
	n.has = "gone";
	boot_file(LAB "ports: ['8888:8888']}}");
	wait_for("NET_DELETE gone;");
	wait_for("NETNS lab;");
	wait_for(PUBLISH);
	assert_false(is_there("START"));
}

/* What the file does not say any more goes, before anything else is asked for, but for a port of a
 * service that is to get others; the rest stays. */
static void leftovers(void **state)
{
	static const char *const members[] = { "lab", "172.18.0.2", "old", "172.18.0.3", NULL };
	static const char *const ports[] = { "lab tcp :8888-8888 8888", "lab tcp :9999-9999 9999",
					     "old tcp :80-80 80", NULL };

	(void)state;
	n.has = "default";
	n.members = members;
	n.ports = ports;
	netd_starts();
	boot_file(LAB "ports: ['8888:8888']}}");
	wait_for("NET_DETACH default old;NET_WITHDRAW default old tcp :80-80 80;" CREATE);
	wait_for(PUBLISH);
	wait_for("NET_WITHDRAW default lab tcp :9999-9999 9999;");
	assert_false(is_there("NET_DELETE"));
	assert_false(is_there("NET_DETACH default lab"));
	assert_false(is_there("NET_WITHDRAW default lab tcp :8888"));
}

static void leftover_elsewhere(void **state)
{
	static const char *const members[] = { "lab", "172.18.0.9", NULL };

	(void)state;
	n.has = "default";
	n.members = members;
	netd_starts();
	boot_file(LAB "}}");
	wait_for("NET_DETACH default lab;" CREATE ATTACH);
}

static void leftover_network_is_another(void **state)
{
	static const char *const members[] = { "old", "172.18.0.3", NULL };
	static const char *const ports[] = { "old tcp :80-80 80", NULL };

	(void)state;
	n.has = "default";
	n.subnet = "172.18.0.0/24";
	n.members = members;
	n.ports = ports;
	netd_starts();
	boot_file(LAB "}}");
	wait_for("NET_DELETE default;" CREATE ATTACH);
	assert_false(is_there("DETACH"));
	assert_false(is_there("WITHDRAW"));
}

static void stop_while_it_joins(void **state)
{
	(void)state;
	n.silent = true;
	netd_starts();
	boot_file(LAB "}}");
	wait_for("NET_CREATE ");
	engine_stop(w.engine);
	wait_past_stop("NET_CREATE default 0 172.18.0.0/16 172.18.0.1    0;KILL lab 15;");
	assert_false(is_there("NET_ATTACH"));
	assert_false(is_there("RELEASE"));
	assert_false(is_there("starts again"));
}

static void stop_drains_and_withdraws(void **state)
{
	(void)state;
	netd_starts();
	boot_file(LAB "ports: ['8888:8888']}}");
	wait_for("service:lab ");
	engine_stop(w.engine);
	wait_for("NET_BACKEND default" KEY "lab 2;");
	wait_for("KILL lab 15;");
	tell_exit(0, 0);
	wait_past_stop("NET_WITHDRAW default lab tcp :8888-8888 8888;NET_DETACH default lab;");
}

static void shared_network_waits_for_its_owner(void **state)
{
	(void)state;
	w.start_is_slow = true;
	netd_starts();
	boot_file("services: {side: {image: lab, network_mode: 'service:lab', extra_hosts: ["
		  "'gw:host-gateway']}, lab: {image: lab}}");
	wait_for("START lab");
	assert_false(is_there("START side"));
	w.start_is_slow = false;
	answer_fd(WIRE_BOX_HELD, "lab", (uint64_t[]){ 42 }, 1);
	wait_for("RELEASE lab;");
	wait_for("START side");
	wait_for("of=lab;resolver=nameserver 172.18.0.1\noptions ndots:0\n;hosts=172.18.0.2\tlab\n"
		 "172.18.0.1\tgw\n;");
}

/* Both come with a file of later. */
static void shared_network_waits_for_its_owners_successor(void **state)
{
	(void)state;
	boot_file("services: {lab: {image: lab, network_mode: none}}");
	wait_for("service:lab ");
	kill_engine();
	forget();
	w.listed = "running";
	boot_file("services: {lab: {image: lab, network_mode: none, environment: {NEW: 'yes'}}, "
		  "side: {image: lab, network_mode: 'service:lab'}}");
	wait_for("KILL lab 15;");
	assert_false(is_there("START side"));
	tell_exit(0, 0);
	wait_for("START lab");
	wait_for("START side");
	assert_false(is_there("could not be started"));
}

#define PAIR \
	"services: {lab: {image: lab, restart: always}, " \
	"side: {image: lab, network_mode: 'service:lab', stop_grace_period: 50ms}}"

/* Up to where side is to end, since lab has a new network. */
static void start_lab_anew(void)
{
	netd_starts();
	boot_file(PAIR);
	wait_for("service:side ");
	tell_exit(1, 0);
	wait_for("side starts again too: lab, whose network it shares, has started anew");
	wait_for("KILL side 15;");
	kill_engine();
	forget();
}

static void who_follows_is_started_by_the_next_engine(void **state)
{
	(void)state;
	start_lab_anew();
	w.listed = "running";	/* lab alone */
	w.ended = "side";
	boot_file(PAIR);
	wait_for("START side");
	assert_false(is_there("START lab"));
}

static void who_follows_and_still_runs_is_ended_by_the_next_engine(void **state)
{
	(void)state;
	start_lab_anew();
	w.listed = "lab side";
	boot_file(PAIR);
	wait_for("KILL side 15;");
	assert_false(is_there("START"));
	tell_exit_of("side", 0, 0, "");
	wait_for("START side");
}

/* Once: the start that failed is over, and so is what it was for. */
static void who_follows_in_vain_stays_down(void **state)
{
	(void)state;
	start_lab_anew();
	w.listed = "running";
	w.ended = "side";
	w.start_fails = true;
	boot_file(PAIR);
	wait_for("side could not be started: mount plan: no room");
	kill_engine();
	forget();
	w.start_fails = false;
	boot_file(PAIR);
	wait_for("NETNS lab;");
	assert_false(is_there("START"));
}

static void network_of_before_is_left(void **state)
{
	static const char pair[] = "services: {lab: {image: lab, network_mode: none}, "
				   "side: {image: lab, network_mode: 'service:lab'}}";

	(void)state;
	boot_file(pair);
	wait_for("service:side ");
	kill_engine();
	forget();
	w.listed = "lab side";
	boot_file(pair);
	wait_for("NETNS side;");
	wait_for("NETNS lab;");
	assert_false(is_there("KILL"));
	kill_engine();
	forget();
	w.elsewhere = "lab";	/* it has started anew, and no engine has seen it */
	boot_file(pair);
	wait_for("side starts again too: lab, whose network it shares, has started anew");
	wait_for("KILL side 15;");
	tell_exit_of("side", 0, 0, "");
	wait_for("START side");
	assert_false(is_there("KILL lab"));
}

static void many_networks(void **state)
{
	(void)state;
	netd_starts();
	boot_file("services:\n  lab: {image: lab, hostname: box, ports: ['8080:80'], expose: [9, "
		  "80, 53/udp], "
		  "networks: {in: {priority: 9}, "
		  "out: {aliases: [a, b], mac_address: '02:00:00:00:00:01'}}, dns: 192.0.2.1, "
		  "labels: {cuvette.egress: 'allow 10.0.0.0/8'}}\n"
		  "  db: {image: lab, networks: {in: {aliases: [store]}}}\n"
		  "networks: {in: {internal: true}, out: {driver_opts: {cuvette.rate: 1mbit, "
		  "com.docker.network.driver.mtu: 9000}}}");
	wait_for("hosts=172.18.0.2\tbox\n172.19.0.2\tbox\n;");
	wait_for("resolver=nameserver 172.19.0.1\n");
	wait_for("NET_CREATE in 1 172.18.0.0/16 172.18.0.1    0;");
	wait_for("NET_CREATE out 0 172.19.0.0/16 172.19.0.1   rate 1000000\n 9000;");
	wait_for("NET_ATTACH in lab eth0 172.18.0.2   0 allow 10.0.0.0/8\nresolver 192.0.2.1\n 2 "
		 "lab box 3 393296 393225 1114165;");
	/* On an internal one alone: no default route, but it asks for names there. */
	wait_for("NET_ATTACH in db eth0 172.18.0.3   2 ");
	wait_for("NET_ATTACH out lab eth1 172.19.0.2  02:00:00:00:00:01 1 allow 10.0.0.0/8\n"
		 "resolver 192.0.2.1\n 4 lab box a b 3 393296 393225 1114165;");
	wait_for("RELEASE db;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(networks_before_the_first_byte),
		TEST(restart_keeps_the_address),
		TEST(network_that_fails_stops_the_start),
		TEST(subnet_of_the_machine_is_refused),
		TEST(subnet_of_a_later_lease_is_said),
		TEST(netd_comes_late),
		TEST(netd_comes_back),
		TEST(engine_comes_back),
		TEST(leftovers),
		TEST(leftover_elsewhere),
		TEST(leftover_network_is_another),
		TEST(stop_while_it_joins),
		TEST(stop_drains_and_withdraws),
		TEST(shared_network_waits_for_its_owner),
		TEST(shared_network_waits_for_its_owners_successor),
		TEST(who_follows_is_started_by_the_next_engine),
		TEST(who_follows_and_still_runs_is_ended_by_the_next_engine),
		TEST(who_follows_in_vain_stays_down),
		TEST(network_of_before_is_left),
		TEST(many_networks),
	};

	/* As in test_engine.c. */
	setenv("CUVETTE_FDS", "notify", 1);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < NOTIFY_FD)
		;
	signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("engine_network", tests, NULL, NULL);
}
