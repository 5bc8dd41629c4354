/* test_pool.c - blocks of a pool are aligned, apart and their owner's; freed ones come again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/pool.h"

enum { FIRST_BYTES = 4096, BLOCKS = 200, STEPS = 20000 };

static _Alignas(16) unsigned char first[FIRST_BYTES];

static void check(const unsigned char *data, size_t size_bytes, unsigned char value)
{
	for (size_t i = 0; i < size_bytes; i++)
		assert_int_equal(data[i], value);
}

/* A storm of all four calls, by a fixed row of numbers: every block keeps what its owner wrote. */
static void blocks_are_apart(void **state)
{
	struct pool p = { .at = first, .end = first + FIRST_BYTES };
	unsigned char *blocks[BLOCKS] = { NULL };
	size_t sizes[BLOCKS] = { 0 };
	uint32_t number = 1;

	(void)state;
	for (size_t step = 0; step < STEPS; step++) {
		size_t i, size;

		number = number * 1664525 + 1013904223;
		i = (number >> 8) % BLOCKS;
		size = (number >> 16) % 3 ? (number >> 20) % 100 : (number >> 12) % 9000;
		if (blocks[i])
			check(blocks[i], sizes[i], (unsigned char)i);
		if (blocks[i] && number >> 31) {
			pool_free(&p, blocks[i]);
			blocks[i] = NULL;
			continue;
		}
		if (blocks[i]) {
			blocks[i] = pool_resize(&p, blocks[i], size);
			check(blocks[i], size < sizes[i] ? size : sizes[i], (unsigned char)i);
		} else if (number >> 30 & 1) {
			blocks[i] = pool_alloc_zeroed(&p, 1, size);
			check(blocks[i], size, 0);
		} else {
			blocks[i] = pool_alloc(&p, size);
		}
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % 16, 0);
		sizes[i] = size;
		memset(blocks[i], (int)i, size);
	}
}

static void freed_is_used_again(void **state)
{
	struct pool p = { 0 };
	unsigned char *at, *a = pool_alloc(&p, 4080), *b = pool_alloc(&p, 100);

	(void)state;
	memset(a, 1, 4080);
	pool_free(&p, a);
	at = p.at;
	assert_ptr_equal(pool_alloc_zeroed(&p, 2, 2040), a);
	check(a, 4080, 0);
	pool_free(&p, b);
	assert_ptr_equal(pool_alloc(&p, 50), b);
	assert_ptr_equal(p.at, at);
	/* Growing by a little each time takes twice as much in all, not the square. */
	b = NULL;
	for (size_t size = 1; size < 100000; size += 8)
		b = pool_resize(&p, b, size);
	assert_true(p.at - at < 500000);
	pool_free(&p, NULL);
}

static void bounds(void **state)
{
	struct pool p = { 0 };

	(void)state;
	errno = 0;
	assert_null(pool_alloc(&p, SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_null(pool_alloc(&p, SIZE_MAX / 4));
	assert_null(pool_alloc_zeroed(&p, SIZE_MAX / 2, 4));
	assert_null(pool_resize(&p, pool_alloc(&p, 1), SIZE_MAX - 7));
	assert_ptr_not_equal(pool_alloc(&p, 0), pool_alloc(&p, 0));
	assert_non_null(pool_alloc(&p, 5 << 20));
}

static void freed_twice_aborts(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct rlimit none = { 0 };
		struct pool p = { 0 };
		void *data = pool_alloc(&p, 10);

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		pool_free(&p, data);
		pool_free(&p, data);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_apart),
		cmocka_unit_test(freed_is_used_again),
		cmocka_unit_test(bounds),
		cmocka_unit_test(freed_twice_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
