/* test_jail.c - what a jailed process can no longer do. Every case jails a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/jail.h"

enum { NOT_HERE = 77 };

/* Own ids, so that the cases also run where no other is mapped (a user namespace of one user). */
static struct jail_spec spec_here(void)
{
	return (struct jail_spec){
		.program = "test", .uid = getuid(), .gid = getgid(), .all_syscalls = true
	};
}

/* With a list, if there is one. */
static void enter(struct jail_spec *spec)
{
	struct err e;

	spec->all_syscalls = !spec->syscalls;
	if (jail_enter(spec, &e) == 0)
		return;
	fprintf(stderr, "# %s\n", e.text);
	/* A namespace may forbid setgroups, a kernel may lack Landlock: no verdict about us. */
	_exit(strstr(e.text, "supplementary groups") || strstr(e.text, "landlock is missing")
		      ? NOT_HERE
		      : 99);
}

/* Exit status of f in a child, or the negative number of the signal that ended it. */
static int outcome(int (*f)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		/* Not _exit: before that one the sanitizer makes calls that no list has. */
		syscall(SYS_exit_group, f());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
		skip();
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int no_files(void)
{
	struct jail_spec spec = spec_here();
	int kept = open("/etc/passwd", O_RDONLY);
	char byte;

	enter(&spec);
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		return 1;
	if (open("/tmp/test_jail", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES)
		return 2;
	/* What was open stays open, and usable. */
	return read(kept, &byte, 1) == 1 ? 0 : 3;
}

static int some_files(void)
{
	static const char *const read_paths[] = { "/etc", "/dev/zero", NULL },
				 *const write_paths[] = { "/dev/shm", "/dev/null", NULL };
	struct jail_spec spec = spec_here();
	int fd;

	if (access("/dev/shm", W_OK) < 0)
		return NOT_HERE;
	spec.read_paths = read_paths;
	spec.write_paths = write_paths;
	enter(&spec);
	if (open("/etc/passwd", O_RDONLY) < 0)
		return 1;
	if (open("/dev/zero", O_RDWR) >= 0 || errno != EACCES)
		return 2;
	fd = open("/dev/shm/test_jail", O_RDWR | O_CREAT | O_TRUNC, 0700);
	if (fd < 0 || rename("/dev/shm/test_jail", "/dev/shm/test_jail2") < 0)
		return 3;
	if (execl("/dev/shm/test_jail2", "x", NULL) == 0 || errno != EACCES)
		return 4;
	if (unlink("/dev/shm/test_jail2") < 0)
		return 5;
	if (open("/dev/null", O_WRONLY) < 0)
		return 6;
	return open("/usr", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES ? 0 : 7;
}

static void files(void **state)
{
	(void)state;
	assert_int_equal(outcome(no_files), 0);
	assert_int_equal(outcome(some_files), 0);
}

static int missing_path(void)
{
	static const char *const read_paths[] = { "/nowhere", NULL };
	struct jail_spec spec = spec_here();
	struct err e;

	spec.read_paths = read_paths;
	if (jail_enter(&spec, &e) == 0)
		return 1;
	if (strstr(e.text, "landlock is missing"))
		return NOT_HERE;
	return strcmp(e.text, "test: jail: open /nowhere: No such file or directory") != 0;
}

static int unknown_syscall(void)
{
	static const char *const names[] = { "read", "no_such_call", NULL };
	struct jail_spec spec = spec_here();
	struct err e;

	spec.syscalls = names;
	spec.all_syscalls = false;
	if (jail_enter(&spec, &e) == 0)
		return 1;
	if (!strstr(e.text, "seccomp"))
		return NOT_HERE;
	return strcmp(e.text,
		      "test: jail: seccomp: this architecture has no system call no_such_call") !=
	       0;
}

/* Nothing is given up yet, and nobody goes on as if it were. */
static int entered_with(const char *const *names, bool all)
{
	struct jail_spec spec = spec_here();
	struct err e;

	spec.syscalls = names;
	spec.all_syscalls = all;
	if (jail_enter(&spec, &e) == 0)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
		return 2;
	return strcmp(e.text, "test: jail: either a list of system calls or all of them") != 0;
}

static int forgotten_list(void)
{
	return entered_with(NULL, false);
}

static int list_and_all(void)
{
	static const char *const names[] = { "read", "prctl", NULL };

	return entered_with(names, true);
}

static int forgotten_list_later(void)
{
	struct jail_spec spec = spec_here();
	struct err e;

	if (jail_filter(&spec, &e) == 0 ||
	    strcmp(e.text, "test: jail: seccomp: no list of system calls was given") != 0)
		return 1;
	return jail_syscalls(NULL, &e) == 0 ? 2 : 0;
}

static void mistakes_are_named(void **state)
{
	(void)state;
	assert_int_equal(outcome(forgotten_list), 0);
	assert_int_equal(outcome(list_and_all), 0);
	assert_int_equal(outcome(forgotten_list_later), 0);
	assert_int_equal(outcome(missing_path), 0);
	assert_int_equal(outcome(unknown_syscall), 0);
}

static const char *const few[] = { "getppid", "read", "getppid", NULL };

static int listed_syscall(void)
{
	struct jail_spec spec = spec_here();

	spec.syscalls = few;
	enter(&spec);
	return syscall(SYS_getppid) > 0 ? 0 : 1;
}

static int unlisted_syscall(void)
{
	struct jail_spec spec = spec_here();

	spec.syscalls = few;
	enter(&spec);
	syscall(SYS_getpgid, 0);
	return 1;
}

/* In between it makes what it needs. */
static void enter_by_steps(void)
{
	struct jail_spec spec = spec_here();
	struct err e;
	pid_t child;

	enter(&spec);
	child = fork();
	if (child == 0)
		syscall(SYS_exit_group, 0);
	if (child < 0 || waitpid(child, NULL, 0) != child)
		_exit(2);
	spec.syscalls = few;
	if (jail_filter(&spec, &e) < 0)
		_exit(3);
}

static int listed_syscall_later(void)
{
	enter_by_steps();
	return syscall(SYS_getppid) > 0 ? 0 : 1;
}

static int unlisted_syscall_later(void)
{
	enter_by_steps();
	syscall(SYS_getpgid, 0);
	return 1;
}

static int sockets_of_ip(void)
{
	struct jail_spec spec = spec_here();

	spec.syscalls = few;
	spec.inet_sockets = true;
	enter(&spec);
	if (syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0) < 0)
		return 1;
	return syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0) < 0 && errno != EAFNOSUPPORT ? 2 : 0;
}

static int another_socket(void)
{
	struct jail_spec spec = spec_here();

	spec.syscalls = few;
	spec.inet_sockets = true;
	enter(&spec);
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	return 1;
}

static void enter_with(const char *const *names)
{
	static const struct jail_option options[] = { { SOL_SOCKET, SO_REUSEADDR }, { 0 } };
	struct jail_spec spec = spec_here();

	spec.syscalls = names;
	spec.inet_sockets = true;
	spec.socket_options = options;
	enter(&spec);
}

static int multipath_socket(void)
{
	enter_with(few);
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 262);	/* IPPROTO_MPTCP */
	return 1;
}

static int raw_socket(void)
{
	enter_with(few);
	syscall(SYS_socket, AF_INET, SOCK_RAW, 1);
	return 1;
}

static int listed_option(void)
{
	int on = 1, fd;

	enter_with(few);
	fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 ? 0 : 1;
}

static int another_option(void)
{
	enter_with(few);
	syscall(SYS_setsockopt, -1, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5);
	return 1;
}

static int memory_for_data(void)
{
	static const char *const names[] = { "mprotect", NULL };
	char *page;

	enter_with(names);
	page = (char *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page != MAP_FAILED && syscall(SYS_mprotect, page, 4096, PROT_READ) == 0 ? 0 : 1;
}

static int memory_for_code(void)
{
	enter_with(few);
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return 1;
}

static int data_made_code(void)
{
	static const char *const names[] = { "mprotect", NULL };
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	enter_with(names);
	syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);
	return 1;
}

static const char *const of_files[] = { "fcntl", NULL };

static int file_flags(void)
{
	enter_with(of_files);
	return syscall(SYS_fcntl, 0, F_GETFD) >= 0 ? 0 : 1;
}

static int file_owner(void)
{
	pid_t other = getppid();

	enter_with(of_files);
	syscall(SYS_fcntl, 0, F_SETOWN, other);
	return 1;
}

static int file_signal(void)
{
	enter_with(of_files);
	syscall(SYS_fcntl, 0, F_SETSIG, SIGKILL);
	return 1;
}

static int own_abort(void)
{
	pid_t self = getpid();

	signal(SIGABRT, SIG_DFL);
	enter_with(few);
	syscall(SYS_tkill, self, SIGABRT);
	return 1;
}

static int others_abort(void)
{
	pid_t other = getppid();

	enter_with(few);
	syscall(SYS_tkill, other, SIGABRT);
	return 1;
}

static int own_other_signal(void)
{
	pid_t self = getpid();

	enter_with(few);
	syscall(SYS_tkill, self, SIGUSR1);
	return 1;
}

/* What of a call that is in the list is none of a jailed program's business. */
static void arguments(void **state)
{
	(void)state;
	assert_int_equal(outcome(multipath_socket), -SIGSYS);
	assert_int_equal(outcome(raw_socket), -SIGSYS);
	assert_int_equal(outcome(listed_option), 0);
	assert_int_equal(outcome(another_option), -SIGSYS);
	assert_int_equal(outcome(memory_for_data), 0);
	assert_int_equal(outcome(memory_for_code), -SIGSYS);
	assert_int_equal(outcome(data_made_code), -SIGSYS);
	assert_int_equal(outcome(file_flags), 0);
	assert_int_equal(outcome(file_owner), -SIGSYS);
	assert_int_equal(outcome(file_signal), -SIGSYS);
	assert_int_equal(outcome(own_abort), -SIGABRT);
	assert_int_equal(outcome(others_abort), -SIGSYS);
	assert_int_equal(outcome(own_other_signal), -SIGSYS);
}

static int other_abi(void)
{
	struct jail_spec spec = spec_here();

	spec.syscalls = few;
	enter(&spec);
	/* The x32 number of getppid: the same call by another door. */
	syscall(0x40000000 | SYS_getppid);
	return 1;
}

static int list_alone(void)
{
	static const char *const names[] = { "getppid", "openat", "prctl", NULL };
	struct err e;

	if (jail_syscalls(names, &e) || syscall(SYS_getppid) <= 0)
		return 1;
	/* Files stay: there is no Landlock. */
	if (syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY) < 0)
		return 2;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 3;
	syscall(SYS_getpgid, 0);
	return 4;
}

static void system_calls(void **state)
{
	(void)state;
	assert_int_equal(outcome(list_alone), -SIGSYS);
	assert_int_equal(outcome(listed_syscall), 0);
	assert_int_equal(outcome(unlisted_syscall), -SIGSYS);
	assert_int_equal(outcome(listed_syscall_later), 0);
	assert_int_equal(outcome(unlisted_syscall_later), -SIGSYS);
	assert_int_equal(outcome(sockets_of_ip), 0);
	assert_int_equal(outcome(another_socket), -SIGSYS);
#ifdef __x86_64__
	assert_int_equal(outcome(other_abi), -SIGSYS);
#endif
}

static int capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	int cap;

	if (syscall(SYS_capget, &header, caps) < 0)
		return 1;
	if (caps[0].effective != (uint32_t)keep || caps[0].permitted != (uint32_t)keep ||
	    caps[1].permitted != 0)
		return 2;
	if (caps[0].inheritable != 0 || caps[1].inheritable != 0)
		return 3;
	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_READ, cap) != (int)(keep >> cap & 1))
			return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 5;
	return 0;
}

static int root_without_powers(void)
{
	struct jail_spec spec = spec_here();

	if (geteuid() != 0)
		return NOT_HERE;
	enter(&spec);
	return capabilities(0);
}

static int user_with_one_power(void)
{
	struct jail_spec spec = spec_here();
	gid_t other = 100;

	if (geteuid() != 0)
		return NOT_HERE;
	spec.uid = spec.gid = 101;
	spec.keep_caps = 1 << CAP_NET_BIND_SERVICE;
	if (setgroups(1, &other) < 0)
		return NOT_HERE;
	if (setresgid(101, 101, 0) < 0 || setresgid(0, 0, 0) < 0)
		return NOT_HERE; /* not mapped here */
	enter(&spec);
	if (getuid() != 101 || geteuid() != 101 || getgid() != 101 || getgroups(0, NULL) != 0 ||
	    setuid(0) == 0)
		return 20;
	return capabilities(spec.keep_caps);
}

static void powers(void **state)
{
	(void)state;
	assert_int_equal(outcome(root_without_powers), 0);
	assert_int_equal(outcome(user_with_one_power), 0);
}

static int outside(bool abstract_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "\0cuvette-test-jail" };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	struct jail_spec spec = spec_here();
	pid_t parent = getppid();

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 6)
		return NOT_HERE;
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		return 1;
	enter(&spec);
	if (abstract_socket)
		return connect(client, (struct sockaddr *)&address, sizeof(address)) < 0 &&
				       errno == EPERM
			       ? 0
			       : 2;
	return kill(parent, 0) < 0 && errno == EPERM ? 0 : 3;
}

static int abstract_socket_outside(void)
{
	return outside(true);
}

static int signal_outside(void)
{
	return outside(false);
}

static void scopes(void **state)
{
	(void)state;
	assert_int_equal(outcome(abstract_socket_outside), 0);
	assert_int_equal(outcome(signal_outside), 0);
}

static int tcp(bool allow)
{
	/* Port 1 of loopback: refused by nobody listening, or forbidden before that. */
	struct sockaddr address = { .sa_family = AF_INET, .sa_data = "\0\1\x7f\0\0\1" };
	int client = socket(AF_INET, SOCK_STREAM, 0), server = socket(AF_INET, SOCK_STREAM, 0);
	struct jail_spec spec = spec_here();

	if (client < 0 || syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 4)
		return NOT_HERE;
	spec.allow_connect_tcp = allow;
	enter(&spec);
	if (connect(client, &address, sizeof(address)) == 0)
		return 1;
	if ((errno == EACCES) == allow)
		return 2;
	address.sa_data[0] = 0x40;
	return bind(server, &address, sizeof(address)) < 0 && errno == EACCES ? 0 : 3;
}

static int tcp_forbidden(void)
{
	return tcp(false);
}

static int tcp_allowed(void)
{
	return tcp(true);
}

static void network(void **state)
{
	(void)state;
	assert_int_equal(outcome(tcp_forbidden), 0);
	assert_int_equal(outcome(tcp_allowed), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),	cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(system_calls),
		cmocka_unit_test(arguments), cmocka_unit_test(powers),
		cmocka_unit_test(scopes),	cmocka_unit_test(network),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
