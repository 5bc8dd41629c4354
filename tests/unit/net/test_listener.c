/* test_listener.c - the socket of a published port after a gateway that was taken over. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "net/listener.h"

static int open_one(int protocol)
{
	uint16_t port = 0;
	struct err e;
	int fd = listener_open(protocol, "127.0.0.1", &port, &e);

	if (fd < 0)
		fail_msg("%s", e.text);
	assert_true(port > 0);
	return fd;
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

/* Each client's connection would inherit them. */
static void options(void **state)
{
	const struct linger now = { .l_onoff = 1 };
	AUTO_FD int fd = open_one(IPPROTO_TCP);
	int hops = option_of(fd, IPPROTO_IP, IP_TTL), one = 1;
	struct linger after;
	socklen_t size = sizeof(after);

	(void)state;
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TTL, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	assert_true(listener_put_back(fd, IPPROTO_TCP));
	assert_int_equal(option_of(fd, IPPROTO_IP, IP_TTL), hops);
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_LINGER, &after, &size), 0);
	assert_false(after.l_onoff);
}

static void shut(void **state)
{
	AUTO_FD int fd = open_one(IPPROTO_TCP);

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	assert_false(listener_put_back(fd, IPPROTO_TCP));
}

/* Nothing shows all that may have been done to it. */
static void datagrams(void **state)
{
	AUTO_FD int fd = open_one(IPPROTO_UDP);

	(void)state;
	assert_false(listener_put_back(fd, IPPROTO_UDP));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),
		cmocka_unit_test(shut),
		cmocka_unit_test(datagrams),
	};

	return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
