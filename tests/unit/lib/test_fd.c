/* test_fd.c - whole reads and writes, bounds, and files that their sender can no longer change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"

static void ownership(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), taken;

	(void)state;
	taken = take_fd(&fd);
	assert_int_equal(fd, -1);
	assert_true(taken >= 0);
	errno = EBUSY;
	fd_close(&fd);
	{
		AUTO_FD int scope = taken;
		AUTO_FREE char *memory = malloc(10);

		assert_non_null(memory);
		assert_int_equal(fcntl(scope, F_GETFD), FD_CLOEXEC);
		errno = EBUSY;
	}
	assert_int_equal(errno, EBUSY);
	assert_int_equal(fcntl(taken, F_GETFD), -1);
}

static void whole_files(void **state)
{
	static char data[300000];
	AUTO_FD int fd = memfd_create("test", MFD_CLOEXEC);
	AUTO_FREE char *back = NULL;
	char half[200000];
	struct err e;
	size_t size;

	(void)state;
	memset(data, 'd', sizeof(data));
	assert_int_equal(fd_write_all(fd, data, sizeof(data), &e), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(fd_read_full(fd, half, sizeof(half), &e), sizeof(half));
	assert_int_equal(fd_read_full(fd, half, sizeof(half), &e), 100000);
	lseek(fd, 0, SEEK_SET);
	back = fd_read_all(fd, sizeof(data), &size, &e);
	assert_non_null(back);
	assert_int_equal(size, sizeof(data));
	assert_memory_equal(back, data, sizeof(data));
	assert_int_equal(back[size], '\0');
	lseek(fd, 0, SEEK_SET);
	assert_null(fd_read_all(fd, sizeof(data) - 1, &size, &e));
	assert_string_equal(e.text, "longer than 299999 bytes");
}

static void endless_file_is_bounded(void **state)
{
	AUTO_FD int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct err e;
	size_t size;

	(void)state;
	assert_null(fd_read_all(fd, 1 << 20, &size, &e));
}

static void file_without_size(void **state)
{
	AUTO_FD int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	struct err e;
	size_t size;

	(void)state;
	text = fd_read_all(fd, 1 << 20, &size, &e);
	assert_non_null(text);
	assert_non_null(strstr(text, "VmRSS"));
}

static void errors_say_why(void **state)
{
	struct err e;
	char byte;

	(void)state;
	assert_int_equal(fd_write_all(-1, "x", 1, &e), -1);
	assert_string_equal(e.text, "write: Bad file descriptor");
	assert_int_equal(e.number, EBADF);
	assert_int_equal(fd_read_full(-1, &byte, 1, &e), -1);
	assert_int_equal(fd_set_nonblock(-1, &e), -1);
}

static void seals(void **state)
{
	AUTO_FD int sealed = -1, open_fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	AUTO_FD int plain = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char back[4] = "";
	struct err e;

	(void)state;
	sealed = fd_sealed_memfd("spec", "abc", 3, &e);
	assert_true(sealed >= 0);
	assert_int_equal(fd_require_sealed(sealed, &e), 0);
	assert_int_equal(read(sealed, back, sizeof(back)), 3);
	assert_string_equal(back, "abc");
	assert_int_equal(write(sealed, "x", 1), -1);
	assert_int_equal(ftruncate(sealed, 1), -1);
	assert_int_equal(fcntl(sealed, F_ADD_SEALS, F_SEAL_SEAL), -1);
	assert_int_equal(fd_require_sealed(open_fd, &e), -1);
	/* Seals against size alone are not enough. */
	assert_int_equal(fcntl(open_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(fd_require_sealed(open_fd, &e), -1);
	assert_int_equal(fd_require_sealed(plain, &e), -1);
}

static void nonblock(void **state)
{
	struct err e;
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fd_set_nonblock(ends[0], &e), 0);
	assert_int_equal(read(ends[0], &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

/* A listener whose queue holds one connection, and nobody who takes it. */
static int full_listener(struct sockaddr_un *a, size_t name_bytes)
{
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_bytes);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)a, size), 0);
	assert_int_equal(listen(fd, 0), 0);
	return fd;
}

static void full_socket_is_bounded(void **state)
{
	char folder[] = "/tmp/test_fd.XXXXXX";
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO_FD int listener = -1;
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", folder);
	listener = full_listener(&a, strlen(a.sun_path) + 1);
	AUTO_FD int first = fd_connect_unix(a.sun_path, 50, &e);

	assert_true(first >= 0);
	assert_int_equal(fd_connect_unix(a.sun_path, 50, &e), -1);
	assert_int_equal(e.number, ETIMEDOUT);
	assert_non_null(strstr(e.text, a.sun_path));
	assert_non_null(strstr(e.text, "its owner has taken no connection"));
	unlink(a.sun_path);
	assert_int_equal(fd_connect_unix(a.sun_path, 50, &e), -1);
	assert_int_equal(e.number, ENOENT);
	rmdir(folder);
}

static void full_abstract_socket_is_bounded(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char name[64], endless[200] = "@";
	AUTO_FD int listener = -1;
	struct err e;

	(void)state;
	snprintf(name, sizeof(name), "@test_fd.%d", (int)getpid());
	memcpy(a.sun_path + 1, name + 1, strlen(name) - 1);
	listener = full_listener(&a, strlen(name));
	AUTO_FD int first = fd_connect_abstract(name, 50, &e);

	assert_true(first >= 0);
	assert_int_equal(fd_connect_abstract(name, 50, &e), -1);
	assert_int_equal(e.number, ETIMEDOUT);
	assert_non_null(strstr(e.text, name));
	memset(endless + 1, 'n', sizeof(endless) - 2);
	assert_int_equal(fd_connect_abstract(endless, 50, &e), -1);
	assert_non_null(strstr(e.text, "is longer than 107 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ownership),
		cmocka_unit_test(whole_files),
		cmocka_unit_test(endless_file_is_bounded),
		cmocka_unit_test(file_without_size),
		cmocka_unit_test(errors_say_why),
		cmocka_unit_test(seals),
		cmocka_unit_test(nonblock),
		cmocka_unit_test(full_socket_is_bounded),
		cmocka_unit_test(full_abstract_socket_is_bounded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
