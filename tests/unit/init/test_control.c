/* test_control.c - what svctl reads is what svd wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "init/control.h"
#include "lib/err.h"
#include "lib/msg.h"

static struct msg m;

static void round_trip(void **state)
{
	static const struct control_unit cases[] = {
		{ "boxd", "up", "exit 1", "", 42, UINT64_C(123456789012), 7 },
		{ "x", "failed", "", "x.unit:3: key exce is unknown", 0, 0, 0 },
		{ "y", "backoff", "signal 9", "", UINT64_MAX, UINT64_MAX, UINT64_MAX },
	};
	struct control_unit got;
	struct err e;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control_put_unit(&m, &cases[i]);
		assert_int_equal(msg_send(pair[0], &m, &e), 0);
		memset(&m, 0, sizeof(m));
		assert_int_equal(msg_receive(pair[1], &m, &e), 1);
		assert_int_equal(m.type, CONTROL_UNIT);
		assert_int_equal(control_get_unit(&m, &got, &e), 0);
		assert_string_equal(got.name, cases[i].name);
		assert_string_equal(got.state, cases[i].state);
		assert_string_equal(got.last_exit, cases[i].last_exit);
		assert_string_equal(got.why, cases[i].why);
		assert_true(got.pid == cases[i].pid && got.since_ns == cases[i].since_ns &&
			    got.restarts == cases[i].restarts);
		msg_finish(&m);
	}
	close(pair[0]);
	close(pair[1]);
}

static void wrong(void **state)
{
	struct control_unit got;
	struct err e;

	(void)state;
	control_put_unit(&m, &(struct control_unit){ "a", "b", "c", "d", 1, 2, 3 });
	msg_put_u64(&m, 4);		/* more than a unit */
	m.at = 0;
	assert_int_equal(control_get_unit(&m, &got, &e), -1);
	msg_init(&m, CONTROL_UNIT);
	msg_put_u64(&m, 4);		/* another order */
	m.at = 0;
	assert_int_equal(control_get_unit(&m, &got, &e), -1);
	msg_init(&m, CONTROL_UNIT);
	assert_int_equal(control_get_unit(&m, &got, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(wrong),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
