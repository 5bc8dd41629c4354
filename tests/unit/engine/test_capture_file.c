/* test_capture_file.c - what a pcap file has of packets that come from a socket: whole ones, up to
 * its bound. A pair of datagram sockets stands for the packet socket. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/capture_file.h"
#include "lib/err.h"
#include "lib/fs.h"

enum { HEAD = 24, RECORD = 16, LINK = 20, FILE_MAX = 1 << 20 };

static char folder[] = "/tmp/capture.XXXXXX";
static int dir_fd, ends[2];
static uint8_t in[FILE_MAX];

static int set_up(void **state)
{
	(void)state;
	dir_fd = mkdtemp(folder) ? open(folder, O_DIRECTORY | O_CLOEXEC) : -1;
	return dir_fd < 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlinkat(dir_fd, "c.pcap", 0);
	close(ends[0]);
	close(ends[1]);
	close(dir_fd);
	return rmdir(folder);
}

static size_t written(void)
{
	int fd = openat(dir_fd, "c.pcap", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, in, sizeof(in));

	close(fd);
	assert_true(n >= 0);
	return (size_t)n;
}

static uint32_t number_at(size_t at)
{
	uint32_t n;

	memcpy(&n, in + at, sizeof(n));
	return n;
}

static void send_packet(size_t size)
{
	static uint8_t packet[FILE_MAX];

	memset(packet, (int)size, size);
	assert_int_equal(send(ends[1], packet, size, 0), size);
}

static void whole_packets(void **state)
{
	static const size_t sizes[] = { 1, 60, 1500, 65535 };
	struct capture_file *c;
	size_t at = HEAD;
	struct err e;

	(void)state;
	c = capture_file_create(dir_fd, "c.pcap", FILE_MAX, &e);
	assert_non_null(c);
	assert_int_equal(written(), HEAD);
	assert_memory_equal(in, "\x4d\x3c\xb2\xa1\2\0\4\0", 8);
	assert_int_equal(number_at(20), 276);
	assert_int_equal(capture_file_take(c, ends[0], &e), 0);
	assert_int_equal(written(), HEAD);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++)
		send_packet(sizes[k]);
	assert_int_equal(capture_file_take(c, ends[0], &e), 0);
	assert_false(capture_file_is_full(c));
	assert_int_equal(capture_file_packets(c), 4);
	assert_int_equal(capture_file_bytes(c), written());
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		assert_int_equal(number_at(at + 8), LINK + sizes[k]);
		assert_int_equal(number_at(at + 12), LINK + sizes[k]);
		at += RECORD + LINK;
		for (size_t i = 0; i < sizes[k]; i++)
			assert_int_equal(in[at + i], (uint8_t)sizes[k]);
		at += sizes[k];
	}
	assert_int_equal(at, written());
	capture_file_destroy(c);
}

static void bound(void **state)
{
	const size_t two = HEAD + 2 * (RECORD + LINK + 100);
	static const struct {
		int more;
		size_t packets;
	} cases[] = { { -1, 1 }, { 0, 2 }, { 1, 2 } };

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct err e;
		struct capture_file *c = capture_file_create(dir_fd, "c.pcap",
							     two + (size_t)cases[k].more, &e);

		assert_non_null(c);
		for (size_t i = 0; i < cases[k].packets; i++)
			send_packet(100);
		assert_int_equal(capture_file_take(c, ends[0], &e), 0);
		assert_false(capture_file_is_full(c));
		send_packet(100);
		assert_int_equal(capture_file_take(c, ends[0], &e), 0);
		assert_true(capture_file_is_full(c));
		assert_int_equal(capture_file_packets(c), cases[k].packets);
		assert_int_equal(written(), HEAD + cases[k].packets * (RECORD + LINK + 100));
		assert_int_equal(capture_file_bytes(c), written());
		capture_file_destroy(c);
	}
}

static void broken_socket(void **state)
{
	struct err e;
	struct capture_file *c = capture_file_create(dir_fd, "c.pcap", FILE_MAX, &e);

	(void)state;
	assert_non_null(c);
	assert_int_equal(capture_file_take(c, dir_fd, &e), -1);
	assert_non_null(strstr(e.text, "read the container's packets"));
	assert_int_equal(written(), HEAD);
	capture_file_destroy(c);
	assert_null(capture_file_create(-1, "c.pcap", FILE_MAX, &e));
}

/* RLIMIT_FSIZE stands for the disk: 0 bytes fit, then the head does and no packet. */
static void no_room(void **state)
{
	struct rlimit before, none;
	struct capture_file *c;
	struct err e;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	c = capture_file_create(dir_fd, "c.pcap", FILE_MAX, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_null(c);
	assert_int_equal(faccessat(dir_fd, "c.pcap", F_OK, 0), -1);
	c = capture_file_create(dir_fd, "c.pcap", FILE_MAX, &e);
	assert_non_null(c);
	send_packet(100);
	none.rlim_cur = HEAD;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(capture_file_take(c, ends[0], &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(capture_file_packets(c), 0);
	assert_int_equal(written(), HEAD);
	capture_file_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_packets),
		cmocka_unit_test(bound),
		cmocka_unit_test(broken_socket),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests_name("capture_file", tests, set_up, tear_down);
}
