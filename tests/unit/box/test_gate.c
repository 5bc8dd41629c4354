/* test_gate.c - the gate of a created container: GO, a refusal, idle connections, nobody there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/gate.h"
#include "lib/err.h"
#include "lib/fs.h"

static char place[400];
static int dir_fd;
static struct err e;

/* Longer than an address may be. */
static int set_up(void **state)
{
	static char deep[256];

	(void)state;
	memset(deep, 'd', 120);
	snprintf(place, sizeof(place), "/tmp/gate-XXXXXX");
	assert_non_null(mkdtemp(place));
	snprintf(place + strlen(place), sizeof(place) - strlen(place), "/%s", deep);
	assert_int_equal(mkdir(place, 0700), 0);
	dir_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(dir_fd);
	*strrchr(place, '/') = '\0';
	fs_remove_tree_at(AT_FDCWD, place, NULL);
	return 0;
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The end of the process stands for its exec: its side of the connection closes. */
static void opens(void **state)
{
	int fd = gate_listen(dir_fd, &e);
	pid_t pid = fork();

	(void)state;
	assert_true(fd >= 0);
	if (pid == 0)
		_exit(gate_wait(fd, &e) < 0);
	close(fd);
	assert_int_equal(gate_release(dir_fd, &e), 0);
	end(pid);
	assert_int_equal(gate_release(dir_fd, &e), -1);
	assert_int_equal(e.number, ECONNREFUSED);
}

static void refuses(void **state)
{
	int fd = gate_listen(dir_fd, &e);
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		gate_refuse(gate_wait(fd, &e), "exec: it is not there");
		_exit(0);
	}
	close(fd);
	assert_int_equal(gate_release(dir_fd, &e), -1);
	assert_string_equal(e.text, "exec: it is not there");
	end(pid);
}

static void idle(void **state)
{
	int fd = gate_listen(dir_fd, &e), idle_fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	int other_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(gate_wait(fd, &e) < 0);
	close(fd);
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/gate", dir_fd);
	/* Who only wants to know whether somebody waits. */
	assert_int_equal(connect(other_fd, (struct sockaddr *)&a, sizeof(a)), -1);
	assert_int_equal(errno, EPROTOTYPE);
	assert_int_equal(connect(idle_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(send(idle_fd, "nonsense", 8, 0), 8);
	close(idle_fd);
	close(other_fd);
	assert_int_equal(gate_release(dir_fd, &e), 0);
	end(pid);
}

/* It ends with the connection in its queue: that is said, not which call failed. */
static void dies(void **state)
{
	int fd = gate_listen(dir_fd, &e);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		close(fd);
		_exit(gate_release(dir_fd, &e) != -1 ||
		      !strstr(e.text, "was killed before its program ran"));
	}
	assert_int_equal(poll(&p, 1, -1), 1);
	close(fd);
	end(pid);
}

static void nobody(void **state)
{
	(void)state;
	assert_int_equal(gate_release(dir_fd, &e), -1);
	assert_int_equal(e.number, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
