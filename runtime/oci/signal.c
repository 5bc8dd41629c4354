/* signal.c - see signal.h */
#include "oci/signal.h"

#include <signal.h>
#include <stdbool.h>
#include <strings.h>

#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

/* What containers' C libraries call RTMIN is 34 (glibc) or 35 (musl); tools and images mean
 * glibc's. */
enum { RT_MIN = 34, RT_MAX = 64 };

static const struct {
	char name[12];
	int number;
} names[] = {
	{ "SIGHUP", SIGHUP },	  { "SIGINT", SIGINT },	      { "SIGQUIT", SIGQUIT },
	{ "SIGILL", SIGILL },	  { "SIGTRAP", SIGTRAP },     { "SIGABRT", SIGABRT },
	{ "SIGBUS", SIGBUS },	  { "SIGFPE", SIGFPE },	      { "SIGKILL", SIGKILL },
	{ "SIGUSR1", SIGUSR1 },	  { "SIGSEGV", SIGSEGV },     { "SIGUSR2", SIGUSR2 },
	{ "SIGPIPE", SIGPIPE },	  { "SIGALRM", SIGALRM },     { "SIGTERM", SIGTERM },
	{ "SIGSTKFLT", SIGSTKFLT }, { "SIGCHLD", SIGCHLD },   { "SIGCONT", SIGCONT },
	{ "SIGSTOP", SIGSTOP },	  { "SIGTSTP", SIGTSTP },     { "SIGTTIN", SIGTTIN },
	{ "SIGTTOU", SIGTTOU },	  { "SIGURG", SIGURG },	      { "SIGXCPU", SIGXCPU },
	{ "SIGXFSZ", SIGXFSZ },	  { "SIGVTALRM", SIGVTALRM }, { "SIGPROF", SIGPROF },
	{ "SIGWINCH", SIGWINCH }, { "SIGIO", SIGIO },	      { "SIGPWR", SIGPWR },
	{ "SIGSYS", SIGSYS },
	/* second names */
	{ "SIGIOT", SIGABRT },	  { "SIGCLD", SIGCHLD },      { "SIGPOLL", SIGIO },
	{ "SIGUNUSED", SIGSYS },
};
enum { NAMES = ARRAY_SIZE(names) };

/* "RTMIN", "RTMIN+3", "RTMAX-2"; `name` stands behind "SIG". */
static bool is_real_time(const char *name, int *number)
{
	bool from_max = strncasecmp(name, "RTMAX", 5) == 0;
	uint32_t offset = 0;

	if (!from_max && strncasecmp(name, "RTMIN", 5) != 0)
		return false;
	name += 5;
	if (*name && (*name != (from_max ? '-' : '+') || !str_to_u32(name + 1, &offset)))
		return false;
	if (offset > RT_MAX - RT_MIN)
		return false;
	*number = from_max ? RT_MAX - (int)offset : RT_MIN + (int)offset;
	return true;
}

int signal_parse(const char *text, int *number, struct err *e)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	uint32_t value;

	if (str_to_u32(text, &value) && value <= SIGNAL_MAX) {
		*number = (int)value;
		return 0;
	}
	for (int i = 0; i < NAMES; i++)
		if (strcasecmp(names[i].name + 3, name) == 0) {
			*number = names[i].number;
			return 0;
		}
	if (is_real_time(name, number))
		return 0;
	return err_set(e, "signal \"%.32s\": must be a name like TERM, SIGKILL or RTMIN+1, or a "
			  "number from 0 to %d", text, SIGNAL_MAX);
}

const char *signal_name(int number)
{
	for (int i = 0; i < NAMES; i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}
