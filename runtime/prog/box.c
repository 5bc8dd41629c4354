/* box - the command line of the container runtime (OCI runtime-spec 1.3, crun's command line).
 *
 * usage: box [GLOBAL OPTION...] COMMAND [OPTION...] [ARGUMENT...]; box help shows all
 *
 * Exit status: 0, 1 after an error; run and exec have their program's, 128 + signal when one ended
 * it; 255 when exec's program could not be run, as with crun. The error is one sentence on standard
 * error and a line in --log. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "box/self.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/globals.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/pool.h"
#include "lib/str.h"
#include "oci/spec.h"

#ifndef BOX_VERSION
#define BOX_VERSION "1.0"
#endif

/* libc's heap is replaced: see pool.h for why. The first piece holds what starting a container
 * takes; pages of it that are not touched cost nothing. */
enum { HEAP_FIRST_BYTES = 256 << 10 };

/* Common: behind all other data of the program, which then is one page. */
extern unsigned char heap_first[HEAP_FIRST_BYTES];
_Alignas(16) __attribute__((common)) unsigned char heap_first[HEAP_FIRST_BYTES];
static struct pool heap = { .at = heap_first, .end = heap_first + HEAP_FIRST_BYTES };

void *malloc(size_t size_bytes)
{
	return pool_alloc(&heap, size_bytes);
}

void *calloc(size_t count, size_t size_bytes)
{
	return pool_alloc_zeroed(&heap, count, size_bytes);
}

void *realloc(void *data, size_t size_bytes)
{
	return pool_resize(&heap, data, size_bytes);
}

void free(void *data)
{
	pool_free(&heap, data);
}

/* Lines that podman and containerd read: name and version, the specification's version, what is
 * built in. */
static const char version_text[] = "box version " BOX_VERSION "\n"
				   "spec: 1.3.0\n"
				   "+CAP +SECCOMP +EBPF +CGROUP2\n";

static int show(const char *text, struct err *e)
{
	struct buf out;
	int failed;

	buf_init(&out, COMMAND_ANSWER_MAX);
	if (text)
		buf_add_str(&out, text);
	else
		command_print_help(NULL, &out);
	failed = command_answer(&out, e);
	buf_finish(&out);
	return failed;
}

static int run(struct globals *g, struct arena *a, char **words, struct err *e)
{
	const struct command *command;
	int at = globals_parse(g, a, words, e);

	if (at < 0)
		return -1;
	words += at;
	if (g->version)
		return show(version_text, e);
	if (g->help || (words[0] && str_equal(words[0], "help"))) {
		char option[] = "--help";
		char *help[] = { words[0] ? words[1] : NULL, option, NULL };

		if (g->help || !help[0])
			return show(NULL, e);
		command = command_find(help[0], e);
		return command ? command_execute(command, g, a, help, e) : -1;
	}
	if (!words[0])
		return err_set(e, "box: say what to do: box COMMAND; box help shows all");
	command = command_find(words[0], e);
	return command && failure_try(g, e) == 0 ? command_execute(command, g, a, words, e) : -1;
}

/* A descriptor of ours must never stand at 0, 1 or 2: a hook or the container would take it. */
static void fill_standard_streams(void)
{
	const int flags = O_RDWR;	/* not close-on-exec: they are the program's too */
	struct pollfd fds[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(fds, 3, 0) <= 0)
		return;
	for (int i = 0; i < 3; i++)
		if (fds[i].revents & POLLNVAL && open("/dev/null", flags) != i)
			die("descriptor %d is closed and /dev/null does not open", i);
}

int main(int argc, char **argv, char **envp)
{
	struct globals g = { 0 };
	struct arena *a;
	struct err e;
	int status;

	log_init("box", LOG_LEVEL_WARN);
	fill_standard_streams();
	if (argc < 1)
		die("it was run without a name");
	if (self_protect(argv, envp, &e))
		die("%s", e.text);
	/* Whoever started us may not care for its children; we do. */
	signal(SIGCHLD, SIG_DFL);
	a = arena_create(2 * (size_t)OCI_SPEC_ARENA_BYTES);
	status = run(&g, a, argv + 1, &e);
	if (status < 0)
		failure_tell(&g, &e);
	/* The arena goes with the process; libc's own end has nothing to do. */
	_exit(status < 0 ? -status : status);
}
