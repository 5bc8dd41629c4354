/* storm.c - a fuzz target beside libFuzzer: nothing watches the coverage, so it runs at the code's
 * own speed, with all sanitizers. `storm COUNT SEED FIRST FOUND FOLDER...` from the target's seeds.
 *
 * An input that breaks something is written to FOUND, in the form in which libFuzzer's program and
 * the corpus take it, and its number is said: COUNT 1 and FIRST make it again. What grew over many
 * inputs needs the storm from its beginning. Linked with one target; which one, its name says. */
#include "storm.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_SECONDS_MAX = 60, SAY_SECONDS = 60 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

static struct {
	const char *found;
	uint64_t seed, index;
	const uint8_t *input;
	size_t size_bytes;
} now;

/* A short memory of what was freed and of where: each input's own is all that matters. */
const char *__asan_default_options(void)
{
	return "handle_abort=1:detect_stack_use_after_return=0:malloc_context_size=3:"
	       "quarantine_size_mb=2:thread_local_quarantine_size_kb=64:"
	       "max_malloc_fill_size=0:detect_leaks=1:allocator_may_return_null=1";
}

static void on_death(void)
{
	char name[4096];
	int fd;

	snprintf(name, sizeof(name), "%s-%" PRIu64 "-%" PRIu64, now.found, now.seed, now.index);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, now.input, now.size_bytes) != (ssize_t)now.size_bytes)
		dprintf(2, "storm: cannot write %s\n", name);
	dprintf(2, "storm: seed %" PRIu64 " input %" PRIu64 " broke it, written to %s\n", now.seed,
		now.index, name);
}

/* Of the processor's time: a storm may be stopped, and its machine be busy. */
static void watch(void)
{
	struct itimerval limit = { .it_value.tv_sec = INPUT_SECONDS_MAX };

	setitimer(ITIMER_PROF, &limit, NULL);
}

static void on_limit(int number)
{
	(void)number;
	dprintf(2, "storm: ERROR: an input takes more than %d s\n", INPUT_SECONDS_MAX);
	abort();
}

uint16_t storm_edge(struct storm_dice *d, size_t near)
{
	static const uint16_t edges[] = {
		0,   1,	  2,	3,    4,      5,      7,      8,      15,     16,    19,
		20,  28,  39,	40,   48,     63,     64,     127,    128,    191,   192,
		255, 256, 1499, 1500, 0x7fff, 0x8000, 0xbfff, 0xc00c, 0xfff8, 0xffff
	};
	uint64_t thrown = storm_throw(d);

	if (thrown & 1)
		return edges[thrown >> 8 & 31];
	if (thrown & 2)
		return (uint16_t)(near - 2 + (thrown >> 8 & 3));
	return (uint16_t)(thrown >> 8);
}

const struct storm_seed *storm_pick(const struct storm_seeds *seeds, struct storm_dice *d)
{
	size_t among = seeds->committed && (storm_throw(d) & 1) ? seeds->committed : seeds->count;

	return &seeds->all[storm_below(d, (uint32_t)among)];
}

static void read_seed(struct storm_seeds *seeds, int folder_fd, const char *name)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat about;
	uint8_t *bytes;
	ssize_t n;

	if (fd < 0 || fstat(fd, &about) < 0 || !S_ISREG(about.st_mode) ||
	    about.st_size > STORM_INPUT_MAX / 4) {
		if (fd >= 0)
			close(fd);
		return;
	}
	bytes = malloc((size_t)about.st_size + 1);
	seeds->all = realloc(seeds->all, (seeds->count + 1) * sizeof(*seeds->all));
	if (!bytes || !seeds->all)
		abort();
	n = read(fd, bytes, (size_t)about.st_size);
	close(fd);
	seeds->all[seeds->count++] = (struct storm_seed){ bytes, n > 0 ? (size_t)n : 0 };
}

/* In the order of their names: the same storm on every machine. */
static void read_folder(struct storm_seeds *seeds, const char *path)
{
	struct dirent **names;
	int i, count = scandir(path, &names, NULL, alphasort);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (i = 0; i < count; i++) {
		read_seed(seeds, fd, names[i]->d_name);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	if (fd >= 0)
		close(fd);
}

static storm_make_fn *maker_of(const char *program)
{
	const char *name = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;

	if (strcmp(name, "fuzz_gate") == 0)
		return storm_make_frames;
	return strncmp(name, "fuzz_dns", 8) == 0 ? storm_make_message : storm_make_text;
}

static void say(uint64_t inputs, uint64_t count, const struct timespec *since)
{
	struct timespec t;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &t);
	seconds = (double)(t.tv_sec - since->tv_sec) + (double)(t.tv_nsec - since->tv_nsec) / 1e9;
	fprintf(stderr, "storm: inputs %" PRIu64 " count %" PRIu64 " in %.1f s, %.0f a second\n",
		inputs, count, seconds, (double)count / seconds);
}

/* Until the target has counted `count`; the input itself is of its own size, so that reading behind
 * its end is seen. */
static void rain(storm_make_fn *make, const struct storm_seeds *seeds, uint64_t first,
		 uint64_t count)
{
	static uint8_t room[STORM_INPUT_MAX];
	struct timespec since, t;
	struct storm_dice dice;
	uint64_t inputs = 0, counted = 0;
	uint8_t *input;
	time_t said;

	clock_gettime(CLOCK_MONOTONIC, &since);
	said = since.tv_sec;
	while (counted < count) {
		now.index = first + inputs;
		dice.state = (now.seed << 40) ^ now.index * 0x9e3779b97f4a7c15ull;
		now.size_bytes = make(seeds, &dice, room);
		now.input = input = malloc(now.size_bytes ? now.size_bytes : 1);
		if (!input)
			abort();
		memcpy(input, room, now.size_bytes);
		LLVMFuzzerTestOneInput(input, now.size_bytes);
		free(input);
		inputs++;
		counted = fuzz_count ? fuzz_count() : inputs;
		if (inputs % (fuzz_count ? 16 : 16384) == 0) {
			watch();
			clock_gettime(CLOCK_MONOTONIC, &t);
			if (t.tv_sec - said >= SAY_SECONDS) {
				said = t.tv_sec;
				say(inputs, counted, &since);
			}
		}
	}
	say(inputs, counted, &since);
}

int main(int argc, char **argv)
{
	static struct storm_seeds seeds;
	storm_make_fn *make;
	int i;

	if (argc < 6) {
		fprintf(stderr, "usage: %s COUNT SEED FIRST FOUND FOLDER...\n", argv[0]);
		return 2;
	}
	now.seed = strtoull(argv[2], NULL, 10);
	now.found = argv[4];
	for (i = 5; i < argc; i++) {
		read_folder(&seeds, argv[i]);
		if (i == 5)
			seeds.committed = seeds.count;
	}
	if (seeds.count == 0) {
		fprintf(stderr, "storm: there are no seeds in %s\n", argv[5]);
		return 2;
	}
	make = maker_of(argv[0]);
	storm_learn_frames(&seeds);
	__sanitizer_set_death_callback(on_death);
	signal(SIGPROF, on_limit);
	watch();
	rain(make, &seeds, strtoull(argv[3], NULL, 10), strtoull(argv[1], NULL, 10));
	return 0;
}
