/* box_life.c - a box from its start to its removal: watching, ending, clearing away,
 * taking over. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/box.h"
#include "box/cgroup.h"
#include "box/host.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

enum {
	STATUS_LOST = 137, /* boxmon was killed and could not record an end: as if killed itself */
	CGROUP_WAIT_MS = 400,		/* a killed process goes within few of them */
};

/* Usually empty by now. Else something outlived its first process, or the boxmon: it is killed, and
 * the last of it may need a moment to go. */
static void clear_cgroup(const struct box *box)
{
	int parent_fd = box->boxes->host->cgroup_fd;
	struct err e;

	if (parent_fd < 0 || cgroup_remove(parent_fd, box->name, 0, &e) == 0)
		return;
	if (cgroup_kill(parent_fd, box->name, &e))
		log_warn("box %s: %s", box->name, e.text);
	if (cgroup_remove(parent_fd, box->name, CGROUP_WAIT_MS, &e))
		log_warn("box %s: %s", box->name, e.text);
}

static void on_events(struct loop_source *source, unsigned events)
{
	(void)events;
	box_tell_oom(owner_of(source, struct box, events));
}

void box_watch_events(struct box *box)
{
	int parent_fd = box->boxes->host->cgroup_fd;
	AUTO_FD int cgroup_fd = parent_fd < 0 ? -1 : cgroup_open(parent_fd, box->name, NULL);
	struct err e;

	if (cgroup_fd < 0)
		return;
	box->limit_bytes = cgroup_memory_max(cgroup_fd);
	box->events.fd = cgroup_open_events(cgroup_fd);
	box->events.on_event = on_events;
	/* No direction: cgroup files report a change as an error condition until they are read
	 * again. */
	if (box->events.fd >= 0 && loop_add(box->boxes->loop, &box->events, 0, &e))
		log_warn("box %s: %s", box->name, e.text);
}

void box_unwatch(struct box *box)
{
	loop_remove(&box->monitor);
	loop_remove(&box->events);
	fd_close(&box->monitor.fd);
	fd_close(&box->events.fd);
	fd_close(&box->pidfd);
}

/* boxmon has ended, so the container has too; or boxmon was killed, and takes it along. */
static void on_monitor_end(struct loop_source *source, unsigned events)
{
	struct box *box = owner_of(source, struct box, monitor);
	struct err e;

	(void)events;
	/* Both fds may be ready at once: the report comes first, whatever epoll says. */
	while (box->status == BOX_STARTING)
		if (!box_finish_start(box))
			return;
	if (!box->of)
		box_tell_oom(box);
	box_unwatch(box);
	if (state_load_exit(box->state_fd, &box->exit, &e)) {
		log_err("box %s: its monitor ended without a record (%s)", box->name, e.text);
		box->exit = (struct box_exit){ .status = STATUS_LOST };
		state_save_exit(box->state_fd, &box->exit, NULL);
	}
	if (!box->of)
		clear_cgroup(box);
	box->status = BOX_EXITED;
	log_info("box=%s running -> exited (status %llu)", box->name,
		 (unsigned long long)box->exit.status);
	box_tell_exited(box);
	if (box->deleting)
		box_remove(box);
}

int box_watch_monitor(struct box *box, int pidfd, struct err *e)
{
	box->monitor.fd = pidfd;
	box->monitor.on_event = on_monitor_end;
	return loop_add(box->boxes->loop, &box->monitor, LOOP_READ, e);
}

static void remove_folder(const struct box *box)
{
	const char *name = box->of ? strchr(box->name, '/') + 1 : box->name;
	struct err e;

	if (fs_remove_tree_at(box->of ? box->of->execs_fd : box->boxes->host->state_fd, name, &e))
		log_warn("box %s: %s", box->name, e.text);
}

static void end_exec(struct box *exec)
{
	if (exec->status == BOX_STARTING)
		box_answer_failed(exec->boxes, exec->name, "its box has ended");
	if (exec->status == BOX_RUNNING) {
		/* Died with its box; its monitor is about to notice. */
		exec->exit = (struct box_exit){ .status = STATUS_LOST };
		box_tell_exited(exec);
	}
	if (exec->deleting)
		box_answer_done(exec->boxes, exec->name);
	remove_folder(exec);
	box_forget(exec);
}

void box_end_execs(struct box *box)
{
	for (struct box *at = box->boxes->first, *next; at; at = next) {
		next = at->next;
		if (at->of == box)
			end_exec(at);
	}
}

/* From none or EXITED to STARTING; what an earlier run left is gone. */
void box_begin(struct box *box, uint32_t id_base, const char *image)
{
	box_end_execs(box);
	unlinkat(box->state_fd, "run", 0);
	unlinkat(box->state_fd, "exit", 0);
	box->run = (struct box_run){ .id_base = id_base };
	box->exit = (struct box_exit){ 0 };
	str_copy(box->run.image, sizeof(box->run.image), image);
	box->status = BOX_STARTING;
}

/* The writable layer stays: the next start finds it. */
void box_start_failed(struct box *box)
{
	if (box->deleting) {
		box_remove(box);
		return;
	}
	box_unwatch(box);
	if (!box->of)
		clear_cgroup(box);
	remove_folder(box);
	box_forget(box);
}

int box_signal(struct box *box, int signal, struct err *e)
{
	if (box->status != BOX_RUNNING)
		return err_set(e, "box %s is not running", box->name);
	if (box->pidfd < 0)
		errno = ESRCH; /* taken over when it had just ended */
	if (box->pidfd < 0 || syscall(SYS_pidfd_send_signal, box->pidfd, signal, NULL, 0) < 0)
		return err_sys(e, "signal %d to box %s", signal, box->name);
	return 0;
}

/* Of a child that deletes: it may outlive us, and with our connections open engined would not
 * notice our end. */
static void keep_only_trash(const struct box_host *host)
{
	dup2(host->trash_fd, STDIN_FILENO);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
}

/* Renaming is quick and cannot be cut in half; a child deletes what may be many files. */
static int discard(const struct box_host *host, const char *name, struct err *e)
{
	char trash[BOX_NAME_BYTES + 24];

	snprintf(trash, sizeof(trash), "%s.%llu", name, (unsigned long long)time_boot_ns());
	if (renameat(host->containers_fd, name, host->trash_fd, trash) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "put the writable layer away");
	/* No child: the next boxd empties the folder. */
	if (fork() == 0) {
		keep_only_trash(host);
		fs_remove_tree_at(STDIN_FILENO, trash, NULL);
		_exit(0);
	}
	return 0;
}

void box_remove(struct box *box)
{
	const struct box_host *host = box->boxes->host;
	struct err why;
	int failed = 0;

	box_unwatch(box);
	if (!box->of) {
		box_end_execs(box);
		clear_cgroup(box);
		failed = discard(host, box->name, &why);
	}
	remove_folder(box);
	if (failed)
		box_answer_failed(box->boxes, box->name, why.text);
	else
		box_answer_done(box->boxes, box->name);
	log_info("box=%s %s", box->name,
		 failed ? "forgotten, its writable layer stays" : "deleted");
	box_forget(box);
}

/* First the pidfd, then the look at the start time: a pid that came back in between is seen. */
static int open_process(pid_t pid, uint64_t start)
{
	AUTO_FD int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd >= 0 && state_is_alive(pid, start) ? take_fd(&fd) : -1;
}

/* False: its monitor is gone. Without a first process the monitor is about to record the end. */
static bool take_over_running(struct box *box)
{
	struct err e;
	int monitor_fd = open_process(box->run.monitor_pid, box->run.monitor_start);

	if (monitor_fd < 0)
		return false;
	if (box_watch_monitor(box, monitor_fd, &e)) {
		log_err("box %s: %s; it is ended", box->name, e.text);
		box_unwatch(box);
		return false;
	}
	box->pidfd = open_process(box->run.pid, box->run.pid_start);
	box->status = BOX_RUNNING;
	if (!box->of)
		box_watch_events(box);
	log_info("box=%s taken over, running", box->name);
	return true;
}

static void take_over_execs(struct box *box);

static void take_over(struct boxes *b, struct box *of, const char *name)
{
	struct err e;
	struct box *box = box_add(b, of, name, &e);

	if (!box) {
		log_warn("box %s: %s", name, e.text);
		return;
	}
	if (state_load_run(box->state_fd, &box->run, &e)) {
		log_warn("box %s: its start was cut off, cleared away", name);
		box_start_failed(box);
		return;
	}
	if (!of)
		take_over_execs(box);
	/* Alive first: a monitor that ends after this look has left its record by the next. */
	if (state_load_exit(box->state_fd, &box->exit, &e) && take_over_running(box))
		return;
	if (state_load_exit(box->state_fd, &box->exit, &e)) {
		log_err("box %s: its monitor is gone without a record", name);
		box->exit = (struct box_exit){ .status = STATUS_LOST };
		state_save_exit(box->state_fd, &box->exit, NULL);
	}
	box->status = BOX_EXITED;
	if (!of)
		clear_cgroup(box);
}

static void take_over_execs(struct box *box)
{
	char name[2 * BOX_NAME_BYTES];
	int fd = openat(box->state_fd, "exec", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (!str_is_name(entry->d_name))
			continue;
		snprintf(name, sizeof(name), "%s/%.64s", box->name, entry->d_name);
		take_over(box->boxes, box, name);
	}
	if (dir)
		closedir(dir);
}

static void empty_trash(const struct box_host *host)
{
	if (fork() != 0)
		return;
	keep_only_trash(host);
	DIR *dir = fdopendir(STDIN_FILENO);

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			fs_remove_tree_at(STDIN_FILENO, entry->d_name, NULL);
	_exit(0);
}

int boxes_take_over(struct boxes *b, struct err *e)
{
	int fd = openat(b->host->state_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return err_sys(e, "read %s", BOX_STATE_DIR);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (str_is_name(entry->d_name))
			take_over(b, NULL, entry->d_name);
	closedir(dir);
	empty_trash(b->host);
	return 0;
}
