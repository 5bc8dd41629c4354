/* test_logcap.c - a log stays within its bound, whole lines only, and its end is always there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/logcap.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"

enum { STAMP = 24 };

static char dir_name[] = "/tmp/test_logcap.XXXXXX";
static int dir_fd;
static char seen[65536];

static void see(void *ctx, const char *line, size_t size)
{
	(void)ctx;
	if (strlen(seen) + size + 2 < sizeof(seen))
		sprintf(seen + strlen(seen), "%.*s|", (int)size, line);
}

static void feed(struct logcap *l, const char *text)
{
	logcap_feed(l, text, strlen(text), see, NULL);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir_name))
		return -1;
	dir_fd = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	AUTO_FD int tmp_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	close(dir_fd);
	return fs_remove_tree_at(tmp_fd, strrchr(dir_name, '/') + 1, NULL);
}

/* The text of a file, or "" */
static char *text_of(const char *name)
{
	size_t size;
	char *text = fs_read_at(dir_fd, name, 1 << 20, &size, NULL);

	return text ? text : calloc(1, 1);
}

static void lines(void **state)
{
	struct logcap l;
	struct err e;
	char *text;

	(void)state;
	seen[0] = '\0';
	assert_int_equal(logcap_open(&l, dir_fd, "lines", 65536, &e), 0);
	feed(&l, "one\ntw");
	assert_string_equal(seen, "one|");
	feed(&l, "o\n\nthree");
	assert_string_equal(seen, "one|two||");
	feed(&l, "\n");
	assert_string_equal(seen, "one|two||three|");
	logcap_close(&l);
	text = text_of("lines");
	assert_int_equal(strlen(text), 4 * (STAMP + 1) + 3 + 3 + 5);
	assert_memory_equal(text + STAMP, "one\n", 4);
	assert_int_equal(text[10], 'T');
	assert_int_equal(text[STAMP - 1], ' ');
	free(text);

	/* A second opening goes on behind what is there. */
	assert_int_equal(logcap_open(&l, dir_fd, "lines", 65536, &e), 0);
	feed(&l, "four\n");
	logcap_close(&l);
	text = text_of("lines");
	assert_int_equal(strlen(text), 5 * (STAMP + 1) + 3 + 3 + 5 + 4);
	free(text);
}

static void long_lines(void **state)
{
	static char big[3 * LOGCAP_LINE_MAX];
	struct logcap l;
	char *text;

	(void)state;
	seen[0] = '\0';
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\n';
	assert_int_equal(logcap_open(&l, dir_fd, "long", 65536, NULL), 0);
	logcap_feed(&l, big, sizeof(big), see, NULL);
	assert_int_equal(strchr(seen, '|') - seen, LOGCAP_LINE_MAX);
	assert_int_equal(strlen(seen), 3 * LOGCAP_LINE_MAX - 1 + 3);
	logcap_close(&l);
	text = text_of("long");
	assert_int_equal(strlen(text), 3 * (STAMP + 1) + sizeof(big) - 1);
	free(text);

	/* A line of exactly the maximum is one line, not one and an empty one. */
	seen[0] = '\0';
	assert_int_equal(logcap_open(&l, dir_fd, "exact", 65536, NULL), 0);
	logcap_feed(&l, big, LOGCAP_LINE_MAX - 1, see, NULL);
	feed(&l, "\n");
	assert_int_equal(strlen(seen), LOGCAP_LINE_MAX);
	logcap_close(&l);
}

static int first_number(const char *text)
{
	return atoi(strstr(text, "line ") + 5);
}

static int last_number(const char *text)
{
	const char *next;

	while ((next = strstr(text + 1, "line ")))
		text = next;
	return atoi(text + 5);
}

static void bound(void **state)
{
	enum { BYTES = 8192 };
	struct logcap l;
	char line[64], *young, *old;
	struct stat st[2];

	(void)state;
	assert_int_equal(logcap_open(&l, dir_fd, "bound", BYTES, NULL), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(line, sizeof(line), "line %d with %.*s\n", i, i % 37,
			 "some text of different lengths, as ever");
		feed(&l, line);
		if (fstatat(dir_fd, "bound.1", &st[0], 0))
			st[0].st_size = 0;
		assert_int_equal(fstatat(dir_fd, "bound", &st[1], 0), 0);
		assert_true(st[0].st_size + st[1].st_size <= BYTES);
	}
	assert_true(st[0].st_size > BYTES / 2 - 100);
	young = text_of("bound");
	old = text_of("bound.1");
	assert_non_null(strstr(young, "line 4999 "));
	assert_int_equal(first_number(young), last_number(old) + 1);	/* no gap */
	logcap_close(&l);
	free(young);
	free(old);
}

static void lost(void **state)
{
	struct logcap l;

	(void)state;
	seen[0] = '\0';
	assert_int_equal(logcap_open(&l, dir_fd, "lost", 8192, NULL), 0);
	close(l.fd);
	l.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	feed(&l, "no room\nstill none\n");
	assert_true(l.losing);
	assert_int_equal(l.size_bytes, 0);
	/* The console still sees them. */
	assert_string_equal(seen, "no room|still none|");
	logcap_close(&l);
	assert_int_equal(logcap_open(&l, AT_FDCWD, "/nonexistent/x", 8192, NULL), -1);
}

static void important(void **state)
{
	static const struct {
		const char *line;
		bool is;
	} table[] = {
		{ "err boxd: broken", true }, { "warn x: y", true },    { "info x: y", false },
		{ "error: none of ours", false }, { "warning", false }, { "err", false },
		{ "err ", false }, { "warn ", false }, { "", false }, { " err x", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(logcap_is_important(table[i].line, strlen(table[i].line)),
				 table[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines), cmocka_unit_test(long_lines), cmocka_unit_test(bound),
		cmocka_unit_test(lost),	 cmocka_unit_test(important),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
