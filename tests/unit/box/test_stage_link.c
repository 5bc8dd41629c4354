/* test_stage_link.c - what the maker of a process hears when that ends before its exec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/stage_link.h"
#include "lib/err.h"

#define DIED "the new process was killed before its program ran"

static int maker_fd, made_fd;
static struct err e;

static int set_up(void **state)
{
	(void)state;
	return stage_link_make(&maker_fd, &made_fd, &e);
}

static int tear_down(void **state)
{
	(void)state;
	return close(maker_fd);
}

static void exec_is_no_word(void **state)
{
	(void)state;
	close(made_fd);
	assert_int_equal(stage_link_receive(maker_fd, &e), 0);
}

static void dead_before_a_message(void **state)
{
	(void)state;
	close(made_fd);
	assert_int_equal(stage_link_send(maker_fd, STAGE_GO, 1, -1, &e), -1);
	assert_non_null(strstr(e.text, DIED));
}

static void dead_with_a_message_unread(void **state)
{
	(void)state;
	assert_int_equal(stage_link_send(maker_fd, STAGE_GO, 1, -1, &e), 0);
	close(made_fd);
	assert_int_equal(stage_link_receive(maker_fd, &e), -1);
	assert_non_null(strstr(e.text, DIED));
}

/* Its sentence is the reason, also when the maker meets its end first. */
static void last_word(void **state)
{
	(void)state;
	stage_link_tell(made_fd, ".process.cwd: it is not there");
	close(made_fd);
	assert_int_equal(stage_link_send(maker_fd, STAGE_GO, 1, -1, &e), -1);
	assert_string_equal(e.text, ".process.cwd: it is not there");
}

static void last_word_with_a_message_unread(void **state)
{
	(void)state;
	assert_int_equal(stage_link_send(maker_fd, STAGE_GO, 1, -1, &e), 0);
	stage_link_tell(made_fd, "no");
	close(made_fd);
	assert_int_equal(stage_link_receive(maker_fd, &e), -1);
	assert_string_equal(e.text, "no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(exec_is_no_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dead_before_a_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dead_with_a_message_unread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(last_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(last_word_with_a_message_unread, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
