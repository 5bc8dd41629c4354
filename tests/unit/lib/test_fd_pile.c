/* test_fd_pile.c - every fd is closed once, none of others, in whatever order they came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/fd_pile.h"

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

static void closes_runs(void **state)
{
	struct fd_pile pile = { .count = 0 };
	int fds[10];

	(void)state;
	for (int i = 0; i < 10; i++)
		fds[i] = dup(0);
	/* 3 and 7 stay with their owner; the rest comes backwards. */
	for (int i = 9; i >= 0; i--)
		if (i != 3 && i != 7)
			fd_pile_add(&pile, fds[i]);
	fd_pile_add(&pile, -1);
	assert_int_equal(pile.count, 8);
	for (int i = 0; i < 10; i++)
		assert_true(is_open(fds[i]));
	fd_pile_close(&pile);
	for (int i = 0; i < 10; i++)
		assert_int_equal(is_open(fds[i]), i == 3 || i == 7);
	assert_int_equal(pile.count, 0);
	fd_pile_close(&pile);
	close(fds[3]);
	close(fds[7]);
}

static void is_bounded(void **state)
{
	struct fd_pile pile = { .count = 0 };
	int first = dup(0);

	(void)state;
	close(first);
	for (int i = 0; i < 3 * FD_PILE_MAX; i++)
		fd_pile_add(&pile, dup(0));
	assert_true(pile.count <= FD_PILE_MAX);
	fd_pile_make_room(&pile, FD_PILE_MAX);
	assert_int_equal(pile.count, 0);
	/* The lowest number is free again. */
	assert_int_equal(dup(0), first);
	close(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closes_runs),
		cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
