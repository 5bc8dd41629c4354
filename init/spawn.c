#include "init/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/proc.h"

enum {
	HIGH_FD = 64,		/* above everything a child gets: 3 + notify + UNIT_PASSED_MAX */
	ENV_FDS_BYTES = 1536,
};

/* What goes back through the gate when the child cannot become the program. */
struct failure {
	int number;
	char what[32];
};

static _Noreturn void give_up(int gate_fd, const char *what)
{
	struct failure f = { .number = errno };

	snprintf(f.what, sizeof(f.what), "%s", what);
	if (write(gate_fd, &f, sizeof(f)) < 0)
		_exit(126);
	_exit(127);
}

static void set_caps(uint64_t caps, int gate_fd)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		uint32_t part = (uint32_t)(caps >> 32 * i);

		data[i] = (struct __user_cap_data_struct){ .effective = part,
							   .permitted = part,
							   .inheritable = part };
	}
	if (syscall(SYS_capset, &header, data))
		give_up(gate_fd, "capabilities");
}

/* root without a caps line keeps everything; everybody else has exactly the line's capabilities,
 * nothing by default. */
static void drop_rights(const struct spawn_spec *spec, int gate_fd)
{
	const struct unit_file *f = spec->file;

	if (spec->uid == 0 && !f->has_caps)
		return;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(f->caps & UINT64_C(1) << cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			give_up(gate_fd, "capability bounding set");
	if (spec->uid == 0) {
		/* A root program gets the bounding set back by execve: that is the line's set now.
		 */
		set_caps(f->caps, gate_fd);
		return;
	}
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
	    setresgid(spec->gid, spec->gid, spec->gid) ||
	    setresuid(spec->uid, spec->uid, spec->uid))
		give_up(gate_fd, "user");
	set_caps(f->caps, gate_fd);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((f->caps & UINT64_C(1) << cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0))
			give_up(gate_fd, "ambient capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		give_up(gate_fd, "no_new_privs");
}

static void put_fd(int from, int to, int gate_fd)
{
	if (dup2(from, to) < 0)
		give_up(gate_fd, "file descriptors");
}

/* 0 = /dev/null, 1 and 2 = the log, 3... = what is passed; everything else is O_CLOEXEC. */
static void arrange_fds(const struct spawn_spec *spec, int gate_fd)
{
	int high[UNIT_PASSED_MAX], next = 3;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = openat(spec->run_dir_fd, spec->log_fifo, O_RDWR | O_CLOEXEC);
	int notify = -1;

	if (null < 0 || log < 0)
		give_up(gate_fd, "log");
	null = fcntl(null, F_DUPFD_CLOEXEC, HIGH_FD);
	log = fcntl(log, F_DUPFD_CLOEXEC, HIGH_FD);
	if (spec->notify_fifo) {
		notify = openat(spec->run_dir_fd, spec->notify_fifo, O_RDWR | O_CLOEXEC);
		notify = notify < 0 ? notify : fcntl(notify, F_DUPFD_CLOEXEC, HIGH_FD);
		if (notify < 0)
			give_up(gate_fd, "notify FIFO");
	}
	for (int i = 0; i < spec->fd_count; i++) {
		high[i] = fcntl(spec->fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
		if (high[i] < 0)
			give_up(gate_fd, "file descriptors");
	}
	put_fd(null, 0, gate_fd);
	put_fd(log, 1, gate_fd);
	put_fd(log, 2, gate_fd);
	if (notify >= 0)
		put_fd(notify, next++, gate_fd);
	for (int i = 0; i < spec->fd_count; i++)
		put_fd(high[i], next++, gate_fd);
	/* From here on an fd that somebody forgot to mark stays here. */
	if (syscall(SYS_close_range, next, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */))
		give_up(gate_fd, "close_range");
}

static void set_open_files(unsigned files, int gate_fd)
{
	struct rlimit limit;

	if (!files)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		give_up(gate_fd, "limit of open files");
	limit.rlim_cur = files < limit.rlim_max ? files : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		give_up(gate_fd, "limit of open files");
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct spawn_spec *spec, int gate_fd)
{
	const struct unit_file *f = spec->file;
	char fds[ENV_FDS_BYTES];
	const char *env[UNIT_ENV_MAX + 4];
	int count = 0, oom;
	char go;

	setsid();
	gate_fd = fcntl(gate_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (read(gate_fd, &go, 1) != 1)
		_exit(126);		/* svd is gone, and nobody knows of this process */
	arrange_fds(spec, gate_fd);
	oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (oom < 0 || write(oom, "0", 1) != 1)		/* svd's own value is its privilege */
		give_up(gate_fd, "OOM score");
	set_open_files(f->open_files, gate_fd);
	if (f->nice && setpriority(PRIO_PROCESS, 0, f->nice))
		give_up(gate_fd, "priority");
	drop_rights(spec, gate_fd);
	reset_signals();
	for (int i = 0; i < f->env_count; i++)
		env[count++] = f->env[i];
	env[count++] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	env[count++] = "TZ=UTC";
	if (spec->fd_names[0]) {
		snprintf(fds, sizeof(fds), "CUVETTE_FDS=%s", spec->fd_names);
		env[count++] = fds;
	}
	env[count] = NULL;
	execve(f->exec[0], (char *const *)f->exec, (char *const *)env);
	give_up(gate_fd, "execve");
}

int spawn_begin(struct spawn *s, const struct spawn_spec *spec, struct err *e)
{
	int gate[2];
	AUTO_FD int mine = -1, theirs = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate))
		return err_sys(e, "gate");
	mine = gate[0];
	theirs = gate[1];
	s->pid = fork();
	if (s->pid < 0)
		return err_sys(e, "fork");
	if (s->pid == 0) {
		close(take_fd(&mine));		/* or the gate would never see svd's end */
		become(spec, theirs);
	}
	s->pid_fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (s->pid_fd < 0 || proc_start_time(s->pid, &s->start_ticks, e)) {
		if (s->pid_fd < 0)
			err_sys(e, "pidfd_open");
		fd_close(&mine);		/* the child ends */
		fd_close(&s->pid_fd);
		waitpid(s->pid, NULL, 0);
		return -1;
	}
	s->gate_fd = take_fd(&mine);
	return 0;
}

int spawn_release(struct spawn *s, struct err *e)
{
	AUTO_FD int gate_fd = take_fd(&s->gate_fd);
	struct failure f;
	ssize_t size;

	if (send(gate_fd, "g", 1, MSG_NOSIGNAL) != 1)
		return err_sys(e, "gate");
	size = fd_read_full(gate_fd, &f, sizeof(f), e);
	if (size == 0)
		return 0;		/* closed by execve */
	if (size != (ssize_t)sizeof(f))
		return err_set(e, "the child ended before its program ran");
	errno = f.number;
	f.what[sizeof(f.what) - 1] = '\0';
	return err_sys(e, "%s", f.what);
}
