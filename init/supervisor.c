#include "init/supervisor.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

static uint64_t set_of(const struct supervisor *s, bool (*has)(enum unit_state state))
{
	uint64_t set = 0;

	for (int i = 0; i < s->count; i++)
		if (has(s->units[i]->record.state))
			set |= ORDER_BIT(i);
	return set;
}

static bool is_alive(enum unit_state state)
{
	return unit_fsm_runs(state) || state == UNIT_WAITING || state == UNIT_BACKOFF;
}

static void warn_about_failed(const struct supervisor *s, int unit)
{
	for (int i = 0; i < s->count; i++)
		if ((s->order.after[unit] & ORDER_BIT(i)) &&
		    s->units[i]->record.state == UNIT_FAILED)
			log_warn("unit %s starts although %s failed", s->units[unit]->name,
				 s->units[i]->name);
}

static void say_ready(struct supervisor *s)
{
	char line[96];
	int settled = __builtin_popcountll(set_of(s, unit_fsm_settled)), size;

	if (s->said_ready || settled < s->count)
		return;
	s->said_ready = true;
	size = snprintf(line, sizeof(line), "info svd: %d units ready, %u ms after the kernel\n",
			s->count, (unsigned)time_boot_ms());
	if (s->host.console_fd >= 0)
		fd_write_line(s->host.console_fd, line, (size_t)size, NULL);
}

static void advance_once(struct supervisor *s)
{
	for (int i = 0; i < s->count; i++) {
		struct unit *u = s->units[i];

		if (s->stopping && is_alive(u->record.state) && u->record.state != UNIT_STOPPING &&
		    order_may_stop(&s->order, i, set_of(s, is_alive))) {
			u->machine_stops = true;
			unit_event(u, UNIT_EVENT_STOP);
		} else if (!s->stopping && u->record.state == UNIT_WAITING &&
			   order_may_start(&s->order, i, set_of(s, unit_fsm_settled))) {
			warn_about_failed(s, i);
			unit_event(u, UNIT_EVENT_START);
		}
	}
}

static void on_change(struct unit_host *host)
{
	struct supervisor *s = owner_of(host, struct supervisor, host);

	/* Events of one advance come back here: they only ask for another round. */
	s->again = true;
	if (s->advancing)
		return;
	s->advancing = true;
	while (s->again) {
		s->again = false;
		advance_once(s);
	}
	s->advancing = false;
	if (!s->stopping)
		say_ready(s);
	else if (!set_of(s, is_alive))
		loop_stop(s->host.loop);
}

static void on_poweroff(struct unit_host *host, struct unit *u)
{
	log_info("unit %s asks for power off", u->name);
	owner_of(host, struct supervisor, host)->ask_init(SIGUSR2);
}

static void on_stop_late(struct loop_timer *timer)
{
	struct supervisor *s = owner_of(timer, struct supervisor, stop_timer);

	log_warn("not every unit ended within %d s: the rest is killed", SUPERVISOR_STOP_MS / 1000);
	for (int i = 0; i < s->count; i++)
		unit_kill(s->units[i]);
	loop_stop(s->host.loop);
}

static void add_unit(struct supervisor *s, int dir_fd, const char *file_name)
{
	char name[UNIT_NAME_MAX] = "";
	size_t size = strlen(file_name) - strlen(".unit");
	struct err e;
	AUTO_FREE char *text = NULL;
	struct unit *u;
	size_t text_bytes;
	int at = s->count;

	if (size < sizeof(name))
		memcpy(name, file_name, size);
	if (!str_is_name(name) || str_equal(name, "svd")) {
		log_err("%s: the name of a unit is 1 to %d of a-z A-Z 0-9 _ . - and not svd; this "
			"file is ignored",
			file_name, UNIT_NAME_MAX - 1);
		return;
	}
	if (s->count == SUPERVISOR_UNITS_MAX) {
		log_err("%s: more than %d units; this file is ignored", file_name,
			SUPERVISOR_UNITS_MAX);
		return;
	}
	text = fs_read_at(dir_fd, file_name, UNIT_FILE_BYTES_MAX, &text_bytes, &e);
	u = unit_create(&s->host, name, text ? text : "");
	if (!text)
		unit_break(u, e.text);
	while (at > 0 && strcmp(s->units[at - 1]->name, name) > 0) {
		s->units[at] = s->units[at - 1];
		at--;
	}
	s->units[at] = u;
	s->count++;
}

static int index_of(const struct supervisor *s, const char *name)
{
	for (int i = 0; i < s->count; i++)
		if (str_equal(s->units[i]->name, name))
			return i;
	return -1;
}

static void link_unit(struct supervisor *s, int at)
{
	struct unit *u = s->units[at];
	char why[ERR_TEXT_MAX];

	for (int i = 0; i < u->file.after_count; i++) {
		const char *name = u->file.after[i];
		const char *near = supervisor_nearest(s, name);
		int other = index_of(s, name);

		if (other >= 0) {
			s->order.after[at] |= ORDER_BIT(other);
			continue;
		}
		snprintf(why, sizeof(why), "%s.unit:%d: after: there is no unit %s%s%s", u->name,
			 u->file.after_line, name, near ? "; the nearest is " : "",
			 near ? near : "");
		unit_break(u, why);
		return;
	}
}

static void break_cycles(struct supervisor *s)
{
	uint64_t broken = 0;

	for (int i = 0; i < s->count; i++) {
		int path[ORDER_MAX], length = order_cycle(&s->order, i, path);
		char why[ERR_TEXT_MAX];
		size_t used;

		if (!length)
			continue;
		broken |= ORDER_BIT(i);
		used = (size_t)snprintf(why, sizeof(why), "%s.unit:%d: after: a cycle: %s",
					s->units[i]->name, s->units[i]->file.after_line,
					s->units[i]->name);
		for (int j = 1; j <= length && used < sizeof(why); j++)
			used += (size_t)snprintf(why + used, sizeof(why) - used, " -> %s",
						 s->units[path[j % length]]->name);
		unit_break(s->units[i], why);
	}
	/* Only now: each unit of a cycle shall name it. */
	for (int i = 0; i < s->count; i++)
		if (broken & ORDER_BIT(i))
			s->order.after[i] = 0;
}

int supervisor_load(struct supervisor *s, const char *unit_dir, struct err *e)
{
	DIR *dir = opendir(unit_dir);
	struct dirent *entry;

	s->host.on_change = on_change;
	s->host.on_poweroff = on_poweroff;
	s->stop_timer.on_time = on_stop_late;
	if (!dir)
		return err_sys(e, "unit directory %s", unit_dir);
	while ((entry = readdir(dir)))
		if (str_ends(entry->d_name, ".unit"))
			add_unit(s, dirfd(dir), entry->d_name);
	closedir(dir);
	s->order.count = s->count;
	for (int i = 0; i < s->count; i++)
		if (!s->units[i]->broken)
			link_unit(s, i);
	break_cycles(s);
	return 0;
}

void supervisor_start(struct supervisor *s)
{
	for (int i = 0; i < s->count; i++)
		unit_open(s->units[i]);
	on_change(&s->host);
}

void supervisor_stop(struct supervisor *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	loop_timer_set(s->host.loop, &s->stop_timer, SUPERVISOR_STOP_MS);
	on_change(&s->host);
}

struct unit *supervisor_find(struct supervisor *s, const char *name)
{
	int at = index_of(s, name);

	return at < 0 ? NULL : s->units[at];
}

const char *supervisor_nearest(struct supervisor *s, const char *name)
{
	const char *names[SUPERVISOR_UNITS_MAX + 1] = { NULL };

	for (int i = 0; i < s->count; i++)
		names[i] = s->units[i]->name;
	return str_nearest(name, names);
}

void supervisor_finish(struct supervisor *s)
{
	for (int i = 0; i < s->count; i++)
		unit_destroy(s->units[i]);
	s->count = 0;
	loop_timer_off(&s->stop_timer);
}
