/* test_dbus.c - D-Bus: what we write byte by byte, what we take and refuse, and a bus that behaves
 * badly. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/dbus.h"
#include "box/dbus_reader.h"
#include "box/dbus_writer.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TEXT(bytes) bytes, sizeof(bytes) - 1

static const struct dbus_method get_unit = {
	.path = "/org/freedesktop/systemd1",
	.interface = "org.freedesktop.systemd1.Manager",
	.member = "GetUnit",
	.signature = "s",
};

/* As systemd 257 has taken it. */
static const char call_bytes[] =
	"l\1\0\1\20\0\0\0\1\0\0\0o\0\0\0"
	"\1\1o\0\31\0\0\0/org/freedesktop/systemd1\0\0\0\0\0\0\0"
	"\2\1s\0 \0\0\0org.freedesktop.systemd1.Manager\0\0\0\0\0\0\0\0"
	"\3\1s\0\7\0\0\0GetUnit\0\10\1g\0\1s\0\0"
	"\v\0\0\0t-web.scope\0";

/* As systemd 257 has sent it. */
static const char error_bytes[] =
	"l\3\1\1!\0\0\0\1\0\0\0g\0\0\0"
	"\5\1u\0\1\0\0\0\4\1s\0#\0\0\0org.freedesktop.systemd1.NoSuchUnit\0\0\0\0\0"
	"\7\1s\0\30\0\0\0org.freedesktop.systemd1\0\0\0\0\0\0\0\0\10\1g\0\1s\0\0"
	"\34\0\0\0Unit t-web.scope not loaded.";

static void calls(void **state)
{
	struct dbus_writer w;
	struct buf out;

	(void)state;
	dbus_writer_init(&w);
	buf_init(&out, 4096);
	dbus_writer_str(&w, "t-web.scope");
	assert_true(dbus_writer_call(&get_unit, 1, &w, &out));
	assert_int_equal(out.size_bytes, sizeof(call_bytes) - 1);
	assert_memory_equal(out.data, call_bytes, out.size_bytes);
	buf_finish(&out);
	buf_init(&out, 100);	/* too small */
	assert_false(dbus_writer_call(&get_unit, 1, &w, &out));
	buf_finish(&out);
	dbus_writer_finish(&w);
}

/* Every kind of value, and where its boundary is. */
static void values(void **state)
{
	static const char want[] = "\1\0\0\0"			/* true */
				   "\0\0\0\0"			/* padding */
				   "\1\2\3\4\5\6\7\10"		/* t */
				   "\2\0\0\0ab\0"		/* s */
				   "\0"				/* padding */
				   "\20\0\0\0\0\0\0\0"		/* length and padding of a(..) */
				   "\1\0\0\0x\0\2ay\0\0\0"	/* s, and v with ay */
				   "\2\0\0\0\5\200"
				   "\0\0\0\0\0\0"		/* an empty a(..), padded */
				   "\0\0\0\0\0\0\0\0";
	static const uint8_t bytes[] = { 5, 0x80 };
	struct dbus_array array;
	struct dbus_writer w;

	(void)state;
	dbus_writer_init(&w);
	dbus_writer_bool(&w, true);
	dbus_writer_u64(&w, 0x0807060504030201);
	dbus_writer_str(&w, "ab");
	array = dbus_writer_begin_array(&w, 8);
	dbus_writer_begin_struct(&w);
	dbus_writer_str(&w, "x");
	dbus_writer_begin_variant(&w, "ay");
	dbus_writer_bytes(&w, bytes, sizeof(bytes));
	dbus_writer_end_array(&w, &array);
	array = dbus_writer_begin_array(&w, 8);
	dbus_writer_end_array(&w, &array);
	assert_int_equal((uint8_t)w.body.data[array.length_at], 0);
	assert_int_equal(array.first_at % 8, 0);
	assert_int_equal(w.body.size_bytes, array.first_at);
	/* The array's own length: from its first struct to its last byte. */
	assert_int_equal((uint8_t)w.body.data[24], 18);
	assert_memory_equal(w.body.data, want, 24);
	assert_memory_equal(w.body.data + 32, want + 32, 18);
	dbus_writer_finish(&w);
}

static void answers(void **state)
{
	struct dbus_message m;
	struct err e;

	(void)state;
	assert_int_equal(dbus_message_bytes((const uint8_t *)error_bytes, &e), sizeof(error_bytes));
	assert_int_equal(dbus_message_read(&m, (const uint8_t *)error_bytes, sizeof(error_bytes),
					   &e),
			 0);
	assert_int_equal(m.type, DBUS_ERROR);
	assert_int_equal(m.reply_serial, 1);
	assert_string_equal(m.error_name, "org.freedesktop.systemd1.NoSuchUnit");
	assert_string_equal(m.sender, "org.freedesktop.systemd1");
	assert_string_equal(m.signature, "s");
	assert_string_equal(dbus_reader_str(&m.body), "Unit t-web.scope not loaded.");
	assert_false(m.body.failed);
	/* There is no more. */
	assert_string_equal(dbus_reader_str(&m.body), "");
	assert_true(m.body.failed);
	assert_int_equal(dbus_reader_u32(&m.body), 0);
}

/* One byte of a good message changed. */
static void hostile(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *sentence;
	} cases[] = {
		{ 0, 'B', "no message of D-Bus" },
		{ 3, 2, "no message of D-Bus" },
		{ 1, 0, "a head that D-Bus does not allow" },		/* no type */
		{ 1, DBUS_SIGNAL, "a head that D-Bus does not allow" },	/* without a path */
		{ 1, DBUS_CALL, "a head that D-Bus does not allow" },
		{ 5, 0xff, "cut off" },					/* a longer body */
		{ 7, 0x80, "longer than 1048576 bytes" },
		{ 15, 0xff, "longer than 1048576 bytes" },
		{ 12, 0x66, "a head that D-Bus does not allow" },	/* fields end in one */
		{ 17, 2, "a head that D-Bus does not allow" },		/* a signature of two */
		{ 18, 'y', "a head that D-Bus does not allow" },
		{ 19, 'x', "a head that D-Bus does not allow" },	/* not closed */
		{ 20, 0, "a head that D-Bus does not allow" },		/* reply to nothing */
		{ 28, 0x22, "a head that D-Bus does not allow" },	/* shorter than its text */
		{ 31, 0xff, "a head that D-Bus does not allow" },	/* 4 GiB */
		{ 40, 0, "a head that D-Bus does not allow" },		/* NUL inside */
		{ 70, 1, "a head that D-Bus does not allow" },		/* padding */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t bytes[sizeof(error_bytes)];
		struct dbus_message m;
		struct err e;

		memcpy(bytes, error_bytes, sizeof(bytes));
		bytes[cases[i].at] = cases[i].byte;
		if (dbus_message_bytes(bytes, &e) == 0 ||
		    dbus_message_read(&m, bytes, sizeof(bytes), &e) < 0) {
			if (!strstr(e.text, cases[i].sentence))
				fail_msg("case %zu: %s", i, e.text);
			continue;
		}
		fail_msg("case %zu was accepted", i);
	}
	/* Every length but its own. */
	for (size_t size = 0; size < sizeof(error_bytes); size++) {
		struct dbus_message m;
		struct err e;

		assert_int_equal(dbus_message_read(&m, (const uint8_t *)error_bytes, size, &e), -1);
	}
}

static void addresses(void **state)
{
	static const struct {
		const char *address, *path;
	} cases[] = {
		{ "unix:path=/run/user/1000/bus", "/run/user/1000/bus" },
		{ "unix:path=/run/bus,guid=0123", "/run/bus" },
		{ "unix:guid=0123,path=/run/bus", "/run/bus" },
		{ "unix:path=/a%20b%2Cc", "/a b,c" },
		{ "unix:abstract=/tmp/dbus-x,guid=1", "@/tmp/dbus-x" },
		{ "tcp:host=x;unix:path=/second", "/second" },
		{ "unixexec:path=/bin/sh", NULL },
		{ "", NULL },
		{ "unix:", NULL },
		{ "unix:path=", NULL },
		{ "unix:tmpdir=/tmp", NULL },
		{ "unix:path=/a%2", NULL },
		{ "unix:path=/a%zz", NULL },
		{ "unix:path=/a%00b", NULL },
		{ ";;;", NULL },
		{ "unix:path=/0123456789012345678901234567890123456789", NULL }, /* too long */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[32] = "";
		bool found = dbus_address_path(cases[i].address, path, sizeof(path));

		if (found != (cases[i].path != NULL) || (found && !str_equal(path, cases[i].path)))
			fail_msg("%s: %s", cases[i].address, found ? path : "no path");
	}
}

/* What a bus says after it has read `reads` bytes, and whether it stays. */
struct behaviour {
	const char *hello;
	const char *bytes;
	size_t size_bytes;
	bool stays;
	const char *sentence;	/* NULL = an answer */
};

static int listen_at(char path[64])
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, 64, "/tmp/test_dbus.%d", (int)getpid());
	unlink(path);
	assert_true(str_copy(a.sun_path, sizeof(a.sun_path), path));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void play(int listen_fd, const struct behaviour *b)
{
	int fd = accept(listen_fd, NULL, NULL);
	char got[256];

	if (read(fd, got, sizeof(got)) <= 0 || write(fd, b->hello, strlen(b->hello)) < 0)
		_exit(1);
	if (b->size_bytes && (read(fd, got, sizeof(got)) <= 0 ||
			      write(fd, b->bytes, b->size_bytes) < 0))
		_exit(1);
	while (b->stays && read(fd, got, sizeof(got)) > 0)
		;
	_exit(0);
}

static void badly(void **state)
{
	static const char welcome[] = "DATA\r\nOK 0123\r\n";
	static char endless[4096];
	static const struct behaviour cases[] = {
		{ welcome, error_bytes, sizeof(error_bytes), true,
		  "GetUnit: Unit t-web.scope not loaded." },
		{ "OK 0123\n", error_bytes, sizeof(error_bytes), true, "not loaded" },
		{ "REJECTED EXTERNAL\r\n", NULL, 0, true, "does not let this user in" },
		{ "DATA\r\nERROR\r\n", NULL, 0, true, "does not let this user in" },
		{ "DATA\r\nDATA\r\n", NULL, 0, true, "does not let this user in" },
		{ endless, NULL, 0, true, "an endless line" },
		{ "", NULL, 0, true, "does not answer" },
		{ "", NULL, 0, false, "closed the connection" },
		{ "DATA\r\nO", NULL, 0, false, "closed the connection" },
		{ welcome, TEXT("l\2\1\1\0\0\0\0\1\0\0\0"), true, "does not answer" },
		{ welcome, TEXT("l\2\1\1\0\0\0\0\1\0\0\0"), false, "closed the connection" },
		{ welcome, TEXT("HTTP/1.1 400 Bad Request\r\n\r\n"), true, "no message of D-Bus" },
		{ welcome, TEXT("l\2\1\1\0\0\0\177\1\0\0\0\0\0\0\0"), true, "longer than" },
		/* An answer to another call, a signal, and then nothing. */
		{ welcome, TEXT("l\2\1\1\0\0\0\0\1\0\0\0\10\0\0\0\5\1u\0\2\0\0\0"), true,
		  "does not answer" },
		{ welcome, TEXT("l\2\1\1\0\0\0\0\1\0\0\0\10\0\0\0\5\1u\0\1\0\0\0"), true, NULL },
	};

	(void)state;
	memset(endless, 'x', sizeof(endless) - 1);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		struct dbus_writer w;
		struct dbus d;
		char path[64];
		int listen_fd = listen_at(path), failed;
		pid_t child = fork();

		if (child == 0)
			play(listen_fd, &cases[i]);
		close(listen_fd);
		dbus_writer_init(&w);
		dbus_writer_str(&w, "t-web.scope");
		failed = dbus_open(&d, path, 300, &e) || dbus_call(&d, &get_unit, &w, NULL, &e);
		if (!failed != !cases[i].sentence ||
		    (failed && !strstr(e.text, cases[i].sentence)))
			fail_msg("case %zu: %s", i, failed ? e.text : "an answer");
		if (i == 0)
			assert_string_equal(d.error_name, "org.freedesktop.systemd1.NoSuchUnit");
		dbus_close(&d);
		dbus_writer_finish(&w);
		unlink(path);
		waitpid(child, NULL, 0);
	}
}

/* Bytes are there at once, and the time is over: messages without a break end at the deadline. */
static void too_late(void **state)
{
	static const char answer[] = "l\2\1\1\0\0\0\0\1\0\0\0\10\0\0\0\5\1u\0\1\0\0\0";
	static const struct {
		uint64_t deadline_ms;
		int want;
	} cases[] = { { UINT64_MAX, 0 }, { 0, -1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dbus d = { .deadline_ms = cases[i].deadline_ms };
		struct err e = { 0 };
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		d.fd = pair[0];
		assert_int_equal(write(pair[1], answer, sizeof(answer) - 1), sizeof(answer) - 1);
		assert_int_equal(dbus_call(&d, &get_unit, NULL, NULL, &e), cases[i].want);
		assert_true(!cases[i].want || strstr(e.text, "does not answer"));
		dbus_close(&d);
		close(pair[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),     cmocka_unit_test(values), cmocka_unit_test(answers),
		cmocka_unit_test(hostile),   cmocka_unit_test(badly),  cmocka_unit_test(addresses),
		cmocka_unit_test(too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
