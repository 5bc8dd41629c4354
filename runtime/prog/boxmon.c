/* boxmon - the parent of one container. Started by boxd alone, with fixed fds: see box/monitor.h
 *
 * usage: boxmon NAME PID LOG_BYTES [terminal] [input-once] [client=STREAMS]... */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "box/attach.h"
#include "box/caps.h"
#include "box/monitor.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"

static bool read_word(const char *word, struct monitor_config *config, int *clients)
{
	uint64_t streams;

	if (str_equal(word, "terminal"))
		config->terminal = true;
	else if (str_equal(word, "input-once"))
		config->input_once = true;
	else if (str_starts(word, "client=") && str_to_u64(word + strlen("client="), &streams) &&
		 streams <= ATTACH_ALL && *clients < MONITOR_CLIENTS_MAX)
		config->clients[(*clients)++] = (unsigned)streams;
	else
		return false;
	return true;
}

static bool read_words(int argc, char **argv, struct monitor_config *config)
{
	uint64_t pid;
	int clients = 0;

	if (argc < 4 || !str_to_u64(argv[2], &pid) || pid > INT32_MAX ||
	    !str_to_u64(argv[3], &config->log_bytes))
		return false;
	config->pid = (pid_t)pid;
	for (int i = 4; i < argc; i++)
		if (!read_word(argv[i], config, &clients))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	static char program[80];
	struct monitor_config config = { 0 };
	struct err e;

	if (!read_words(argc, argv, &config))
		die("usage: boxmon NAME PID LOG_BYTES [terminal] [input-once] [client=STREAMS]... "
		    "(boxd starts it)");
	snprintf(program, sizeof(program), "boxmon %s", argv[1]);
	log_init(program, LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	/* It reads what the container writes, so it has no powers. Its folders are uid 0's. */
	if (caps_bound(0, &e) || caps_set(0, 0, 0, &e))
		die("%s", e.text);
	if (monitor_run(&config, &e))
		die("%s", e.text);
	return 0;
}
