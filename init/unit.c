#include "init/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/backoff.h"
#include "init/boot.h"
#include "init/passed.h"
#include "init/spawn.h"
#include "init/user.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "lib/str.h"
#include "lib/time.h"

static void save(struct unit *u)
{
	struct err e;

	/* A full /run costs the memory of this unit, not the unit. */
	if (record_save(&u->record, u->host->run_dir_fd, u->name, &e))
		log_warn(
			"unit %s: its state cannot be saved: %s; a restarted svd would not know it",
			u->name, e.text);
}

static void forget_process(struct unit *u)
{
	loop_remove(&u->pid_source);
	fd_close(&u->pid_source.fd);
	u->record.pid = 0;
}

static void signal_unit(struct unit *u, int number)
{
	if (u->pid_source.fd >= 0 &&
	    syscall(SYS_pidfd_send_signal, u->pid_source.fd, number, NULL, 0) && errno != ESRCH)
		log_warn("unit %s: signal %d: %m", u->name, number);
}

/* Reads how it ended; true when clean. Not our child (adopted): unknown, and that is not clean. */
static bool read_exit(struct unit *u)
{
	siginfo_t info = { 0 };

	/* P_PIDFD (3): Linux 5.4, not in every libc's idtype_t. */
	if (waitid((idtype_t)3, (id_t)u->pid_source.fd, &info, WEXITED | WNOHANG) ||
	    info.si_pid == 0) {
		snprintf(u->last_exit, sizeof(u->last_exit), "unknown");
		return false;
	}
	if (info.si_code == CLD_EXITED)
		snprintf(u->last_exit, sizeof(u->last_exit), "exit %d", info.si_status);
	else
		snprintf(u->last_exit, sizeof(u->last_exit), "signal %d", info.si_status);
	return info.si_code == CLD_EXITED && info.si_status == 0;
}

static void on_gone(struct loop_source *source, unsigned events)
{
	struct unit *u = owner_of(source, struct unit, pid_source);
	bool clean;

	(void)events;
	notify_drain(&u->notify, false);	/* a `ready` right before a clean end counts */
	capture_drain(&u->capture);
	clean = read_exit(u);
	forget_process(u);
	unit_event(u, unit_fsm_gone(u->file.restart, clean));
}

static bool watch(struct unit *u, int pid_fd)
{
	struct err e;

	u->pid_source = (struct loop_source){ .fd = pid_fd, .on_event = on_gone };
	if (loop_add(u->host->loop, &u->pid_source, LOOP_READ, &e) == 0)
		return true;
	log_err("unit %s: its end cannot be watched: %s", u->name, e.text);
	u->pid_source.fd = -1;	/* the caller's again */
	return false;
}

/* Started before its record says so, or recorded before it runs: spawn.h's gate decides for the
 * second. */
static int start_process(struct unit *u, struct err *e)
{
	char log_fifo[UNIT_NAME_MAX + 8], notify_fifo[UNIT_NAME_MAX + 8];
	struct spawn_spec spec = { .file = &u->file,
				   .run_dir_fd = u->host->run_dir_fd,
				   .log_fifo = log_fifo };
	struct passed passed;
	struct spawn spawn;
	int rc = -1;

	snprintf(log_fifo, sizeof(log_fifo), "%s.log", u->name);
	snprintf(notify_fifo, sizeof(notify_fifo), "%s.notify", u->name);
	if (u->file.ready == UNIT_READY_NOTIFY)
		spec.notify_fifo = notify_fifo;
	if (u->file.user && user_find(u->file.user, &spec.uid, &spec.gid, e))
		return -1;
	if (passed_init(&passed, &u->file, u->sockets, e))
		return -1;
	spec.fds = passed.fds;
	spec.fd_count = passed.count;
	spec.fd_names = passed.names;
	if (spawn_begin(&spawn, &spec, e) == 0) {
		u->record.pid = spawn.pid;
		u->record.start_ticks = spawn.start_ticks;
		u->record.since_ns = time_boot_ns();
		save(u);
		rc = spawn_release(&spawn, e);
		if (rc || !watch(u, spawn.pid_fd)) {
			kill(spawn.pid, SIGKILL);
			waitpid(spawn.pid, NULL, 0);
			u->record.pid = 0;
			fd_close(&spawn.pid_fd);
			rc = -1;
		}
	}
	passed_finish(&passed);
	return rc;
}

static void do_spawn(struct unit *u)
{
	struct err e;

	loop_timer_off(&u->timer);
	err_clear(&e);
	notify_drain(&u->notify, true);	/* whatever an earlier process told */
	u->babbles = false;
	u->why[0] = '\0';
	if (u->file.when && access(u->file.when, F_OK) < 0) {
		snprintf(u->why, sizeof(u->why), "there is no %s", u->file.when);
		log_info("unit %s rests: %s", u->name, u->why);
		unit_event(u, UNIT_EVENT_GOOD);
		return;
	}
	if (start_process(u, &e)) {
		str_copy(u->why, sizeof(u->why), e.text);
		snprintf(u->last_exit, sizeof(u->last_exit), "not started");
		u->record.since_ns = 0;
		unit_event(u, unit_fsm_gone(u->file.restart, false));
		return;
	}
	if (u->file.ready == UNIT_READY_NONE)
		unit_event(u, UNIT_EVENT_READY);
	else if (u->file.ready == UNIT_READY_NOTIFY)
		loop_timer_set(u->host->loop, &u->timer, UNIT_READY_LATE_MS);
}

static void do_wait(struct unit *u)
{
	uint64_t up_ms = u->record.since_ns ? (time_boot_ns() - u->record.since_ns) / 1000000 : 0;

	u->wait_ms = backoff_next_ms(u->wait_ms, up_ms);
	u->record.restarts++;
	loop_timer_set(u->host->loop, &u->timer, u->wait_ms);
	if (u->why[0])
		log_err("unit %s cannot be started: %s; next try in %u ms", u->name, u->why,
			(unsigned)u->wait_ms);
	else
		log_warn("unit %s ended (%s) and is started again in %u ms", u->name, u->last_exit,
			 (unsigned)u->wait_ms);
}

static void do_tell(struct unit *u)
{
	loop_timer_off(&u->timer);
	if (u->record.state == UNIT_FAILED && u->why[0])
		log_err("unit %s cannot be started: %s; it is not tried again, as its file says",
			u->name, u->why);
	else if (u->record.state == UNIT_FAILED)
		log_err("unit %s ended (%s) and is not started again, as its file says", u->name,
			u->last_exit);
	if ((u->record.state == UNIT_UP || u->record.state == UNIT_DONE) && !u->record.announced) {
		u->record.announced = true;
		boot_mark(u->name, time_boot_ns());
	}
}

static void do_action(struct unit *u, enum unit_action action)
{
	switch (action) {
	case UNIT_ACTION_NONE:
		break;
	case UNIT_ACTION_SPAWN:
		do_spawn(u);
		break;
	case UNIT_ACTION_TERM:
		signal_unit(u, u->machine_stops ? u->file.shutdown_signal : SIGTERM);
		loop_timer_set(u->host->loop, &u->timer, u->file.stop_ms);
		break;
	case UNIT_ACTION_KILL:
		log_warn("unit %s did not end within %u ms and is killed", u->name,
			 u->file.stop_ms);
		signal_unit(u, SIGKILL);
		break;
	case UNIT_ACTION_WAIT:
		do_wait(u);
		break;
	case UNIT_ACTION_WARN:
		log_warn("unit %s runs, but is not ready after %d s; see svctl log %s", u->name,
			 UNIT_READY_LATE_MS / 1000, u->name);
		break;
	case UNIT_ACTION_TELL:
		do_tell(u);
		break;
	case UNIT_ACTIONS:
		break;
	}
}

void unit_event(struct unit *u, enum unit_event event)
{
	enum unit_state from = u->record.state;
	struct unit_step step;

	if (u->broken && event == UNIT_EVENT_RESTART)
		return;
	step = unit_fsm_step(from, event);
	u->record.state = step.to;
	if (step.to != from)
		log_info("unit=%s %s -> %s (%s)", u->name, unit_fsm_state_name(from),
			 unit_fsm_state_name(step.to), unit_fsm_event_name(event));
	do_action(u, step.action);
	/* The action may have moved the unit on; then that step saved and told already. */
	if (u->record.state != step.to || step.to == from)
		return;
	if (!u->broken)
		save(u);
	u->host->on_change(u->host);
}

static void on_time(struct loop_timer *timer)
{
	unit_event(owner_of(timer, struct unit, timer), UNIT_EVENT_LATE);
}

static void on_notice(struct notify *n, const char *line)
{
	struct unit *u = owner_of(n, struct unit, notify);

	if (str_equal(line, "ready")) {
		unit_event(u, UNIT_EVENT_READY);
	} else if (str_equal(line, "poweroff") && u->file.may_poweroff) {
		u->host->on_poweroff(u->host, u);
	} else if (!u->babbles) {
		u->babbles = true;
		log_warn("unit %s tells %s%s: ignored, and so is more of it", u->name, line,
			 str_equal(line, "poweroff") ? " without `may poweroff` in its file"
						     : ", which is unknown");
	}
}

struct unit *unit_create(struct unit_host *host, const char *name, const char *text)
{
	struct unit *u = calloc(1, sizeof(*u));
	char label[UNIT_NAME_MAX + 8];
	struct err e;

	if (!u)
		abort();	/* STYLE: init starts svd again, and that adopts what runs */
	u->host = host;
	str_copy(u->name, sizeof(u->name), name);
	u->record.state = UNIT_WAITING;
	u->pid_source.fd = u->notify.source.fd = u->capture.source.fd = -1;
	u->timer.on_time = on_time;
	for (int i = 0; i < UNIT_PASSED_MAX; i++)
		u->sockets[i] = -1;
	snprintf(label, sizeof(label), "%s.unit", name);
	if (unit_file_parse(&u->file, label, text, &e))
		unit_break(u, e.text);
	return u;
}

void unit_destroy(struct unit *u)
{
	if (!u)
		return;
	forget_process(u);
	loop_timer_off(&u->timer);
	notify_close(&u->notify);
	capture_drain(&u->capture);
	capture_close(&u->capture);
	for (int i = 0; i < UNIT_PASSED_MAX; i++)
		fd_close(&u->sockets[i]);
	free(u);
}

void unit_break(struct unit *u, const char *why)
{
	u->broken = true;
	u->record.state = UNIT_FAILED;
	str_copy(u->why, sizeof(u->why), why);
	log_err("%s; unit %s is not started", why, u->name);
}

/* The process of the record, if that very process still runs: its pidfd. */
static int find_process(const struct record *r)
{
	AUTO_FD int fd = r->pid > 0 ? (int)syscall(SYS_pidfd_open, r->pid, 0) : -1;
	uint64_t ticks;

	if (fd < 0 || proc_start_time(r->pid, &ticks, NULL) || ticks != r->start_ticks)
		return -1;
	return take_fd(&fd);
}

static void adopt(struct unit *u)
{
	struct record old;
	struct err e;
	int fd;

	if (record_load(&old, u->host->run_dir_fd, u->name, &e)) {
		if (e.number != ENOENT)
			log_warn("unit %s: %s; it is started anew", u->name, e.text);
		return;
	}
	u->record = old;
	fd = find_process(&old);
	/* Whatever was asked of it before is forgotten, and what waited for its time starts at
	 * once. */
	if (fd >= 0)
		u->record.state = old.state == UNIT_STARTING && u->file.ready != UNIT_READY_NONE ?
					  UNIT_STARTING :
					  UNIT_UP;
	else if (old.state != UNIT_DONE && old.state != UNIT_FAILED)
		u->record.state = UNIT_WAITING;
	if (fd >= 0 && watch(u, fd)) {
		log_info("unit=%s pid=%d goes on (adopted, %s)", u->name, (int)old.pid,
			 unit_fsm_state_name(u->record.state));
		return;
	}
	fd_close(&fd);
	u->record.pid = 0;
	if (!unit_fsm_runs(old.state))
		return;
	if (u->file.restart == UNIT_RESTART_NEVER)
		u->record.state = UNIT_FAILED;
	else
		u->record.restarts++;
	log_warn("unit %s ended while the supervisor was away%s", u->name,
		 u->record.state == UNIT_FAILED ? " and is not started again, as its file says"
						: "; it is started again");
}

void unit_open(struct unit *u)
{
	struct unit_host *host = u->host;
	struct err e;

	if (u->broken)
		return;
	if (capture_open(&u->capture, host->loop, host->run_dir_fd, host->log_dir_fd, u->name,
			 u->file.log_bytes, host->console_fd, &e) ||
	    notify_open(&u->notify, host->loop, host->run_dir_fd, u->name, on_notice, &e)) {
		unit_break(u, e.text);
		return;
	}
	adopt(u);
}

void unit_kill(struct unit *u)
{
	signal_unit(u, SIGKILL);
}
