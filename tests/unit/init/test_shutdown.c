/* test_shutdown.c - which signal asks PID 1 for what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>

#include "init/shutdown.h"

static void signals(void **state)
{
	(void)state;
	for (int number = 1; number < NSIG; number++) {
		enum shutdown_kind want = number == SIGUSR2 ? SHUTDOWN_POWEROFF
					  : number == SIGTERM ? SHUTDOWN_REBOOT
					  : number == SIGINT ? SHUTDOWN_REBOOT
					  : number == SIGUSR1 ? SHUTDOWN_HALT
					  : SHUTDOWN_NONE;

		assert_int_equal(shutdown_asked(number), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
