/* test_peer.c - one peer at a time; the next one when it has gone or said something wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "lib/peer.h"

enum { GOOD = 1, BAD = 2, LAST = 3 };

static struct {
	struct loop *loop;
	struct peer peer;
	char said[256];
} d;

static void say(const char *what)
{
	strcat(strcat(d.said, what), " ");
}

static int on_message(struct peer *p, struct msg *m, struct err *e)
{
	assert_true(peer_fd(p) >= 0);
	say(m->type == GOOD ? "good" : m->type == BAD ? "bad" : "last");
	if (m->type == LAST)
		loop_stop(d.loop);
	return m->type == BAD ? err_set(e, "that is wrong") : 0;
}

static void on_change(struct peer *p)
{
	say(peer_fd(p) >= 0 ? "here" : "gone");
}

static int client(const struct sockaddr_un *a, const uint32_t *types)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	static struct msg m;
	struct err e;

	assert_int_equal(connect(fd, (const struct sockaddr *)a, sizeof(*a)), 0);
	for (; *types; types++) {
		msg_init(&m, *types);
		assert_int_equal(msg_send(fd, &m, &e), 0);
	}
	return fd;
}

static void one_at_a_time(void **state)
{
	static const uint32_t first[] = { GOOD, GOOD, 0 }, second[] = { BAD, GOOD, 0 },
			      third[] = { LAST, 0 };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_SEQPACKET, 0), second_fd, third_fd;
	struct err e;

	(void)state;
	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/test_peer.%d", getpid());
	assert_int_equal(bind(listening, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listening, 4), 0);
	d.loop = loop_create(&e);
	d.peer = (struct peer){ .name = "someone",
				.on_message = on_message,
				.on_change = on_change };
	assert_int_equal(peer_listen(&d.peer, d.loop, listening, &e), 0);
	assert_int_equal(peer_fd(&d.peer), -1);
	close(client(&a, first));
	second_fd = client(&a, second);
	third_fd = client(&a, third);
	assert_int_equal(loop_run(d.loop, &e), 0);
	/* What the second one sent after its wrong message is not read. */
	assert_string_equal(d.said, "here good good gone here bad gone here last ");
	close(second_fd);
	close(third_fd);
	close(listening);
	unlink(a.sun_path);
	loop_destroy(d.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_at_a_time) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
