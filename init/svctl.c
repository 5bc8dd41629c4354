/* svctl.c - shows and steers what svd does. See README.md. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "init/boot.h"
#include "init/control.h"
#include "init/listing.h"
#include "init/plain.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "lib/time.h"

#define RUN_DIR "/run/svd"

enum { ANSWER_S = 5, RECORD_BYTES = 16384, NAMES_MAX = 64, NAME_MAX_BYTES = 64 };

static const char usage[] =
	"usage: svctl COMMAND\n"
	"  status          every unit: state, process, how long it is up, restarts, last end\n"
	"  boot            every stage of the boot with its time since the kernel started\n"
	"  log NAME        what the unit NAME printed (`log svd`: the supervisor itself);\n"
	"                  on a terminal without what a terminal obeys\n"
	"  restart NAME    ends the unit NAME and starts it again\n"
	"  poweroff        stops everything in order and switches the machine off\n"
	"  reboot          the same, and starts again\n"
	"Exit status: 0 done, 1 it did not work (the message says why), 2 wrong usage.\n";

static int fail(const struct err *e)
{
	log_err("%s", e->text);
	return 1;
}

static int connect_svd(struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = RUN_DIR "/" CONTROL_NAME };
	struct timeval patience = { .tv_sec = ANSWER_S };
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return err_sys(e, "the supervisor cannot be reached at %s", address.sun_path);
	return take_fd(&fd);
}

/* Sends the request; on_unit gets every unit of the answer. */
static int ask(uint32_t type, const char *unit, void (*on_unit)(const struct control_unit *u),
	       struct err *e)
{
	AUTO_FD int fd = connect_svd(e);
	struct control_unit facts;
	struct msg m;
	int rc;

	if (fd < 0)
		return -1;
	msg_init(&m, type);
	if (unit)
		msg_put_str(&m, unit);
	if (msg_send(fd, &m, e))
		return -1;
	while ((rc = msg_receive(fd, &m, e)) > 0) {
		if (m.type == CONTROL_END)
			return msg_end(&m, e);
		if (m.type == CONTROL_ERROR)
			return err_set(e, "%s", msg_get_str(&m));
		if (m.type != CONTROL_UNIT || !on_unit || control_get_unit(&m, &facts, e))
			return err_set(e, "the supervisor's answer cannot be understood: is it of "
					  "the same release?");
		on_unit(&facts);
	}
	if (rc < 0 && e->number == EAGAIN)
		return err_set(e, "the supervisor does not answer within %d s", ANSWER_S);
	return rc < 0 ? -1
		      : err_set(e, "the supervisor ended before it answered; init starts it again: "
				   "try again");
}

static void print_unit(const struct control_unit *u)
{
	char pid[24] = "-", up[32] = "-";
	uint64_t up_s = u->since_ns ? (time_boot_ns() - u->since_ns) / UINT64_C(1000000000) : 0;

	if (u->pid) {
		snprintf(pid, sizeof(pid), "%" PRIu64, u->pid);
		snprintf(up, sizeof(up), "%" PRIu64 "h%02d:%02d", up_s / 3600,
			 (int)(up_s / 60 % 60), (int)(up_s % 60));
	}
	printf("%-16s %-10s %7s %11s %8" PRIu64 "  %s%s%s\n", u->name, u->state, pid, up,
	       u->restarts, u->last_exit[0] ? u->last_exit : "-", u->why[0] ? ": " : "", u->why);
}

static int do_status(const char *name)
{
	struct err e;

	(void)name;
	printf("%-16s %-10s %7s %11s %8s  %s\n", "UNIT", "STATE", "PID", "UP", "RESTARTS",
	       "LAST END");
	return ask(CONTROL_STATUS, NULL, print_unit, &e) ? fail(&e) : 0;
}

static int do_boot(const char *name)
{
	struct boot_stage stages[BOOT_STAGES_MAX];
	char text[RECORD_BYTES];
	uint64_t before_ns = 0;
	int count;

	(void)name;
	if (!listing_read(BOOT_RECORD, text, sizeof(text))) {
		log_err("no boot record: %s: %s", BOOT_RECORD, strerror(errno));
		return 1;
	}
	count = boot_parse(text, stages);
	printf("%-24s %12s %12s\n", "STAGE", "MS", "DELTA");
	for (int i = 0; i < count; i++) {
		printf("%-24s %12.1f %12.1f\n", stages[i].name, (double)stages[i].at_ns / 1e6,
		       (double)(stages[i].at_ns - before_ns) / 1e6);
		before_ns = stages[i].at_ns;
	}
	return 0;
}

struct names {
	char text[NAMES_MAX][NAME_MAX_BYTES];
	const char *list[NAMES_MAX + 1];
	int count;
};

static bool add_name(void *ctx, const char *name)
{
	struct names *n = ctx;

	if (!str_ends(name, ".1") && str_copy(n->text[n->count], NAME_MAX_BYTES, name)) {
		n->list[n->count] = n->text[n->count];
		n->count++;
	}
	return n->count < NAMES_MAX;
}

/* False when there is no such file. What programs have printed is for a terminal only without what
 * it would obey. */
static bool print_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	bool is_terminal;

	if (!file)
		return false;
	is_terminal = isatty(STDOUT_FILENO);
	while ((size = getline(&line, &room, file)) > 0) {
		if (is_terminal)
			plain_make(line, (size_t)size);
		if (fwrite(line, 1, (size_t)size, stdout) < (size_t)size)
			break;
	}
	free(line);
	fclose(file);
	return true;
}

static int do_log(const char *name)
{
	char older[128], younger[128];
	struct names names = { .count = 0 };
	const char *near;

	snprintf(older, sizeof(older), RUN_DIR "/log/%s.1", name);
	snprintf(younger, sizeof(younger), RUN_DIR "/log/%s", name);
	if (str_is_name(name) && print_file(older) | print_file(younger))
		return 0;
	if (errno == EACCES) {
		log_err("log of %s: only root may read logs", name);
		return 1;
	}
	listing_each(RUN_DIR "/log", add_name, &names);
	near = str_nearest(name, names.list);
	log_err("there is no log of %s%s%s", name, near ? "; the nearest is " : "",
		near ? near : "");
	return 1;
}

static int do_restart(const char *name)
{
	struct err e;

	return ask(CONTROL_RESTART, name, NULL, &e) ? fail(&e) : 0;
}

/* A supervisor that is gone must not keep a machine running: PID 1 takes the same wish as a signal.
 */
static int end_machine(uint32_t type, int signal)
{
	struct err e;

	if (ask(type, NULL, NULL, &e) == 0)
		return 0;
	if (access(BOOT_RECORD, F_OK) || kill(1, signal))
		return fail(&e);
	log_warn("%s; PID 1 does it alone", e.text);
	return 0;
}

static int do_poweroff(const char *name)
{
	(void)name;
	return end_machine(CONTROL_POWEROFF, SIGUSR2);
}

static int do_reboot(const char *name)
{
	(void)name;
	return end_machine(CONTROL_REBOOT, SIGTERM);
}

/* Sorted. */
static const struct command {
	const char *name;
	int words;
	int (*run)(const char *name);
} commands[] = {
	{ "boot", 0, do_boot },	      { "log", 1, do_log },	    { "poweroff", 0, do_poweroff },
	{ "reboot", 0, do_reboot },   { "restart", 1, do_restart }, { "status", 0, do_status },
};
enum { COMMANDS = ARRAY_SIZE(commands) };

int main(int argc, char **argv)
{
	const char *names[COMMANDS + 1] = { NULL }, *near;

	log_init("svctl", LOG_LEVEL_INFO);
	if (argc == 2 && (str_equal(argv[1], "--help") || str_equal(argv[1], "help"))) {
		fputs(usage, stdout);
		return 0;
	}
	for (int i = 0; i < COMMANDS; i++) {
		names[i] = commands[i].name;
		if (argc == commands[i].words + 2 && str_equal(argv[1], commands[i].name))
			return commands[i].run(argv[2]);
	}
	near = argc > 1 ? str_nearest(argv[1], names) : NULL;
	if (near && !str_equal(near, argv[1]))
		log_err("%s is no command; the nearest is %s", argv[1], near);
	fputs(usage, stderr);
	return 2;
}
