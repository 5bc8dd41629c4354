/* test_naming.c - what people are told of a resolver of their own that a policy does not let. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/dns.h"
#include "gate/dns_name.h"
#include "gate/gate.h"
#include "gate/naming.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "wire/wire.h"

static struct world {
	struct loop *loop;
	struct gate *g;
	struct naming *naming;
	FILE *log;
	int ends[2], own_stderr;
	int rcode;	/* of the last answer, -1: none */
} w;

static int set_up(void **state)
{
	struct err e;

	(void)state;
	w = (struct world){ .log = tmpfile(), .own_stderr = dup(STDERR_FILENO) };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, w.ends), 0);
	w.loop = loop_create(&e);
	w.g = gate_create(w.loop, w.ends[1], &e);
	assert_non_null(w.g);
	w.naming = naming_create(w.g);
	log_init("gated", LOG_LEVEL_WARN);
	dup2(fileno(w.log), STDERR_FILENO);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dup2(w.own_stderr, STDERR_FILENO);
	close(w.own_stderr);
	fclose(w.log);
	gate_destroy(w.g);
	naming_destroy(w.naming);
	loop_destroy(w.loop);
	close(w.ends[0]);
	close(w.ends[1]);
	return 0;
}

static void say_member(const char *policy)
{
	static struct msg m;
	struct err e;

	msg_init(&m, WIRE_GATE_MEMBER);
	msg_put_str(&m, "web");
	msg_put_str(&m, "172.30.0.2");
	msg_put_str(&m, "");
	msg_put_str(&m, policy);
	for (int i = 0; i < 3; i++)
		msg_put_u64(&m, 0);
	assert_int_equal(gate_message(w.g, &m, &e), 0);
}

static void on_answer(struct dns_client *client, const void *message, size_t size_bytes)
{
	(void)client;
	assert_true(size_bytes > 3);
	w.rcode = ((const uint8_t *)message)[3] & 15;
}

static void ask(int times)
{
	while (times-- > 0) {
		struct dns_client client = { .container = "web", .on_answer = on_answer };
		struct dns_question q = { .type = 1, .class = 1 };
		uint8_t message[DNS_QUERY_MAX];
		size_t size;

		assert_true(dns_name_parse("www.example", &q.name));
		size = dns_query_write(&q, 7, false, false, false, message);
		w.rcode = -1;
		dns_ask(w.g->dns, &client, message, size);
		dns_forget(&client);
	}
}

/* All that was logged since the last time. */
static const char *logged(void)
{
	static char text[4096];
	size_t size;

	rewind(w.log);
	size = fread(text, 1, sizeof(text) - 1, w.log);
	text[size] = '\0';
	rewind(w.log);
	assert_int_equal(ftruncate(fileno(w.log), 0), 0);
	return text;
}

#define UNASKED(address) \
	"warn gated: container=web: its resolver " address " is not asked: a policy does not let " \
	"it; write `allow " address " 53` first in cuvette.egress, of its network too if that " \
	"has lines\n"

static void resolver_that_may_not_be_asked_is_said_once(void **state)
{
	(void)state;
	say_member("deny *\nresolver 192.0.2.55\nresolver 192.0.2.56");
	ask(3);
	assert_int_equal(w.rcode, DNS_RCODE_SERVFAIL);
	assert_string_equal(logged(), UNASKED("192.0.2.55") UNASKED("192.0.2.56"));
	/* netd says all of it again when it likes. */
	say_member("deny 10.0.0.0/8\ndeny *\nresolver 192.0.2.55\nresolver 192.0.2.56");
	ask(3);
	assert_string_equal(logged(), "");
	say_member("deny *\nresolver 192.0.2.55\nresolver 192.0.2.57");
	ask(3);
	assert_string_equal(logged(), UNASKED("192.0.2.55") UNASKED("192.0.2.57"));
}

static void resolver_that_may_be_asked_is_not_spoken_of(void **state)
{
	(void)state;
	say_member("allow 192.0.2.55 53\nallow 10.0.0.0/8\nresolver 192.0.2.55");
	ask(1);
	assert_string_equal(logged(), "");
}

static void resolver_that_nothing_opens(void **state)
{
	(void)state;
	say_member("resolver 127.0.0.53");
	ask(2);
	assert_int_equal(w.rcode, DNS_RCODE_SERVFAIL);
	assert_string_equal(logged(), "warn gated: container=web: its resolver 127.0.0.53 is not "
				      "asked: nothing outside has that address\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(resolver_that_may_not_be_asked_is_said_once),
		TEST(resolver_that_may_be_asked_is_not_spoken_of),
		TEST(resolver_that_nothing_opens),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("naming", tests, NULL, NULL);
}
