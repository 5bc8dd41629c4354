/* test_carriers.c - connections in full flow change the process that carries them, there and back,
 * and nobody at their ends notices; processes without a jail, which tests/system/gate_carriers.sh
 * has. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/carrier.h"
#include "gate/carriers.h"
#include "gate/pipes.h"
#include "gate/rate.h"
#include "gate/relay.h"
#include "lib/err.h"

enum { LONG_BYTES = 3 * BULK_FROM_BYTES + 7, PIECE_BYTES = 65536, SLOW_MS = 20000 };

static struct loop *loop;
static struct pipes *pipes;
static struct bulk bulk;
static struct carriers *carriers;

static struct {
	struct relay relay;
	uint64_t counts[2];
	struct rate rates[2];
	unsigned taken, back;
	bool is_over;
	void (*on_taken)(void);
} one;

static int ends[4]; /* client, relay's two, container */
static pid_t players[2], *carrier_pid;

static void no_jail(void)
{
	*carrier_pid = getpid();
}

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 65537);
}

static void make_tcp(int pair[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(at);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(pair[0], (struct sockaddr *)&at, sizeof(at)), 0);
	pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair[1] >= 0);
	close(listener);
}

/* One end's side of the connection, in a child; 0 is what it should come to. */
static pid_t play(int own, int (*part)(int fd))
{
	pid_t pid = fork();
	int i;

	if (pid)
		return pid;
	alarm(60);
	for (i = 0; i < 4; i++)
		if (i != own)
			close(ends[i]);
	_exit(part(ends[own]));
}

static int say(int fd, size_t from, size_t to)
{
	static uint8_t piece[PIECE_BYTES];
	size_t size, i;
	ssize_t n;

	for (; from < to; from += (size_t)n) {
		size = to - from < sizeof(piece) ? to - from : sizeof(piece);
		for (i = 0; i < size; i++)
			piece[i] = byte_at(from + i);
		if ((n = write(fd, piece, size)) <= 0)
			return -1;
	}
	return 0;
}

static int hear(int fd, size_t from, size_t to)
{
	static uint8_t piece[PIECE_BYTES];
	size_t size;
	ssize_t n, i;

	while (from < to) {
		size = to - from < sizeof(piece) ? to - from : sizeof(piece);
		if ((n = read(fd, piece, size)) <= 0)
			return -1;
		for (i = 0; i < n; i++)
			if (piece[i] != byte_at(from++))
				return -1;
	}
	return 0;
}

/* A long request, an answer of one byte, and a little more; then an orderly end of both. */
static int client_talks(int fd)
{
	char answer;

	if (say(fd, 0, LONG_BYTES) < 0 || read(fd, &answer, 1) != 1 || answer != 'k')
		return 1;
	if (say(fd, LONG_BYTES, LONG_BYTES + 3) < 0)
		return 2;
	shutdown(fd, SHUT_WR);
	return read(fd, &answer, 1) == 0 ? 0 : 3;
}

static int container_talks(int fd)
{
	char more;

	if (hear(fd, 0, LONG_BYTES) < 0 || write(fd, "k", 1) != 1)
		return 1;
	if (hear(fd, LONG_BYTES, LONG_BYTES + 3) < 0)
		return 2;
	return read(fd, &more, 1) == 0 ? 0 : 3;
}

/* Until it is cut off. */
static int says_on(int fd)
{
	size_t at = 0;

	while (say(fd, at, at + PIECE_BYTES) == 0)
		at += PIECE_BYTES;
	return errno == ECONNRESET || errno == EPIPE ? 0 : 1;
}

static int hears_on(int fd)
{
	static char piece[PIECE_BYTES];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		;
	return n < 0 && errno == ECONNRESET ? 0 : 1;
}

static void on_end(struct relay *r)
{
	(void)r;
	one.is_over = true;
	loop_stop(loop);
}

static void on_empty(struct relay *r)
{
	one.back = one.taken;
	if (!relay_flows(r))
		return;
	carriers_take(carriers, r);
	one.taken += r->released;
	if (r->released && one.on_taken)
		one.on_taken();
}

static void start(int (*client)(int fd), int (*container)(int fd))
{
	const struct relay_setup setup = {
		.loop = loop,
		.pipes = pipes,
		.bulk = &bulk,
		.fds = { ends[1], ends[2] },
		.counters = { &one.counts[0], &one.counts[1] },
		.rates = { &one.rates[0], &one.rates[1] },
		.on_end = on_end,
		.on_empty = on_empty,
	};
	struct err e;

	players[0] = play(0, client);
	players[1] = play(3, container);
	close(ends[0]);
	close(ends[3]);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	fcntl(ends[2], F_SETFL, O_NONBLOCK);
	assert_int_equal(relay_start(&one.relay, &setup, &e), 0);
	assert_int_equal(loop_run(loop, &e), 0);
}

static void both_are_content(void)
{
	int i, status;

	for (i = 0; i < 2; i++) {
		assert_int_equal(waitpid(players[i], &status, 0), players[i]);
		assert_int_equal(status, 0);
	}
}

static void another(void)
{
	memset(&one, 0, sizeof(one));
	make_tcp(&ends[0]);
	make_tcp(&ends[2]);
}

static int set_up(void **state)
{
	struct err e;

	(void)state;
	carriers = carriers_create(1, no_jail);
	loop = loop_create(&e);
	pipes = pipes_create();
	bulk_init(&bulk, loop, 1);
	carriers_serve(carriers, loop);
	another();
	return loop ? 0 : -1;
}

/* Without its gateway a carrier ends. */
static int tear_down(void **state)
{
	(void)state;
	carriers_destroy(carriers);
	while (wait(NULL) > 0)
		;
	pipes_destroy(pipes);
	loop_destroy(loop);
	return 0;
}

static void there_and_back(void **state)
{
	(void)state;
	start(client_talks, container_talks);
	both_are_content();
	assert_true(one.taken >= 1);
	/* The answer ended the flow, and what followed came by this process again. */
	assert_int_equal(one.back, one.taken);
	assert_false(one.relay.was_reset);
	assert_int_equal(one.counts[0], LONG_BYTES + 3);
	assert_int_equal(one.counts[1], 1);
}

static int client_says_all(int fd)
{
	char more;

	if (say(fd, 0, LONG_BYTES) < 0)
		return 1;
	shutdown(fd, SHUT_WR);
	return read(fd, &more, 1) == 0 ? 0 : 2;
}

static int container_hears_all(int fd)
{
	char more;

	return hear(fd, 0, LONG_BYTES) == 0 && read(fd, &more, 1) == 0 ? 0 : 1;
}

static int client_hears_all(int fd)
{
	shutdown(fd, SHUT_WR);
	return container_hears_all(fd);
}

static int container_says_all(int fd)
{
	char more;

	return read(fd, &more, 1) == 0 && say(fd, 0, LONG_BYTES) == 0 ? 0 : 1;
}

/* Wherever the end finds it. */
static void ends_in_order(void **state)
{
	(void)state;
	start(client_says_all, container_hears_all);
	both_are_content();
	assert_true(one.taken >= 1);
	assert_false(one.relay.was_reset);
	assert_int_equal(one.counts[0], LONG_BYTES);
}

/* What one direction has said for good is known to whoever carries on. */
static void half_closed(void **state)
{
	(void)state;
	start(client_hears_all, container_says_all);
	both_are_content();
	assert_true(one.taken >= 1);
	assert_false(one.relay.was_reset);
	assert_int_equal(one.counts[1], LONG_BYTES);
}

static void limit(void)
{
	one.rates[0].bytes_per_s = 64 * 1024 * 1024;
	carriers_rates_changed(carriers);
}

static void stop_when_back(struct loop_timer *timer)
{
	if (one.taken > 0 && !one.relay.released)
		loop_stop(loop);
	else
		loop_timer_set(loop, timer, 1);
}

/* Somebody pays from now on: it is here again, and stays. */
static void limited_comes_back(void **state)
{
	struct loop_timer look = { .on_time = stop_when_back };

	(void)state;
	one.on_taken = limit;
	loop_timer_set(loop, &look, 1);
	start(says_on, hears_on);
	assert_false(one.is_over);
	assert_int_equal(one.taken, 1);
	relay_abort(&one.relay);
	both_are_content();
}

static int floods(int fd)
{
	static char piece[16 * PIECE_BYTES];

	while (write(fd, piece, sizeof(piece)) > 0)
		;
	return errno == ECONNRESET || errno == EPIPE ? 0 : 1;
}

/* So that whoever carries has more than this reader takes, all the time. */
static int hears_slowly(int fd)
{
	static char piece[PIECE_BYTES];
	size_t count = 0;
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		if ((count += (size_t)n) > 2 * BULK_FROM_BYTES)
			usleep(20);
	return n < 0 && errno == ECONNRESET ? 0 : 1;
}

static void stop_in_any_case(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

/* From then on it is a matter of time. */
static struct loop_timer patience = { .on_time = stop_in_any_case };

/* While it is slow for a moment only: on a busy machine its flow may be found to have ended. */
static void limit_when_slow(struct loop_timer *timer)
{
	carriers_count(carriers);
	if (one.relay.released && one.counts[0] > 2 * BULK_FROM_BYTES + 16 * PIECE_BYTES) {
		limit();
		loop_timer_set(loop, &patience, SLOW_MS);
	} else if (one.counts[0] > 8 * BULK_FROM_BYTES) {
		loop_stop(loop);
	} else {
		loop_timer_set(loop, timer, 1);
	}
}

static void stop_when_limited(struct loop_timer *timer)
{
	if (one.rates[0].bytes_per_s > 0 && !one.relay.released)
		loop_stop(loop);
	else
		loop_timer_set(loop, timer, 1);
}

/* Also one that is never empty by itself, since its reader is slower than its sender. Where its
 * flow was found to have ended before, it is not about that, and another one is tried. */
static void slow_one_comes_back(void **state)
{
	struct loop_timer limits = { .on_time = limit_when_slow };
	struct loop_timer looks = { .on_time = stop_when_limited };
	int tries = 0;

	(void)state;
	do {
		if (tries > 0) {
			another();
		}
		loop_timer_set(loop, &limits, 1);
		loop_timer_set(loop, &looks, 1);
		start(floods, hears_slowly);
		assert_false(one.relay.released);
		assert_false(one.is_over);
		loop_timer_off(&limits);
		loop_timer_off(&looks);
		loop_timer_off(&patience);
		relay_abort(&one.relay);
		both_are_content();
	} while (one.rates[0].bytes_per_s == 0 && ++tries < 10);
	assert_true(tries < 10);
}

static void stop(void)
{
	loop_stop(loop);
}

/* Its owner has enough of it while another process has it. */
static void dropped(void **state)
{
	(void)state;
	one.on_taken = stop;
	start(says_on, hears_on);
	assert_true(one.relay.released);
	carriers_drop(carriers, &one.relay);
	relay_abort(&one.relay);
	both_are_content();
	assert_false(one.is_over);
}

static void kill_carrier(void)
{
	kill(*carrier_pid, SIGKILL);
}

/* With a carrier that has more to do when it goes on. */
static void stop_in_the_middle(void)
{
	usleep(20000);
	kill(*carrier_pid, SIGSTOP);
	loop_stop(loop);
}

/* What its carrier moved until it heard of that is not the next one's. */
static void dropped_is_not_counted(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		one.on_taken = stop_in_the_middle;
		start(floods, hears_on);
		carriers_drop(carriers, &one.relay);
		relay_abort(&one.relay);
		kill(*carrier_pid, SIGCONT);
		both_are_content();
		another();
		start(client_says_all, container_hears_all);
		both_are_content();
		assert_true(one.taken >= 1);
		assert_int_equal(one.counts[0], LONG_BYTES);
		another();
	}
	for (i = 0; i < 4; i++)
		close(ends[i]);
}

/* No end that looks like one in order: bytes are lost. What comes after is carried here. */
static void carrier_dies(void **state)
{
	(void)state;
	one.on_taken = kill_carrier;
	start(says_on, hears_on);
	assert_true(one.is_over && one.relay.was_reset);
	both_are_content();
	another();
	start(client_talks, container_talks);
	both_are_content();
	assert_int_equal(one.taken, 0);
	assert_int_equal(one.counts[0], LONG_BYTES + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limited_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(slow_one_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dropped_is_not_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(carrier_dies, set_up, tear_down),
	};

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	carrier_pid = mmap(NULL, sizeof(*carrier_pid), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
