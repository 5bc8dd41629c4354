/* test_bounded.c - work that hangs is left behind in its time; other work is told apart. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/bounded.h"
#include "lib/time.h"

static int *shared;

static bool does_it(void *ctx)
{
	*(int *)ctx = 7;
	return true;
}

static bool cannot(void *ctx)
{
	(void)ctx;
	return false;
}

static bool is_killed(void *ctx)
{
	(void)ctx;
	raise(SIGKILL);
	return true;
}

static bool hangs(void *ctx)
{
	for (;;)
		pause();
	return ctx != NULL;
}

static void verdicts(void **state)
{
	(void)state;
	assert_int_equal(bounded_run(does_it, shared, 20000), BOUNDED_DONE);
	assert_int_equal(*shared, 7);
	assert_int_equal(bounded_run(cannot, NULL, 20000), BOUNDED_FAILED);
	assert_int_equal(bounded_run(is_killed, NULL, 20000), BOUNDED_FAILED);
}

static void late(void **state)
{
	uint64_t begin_ms = time_boot_ms();
	int status;

	(void)state;
	alarm(60);	/* without a bound the test ends here */
	assert_int_equal(bounded_run(hangs, NULL, 200), BOUNDED_LATE);
	assert_true(time_boot_ms() - begin_ms >= 200);
	assert_true(wait(&status) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(late),
	};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);	/* as in PID 1 */
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return shared == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
