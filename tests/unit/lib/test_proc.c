/* test_proc.c - what a supervisor passed, what it is told, and when a process began. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/proc.h"

static void told_lines(void **state)
{
	int ends[2], reader;
	char text[32];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	reader = fcntl(ends[0], F_DUPFD_CLOEXEC, 10);	/* away from 3, where the other end goes */
	dup2(ends[1], 3);
	if (ends[0] != 3)
		close(ends[0]);
	close(ends[1]);
	setenv("CUVETTE_FDS", "notify", 1);
	proc_tell_ready();
	proc_ask_poweroff();
	close(3);
	assert_int_equal(read(reader, text, sizeof(text)), 15);
	assert_memory_equal(text, "ready\npoweroff\n", 15);
	close(reader);
	unsetenv("CUVETTE_FDS");
}

static void passed_names(void **state)
{
	AUTO_FD int fd = open("/dev/null", O_RDONLY);

	(void)state;
	unsetenv("CUVETTE_FDS");
	assert_int_equal(proc_passed_fd("notify"), -1);
	proc_tell_ready();
	setenv("CUVETTE_FDS", "a:bc", 1);
	dup2(fd, 3);
	dup2(fd, 4);
	assert_int_equal(proc_passed_fd("a"), 3);
	assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(4, F_GETFD), 0);
	assert_int_equal(proc_passed_fd("bc"), 4);
	assert_int_equal(proc_passed_fd("b"), -1);
	assert_int_equal(proc_passed_fd("bcd"), -1);
	assert_int_equal(proc_passed_fd(""), -1);
	close(4);
	assert_int_equal(proc_passed_fd("bc"), -1);
	unsetenv("CUVETTE_FDS");
}

static void start_times(void **state)
{
	uint64_t mine, again, child_ticks;
	int ends[2], named[2], status;
	struct err e;
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(proc_start_time(getpid(), &mine, &e), 0);
	assert_int_equal(proc_start_time(getpid(), &again, &e), 0);
	assert_true(mine > 0 && mine == again);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(named), 0);
	child = fork();
	if (child == 0) {
		AUTO_FD int comm = open("/proc/self/comm", O_WRONLY);

		/* A name made to confuse: field 22 counts from the last parenthesis. */
		status = write(comm, "x) R 1 1 1", 10) == 10;
		close(ends[1]);
		close(named[1]);
		_exit(read(ends[0], &byte, 1) == 0 && status ? 0 : 1);
	}
	close(named[1]);
	assert_int_equal(read(named[0], &byte, 1), 0);
	close(named[0]);
	assert_int_equal(proc_start_time(child, &child_ticks, &e), 0);
	assert_in_range(child_ticks, mine, mine + 6000);
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(proc_start_time(child, &child_ticks, &e), -1);
	assert_int_equal(e.number, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_lines),
		cmocka_unit_test(passed_names),
		cmocka_unit_test(start_times),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
