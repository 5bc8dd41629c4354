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
	CGROUP_WAIT_FIRST_US = 200, /* doubled each time: 0.4 s in all */
	CGROUP_WAIT_LAST_US = 400000,
};

/* Usually empty by now. Else something outlived its first process, or the boxmon: it is killed, and
 * the last of it may need a moment to go. */
static void clear_cgroup(const struct box *box)
{
	int parent_fd = box->boxes->host->cgroup_fd;
	struct err e;

	if (parent_fd < 0 || cgroup_remove(parent_fd, box->name, &e) == 0)
		return;
	if (cgroup_kill(parent_fd, box->name, &e))
		log_warn("box %s: %s", box->name, e.text);
	for (unsigned wait_us = CGROUP_WAIT_FIRST_US; wait_us < CGROUP_WAIT_LAST_US; wait_us *= 2) {
		if (cgroup_remove(parent_fd, box->name, &e) == 0)
			return;
		usleep(wait_us);
	}
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
	if (box->status == BOX_STARTING && !box_finish_start(box))
		return;
	box_tell_oom(box);
	box_unwatch(box);
	if (state_load_exit(box->state_fd, &box->exit, &e)) {
		log_err("box %s: its monitor ended without a record (%s)", box->name, e.text);
		box->exit = (struct box_exit){ .status = STATUS_LOST };
		state_save_exit(box->state_fd, &box->exit, NULL);
	}
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

/* From none or EXITED to STARTING; what an earlier run left is gone. */
void box_begin(struct box *box, uint32_t id_base, const char *image)
{
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
	struct err e;

	if (box->deleting) {
		box_remove(box);
		return;
	}
	box_unwatch(box);
	clear_cgroup(box);
	if (fs_remove_tree_at(box->boxes->host->state_fd, box->name, &e))
		log_warn("box %s: %s", box->name, e.text);
	box_forget(box);
}

int box_signal(struct box *box, int signal, struct err *e)
{
	if (box->status != BOX_RUNNING)
		return err_set(e, "box %s is not running", box->name);
	if (syscall(SYS_pidfd_send_signal, box->pidfd, signal, NULL, 0) < 0)
		return err_sys(e, "signal %d to box %s", signal, box->name);
	return 0;
}

/* Renaming is quick and cannot be cut in half; a child deletes what may be many files. */
static void discard(const struct box_host *host, const char *name)
{
	char trash[128];

	snprintf(trash, sizeof(trash), "%s.%llu", name, (unsigned long long)time_boot_ns());
	if (renameat(host->containers_fd, name, host->trash_fd, trash) < 0)
		return;
	if (fork() == 0) {
		fs_remove_tree_at(host->trash_fd, trash, NULL);
		_exit(0);
	}
}

void box_remove(struct box *box)
{
	const struct box_host *host = box->boxes->host;
	struct err e;

	box_unwatch(box);
	clear_cgroup(box);
	discard(host, box->name);
	if (fs_remove_tree_at(host->state_fd, box->name, &e))
		log_warn("box %s: %s", box->name, e.text);
	if (box->deleting)
		box_answer_done(box->boxes, box->name);
	log_info("box=%s deleted", box->name);
	box_forget(box);
}

static void take_over_running(struct box *box)
{
	struct err e = { .text = "its process is gone" };
	int monitor_fd = (int)syscall(SYS_pidfd_open, box->run.monitor_pid, 0);

	box->pidfd = (int)syscall(SYS_pidfd_open, box->run.pid, 0);
	box->status = BOX_RUNNING;
	if (monitor_fd >= 0 && box_watch_monitor(box, monitor_fd, &e) == 0) {
		box_watch_events(box);
		log_info("box=%s taken over, running", box->name);
		return;
	}
	log_warn("box %s: %s", box->name, e.text);
}

static void take_over(struct boxes *b, const char *name)
{
	struct err e;
	struct box *box = box_add(b, name, &e);

	if (!box) {
		log_warn("box %s: %s", name, e.text);
		return;
	}
	if (state_load_run(box->state_fd, &box->run, &e)) {
		log_warn("box %s: its start was cut off, cleared away", name);
		clear_cgroup(box);
		fs_remove_tree_at(b->host->state_fd, name, NULL);
		box_forget(box);
		return;
	}
	if (state_load_exit(box->state_fd, &box->exit, &e) == 0) {
		box->status = BOX_EXITED;
		clear_cgroup(box);
		return;
	}
	if (state_is_alive(box->run.monitor_pid, box->run.monitor_start)) {
		take_over_running(box);
		return;
	}
	log_err("box %s: its monitor is gone without a record", name);
	box->exit = (struct box_exit){ .status = STATUS_LOST };
	state_save_exit(box->state_fd, &box->exit, NULL);
	box->status = BOX_EXITED;
	clear_cgroup(box);
}

static void empty_trash(const struct box_host *host)
{
	if (fork() != 0)
		return;
	DIR *dir = fdopendir(fcntl(host->trash_fd, F_DUPFD_CLOEXEC, 3));

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			fs_remove_tree_at(host->trash_fd, entry->d_name, NULL);
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
			take_over(b, entry->d_name);
	closedir(dir);
	empty_trash(b->host);
	return 0;
}
