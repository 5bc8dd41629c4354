/* keeper.c - see keeper.h */
#include "net/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/time.h"
#include "wire/wire.h"

enum {
	PASSED_FD = 3,
	MESSAGES_AT_ONCE = 64, /* then the others have their turn */
};

/* In the child of vfork(2): system calls only, nothing of the parent's memory is changed. */
static int become_gate(int socket_fd, int said_fd)
{
	const struct rlimit files = { KEEPER_FILES, KEEPER_FILES };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(said_fd, STDOUT_FILENO) < 0 || dup2(said_fd, STDERR_FILENO) < 0)
		return -1;
	/* Copies are born without close-on-exec; one that is in its place already must lose it. */
	if (socket_fd == PASSED_FD ? fcntl(socket_fd, F_SETFD, 0) < 0
				   : dup2(socket_fd, PASSED_FD) < 0)
		return -1;
	if (syscall(SYS_close_range, PASSED_FD + 1, ~0u, 0) < 0 || chdir("/") < 0)
		return -1;
	/* As high as ours may be is enough where ours is lower. */
	if (setrlimit(RLIMIT_NOFILE, &files) < 0 && errno != EPERM)
		return -1;
	if (syscall(SYS_setgroups, 0, NULL) < 0 ||
	    syscall(SYS_setresgid, KEEPER_ID, KEEPER_ID, KEEPER_ID) < 0 ||
	    syscall(SYS_setresuid, KEEPER_ID, KEEPER_ID, KEEPER_ID) < 0)
		return -1;
	/* After the ids: a change of them takes it back. */
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
			       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
		       ? -1
		       : 0;
}

static pid_t spawn(const char *name, int socket_fd, int said_fd, struct err *e)
{
	char program[] = "gated", *word = (char *)(uintptr_t)name;
	char *const argv[] = { program, word, NULL };
	char passed[] = "CUVETTE_FDS=netd";
	char *const envp[] = { passed, NULL };
	volatile int number = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		if (become_gate(socket_fd, said_fd) == 0)
			execve(KEEPER_PROGRAM, argv, envp);
		number = errno;
		_exit(127);
	}
	if (pid < 0)
		return err_sys(e, "make a process");
	if (number == 0)
		return pid;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = number;
	return err_sys(e, "run %s", KEEPER_PROGRAM);
}

static void forget(struct keeper *k)
{
	loop_remove(&k->connection);
	loop_remove(&k->process);
	loop_timer_off(&k->rest);
	fd_close(&k->connection.fd);
	fd_close(&k->process.fd);
	saying_close(&k->saying);
	outbox_finish(&k->outbox);
	k->pid = -1;
}

static void plan_again(struct keeper *k)
{
	bool has_lived = time_boot_ms() - k->started_ms >= KEEPER_LIVED_MS;

	k->pause_ms = has_lived ? 0 : k->pause_ms ? k->pause_ms * 2 : KEEPER_PAUSE_MS;
	if (k->pause_ms > KEEPER_PAUSE_MAX_MS)
		k->pause_ms = KEEPER_PAUSE_MAX_MS;
	loop_timer_set(k->loop, &k->timer, k->pause_ms);
}

static void on_end(struct loop_source *source, unsigned events)
{
	struct keeper *k = owner_of(source, struct keeper, process);
	int status = 0;

	(void)events;
	while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
		;
	saying_close(&k->saying); /* before what is said of it */
	if (WIFSIGNALED(status))
		log_err("gateway of network %s was killed by signal %d: it is started again",
			k->name, WTERMSIG(status));
	else
		log_err("gateway of network %s ended with status %d: it is started again",
			k->name, WEXITSTATUS(status));
	forget(k);
	plan_again(k);
}

/* Its end comes as an event of the process. No sentence: it has gone by itself. */
static void kill_it(struct keeper *k, const char *why)
{
	if (why)
		log_err("gateway of network %s: %s; it is killed", k->name, why);
	loop_remove(&k->connection);
	kill(k->pid, SIGKILL);
}

static void flush(struct keeper *k)
{
	struct err e;
	int left;

	if (k->outbox.is_full) {
		kill_it(k, "it does not read what it is told");
		return;
	}
	left = outbox_flush(&k->outbox, k->connection.fd, &e);
	if (left < 0)
		kill_it(k, e.number == EPIPE || e.number == ECONNRESET ? NULL : e.text);
	else if (loop_change(&k->connection,
			     (k->rest.loop ? 0 : LOOP_READ) | (left == 0 ? LOOP_WRITE : 0), &e))
		kill_it(k, e.text);
}

static void on_rested(struct loop_timer *timer)
{
	struct keeper *k = owner_of(timer, struct keeper, rest);

	if (k->connection.loop)
		flush(k);
}

void keeper_rest(struct keeper *k, unsigned wait_ms)
{
	loop_timer_set(k->loop, &k->rest, wait_ms);
}

static int take_message(struct keeper *k, struct err *e)
{
	struct msg m;
	int got = msg_receive(k->connection.fd, &m, e);

	if (got <= 0)
		return got;
	if (!wire_allowed(m.type, WIRE_GATED, WIRE_NETD, m.fd_count))
		got = err_set(e, "it said %s, which it may not", wire_name(m.type));
	else if (k->events->on_message(k, &m, e))
		got = -1;
	msg_finish(&m);
	return got;
}

static void on_connection(struct loop_source *source, unsigned events)
{
	struct keeper *k = owner_of(source, struct keeper, connection);
	struct err e = { 0 };
	int got = 1;

	for (int i = 0;
	     i < MESSAGES_AT_ONCE && got == 1 && events != LOOP_WRITE && !k->rest.loop; i++)
		got = take_message(k, &e);
	if (got < 0 && e.number != EAGAIN && e.number != ECONNRESET) {
		kill_it(k, e.text);
	} else if (got == 0 || e.number == ECONNRESET) {
		kill_it(k, NULL);
	} else if (k->connection.loop) {
		flush(k);
	}
}

static int start(struct keeper *k, struct err *e)
{
	int pair[2] = { -1, -1 };
	AUTO_FD int said_fd = -1;

	if (saying_open(&k->saying, &said_fd, e))
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a connection");
	k->pid = spawn(k->name, pair[1], said_fd, e);
	fd_close(&pair[1]);
	k->connection.fd = pair[0];
	if (k->pid < 0)
		return -1;
	k->process.fd = (int)syscall(SYS_pidfd_open, k->pid, 0);
	if (k->process.fd < 0)
		return err_sys(e, "watch it");
	if (fd_set_nonblock(k->connection.fd, e) ||
	    loop_add(k->loop, &k->connection, LOOP_READ, e) ||
	    loop_add(k->loop, &k->process, LOOP_READ, e))
		return -1;
	return 0;
}

static void end_now(struct keeper *k)
{
	if (k->pid > 0) {
		kill(k->pid, SIGKILL);
		while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	forget(k);
}

void keeper_start(struct keeper *k)
{
	struct err e;

	k->started_ms = time_boot_ms();
	if (start(k, &e) == 0) {
		k->events->on_start(k);
		return;
	}
	log_err("start the gateway of network %s: %s", k->name, e.text);
	end_now(k);
	plan_again(k);
}

static void on_time(struct loop_timer *timer)
{
	keeper_start(owner_of(timer, struct keeper, timer));
}

void keeper_init(struct keeper *k, struct loop *loop, const char *name,
		 const struct keeper_events *events)
{
	*k = (struct keeper){ .loop = loop, .name = name, .events = events, .pid = -1 };
	k->connection = (struct loop_source){ .fd = -1, .on_event = on_connection };
	k->process = (struct loop_source){ .fd = -1, .on_event = on_end };
	k->timer.on_time = on_time;
	k->rest.on_time = on_rested;
	saying_init(&k->saying, loop, name);
	outbox_init(&k->outbox);
}

void keeper_stop(struct keeper *k)
{
	loop_timer_off(&k->timer);
	end_now(k);
}

void keeper_tell(struct keeper *k, const struct msg *m)
{
	if (k->pid < 0)
		return;
	outbox_add(&k->outbox, m);
	if (k->connection.loop)
		flush(k);
}
