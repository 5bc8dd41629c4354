/* test_msg.c - messages arrive as they were sent, wrong ones are errors, and no fd leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"

static int ends[2];
static struct msg out, in;
static struct err e;

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

static int teardown(void **state)
{
	(void)state;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return 0;
}

static void fields(void **state)
{
	(void)state;
	msg_init(&out, 7);
	msg_put_u64(&out, UINT64_MAX);
	msg_put_str(&out, "name");
	msg_put_str(&out, NULL);
	msg_put_u64(&out, 0);
	assert_int_equal(msg_send(ends[0], &out, &e), 0);
	assert_int_equal(msg_receive(ends[1], &in, &e), 1);
	assert_int_equal(in.type, 7);
	assert_true(msg_get_u64(&in) == UINT64_MAX);
	assert_string_equal(msg_get_str(&in), "name");
	assert_int_equal(msg_end(&in, &e), -1);
	assert_string_equal(msg_get_str(&in), "");
	assert_true(msg_get_u64(&in) == 0);
	assert_int_equal(msg_end(&in, &e), 0);
	assert_true(msg_get_u64(&in) == 0);
	assert_int_equal(msg_end(&in, &e), -1);
	msg_finish(&in);
}

static void wrong_order_is_an_error(void **state)
{
	(void)state;
	msg_init(&out, 1);
	msg_put_u64(&out, 5);
	msg_put_str(&out, "x");
	out.at = 0;
	assert_string_equal(msg_get_str(&out), "");
	/* And stays one: later fields give nothing either. */
	assert_true(msg_get_u64(&out) == 0);
	assert_int_equal(msg_end(&out, &e), -1);
}

static void nothing_and_nobody(void **state)
{
	(void)state;
	assert_int_equal(msg_receive(ends[1], &in, &e), -1);
	assert_int_equal(e.number, EAGAIN);
	fd_close(&ends[0]);
	assert_int_equal(msg_receive(ends[1], &in, &e), 0);
	msg_init(&out, 1);
	assert_int_equal(msg_send(ends[1], &out, &e), -1);
	assert_int_equal(e.number, EPIPE);
}

static void full_socket(void **state)
{
	int i;

	(void)state;
	msg_init(&out, 1);
	for (i = 0; i < 100000 && msg_send(ends[0], &out, &e) == 0; i++)
		;
	assert_true(i < 100000);
	assert_int_equal(e.number, EAGAIN);
}

static void passed_files(void **state)
{
	int before, fd = open("/dev/null", O_RDONLY), taken;

	(void)state;
	before = count_fds();
	msg_init(&out, 1);
	msg_put_fd(&out, fd);
	msg_put_fd(&out, ends[0]);
	assert_int_equal(msg_send(ends[0], &out, &e), 0);
	msg_finish(&out); /* they were borrowed */
	assert_int_equal(count_fds(), before);
	assert_int_equal(msg_receive(ends[1], &in, &e), 1);
	assert_int_equal(in.fd_count, 2);
	assert_int_equal(count_fds(), before + 2);
	taken = msg_take_fd(&in);
	assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
	msg_finish(&in);
	assert_int_equal(msg_take_fd(&in), -1);
	assert_int_equal(count_fds(), before + 1);
	fd_close(&taken);
	fd_close(&fd);
}

static void bounds_when_writing(void **state)
{
	static char text[MSG_BYTES_MAX];
	int i;

	(void)state;
	memset(text, 't', sizeof(text) - 1);
	msg_init(&out, 1);
	msg_put_str(&out, text);
	assert_true(out.broken);
	assert_int_equal(msg_send(ends[0], &out, &e), -1);
	assert_int_equal(e.number, EMSGSIZE);
	text[MSG_BYTES_MAX - 6] = '\0'; /* kind 1, size 4, text and its NUL */
	msg_init(&out, 1);
	msg_put_str(&out, text);
	assert_int_equal(out.size_bytes, MSG_BYTES_MAX);
	assert_int_equal(msg_send(ends[0], &out, &e), 0);
	assert_int_equal(msg_receive(ends[1], &in, &e), 1);
	assert_string_equal(msg_get_str(&in), text);
	assert_int_equal(msg_end(&in, &e), 0);
	msg_init(&out, 1);
	for (i = 0; i <= MSG_FDS_MAX; i++)
		msg_put_fd(&out, ends[0]);
	assert_int_equal(msg_send(ends[0], &out, &e), -1);
}

/* Sends what msg_send never would. */
static void send_raw(const void *data, size_t size, int fd_count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * 32)];
	} control = { 0 };
	struct iovec part = { (void *)(uintptr_t)data, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *c;
	int i;

	if (fd_count > 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
		for (i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &ends[0], sizeof(int));
	}
	assert_int_equal(sendmsg(ends[0], &header, 0), size);
}

static void hostile_messages(void **state)
{
	static const char big[MSG_BYTES_MAX + 5];
	static const struct {
		size_t size;
		int fd_count, result;
	} cases[] = {
		{ 3, 0, -1 },
		{ 3, 2, -1 },
		{ 0, 2, 0 },
		{ 4, MSG_FDS_MAX, 1 },
		{ 4, 9, -1 },
		{ 4, 10, -1 },
		{ 4, 32, -1 },
		{ MSG_BYTES_MAX + 4, 1, 1 },
		{ MSG_BYTES_MAX + 5, 1, -1 },
	};
	int before = count_fds();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		send_raw(big, cases[i].size, cases[i].fd_count);
		assert_int_equal(msg_receive(ends[1], &in, &e), cases[i].result);
		if (cases[i].result == 1)
			assert_int_equal(count_fds(), before + cases[i].fd_count);
		msg_finish(&in);
		assert_int_equal(count_fds(), before);
	}
}

static void hostile_fields(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{ "\0\0\0\0s", 5 },
		{ "\0\0\0\0s\x02\0\0", 8 },
		{ "\0\0\0\0s\0\0\0\0", 9 },	 /* no room for the NUL */
		{ "\0\0\0\0s\x02\0\0\0ab", 11 }, /* no NUL */
		{ "\0\0\0\0s\x03\0\0\0a\0b", 12 },
		{ "\0\0\0\0s\x03\0\0\0a\0\0", 12 }, /* a NUL inside */
		{ "\0\0\0\0s\xff\xff\xff\xff"
		  "a\0",
		  11 },
		{ "\0\0\0\0t\x02\0\0\0a\0", 11 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		send_raw(cases[i].bytes, cases[i].size, 0);
		assert_int_equal(msg_receive(ends[1], &in, &e), 1);
		assert_string_equal(msg_get_str(&in), "");
		assert_int_equal(msg_end(&in, &e), -1);
	}
}

#define MSG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MSG_TEST(fields),
		MSG_TEST(wrong_order_is_an_error),
		MSG_TEST(nothing_and_nobody),
		MSG_TEST(full_socket),
		MSG_TEST(passed_files),
		MSG_TEST(bounds_when_writing),
		MSG_TEST(hostile_messages),
		MSG_TEST(hostile_fields),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
