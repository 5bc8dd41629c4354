/* test_netd.c - the engine's end of the connection to netd: what it takes of netd, and that a
 * message with a file too many ends the connection and leaves none of its files open. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/netd.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "wire/wire.h"

enum { FDS_MOST = 2 };

static struct world {
	char folder[32], path[64];
	struct loop *loop;
	struct netd *net;
	int listen_fd, peer_fd;
	unsigned listed, lost;
} w;
static struct msg m;

static void on_connected(void *ctx)
{
	(void)ctx;
}

static void on_lost(void *ctx)
{
	(void)ctx;
	w.lost++;
	loop_stop(w.loop);
}

static void on_listed(void *ctx)
{
	(void)ctx;
	w.listed++;
}

static void on_idle(void *ctx)
{
	(void)ctx;
	loop_stop(w.loop);
}

static const struct netd_events events = {
	.connected = on_connected, .lost = on_lost, .listed = on_listed, .idle = on_idle
};

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct err e;

	(void)state;
	w = (struct world){ .folder = "/tmp/netd.XXXXXX", .peer_fd = -1 };
	assert_non_null(mkdtemp(w.folder));
	snprintf(w.path, sizeof(w.path), "%s/netd.sock", w.folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", w.path);
	w.listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w.listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(w.listen_fd, 1), 0);
	w.loop = loop_create(&e);
	assert_non_null(w.loop);
	w.net = netd_create(w.loop, w.path, &events, NULL);
	netd_connect(w.net);
	w.peer_fd = accept4(w.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(w.peer_fd >= 0 && netd_is_there(w.net));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	netd_destroy(w.net);
	loop_destroy(w.loop);
	fd_close(&w.peer_fd);
	fd_close(&w.listen_fd);
	unlink(w.path);
	return rmdir(w.folder);
}

static void say(uint32_t type, int files)
{
	struct err e;

	assert_true(files <= FDS_MOST);
	msg_init(&m, type);
	msg_put_str(&m, "lab");
	for (int i = 0; type == WIRE_NET_MEMBER && i < 3; i++)
		msg_put_str(&m, "");
	for (int i = 0; i < files; i++)
		msg_put_fd(&m, w.listen_fd);
	assert_int_equal(msg_send(w.peer_fd, &m, &e), 0);
	assert_int_equal(loop_run(w.loop, &e), 0);
}

/* Of a capture. Its receiver has the file for the call alone. */
static void answer_with_a_file(void **state)
{
	unsigned before = open_fds();
	struct err e;

	(void)state;
	assert_int_equal(netd_list(w.net, &e), 0);
	say(WIRE_NET_DONE, 1);
	assert_int_equal(w.listed, 1);
	assert_int_equal(w.lost, 0);
	assert_int_equal(open_fds(), before);
}

/* The connection ends, with our end of it and of no file more. */
static void refused(uint32_t type, int files)
{
	unsigned before = open_fds();
	struct err e;

	assert_int_equal(netd_list(w.net, &e), 0);
	say(type, files);
	assert_int_equal(w.listed, 0);
	assert_int_equal(w.lost, 1);
	assert_int_equal(open_fds(), before - 1);
}

static void a_file_too_many(void **state)
{
	(void)state;
	refused(WIRE_NET_DONE, 2);
}

static void a_file_where_none_may_be(void **state)
{
	(void)state;
	refused(WIRE_NET_MEMBER, 1);
}

static void what_netd_does_not_say(void **state)
{
	(void)state;
	refused(WIRE_NET_CREATE, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(answer_with_a_file),
		TEST(a_file_too_many),
		TEST(a_file_where_none_may_be),
		TEST(what_netd_does_not_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
