/* systemd.c - see systemd.h */
#include "box/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box/dbus_writer.h"
#include "box/systemd_property.h"
#include "box/systemd_scope.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"

#define NAME "org.freedesktop.systemd1"
#define MANAGER NAME ".Manager"
#define UNIT NAME ".Unit"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define BUS "org.freedesktop.DBus"
#define PROPERTIES BUS ".Properties"

enum { SOCKET_PATH_BYTES = 4096 };

/* Root of a user namespace is a user outside of it: only the first one maps all ids. */
bool systemd_is_users(void)
{
	AUTO_FD int proc_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	char *words[4];
	size_t size_bytes;

	if (getauxval(AT_EUID) != 0)
		return true;
	text = proc_fd < 0 ? NULL : fs_read_at(proc_fd, "uid_map", 65536, &size_bytes, NULL);
	if (!text)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return str_split_words(text, words, 3) != 3 || !str_equal(words[0], "0") ||
	       !str_equal(words[1], "0") || !str_equal(words[2], "4294967295");
}

static struct dbus_method manager_method(const struct systemd *s, const char *member,
					 const char *signature)
{
	return (struct dbus_method){ .destination = s->destination,
				     .path = MANAGER_PATH,
				     .interface = MANAGER,
				     .member = member,
				     .signature = signature };
}

/* JobRemoved (uoss): number, job, unit, result. UnitRemoved (so): unit, its object. */
static bool on_signal(void *ctx, const struct dbus_message *signal)
{
	struct systemd *s = ctx;
	struct dbus_reader body = signal->body;
	const char *job, *result;

	if (!s->unit || !str_equal(signal->interface, MANAGER) ||
	    !str_equal(signal->path, MANAGER_PATH))
		return false;
	if (str_equal(signal->member, "UnitRemoved") && str_equal(signal->signature, "so")) {
		if (str_equal(dbus_reader_str(&body), s->unit))
			s->removed = true;
		return s->removed;
	}
	if (!str_equal(signal->member, "JobRemoved") || !str_equal(signal->signature, "uoss"))
		return false;
	dbus_reader_u32(&body);
	job = dbus_reader_str(&body);
	if (!str_equal(dbus_reader_str(&body), s->unit))
		return false;
	result = dbus_reader_str(&body);
	if (body.failed || !str_copy(s->job, sizeof(s->job), job))
		return false;
	snprintf(s->result, sizeof(s->result), "%s", result);
	return s->wanted_job && str_equal(s->job, s->wanted_job);
}

/* A bus sends what it was asked for; over the manager's own socket all its signals come. */
static int join_bus(struct systemd *s, struct err *e)
{
	static const struct dbus_method hello = { BUS, "/org/freedesktop/DBus", BUS, "Hello",
						  NULL };
	static const struct dbus_method match = { BUS, "/org/freedesktop/DBus", BUS, "AddMatch",
						  "s" };
	const struct dbus_method subscribe = manager_method(s, "Subscribe", NULL);
	struct dbus_writer rule;
	int failed;

	dbus_writer_init(&rule);
	dbus_writer_str(&rule, "type='signal',sender='" NAME "',interface='" MANAGER
			       "',path='" MANAGER_PATH "'");
	failed = dbus_call(&s->bus, &hello, NULL, NULL, e) ||
		 dbus_call(&s->bus, &match, &rule, NULL, e) ||
		 dbus_call(&s->bus, &subscribe, NULL, NULL, e);
	dbus_writer_finish(&rule);
	return failed ? -1 : 0;
}

static bool user_socket(char *path, const char *name)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir && dir[0] == '/' &&
	       snprintf(path, SOCKET_PATH_BYTES, "%s/%s", dir, name) < SOCKET_PATH_BYTES;
}

static bool bus_socket(char *path, bool user)
{
	const char *address = user ? getenv("DBUS_SESSION_BUS_ADDRESS") : NULL;

	if (!user)
		return str_copy(path, SOCKET_PATH_BYTES, "/run/dbus/system_bus_socket");
	if (address && dbus_address_path(address, path, SOCKET_PATH_BYTES))
		return true;
	return user_socket(path, "bus");
}

static bool manager_socket(char *path, bool user)
{
	return user ? user_socket(path, "systemd/private") :
		      str_copy(path, SOCKET_PATH_BYTES, "/run/systemd/private");
}

static int refuse_missing(bool user, struct err *e)
{
	if (user)
		return err_set(e, "no systemd of this user answers at $DBUS_SESSION_BUS_ADDRESS or "
				  "below $XDG_RUNTIME_DIR: log in where one runs (loginctl "
				  "enable-linger), or use --cgroup-manager=cgroupfs");
	return err_set(e, "no systemd answers at /run/dbus/system_bus_socket or "
			  "/run/systemd/private: start box where systemd is the service manager, "
			  "or use --cgroup-manager=cgroupfs");
}

static bool is_nobody(const struct err *e)
{
	return e->number == ENOENT || e->number == ECONNREFUSED || e->number == ENOTDIR;
}

int systemd_open(struct systemd *s, bool user, struct err *e)
{
	char path[SOCKET_PATH_BYTES];
	struct err why = { .number = ENOENT };

	*s = (struct systemd){ .bus = { .fd = -1 }, .destination = NAME };
	if (bus_socket(path, user) && dbus_open(&s->bus, path, SYSTEMD_WAIT_MS, &why) == 0) {
		s->bus.on_signal = on_signal;
		s->bus.ctx = s;
		if (join_bus(s, e) == 0)
			return 0;
		systemd_close(s);
		return err_add(e, "systemd over %s", path);
	}
	if (!is_nobody(&why))
		return err_set(e, "systemd: %s", why.text);
	s->destination = NULL;
	if (manager_socket(path, user) && dbus_open(&s->bus, path, SYSTEMD_WAIT_MS, &why) == 0) {
		s->bus.on_signal = on_signal;
		s->bus.ctx = s;
		return 0;
	}
	return is_nobody(&why) ? refuse_missing(user, e) : err_set(e, "systemd: %s", why.text);
}

void systemd_close(struct systemd *s)
{
	dbus_close(&s->bus);
}

static void begin(struct systemd *s, const char *unit)
{
	s->unit = unit;
	s->job[0] = s->result[0] = '\0';
	s->removed = false;
	s->wanted_job = NULL;
}

static void write_properties(struct dbus_writer *w, const struct systemd_properties *properties)
{
	for (size_t i = 0; i < properties->count; i++)
		systemd_property_write(&properties->items[i], w);
}

/* Calls what answers with the path of a job, and waits until that has ended. */
static int run_job(struct systemd *s, const struct dbus_method *method,
		   const struct dbus_writer *body, struct err *e)
{
	struct dbus_message answer;
	char job[SYSTEMD_JOB_BYTES];

	if (dbus_call(&s->bus, method, body, &answer, e))
		return -1;
	if (!str_equal(answer.signature, "o") ||
	    !str_copy(job, sizeof(job), dbus_reader_str(&answer.body)) || answer.body.failed)
		return err_set(e, "%s: the answer names no job", method->member);
	if (!str_equal(job, s->job)) {
		s->wanted_job = job;
		while (!str_equal(job, s->job))
			if (dbus_await(&s->bus, e)) {
				s->wanted_job = NULL;
				return err_add(e, "%s: wait for its job", method->member);
			}
		s->wanted_job = NULL;
	}
	if (str_equal(s->result, "done"))
		return 0;
	return err_set(e, "%s: its job ended with \"%s\": systemctl status and the journal say why",
		       method->member, s->result);
}

static void write_unit(struct dbus_writer *w, const struct systemd *s, const char *description,
		       pid_t pid, const struct systemd_properties *properties)
{
	const struct systemd_property ours[] = {
		{ .name = "Description", .signature = "s", .text = description },
		{ .name = "PIDs", .signature = "au", .number = (uint64_t)pid },
	};
	struct dbus_array array;

	dbus_writer_str(w, s->unit);
	dbus_writer_str(w, "fail");
	array = dbus_writer_begin_array(w, 8);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		systemd_property_write(&ours[i], w);
	write_properties(w, properties);
	dbus_writer_end_array(w, &array);
	array = dbus_writer_begin_array(w, 8);	/* no other units */
	dbus_writer_end_array(w, &array);
}

static int call_with_unit(struct systemd *s, const char *member, const char *unit,
			  struct dbus_message *answer, struct err *e)
{
	const struct dbus_method method = manager_method(s, member, "s");
	struct dbus_writer w;
	int failed;

	dbus_writer_init(&w);
	dbus_writer_str(&w, unit);
	failed = dbus_call(&s->bus, &method, &w, answer, e);
	dbus_writer_finish(&w);
	return failed;
}

static bool was_refused(const struct systemd *s, const char *name)
{
	return str_starts(s->bus.error_name, NAME ".") &&
	       str_equal(s->bus.error_name + sizeof(NAME), name);
}

/* A process goes to systemd as a number: in another pid namespace it would be a stranger's, who
 * would move into the unit and end with it. The kernel calls a peer 0 that has no number in ours.
 */
static int check_numbers(const struct systemd *s, const char *unit, struct err *e)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	if (getsockopt(s->bus.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid != 0)
		return 0;
	return err_set(e,
		       "systemd: unit %s: the systemd that answers is outside of this pid "
		       "namespace: run box where systemd sees its processes, or use "
		       "--cgroup-manager=cgroupfs",
		       unit);
}

int systemd_start(struct systemd *s, const char *unit, const char *description, pid_t pid,
		  const struct systemd_properties *properties, struct err *e)
{
	const struct dbus_method method =
		manager_method(s, "StartTransientUnit", "ssa(sv)a(sa(sv))");
	struct dbus_writer w;
	int failed;

	if (check_numbers(s, unit, e))
		return -1;
	begin(s, unit);
	dbus_writer_init(&w);
	write_unit(&w, s, description, pid, properties);
	failed = run_job(s, &method, &w, e);
	/* One that failed stays until it is forgotten. */
	if (failed && was_refused(s, "UnitExists") &&
	    call_with_unit(s, "ResetFailedUnit", unit, NULL, e) == 0)
		failed = run_job(s, &method, &w, e);
	dbus_writer_finish(&w);
	if (failed && was_refused(s, "UnitExists"))
		return err_set(e,
			       "systemd: there is a unit %s already: stop it (systemctl stop), or "
			       "choose another cgroupsPath",
			       unit);
	return failed ? err_add(e, "systemd: unit %s", unit) : 0;
}

int systemd_set(struct systemd *s, const char *unit, const struct systemd_properties *properties,
		struct err *e)
{
	const struct dbus_method method = manager_method(s, "SetUnitProperties", "sba(sv)");
	struct dbus_array array;
	struct dbus_writer w;
	int failed;

	begin(s, unit);
	dbus_writer_init(&w);
	dbus_writer_str(&w, unit);
	dbus_writer_bool(&w, true);	/* until the machine's next start, as the unit itself */
	array = dbus_writer_begin_array(&w, 8);
	write_properties(&w, properties);
	dbus_writer_end_array(&w, &array);
	failed = dbus_call(&s->bus, &method, &w, NULL, e);
	dbus_writer_finish(&w);
	return failed ? err_add(e, "systemd: unit %s", unit) : 0;
}

/* The property Description of an object; 1 = it is this. */
static int compare(struct systemd *s, const char *object, const char *description, struct err *e)
{
	const struct dbus_method method = { s->destination, object, PROPERTIES, "Get", "ss" };
	struct dbus_message answer;
	struct dbus_writer w;
	const char *type;
	int failed;

	dbus_writer_init(&w);
	dbus_writer_str(&w, UNIT);
	dbus_writer_str(&w, "Description");
	failed = dbus_call(&s->bus, &method, &w, &answer, e);
	dbus_writer_finish(&w);
	if (failed)
		return str_ends(s->bus.error_name, ".UnknownObject") ? 0 : -1;
	type = dbus_reader_signature(&answer.body);
	return str_equal(answer.signature, "v") && str_equal(type, "s") &&
	       str_equal(dbus_reader_str(&answer.body), description) && !answer.body.failed;
}

int systemd_has(struct systemd *s, const char *unit, const char *description, struct err *e)
{
	struct dbus_message answer;
	char object[DBUS_NAME_BYTES * 4];
	int found;

	begin(s, unit);
	if (call_with_unit(s, "GetUnit", unit, &answer, e))
		return was_refused(s, "NoSuchUnit") ? 0 : err_add(e, "systemd: unit %s", unit);
	if (!str_equal(answer.signature, "o") ||
	    !str_copy(object, sizeof(object), dbus_reader_str(&answer.body)) || answer.body.failed)
		return err_set(e, "systemd: unit %s: the answer names no object", unit);
	found = compare(s, object, description, e);
	return found < 0 ? err_add(e, "systemd: unit %s", unit) : found;
}

static int stop(struct systemd *s, const char *unit, struct err *e)
{
	const struct dbus_method method = manager_method(s, "StopUnit", "ss");
	struct dbus_writer w;
	int failed;

	dbus_writer_init(&w);
	dbus_writer_str(&w, unit);
	dbus_writer_str(&w, "replace");
	failed = run_job(s, &method, &w, e);
	dbus_writer_finish(&w);
	return failed;
}

int systemd_stop(struct systemd *s, const char *unit, struct err *e)
{
	begin(s, unit);
	if (stop(s, unit, e))
		return was_refused(s, "NoSuchUnit") ? 0 : err_add(e, "systemd: unit %s", unit);
	/* Whether it has failed or is forgotten by now: both are fine. */
	call_with_unit(s, "ResetFailedUnit", unit, NULL, NULL);
	while (!s->removed && !was_refused(s, "NoSuchUnit"))
		if (dbus_await(&s->bus, e))
			return err_add(e, "systemd: unit %s has stopped and is not forgotten",
				       unit);
	return 0;
}
