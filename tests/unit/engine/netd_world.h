/* netd_world.h - world.h with a netd that answers by a script beside its boxd. */
#pragma once

#include "tests/unit/engine/world.h"

static struct netd_script {
	struct loop_source listener, peer;
	const char *refuses;		/* words of the messages that are answered by a failure */
	const char *has;		/* a network of before */
	const char *subnet;		/* of it; NULL: what the engine chooses for the first one */
	const char *const *members;	/* of it: name, address...; NULL at the end */
	const char *const *ports;	/* their keys */
	bool silent;
	uint64_t port;			/* of the next port that may be any */
} n;

static void net_answer(uint32_t type, const char *key, const char *sentence, uint64_t port)
{
	msg_init(&out, type);
	msg_put_str(&out, key);
	if (sentence)
		msg_put_str(&out, sentence);
	if (port)
		msg_put_u64(&out, port);
	assert_int_equal(msg_send(n.peer.fd, &out, NULL), 0);
}

static void hear_str(void)
{
	buf_add_format(&w.heard, " %s", msg_get_str(&in));
}

static uint64_t hear_u64(void)
{
	uint64_t value = msg_get_u64(&in);

	buf_add_format(&w.heard, " %llu", (unsigned long long)value);
	return value;
}

/* The kinds of the fields of one request, s and u; returns the last number. */
static uint64_t hear(const char *kinds)
{
	uint64_t value = 0;

	for (; *kinds; kinds++)
		if (*kinds == 's')
			hear_str();
		else
			value = hear_u64();
	return value;
}

static void hear_attach(void)
{
	uint64_t names = hear("ssssssusu");

	for (uint64_t i = 0; i < names; i++)
		hear_str();
	for (uint64_t ports = hear("u"); ports > 0; ports--)
		hear("u");
	assert_int_equal(in.fd_count, 1);
}

static uint64_t hear_publish(void)
{
	uint64_t port;

	hear("ssus");
	port = hear("u");
	if (hear("uuu"))	/* backends: none while it drains */
		hear_str();
	return port ? port : n.port;
}

static void say_list(void)
{
	msg_init(&out, WIRE_NET_NETWORK);
	msg_put_str(&out, n.has);
	msg_put_u64(&out, 0);
	msg_put_str(&out, n.subnet ? n.subnet : "172.18.0.0/16");
	msg_put_str(&out, "172.18.0.1");
	msg_put_str(&out, "");
	msg_put_str(&out, "");
	msg_put_u64(&out, 1500);
	assert_int_equal(msg_send(n.peer.fd, &out, NULL), 0);
	for (const char *const *at = n.members; at && *at; at += 2) {
		msg_init(&out, WIRE_NET_MEMBER);
		msg_put_str(&out, n.has);
		msg_put_str(&out, at[0]);
		msg_put_str(&out, at[1]);
		msg_put_str(&out, "");
		assert_int_equal(msg_send(n.peer.fd, &out, NULL), 0);
	}
	for (const char *const *at = n.ports; at && *at; at++) {
		msg_init(&out, WIRE_NET_PORT);
		msg_put_str(&out, n.has);
		msg_put_str(&out, *at);
		msg_put_u64(&out, strtoul(strchr(*at, ':') + 1, NULL, 10));
		assert_int_equal(msg_send(n.peer.fd, &out, NULL), 0);
	}
}

static void on_net(struct loop_source *source, unsigned events)
{
	size_t heard = w.heard.size_bytes;
	const char *name, *key = "";
	uint64_t port = 0;

	(void)events;
	if (msg_receive(source->fd, &in, NULL) != 1) {
		loop_remove(source);
		fd_close(&source->fd);
		return;
	}
	name = wire_name(in.type);
	buf_add_str(&w.heard, name);
	if (in.type == WIRE_NET_CREATE)
		hear("susssssu");
	else if (in.type == WIRE_NET_ATTACH)
		hear_attach();
	else if (in.type == WIRE_NET_PUBLISH)
		port = hear_publish();
	else if (in.type == WIRE_NET_BACKEND)
		hear("sssu");
	else if (in.type == WIRE_NET_WITHDRAW || in.type == WIRE_NET_DETACH ||
		 in.type == WIRE_NET_STATS)
		hear("ss");
	else if (in.type == WIRE_NET_DELETE)
		hear("s");
	buf_add_str(&w.heard, ";");
	assert_int_equal(msg_end(&in, NULL), 0);
	if (in.type == WIRE_NET_LIST && n.has)
		say_list();
	if (n.refuses && strstr(w.heard.data + heard, n.refuses))
		net_answer(WIRE_NET_FAILED, key, "it is broken", 0);
	else if (in.type == WIRE_NET_LIST || (!n.silent && in.type != WIRE_NET_STATS))
		net_answer(WIRE_NET_DONE, key, NULL, port);
	msg_finish(&in);
}

static void on_net_listener(struct loop_source *source, unsigned events)
{
	(void)events;
	n.peer = (struct loop_source){ .fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC),
				       .on_event = on_net };
	assert_int_equal(loop_add(w.loop, &n.peer, LOOP_READ, NULL), 0);
}

static void netd_starts(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	n.listener = (struct loop_source){ .fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
					   .on_event = on_net_listener };
	strcpy(address.sun_path, w.net_path);
	unlink(w.net_path);
	assert_int_equal(bind(n.listener.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(n.listener.fd, 4), 0);
	assert_int_equal(loop_add(w.loop, &n.listener, LOOP_READ, NULL), 0);
}

static void netd_ends(void)
{
	loop_remove(&n.listener);
	fd_close(&n.listener.fd);
	loop_remove(&n.peer);
	fd_close(&n.peer.fd);
}

static int begin(void **state)
{
	n = (struct netd_script){ .listener.fd = -1, .peer.fd = -1, .port = 49153 };
	return set_up(state);
}

static int end(void **state)
{
	if (w.engine)
		kill_engine();
	netd_ends();
	return tear_down(state);
}

#define LAB "services: {lab: {image: lab, restart: always, stop_grace_period: 50ms, "
#define CREATE "NET_CREATE default 0 172.18.0.0/16 172.18.0.1    0;"
#define ATTACH_WITH(ports) "NET_ATTACH default lab eth0 172.18.0.2   1  1 lab " ports ";"
#define ATTACH ATTACH_WITH("0")
#define ATTACH_8888 ATTACH_WITH("1 402104")
#define KEY " lab tcp :8888-8888 8888 "
#define PUBLISH "NET_PUBLISH default" KEY "6  8888 8888 0 1 lab;NET_BACKEND default" KEY "lab 1;"
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
