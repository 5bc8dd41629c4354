/* boxmon - the parent of one container. Started by boxd alone, with fixed fds: see box/monitor.h
 *
 * usage: boxmon NAME PID LOG_BYTES */
#include <signal.h>
#include <stdio.h>

#include "box/caps.h"
#include "box/monitor.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/str.h"

int main(int argc, char **argv)
{
	static char program[80];
	uint64_t pid, log_bytes;
	struct err e;

	if (argc != 4 || !str_to_u64(argv[2], &pid) || pid > INT32_MAX ||
	    !str_to_u64(argv[3], &log_bytes))
		die("usage: boxmon NAME PID LOG_BYTES (boxd starts it)");
	snprintf(program, sizeof(program), "boxmon %s", argv[1]);
	log_init(program, LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	/* It reads what the container writes, so it has no powers. Its folders are uid 0's. */
	if (caps_bound(0, &e) || caps_set(0, 0, 0, &e))
		die("%s", e.text);
	if (monitor_run((pid_t)pid, log_bytes, &e))
		die("%s", e.text);
	return 0;
}
