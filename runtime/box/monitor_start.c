/* monitor_start.c - see monitor_start.h */
#include "box/monitor_start.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"

/* A container killed by its own limit is fine, its boxmon killed by the machine's is not. */
#define OOM_SCORE "-999"

enum {
	PLACES = MONITOR_CLIENT_FD + MONITOR_CLIENTS_MAX,
	HIGH_FD = 512,			/* above every place, below every limit */
	WORDS = 4 + 2 + MONITOR_CLIENTS_MAX,
	WORD_BYTES = 96,
};

/* In two steps, so that none is overwritten on its way. Everything else is closed. */
static int place_fds(const struct monitor_start *m, struct err *e)
{
	int fds[PLACES], high[PLACES];

	for (int i = 0; i < PLACES; i++)
		fds[i] = -1;
	fds[MONITOR_STDOUT_FD] = m->stdout_fd;
	fds[MONITOR_STDERR_FD] = m->stderr_fd;
	fds[MONITOR_STATE_FD] = m->state_fd;
	fds[MONITOR_LOG_FD] = m->log_fd;
	fds[MONITOR_EVENTS_FD] = m->events_fd;
	fds[MONITOR_OUTPUT_FD] = m->output_fd;
	fds[MONITOR_CONTROL_FD] = m->control_fd;
	fds[MONITOR_INPUT_FD] = m->input_fd;
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		fds[MONITOR_CLIENT_FD + i] = m->client_streams[i] ? m->client_fds[i] : -1;
	for (int i = MONITOR_STDOUT_FD; i < PLACES; i++)
		high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
	syscall(SYS_close_range, MONITOR_STDOUT_FD, HIGH_FD - 1, 0);
	for (int i = MONITOR_STDOUT_FD; i < PLACES; i++)
		if (high[i] >= 0 && dup2(high[i], i) < 0)
			return err_sys(e, "place fd %d", i);
	syscall(SYS_close_range, HIGH_FD, ~0u, 0);
	return 0;
}

int monitor_start(const struct monitor_start *m, struct err *e)
{
	char words[WORDS][WORD_BYTES], *argv[WORDS + 1] = { NULL }, *envp[] = { NULL };
	int count = 0;

	snprintf(words[count++], WORD_BYTES, "boxmon");
	snprintf(words[count++], WORD_BYTES, "%s", m->name);
	snprintf(words[count++], WORD_BYTES, "%d", (int)m->pid);
	snprintf(words[count++], WORD_BYTES, "%llu", (unsigned long long)m->log_bytes);
	if (m->terminal)
		snprintf(words[count++], WORD_BYTES, "terminal");
	if (m->input_once)
		snprintf(words[count++], WORD_BYTES, "input-once");
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (m->client_streams[i])
			snprintf(words[count++], WORD_BYTES, "client=%u", m->client_streams[i]);
	for (int i = 0; i < count; i++)
		argv[i] = words[i];
	fs_write_control_at(AT_FDCWD, "/proc/self/oom_score_adj", OOM_SCORE, NULL);
	if (place_fds(m, e))
		return -1;
	execve(m->program, argv, envp);
	return err_sys(e, "run %s", m->program);
}
