/* turns.c - runs commands in turn and tells how long each took: the stopwatch of `make bench-box`.
 *
 *   turns [-n ROUNDS] [-w WARM] [-s MS] [-p] [-r FILE] NAME WORD... [, WORD...]...
 *         [-- NAME WORD... [, WORD...]...]...
 *
 * A round runs every command once; `,` parts the steps of one command, `@` in a word is the
 * round's number. With -p the rounds of a command start all at once, each timed from that start.
 * WARM rounds come first and are not counted. Prints per command
 *   NAME median=NS min=NS p90=NS p99=NS busy=NS rss=KIB
 * busy = the median time with what the kernel did for it afterwards, for which -s waits that long
 * after every command (not with -p), rss = the most memory of a process of it. -r appends every
 * sample, in the order taken. A command that fails is told on stderr: `NAME failed`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 8, WORDS_MAX = 64, ROUNDS_MAX = 4096 };

struct command {
	const char *name;
	char **words;	/* NULL ends a step, two of them the command */
	bool failed;
	long rss_kib;
	uint64_t took[ROUNDS_MAX], busy[ROUNDS_MAX];
};

extern char **environ;
static struct command commands[COMMANDS_MAX];
static posix_spawn_file_actions_t quiet;
static uint64_t settle_ns;
static int errors_fd;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What a container leaves behind - its network namespace, its cgroup, its mounts - the kernel
 * clears away a little later, in the time of whoever runs then. So nobody runs until it has: this
 * process spins where every other one is more urgent, and what it does not get was the kernel's
 * work. One CPU, or it may go on elsewhere unseen. */
static uint64_t settle(void)
{
	const struct sched_param none = { 0 };
	struct timespec used;
	uint64_t start = now(), used_before, passed;

	if (!settle_ns)
		return 0;
	sched_setscheduler(0, SCHED_IDLE, &none);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	used_before = (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
	do
		passed = now() - start;
	while (passed < settle_ns);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	sched_setscheduler(0, SCHED_OTHER, &none);
	used_before = (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec - used_before;
	return passed > used_before ? passed - used_before : 0;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(2);
}

static pid_t step_start(char **words, unsigned round)
{
	char *argv[WORDS_MAX], numbers[WORDS_MAX][256];
	int count, code;
	pid_t pid;

	for (count = 0; words[count] && count < WORDS_MAX - 1; count++) {
		char *at = strchr(words[count], '@');

		argv[count] = words[count];
		if (at) {
			snprintf(numbers[count], sizeof(numbers[count]), "%.*s%u%s",
				 (int)(at - words[count]), words[count], round, at + 1);
			argv[count] = numbers[count];
		}
	}
	argv[count] = NULL;
	code = posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ);
	if (code) {
		fprintf(stderr, "turns: %s: %s\n", argv[0], strerror(code));
		return -1;
	}
	return pid;
}

static void command_ended(struct command *c, pid_t pid, int status, const struct rusage *usage)
{
	char said[1000];
	ssize_t size;

	if (usage->ru_maxrss > c->rss_kib)
		c->rss_kib = usage->ru_maxrss;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	size = pread(errors_fd, said, sizeof(said), 0);
	if (!c->failed)
		fprintf(stderr, "turns: %s failed with status %#x: %.*s\n", c->name,
			(unsigned)status, (int)(size > 0 ? size : 0), said);
	c->failed = true;
}

/* sample < 0 = a warm-up */
static void run_once(struct command *c, unsigned round, int sample)
{
	uint64_t start, took, after;

	if (c->failed)
		return;
	if (ftruncate(errors_fd, 0) < 0 || lseek(errors_fd, 0, SEEK_SET) < 0)
		fail("the file of errors");
	start = now();
	for (char **words = c->words; *words && !c->failed;) {
		struct rusage usage = { 0 };
		int status = -1;
		pid_t pid = step_start(words, round);

		if (pid > 0 && wait4(pid, &status, 0, &usage) < 0)
			fail("wait");
		command_ended(c, pid, status, &usage);
		while (*words)
			words++;
		words++;
	}
	took = now() - start;
	after = settle();
	if (sample >= 0) {
		c->took[sample] = took;
		c->busy[sample] = took + after;
	}
}

/* One that has ended, if any has (flags = WNOHANG) or as soon as one has (0): true when there was
 * one. */
static bool reap_one(struct command *c, const pid_t *pids, unsigned count, int flags,
		     uint64_t start)
{
	struct rusage usage;
	int status;
	pid_t pid = wait4(-1, &status, flags, &usage);

	if (pid <= 0)
		return false;
	command_ended(c, pid, status, &usage);
	for (unsigned i = 0; i < count; i++)
		if (pids[i] == pid)
			c->took[i] = now() - start;
	return true;
}

static void run_at_once(struct command *c, unsigned rounds, unsigned first)
{
	static pid_t pids[ROUNDS_MAX];
	uint64_t start = now();

	for (unsigned i = 0; i < rounds && !c->failed; i++) {
		pids[i] = step_start(c->words, first + i);
		while (reap_one(c, pids, i + 1, WNOHANG, start))
			;
	}
	while (reap_one(c, pids, rounds, 0, start))
		;
}

static int smaller(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void report(struct command *c, unsigned rounds, FILE *raw)
{
	if (c->failed) {
		printf("%s failed\n", c->name);
		return;
	}
	if (raw) {
		fprintf(raw, "%s", c->name);
		for (unsigned i = 0; i < rounds; i++)
			fprintf(raw, " %llu", (unsigned long long)c->took[i]);
		fprintf(raw, "\n");
	}
	qsort(c->took, rounds, sizeof(*c->took), smaller);
	qsort(c->busy, rounds, sizeof(*c->busy), smaller);
	printf("%s median=%llu min=%llu p90=%llu p99=%llu busy=%llu rss=%ld\n", c->name,
	       (unsigned long long)c->took[rounds / 2], (unsigned long long)c->took[0],
	       (unsigned long long)c->took[rounds * 9 / 10],
	       (unsigned long long)c->took[rounds * 99 / 100],
	       (unsigned long long)c->busy[rounds / 2], c->rss_kib);
}

/* The words of argv become steps and commands in place: `,` and `--` turn into NULL. */
static unsigned commands_read(char **argv)
{
	unsigned count = 0;

	while (argv[0] && argv[1] && count < COMMANDS_MAX) {
		struct command *c = &commands[count++];
		char **to;

		c->name = *argv++;
		c->words = to = calloc(WORDS_MAX, sizeof(*to));
		for (; *argv && strcmp(*argv, "--") && to - c->words < WORDS_MAX - 2; argv++)
			*to++ = strcmp(*argv, ",") ? *argv : NULL;
		if (*argv)
			argv++;
	}
	return count;
}

int main(int argc, char **argv)
{
	unsigned rounds = 20, warm = 3, count;
	bool at_once = false;
	FILE *raw = NULL;
	int option;

	while ((option = getopt(argc, argv, "+n:w:s:r:p")) != -1) {
		if (option == 'n')
			rounds = (unsigned)atoi(optarg);
		else if (option == 'w')
			warm = (unsigned)atoi(optarg);
		else if (option == 's')
			settle_ns = (uint64_t)atoi(optarg) * 1000000;
		else if (option == 'p')
			at_once = true;
		else if (option != 'r' || !(raw = fopen(optarg, "ae")))
			fail("usage: turns [-n ROUNDS] [-w WARM] [-s MS] [-p] [-r FILE] NAME "
			     "WORD... [-- NAME WORD...]");
	}
	count = commands_read(argv + optind);
	errors_fd = memfd_create("errors", MFD_CLOEXEC);
	if (!count || rounds < 1 || rounds > ROUNDS_MAX || errors_fd < 0 ||
	    posix_spawn_file_actions_init(&quiet) ||
	    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0) ||
	    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0) ||
	    posix_spawn_file_actions_adddup2(&quiet, errors_fd, 2))
		fail("what to run, or how often");
	for (unsigned round = 0; round < warm; round++)
		for (unsigned i = 0; i < count; i++)
			run_once(&commands[i], round, -1);
	if (at_once)
		for (unsigned i = 0; i < count; i++)
			run_at_once(&commands[i], rounds, warm);
	else
		for (unsigned round = 0; round < rounds; round++)
			for (unsigned i = 0; i < count; i++)
				run_once(&commands[i], warm + round, (int)round);
	for (unsigned i = 0; i < count; i++)
		report(&commands[i], rounds, raw);
	return 0;
}
