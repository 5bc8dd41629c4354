/* test_words.c - users, signals and CPU lists as command lines give them: exactly the value, or an
 * error; never user 0 by accident (SECURITY A13). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"
#include "oci/cpu_list.h"
#include "oci/signal.h"
#include "oci/user_string.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { USER_STRINGS_MIN = 200 };
static const uint32_t NONE = UINT32_MAX;	/* no group, and no id at all */

static void users(void **state)
{
	const struct {
		const char *text;
		uint32_t uid, gid;
	} good[] = {
		{ "0", 0u, NONE }, { "1", 1u, NONE }, { "2", 2u, NONE }, { "7", 7u, NONE },
		{ "9", 9u, NONE }, { "10", 10u, NONE }, { "33", 33u, NONE }, { "42", 42u, NONE },
		{ "99", 99u, NONE }, { "100", 100u, NONE }, { "999", 999u, NONE },
		{ "1000", 1000u, NONE }, { "1001", 1001u, NONE }, { "9999", 9999u, NONE },
		{ "10000", 10000u, NONE }, { "32767", 32767u, NONE }, { "32768", 32768u, NONE },
		{ "65533", 65533u, NONE }, { "65534", 65534u, NONE }, { "65535", 65535u, NONE },
		{ "65536", 65536u, NONE }, { "99999", 99999u, NONE },
		{ "100000", 100000u, NONE }, { "165535", 165535u, NONE },
		{ "524288", 524288u, NONE }, { "999999", 999999u, NONE },
		{ "1000000", 1000000u, NONE }, { "1048576", 1048576u, NONE },
		{ "2147483646", 2147483646u, NONE }, { "2147483647", 2147483647u, NONE },
		{ "2147483648", 2147483648u, NONE }, { "2147483649", 2147483649u, NONE },
		{ "3000000000", 3000000000u, NONE }, { "4000000000", 4000000000u, NONE },
		{ "4294967293", 4294967293u, NONE }, { "4294967294", 4294967294u, NONE },
		{ "0:0", 0u, 0u }, { "0:1", 0u, 1u }, { "1:0", 1u, 0u }, { "1000:0", 1000u, 0u },
		{ "0:1000", 0u, 1000u }, { "1000:1000", 1000u, 1000u },
		{ "1000:100", 1000u, 100u }, { "65534:65534", 65534u, 65534u },
		{ "4294967294:0", 4294967294u, 0u }, { "0:4294967294", 0u, 4294967294u },
		{ "4294967294:4294967294", 4294967294u, 4294967294u }, { "33:33", 33u, 33u },
		{ "2147483648:2147483647", 2147483648u, 2147483647u }, { "10:20", 10u, 20u },
	};
	static const char *const bad[] = {
		"", ":", "::", ":0", "0:", "0:0:", "0::0", ":0:0", "0:0:0", "1000:", "1000::",
		"1000::1000", ":1000", "1000:1000:", "1000:1000:1000", "4294967295",
		"4294967296", "4294967297", "4294968296", "4295032832", "5000000000",
		"8589934592", "9999999999", "42949672960", "68719476736", "1099511627776",
		"9223372036854775807", "9223372036854775808", "18446744073709551614",
		"18446744073709551615", "18446744073709551616", "18446744073709551617",
		"18446744073709552616", "99999999999999999999",
		"340282366920938463463374607431768211456",
		"1000000000000000000000000000000000000000",
		"99999999999999999999999999999999999999999999999999999999999999999999999999999999",
		"0:4294967295", "0:4294967296", "0:4294967297", "0:4294968296", "0:4295032832",
		"0:5000000000", "0:8589934592", "0:9999999999", "0:42949672960", "0:68719476736",
		"0:1099511627776", "0:9223372036854775807", "4294967295:0", "4294967296:0",
		"4294967297:0", "4294968296:0", "4295032832:0", "5000000000:0", "-0", "-1", "-2",
		"-1000", "-4294967295", "-4294967296", "-9223372036854775808", "+0", "+1",
		"+1000", "--1", "-", "+", "0:-1", "0:+1", "-1:0", "1000:-1000", "1000:+0", "- 1",
		"1-", "1+", "1-1", "0-0", "00", "01", "07", "010", "0000", "0755", "01000",
		"00000000000000000000", "000000000000001000", "0:00", "0:01", "00:0", "01:1",
		"1:01", "1000:0100", "0x0", "0x", "0X0", "0x1", "0x3e8", "0xffffffff", "0XFF",
		"x0", "0b0", "0b1", "0o0", "0o17", "0:0x0", "0x0:0", "1e3", "1E3", "0e0", "1.0",
		"1.", "0.", ".0", "1,000", "1_000", "1'000", "1000.0", "0.0:0", "1/2", " 0",
		"0 ", " 1000", "1000 ", "10 00", "\t0", "0\t", "0\n", "\n0", "0\r", "0\r\n",
		"1000\n", "1000\n0", "0\013", "0\014", "0 :0", "0: 0", "0:0 ", " 0:0", "0:0\n",
		"\302\2400", "0\302\240", "0\342\200\213", "\342\200\2130",
		"\357\273\2770", "\342\200\2501", "\331\240", "\331\241\331\240", "\333\260",
		"\340\245\246", "\357\274\220",
		"\357\274\221\357\274\220\357\274\220\357\274\220", "1\357\274\220", "\302\262",
		"\342\201\260", "\342\221\240", "\340\274\240", "\360\235\237\216",
		"\340\245\252\340\245\250", "0\331\240", "\357\274\220:0", "0:\357\274\220",
		"0\357\274\2320", "root", "nobody", "daemon", "root:root", "root:0", "0:root",
		"1000:users", "user1000", "1000user", "1000abc", "0abc", "abc0", "a", "A",
		"r00t", "root ", "ROOT", "_", "www-data", "0root", "0:0root", "1000:abc",
		"1000a:0", "$UID", "${UID}", "~", "*", "%s", "%n", "%d", "0%", "#0", "#1000",
		"@0", "!0", "0!", "0;1", "0&1", "0|1", "0=0", "(0)", "[0]", "{0}", "\"0\"",
		"'0'", "`id`", "\\0", "0\\", "0\\0", "../0", "/0", "0/", "NaN", "inf", "null",
		"nil", "true", "None", "0u", "0l", "0L", "0ul", "0U", "1k", "1K", "1M", "\001",
		"\177", "\302\200", "0\001", "0\033[0m",
	};

	(void)state;
	_Static_assert(COUNT(good) + COUNT(bad) >= USER_STRINGS_MIN, "SECURITY A13");
	for (size_t i = 0; i < COUNT(good); i++) {
		struct user_string u;
		struct err e;

		if (user_string_parse(good[i].text, &u, &e))
			fail_msg("refused: %s", e.text);
		if (u.uid != good[i].uid || u.gid != good[i].gid ||
		    u.has_gid != (good[i].gid != NONE))
			fail_msg("\"%s\" became %u:%u", good[i].text, u.uid, u.gid);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct user_string u = { 0 };
		struct err e = { 0 };

		if (!user_string_parse(bad[i], &u, &e))
			fail_msg("\"%s\" became %u:%u", bad[i], u.uid, u.gid);
		/* Also for a caller that overlooks the failure. */
		if (u.uid != NONE || u.gid != NONE || !strstr(e.text, "must be UID or UID:GID"))
			fail_msg("\"%s\" left %u:%u and said: %s", bad[i], u.uid, u.gid, e.text);
	}
}

static void signals(void **state)
{
	static const struct {
		const char *text;
		int number;
	} good[] = {
		{ "KILL", SIGKILL }, { "SIGKILL", SIGKILL }, { "kill", SIGKILL },
		{ "SigKill", SIGKILL }, { "9", SIGKILL }, { "0", 0 }, { "1", SIGHUP },
		{ "64", 64 }, { "15", SIGTERM }, { "TERM", SIGTERM }, { "sigterm", SIGTERM },
		{ "IOT", SIGABRT }, { "ABRT", SIGABRT }, { "CLD", SIGCHLD }, { "POLL", SIGIO },
		{ "IO", SIGIO }, { "UNUSED", SIGSYS }, { "STKFLT", SIGSTKFLT },
		{ "WINCH", SIGWINCH }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
		{ "RTMIN", 34 }, { "SIGRTMIN", 34 }, { "rtmin+3", 37 }, { "SIGRTMIN+30", 64 },
		{ "RTMAX", 64 }, { "RTMAX-1", 63 }, { "SIGRTMAX-30", 34 }, { "RTMIN+0", 34 },
	};
	static const char *const bad[] = {
		"", "SIG", "SIGSIGKILL", "KILL ", " KILL", "KILLL", "KIL", "65", "-1", "+9", "9 ",
		"0x9", "99999999999", "4294967305", "9.0", "RTMIN+31", "RTMAX-31", "RTMIN-1",
		"RTMAX+1", "RTMIN+", "RTMAX-", "RTMIN+-1", "RTMIN+1x", "RTMIN3", "SIG9", "KILL\n",
		"\331\251", "SIG KILL", "TERM,KILL",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct err e;
		int number = -1;

		if (signal_parse(good[i].text, &number, &e))
			fail_msg("refused: %s", e.text);
		if (number != good[i].number)
			fail_msg("\"%s\" became %d", good[i].text, number);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e;
		int number = -1;

		if (!signal_parse(bad[i], &number, &e))
			fail_msg("\"%s\" became %d", bad[i], number);
		assert_int_equal(number, -1);
	}
	for (int i = 1; i < 32; i++) {
		struct err e;
		int number = -1;

		assert_non_null(signal_name(i));
		assert_int_equal(signal_parse(signal_name(i), &number, &e), 0);
		assert_int_equal(number, i);
	}
	assert_null(signal_name(0));
	assert_null(signal_name(34));
	assert_string_equal(signal_name(SIGABRT), "SIGABRT");
}

static void cpus(void **state)
{
	static const struct {
		const char *text;
		unsigned end, count;
		size_t bytes;
	} good[] = {
		{ "0", 1, 1, 8 }, { "0-3,7", 8, 5, 8 }, { "7,0-3", 8, 5, 8 }, { "63", 64, 1, 8 },
		{ "64", 65, 1, 16 }, { "0-8191", 8192, 8192, 1024 }, { "8191", 8192, 1, 1024 },
		{ "3-3", 4, 1, 8 }, { "1,1,1", 2, 1, 8 }, { "0-4,2-6", 7, 7, 8 },
		{ "007", 8, 1, 8 }, { "0,8191", 8192, 2, 1024 },
	};
	static const char *const bad[] = {
		"", ",", "0,", ",0", "0,,1", "-", "-1", "0-", "3-1", "0-3-5", "8192", "0-8192",
		"99999999999999999999", "4294967296", " 0", "0 ", "0\n", "0 1", "0;1", "a", "0-a",
		"0x1", "all", "0-31:1/2", "+1", "0--1", "1.5", "^1",
	};
	struct cpu_list list;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		unsigned count = 0;

		if (cpu_list_parse(good[i].text, &list, &e))
			fail_msg("refused: %s", e.text);
		for (unsigned k = 0; k < CPU_LIST_MAX; k++)
			count += cpu_list_has(&list, k);
		if (list.end != good[i].end || count != good[i].count ||
		    cpu_list_bytes(&list) != good[i].bytes)
			fail_msg("\"%s\": end %u, %u numbers", good[i].text, list.end, count);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!cpu_list_parse(bad[i], &list, &e))
			fail_msg("accepted: \"%s\"", bad[i]);
	assert_int_equal(cpu_list_parse("0-3,7", &list, &e), 0);
	assert_true(cpu_list_has(&list, 7) && !cpu_list_has(&list, 6) && !cpu_list_has(&list, 8));
	assert_int_equal(list.bits[0], 0x8f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users),
		cmocka_unit_test(signals),
		cmocka_unit_test(cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
