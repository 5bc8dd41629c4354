/* test_arena.c - memory of an arena is zeroed, aligned, apart, and bounded by an abort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/arena.h"

static void apart_and_zeroed(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 300, 1020, 4000, 4100, 100000 };
	enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), ROUNDS = 20 };
	struct arena *a = arena_create(10 << 20);
	unsigned char *places[SIZES * ROUNDS];
	size_t i, k;

	(void)state;
	for (i = 0; i < SIZES * ROUNDS; i++) {
		places[i] = arena_alloc(a, sizes[i % SIZES]);
		assert_int_equal((uintptr_t)places[i] % 16, 0);
		for (k = 0; k < sizes[i % SIZES]; k++)
			assert_int_equal(places[i][k], 0);
		memset(places[i], (int)i, sizes[i % SIZES]);
	}
	for (i = 0; i < SIZES * ROUNDS; i++)
		for (k = 0; k < sizes[i % SIZES]; k++)
			assert_int_equal(places[i][k], (unsigned char)i);
	assert_ptr_not_equal(arena_alloc(a, 0), arena_alloc(a, 0));
	arena_destroy(a);
	arena_destroy(NULL);
}

static void strings(void **state)
{
	struct arena *a = arena_create(1000);

	(void)state;
	assert_string_equal(arena_str(a, "text"), "text");
	assert_null(arena_str(a, NULL));
	assert_string_equal(arena_strn(a, "text", 2), "te");
	assert_string_equal(arena_strn(a, NULL, 0), "");
	assert_string_equal(arena_format(a, "%d-%s", 5, "x"), "5-x");
	arena_destroy(a);
}

/* Runs f in a child without a core file and returns the signal that ended it. */
static int signal_of(void (*f)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void within(void)
{
	arena_alloc(arena_create(100), 100);
}

static void beyond(void)
{
	struct arena *a = arena_create(100);

	arena_alloc(a, 60);
	arena_alloc(a, 41);
}

static void product(void)
{
	arena_array(arena_create(SIZE_MAX), SIZE_MAX / 4, 5);
}

static void bound_aborts(void **state)
{
	(void)state;
	assert_int_equal(signal_of(within), 0);
	assert_int_equal(signal_of(beyond), SIGABRT);
	assert_int_equal(signal_of(product), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apart_and_zeroed),
		cmocka_unit_test(strings),
		cmocka_unit_test(bound_aborts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
