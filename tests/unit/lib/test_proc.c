/* test_proc.c - a child holds what it was passed and nothing else. The test runs itself as the
 * child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/proc.h"

static const char self[] = "/proc/self/exe";

/* What the child sees, as one line: open fds, ignored and blocked signals, session, CUVETTE_FDS. */
static int child_report(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	struct sigaction action;
	sigset_t mask;
	int i;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir))
			printf("%s ", entry->d_name);
	closedir(dir);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (i = 1; i < NSIG; i++) {
		if (sigismember(&mask, i) == 1)
			printf("blocked=%d ", i);
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			printf("ignored=%d ", i);
	}
	printf("leader=%d notify=%d config=%d none=%d\n", getsid(0) == getpid(),
	       proc_passed_fd("notify"), proc_passed_fd("config"), proc_passed_fd("none"));
	fflush(stdout);
	proc_tell_ready();
	proc_ask_poweroff();
	return 5;
}

static void wait_for(int pid_fd, pid_t pid, int status_wanted)
{
	struct pollfd p = { .fd = pid_fd, .events = POLLIN };
	int status;

	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), status_wanted);
}

static void read_line(int fd, char *text, size_t text_bytes)
{
	struct err e;
	ssize_t n = fd_read_full(fd, text, text_bytes - 1, &e);

	assert_true(n >= 0);
	text[n] = '\0';
}

/* The sources stand in each other's places: 3 is to become 4, 4 to become 3. */
static void exact_fds(void **state)
{
	static const char *const argv[] = { "child", "report", NULL };
	static const char *const envp[] = { "CUVETTE_FDS=notify:config", NULL };
	int out[2], notify[2], config = open("/dev/null", O_RDONLY),
			       leak = open("/dev/null", O_RDONLY);
	struct proc_spec spec = {
		.path = self, .argv = argv, .envp = envp, .stdin_fd = -1, .stderr_fd = 2
	};
	AUTO_FD int pid_fd = -1;
	sigset_t blocked, now;
	char text[256];
	struct err e;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(notify, 0), 0);
	dup2(config, 20);
	dup2(notify[1], 21);
	dup2(20, 3);
	dup2(21, 4);
	spec.stdout_fd = out[1];
	spec.pass_fds = (const int[]){ 4, 3 };
	spec.pass_count = 2;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	pid_fd = proc_spawn(&spec, &pid, &e);
	assert_true(pid_fd >= 0);
	assert_int_equal(fcntl(pid_fd, F_GETFD), FD_CLOEXEC);
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_int_equal(sigismember(&now, SIGTERM), 1);
	assert_int_equal(sigismember(&now, SIGINT), 0);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(out[1]);
	close(notify[1]);
	close(4);
	close(21);
	wait_for(pid_fd, pid, 5);
	read_line(out[0], text, sizeof(text));
	assert_string_equal(text, "0 1 2 3 4 leader=1 notify=3 config=4 none=-1\n");
	read_line(notify[0], text, sizeof(text));
	assert_string_equal(text, "ready\npoweroff\n");
	close(leak);
}

/* With a low number free in the parent, nothing may end up there that exec would close. */
static void free_low_numbers(void **state)
{
	static const char *const argv[] = { "child", "report", NULL };
	static const char *const envp[] = { NULL };
	int out[2], source = open("/dev/null", O_RDONLY), saved = dup(0);
	struct proc_spec spec = {
		.path = self,
		.argv = argv,
		.envp = envp,
		.stdin_fd = source,
		.stderr_fd = -1,
	};
	AUTO_FD int pid_fd = -1;
	char text[256];
	struct err e;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	spec.stdout_fd = out[1];
	close(0);
	pid_fd = proc_spawn(&spec, &pid, &e);
	dup2(saved, 0);
	close(saved);
	close(source);
	close(out[1]);
	assert_true(pid_fd >= 0);
	wait_for(pid_fd, pid, 5);
	read_line(out[0], text, sizeof(text));
	assert_string_equal(text, "0 1 2 leader=1 notify=-1 config=-1 none=-1\n");
	close(out[0]);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void failures_are_reported_here(void **state)
{
	static const char *const argv[] = { "x", NULL };
	static const char *const envp[] = { NULL };
	static const int bad[] = { 999 };
	struct proc_spec spec = {
		.path = "/nowhere/x",
		.argv = argv,
		.envp = envp,
		.stdin_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
	};
	int before = count_fds();
	struct err e;
	pid_t pid;

	(void)state;
	assert_int_equal(proc_spawn(&spec, &pid, &e), -1);
	assert_string_equal(e.text, "start /nowhere/x: exec: No such file or directory");
	assert_int_equal(e.number, ENOENT);
	spec.path = self;
	spec.pass_fds = bad;
	spec.pass_count = 1;
	assert_int_equal(proc_spawn(&spec, &pid, &e), -1);
	assert_string_equal(e.text, "start /proc/self/exe: pass files: Bad file descriptor");
	spec.pass_count = PROC_PASS_MAX + 1;
	assert_int_equal(proc_spawn(&spec, &pid, &e), -1);
	assert_int_equal(count_fds(), before);
	/* No zombie is left either. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_fds),
		cmocka_unit_test(free_low_numbers),
		cmocka_unit_test(failures_are_reported_here),
		cmocka_unit_test(passed_names),
		cmocka_unit_test(start_times),
	};

	if (argc == 2 && strcmp(argv[1], "report") == 0)
		return child_report();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
