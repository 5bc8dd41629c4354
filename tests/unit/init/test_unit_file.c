/* test_unit_file.c - what a unit file may say, and the sentence for everything it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "init/caps.h"
#include "init/unit_file.h"
#include "lib/err.h"

static struct unit_file f;

static void everything(void **state)
{
	static const char text[] =
		"# a comment\n"
		"exec /bin/daemon --name \"two words\" last\n"
		"   # another, behind blanks\n"
		"\n"
		"after one two\n"
		"socket s.sock /run/s.sock seqpacket 0660 root engine\n"
		"file config /run/config r optional\n"
		"socket t /run/t stream 600 root root\n"
		"file console /dev/console w\n"
		"file both /dev/x rw\n"
		"file boot /run/boot a\n"
		"ready notify\n"
		"restart failure\n"
		"stop-ms 12000\n"
		"shutdown-signal PWR\n"
		"log-bytes 256k\n"
		"open-files 8192\n"
		"nice -10\n"
		"user engine\n"
		"caps net_admin net_raw chown\n"
		"env A=1\n"
		"env \"B=two words\"\n"
		"may poweroff\n"
		"when /sys/class/net/eth0\n";
	struct err e;

	(void)state;
	assert_int_equal(unit_file_parse(&f, "x.unit", text, &e), 0);
	assert_string_equal(f.exec[0], "/bin/daemon");
	assert_string_equal(f.exec[2], "two words");
	assert_string_equal(f.exec[3], "last");
	assert_null(f.exec[4]);
	assert_string_equal(f.when, "/sys/class/net/eth0");
	assert_int_equal(f.nice, -10);
	assert_int_equal(f.after_count, 2);
	assert_string_equal(f.after[1], "two");
	assert_int_equal(f.after_line, 5);
	assert_int_equal(f.passed_count, 6);
	assert_string_equal(f.passed[0].name, "s.sock");
	assert_true(f.passed[0].is_socket);
	assert_int_equal(f.passed[0].socket_type, SOCK_SEQPACKET);
	assert_int_equal(f.passed[0].socket_mode, 0660);
	assert_string_equal(f.passed[0].socket_group, "engine");
	assert_int_equal(f.passed[1].open_flags, O_RDONLY);
	assert_true(f.passed[1].optional);
	assert_int_equal(f.passed[2].socket_type, SOCK_STREAM);
	assert_int_equal(f.passed[2].socket_mode, 0600);
	assert_int_equal(f.passed[3].open_flags, O_WRONLY);
	assert_false(f.passed[3].optional);
	assert_int_equal(f.passed[4].open_flags, O_RDWR);
	assert_int_equal(f.passed[5].open_flags, O_WRONLY | O_APPEND);
	assert_int_equal(f.ready, UNIT_READY_NOTIFY);
	assert_int_equal(f.restart, UNIT_RESTART_FAILURE);
	assert_int_equal(f.stop_ms, 12000);
	assert_int_equal(f.shutdown_signal, SIGPWR);
	assert_int_equal(f.log_bytes, 256 * 1024);
	assert_string_equal(f.user, "engine");
	assert_true(f.has_caps);
	assert_int_equal(f.caps, 1 << 12 | 1 << 13 | 1 << 0);
	assert_int_equal(f.env_count, 2);
	assert_string_equal(f.env[1], "B=two words");
	assert_true(f.may_poweroff);
}

static void defaults(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(unit_file_parse(&f, "x.unit", "exec /bin/true", &e), 0);
	assert_int_equal(f.ready, UNIT_READY_NONE);
	assert_int_equal(f.restart, UNIT_RESTART_ALWAYS);
	assert_int_equal(f.stop_ms, UNIT_STOP_MS_DEFAULT);
	assert_int_equal(f.shutdown_signal, SIGTERM);
	assert_int_equal(f.log_bytes, UNIT_LOG_BYTES_DEFAULT);
	assert_null(f.user);
	assert_false(f.has_caps);
	assert_false(f.may_poweroff);
	/* A task that is ready when it ends well is done then, not started again. */
	assert_int_equal(unit_file_parse(&f, "x.unit", "exec /bin/true\nready exit\n", &e), 0);
	assert_int_equal(f.restart, UNIT_RESTART_FAILURE);
	assert_int_equal(unit_file_parse(&f, "x.unit",
					 "restart never\nexec /bin/true\nready exit\n", &e),
			 0);
	assert_int_equal(f.restart, UNIT_RESTART_NEVER);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "x.unit: no `exec PATH`: nothing to start" },
		{ "exec", "x.unit:1: exec takes 1 or more words, not 0" },
		{ "exec true", "x.unit:1: true must be an absolute path" },
		{ "exec /a\nexec /b", "x.unit:2: exec stands there twice" },
		{ "exec /a \"open", "x.unit:1: more than 40 words, or a quote that is not closed" },
		{ "\n\nexce /a", "x.unit:3: key exce is unknown; the nearest is exec" },
		{ "exec /a\nwibble 1", "x.unit:2: key wibble is unknown" },
		{ "exec /a\nEXEC /b", "x.unit:2: key EXEC is unknown" },
		{ "exec /a\nafter a b a", "x.unit:2: after: a stands there twice" },
		{ "exec /a\nafter", "x.unit:2: after takes 1 or more words, not 0" },
		{ "exec /a\nready maybe", "x.unit:2: ready maybe is unknown" },
		{ "exec /a\nready notfy",
		  "x.unit:2: ready notfy is unknown; the nearest is notify" },
		{ "exec /a\nready exit\nrestart always",
		  "x.unit: `ready exit` with `restart always` would run it for ever" },
		{ "exec /a\nrestart on-failure",
		  "x.unit:2: restart on-failure is unknown; the nearest is failure" },
		{ "exec /a\nstop-ms 0", "x.unit:2: stop-ms must be a number from 1 to 20000" },
		{ "exec /a\nstop-ms 20001", "x.unit:2: stop-ms must be a number from 1 to 20000" },
		{ "exec /a\nstop-ms -5", "x.unit:2: stop-ms must be a number from 1 to 20000" },
		{ "exec /a\nnice -21", "x.unit:2: nice must be a number from -20 to 19" },
		{ "exec /a\nnice 20", "x.unit:2: nice must be a number from -20 to 19" },
		{ "exec /a\nnice --1", "x.unit:2: nice must be a number from -20 to 19" },
		{ "exec /a\nopen-files 63",
		  "x.unit:2: open-files must be a number from 64 to 524288" },
		{ "exec /a\nopen-files many",
		  "x.unit:2: open-files must be a number from 64 to 524288" },
		{ "exec /a\nlog-bytes 4095", "x.unit:2: log-bytes must be from 4k to 4m" },
		{ "exec /a\nlog-bytes 5m", "x.unit:2: log-bytes must be from 4k to 4m" },
		{ "exec /a\nshutdown-signal KILL", "x.unit:2: shutdown-signal KILL is unknown" },
		{ "exec /a\nuser ../root", "x.unit:2: ../root cannot be the name of a user" },
		{ "exec /a\ncaps net_amin",
		  "x.unit:2: capability net_amin is unknown; the nearest is net_admin" },
		{ "exec /a\nenv A", "x.unit:2: env A must be KEY=VALUE, and not of CUVETTE_FDS" },
		{ "exec /a\nenv =1", "x.unit:2: env =1 must be KEY=VALUE, and not of CUVETTE_FDS" },
		{ "exec /a\nenv CUVETTE_FDS=a",
		  "x.unit:2: env CUVETTE_FDS=a must be KEY=VALUE, and not of CUVETTE_FDS" },
		{ "exec /a\nmay reboot", "x.unit:2: may reboot is unknown" },
		{ "exec /a\nwhen eth0", "x.unit:2: eth0 must be an absolute path" },
		{ "exec /a\nfile a b r", "x.unit:2: b must be an absolute path" },
		{ "exec /a\nfile a /b x",
		  "x.unit:2: way to open a file x is unknown; the nearest is r" },
		{ "exec /a\nfile a /b r maybe",
		  "x.unit:2: maybe is unknown; only `optional` may stand here" },
		{ "exec /a\nfile a /b r\nfile a /c r", "x.unit:3: the name a is given twice" },
		{ "exec /a\nfile a /b r\nsocket a /c stream 600 root root",
		  "x.unit:3: the name a is given twice" },
		{ "exec /a\nfile notify /b r",
		  "x.unit:2: notify cannot be the name of a socket or file" },
		{ "exec /a\nfile a:b /b r",
		  "x.unit:2: a:b cannot be the name of a socket or file" },
		{ "exec /a\nsocket s /s stream 0660 root",
		  "x.unit:2: socket takes 6 words, not 5" },
		{ "exec /a\nsocket s /s dgram 0660 root root",
		  "x.unit:2: socket type dgram is unknown" },
		{ "exec /a\nsocket s /s stream 0669 root root",
		  "x.unit:2: mode 0669 must be three octal digits" },
		{ "exec /a\nsocket s /s stream 4755 root root",
		  "x.unit:2: mode 4755 must be three octal digits" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e;

		err_clear(&e);
		assert_int_equal(unit_file_parse(&f, "x.unit", cases[i].text, &e), -1);
		assert_string_equal(e.text, cases[i].why);
	}
}

static void bounds(void **state)
{
	char text[UNIT_FILE_BYTES_MAX + 64] = "exec /a\n";
	struct err e;

	(void)state;
	for (int i = 0; i <= UNIT_PASSED_MAX; i++)
		sprintf(text + strlen(text), "file f%d /f r\n", i);
	assert_int_equal(unit_file_parse(&f, "x.unit", text, &e), -1);
	assert_string_equal(e.text, "x.unit:18: more than 16 sockets and files");

	strcpy(text, "exec /a\n");
	for (int i = 0; i <= UNIT_ENV_MAX; i++)
		sprintf(text + strlen(text), "env K%d=\n", i);
	assert_int_equal(unit_file_parse(&f, "x.unit", text, &e), -1);
	assert_string_equal(e.text, "x.unit:18: more than 16 env lines");

	strcpy(text, "exec");
	for (int i = 0; i <= UNIT_EXEC_MAX; i++)
		strcat(text, " /a");
	assert_int_equal(unit_file_parse(&f, "x.unit", text, &e), -1);
	assert_string_equal(e.text, "x.unit:1: exec: more than 24 words");

	memset(text, '#', UNIT_FILE_BYTES_MAX);
	text[UNIT_FILE_BYTES_MAX] = '\0';
	assert_int_equal(unit_file_parse(&f, "x.unit", text, &e), -1);
	assert_string_equal(e.text, "x.unit: larger than 4095 bytes");
}

static void cap_names(void **state)
{
	(void)state;
	assert_string_equal(caps_names[0], "chown");
	assert_string_equal(caps_names[12], "net_admin");
	assert_string_equal(caps_names[21], "sys_admin");
	assert_string_equal(caps_names[40], "checkpoint_restore");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(defaults),
		cmocka_unit_test(refused),
		cmocka_unit_test(bounds),
		cmocka_unit_test(cap_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
