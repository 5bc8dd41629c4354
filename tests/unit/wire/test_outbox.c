/* test_outbox.c - messages go in order, whole, with their fds, whatever the peer's socket takes at
 * once; nothing is kept of what was sent. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/msg.h"
#include "wire/outbox.h"

enum { MESSAGES = 1000, TYPE = 7 };

static int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static void fill(struct outbox *o)
{
	static struct msg m;

	for (uint64_t i = 0; i < MESSAGES; i++) {
		msg_init(&m, TYPE);
		msg_put_u64(&m, i);
		if (i % 100 == 0)
			msg_put_fd(&m, STDIN_FILENO);
		outbox_add(o, &m);
	}
}

static void in_order(void **state)
{
	int pair[2], before = open_fds(), went = 0;
	struct outbox o;
	struct err e;
	static struct msg m;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	outbox_init(&o);
	fill(&o);
	assert_int_equal(o.count, MESSAGES);
	/* More than a socket takes: some wait, until they were read. */
	assert_int_equal(outbox_flush(&o, pair[0], &e), 0);
	assert_true(o.count > 0 && o.count < MESSAGES);
	while (went < MESSAGES) {
		assert_int_equal(msg_receive(pair[1], &m, &e), 1);
		assert_int_equal(m.type, TYPE);
		assert_int_equal(msg_get_u64(&m), went);
		assert_int_equal(m.fd_count, went % 100 == 0);
		assert_int_equal(msg_end(&m, &e), 0);
		msg_finish(&m);
		went++;
		assert_true(outbox_flush(&o, pair[0], &e) >= 0);
	}
	assert_int_equal(outbox_flush(&o, pair[0], &e), 1);
	assert_int_equal(o.count, 0);
	assert_int_equal(msg_receive(pair[1], &m, &e), -1);
	fill(&o);
	outbox_finish(&o);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(open_fds(), before);
}

static void peer_gone(void **state)
{
	int pair[2];
	struct outbox o;
	struct err e;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	close(pair[1]);
	outbox_init(&o);
	fill(&o);
	assert_int_equal(outbox_flush(&o, pair[0], &e), -1);
	outbox_finish(&o);
	close(pair[0]);
}

static void too_many(void **state)
{
	struct outbox o;
	static struct msg m;

	(void)state;
	outbox_init(&o);
	msg_init(&m, TYPE);
	for (int i = 0; i < OUTBOX_MESSAGES_MAX; i++)
		outbox_add(&o, &m);
	assert_false(o.is_full);
	outbox_add(&o, &m);
	assert_true(o.is_full);
	assert_int_equal(o.count, OUTBOX_MESSAGES_MAX);
	outbox_finish(&o);
	assert_false(o.is_full);
	m.broken = true;
	outbox_add(&o, &m);
	assert_true(o.is_full);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(in_order), cmocka_unit_test(peer_gone),
					    cmocka_unit_test(too_many) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
