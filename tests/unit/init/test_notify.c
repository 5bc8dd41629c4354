/* test_notify.c - what a unit tells over its FIFO: whole lines, and no end of it that never comes.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/notify.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/loop.h"

static struct loop *loop;
static struct notify notify;
static char last[NOTIFY_LINE_MAX];
static int count;

static void note(struct notify *n, const char *line)
{
	(void)n;
	strcpy(last, line);
	count++;
}

/* A writer that is as fast as the reader. */
static void note_and_tell(struct notify *n, const char *line)
{
	note(n, line);
	assert_int_equal(write(n->source.fd, "more\n", 5), 5);
}

static int set_up(void **state)
{
	char path[] = "/tmp/test_notify.XXXXXX";
	int dir_fd = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct err e;

	(void)state;
	count = 0;
	loop = loop_create(&e);
	return dir_fd < 0 || !loop || notify_open(&notify, loop, dir_fd, "u", note, &e) ||
	       fs_remove_tree_at(dir_fd, "u.notify", &e) || close(dir_fd) || rmdir(path);
}

static int tear_down(void **state)
{
	(void)state;
	notify_close(&notify);
	loop_destroy(loop);
	return 0;
}

static void tell(const char *text)
{
	assert_int_equal(write(notify.source.fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void lines(void **state)
{
	(void)state;
	tell("ready\npow");
	notify_drain(&notify, false);
	assert_int_equal(count, 1);
	assert_string_equal(last, "ready");
	tell("eroff\n");
	notify_drain(&notify, false);
	assert_int_equal(count, 2);
	assert_string_equal(last, "poweroff");
}

static void forgotten(void **state)
{
	(void)state;
	tell("ready\nrea");
	notify_drain(&notify, true);
	tell("dy\n");
	notify_drain(&notify, false);
	assert_int_equal(count, 1);
	assert_string_equal(last, "dy");
}

static void long_lines(void **state)
{
	char text[4 * NOTIFY_LINE_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	tell(text);
	notify_drain(&notify, false);
	assert_int_equal(count, 1);
	assert_int_equal(strlen(last), NOTIFY_LINE_MAX - 1);
}

static void flood(void **state)
{
	(void)state;
	alarm(20);		/* a drain without an end ends the test */
	notify.on_line = note_and_tell;
	tell("more\n");
	notify_drain(&notify, false);
	assert_in_range(count, 2, 2 * 65536);
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(flood, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
