/* test_relay.c - two connections that become one, and what the pipes between them may hold. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/pipes.h"
#include "gate/rate.h"
#include "gate/relay.h"
#include "lib/err.h"
#include "lib/time.h"

enum { LONG_BYTES = 3 * 1024 * 1024 + 7 };

static struct loop *loop;

static void stop(struct relay *r)
{
	(void)r;
	loop_stop(loop);
}

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 65537);
}

static void fill(uint8_t *bytes)
{
	size_t i;

	for (i = 0; i < LONG_BYTES; i++)
		bytes[i] = byte_at(i);
}

static void say_all(int fd)
{
	uint8_t *bytes = malloc(LONG_BYTES);
	size_t at = 0;
	ssize_t n;

	if (!bytes)
		_exit(1);
	fill(bytes);
	for (; at < LONG_BYTES; at += (size_t)n)
		if ((n = write(fd, bytes + at, LONG_BYTES - at)) <= 0)
			_exit(2);
	shutdown(fd, SHUT_WR);
	_exit(read(fd, bytes, 1) == 0 ? 0 : 3);
}

/* All of it, in its order, then the end. */
static void hear_all(int fd)
{
	uint8_t bytes[8192];
	size_t at = 0;
	ssize_t n, i;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		for (i = 0; i < n; i++)
			if (bytes[i] != byte_at(at++))
				_exit(2);
	_exit(n == 0 && at == LONG_BYTES ? 0 : 3);
}

static void child(const int *all, int own, void (*duty)(int fd))
{
	int i;

	if (fork())
		return;
	alarm(60);
	for (i = 0; i < 4; i++)
		if (all[i] != own)
			close(all[i]);
	duty(own);
}

/* More than a pipe holds and a socket takes at once. */
static void passes_all(void **state)
{
	uint64_t counts[2] = { 0 };
	struct relay_setup setup = { .counters = { &counts[0], &counts[1] }, .on_end = stop };
	struct pipes *pipes = pipes_create();
	struct bulk bulk;
	struct relay r;
	struct err e;
	int fds[4], status, i;

	(void)state;
	assert_non_null(loop = loop_create(&e));
	bulk_init(&bulk, loop, 1);
	for (i = 0; i < 4; i += 2)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds + i), 0);
	child(fds, fds[0], say_all);
	child(fds, fds[3], hear_all);
	close(fds[0]);
	close(fds[3]);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	fcntl(fds[2], F_SETFL, O_NONBLOCK);
	setup.loop = loop;
	setup.pipes = pipes;
	setup.bulk = &bulk;
	setup.fds[0] = fds[1];
	setup.fds[1] = fds[2];
	assert_int_equal(relay_start(&r, &setup, &e), 0);
	assert_int_equal(loop_run(loop, &e), 0);
	for (i = 0; i < 2; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(counts[0], LONG_BYTES);
	assert_int_equal(counts[1], 0);
	pipes_destroy(pipes);
	loop_destroy(loop);
}

static void stop_once(struct relay *r)
{
	r->on_empty = NULL;
	loop_stop(r->loop);
}

/* Where others wait for their turn, one in full flow has no more of it than a pipe. */
static void has_its_turn(void **state)
{
	static char bytes[2 * PIPE_FEW_BYTES];
	uint64_t counts[2] = { 0 };
	struct relay_setup setup = { .counters = { &counts[0], &counts[1] },
				     .on_empty = stop_once,
				     .state = { .flows = { true } } };
	struct pipe *held[PIPES_LARGE];
	struct bulk bulk;
	struct relay r;
	struct err e;
	int fds[4], i;

	(void)state;
	assert_non_null(setup.loop = loop_create(&e));
	setup.pipes = pipes_create();
	setup.bulk = &bulk;
	bulk_init(&bulk, setup.loop, 1);
	for (i = 0; i < PIPES_LARGE; i++)
		assert_non_null(held[i] = pipes_take(setup.pipes));
	for (i = 0; i < 4; i += 2)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
					    fds + i),
				 0);
	assert_int_equal(write(fds[0], bytes, sizeof(bytes)), sizeof(bytes));
	setup.fds[0] = fds[1];
	setup.fds[1] = fds[2];
	assert_int_equal(relay_start(&r, &setup, &e), 0);
	assert_int_equal(loop_run(setup.loop, &e), 0);
	assert_int_equal(counts[0], PIPE_FEW_BYTES);
	/* Then it goes on, as it does where there is nobody else. */
	bulk.rounds = BULK_ROUNDS;
	r.on_empty = stop_once;
	assert_int_equal(write(fds[0], bytes, PIPE_FEW_BYTES), PIPE_FEW_BYTES);
	while (read(fds[3], bytes, sizeof(bytes)) > 0)
		;
	assert_int_equal(loop_run(setup.loop, &e), 0);
	assert_int_equal(counts[0], 3 * PIPE_FEW_BYTES);
	relay_abort(&r);
	for (i = 0; i < PIPES_LARGE; i++)
		pipes_give(setup.pipes, held[i]);
	close(fds[0]);
	close(fds[3]);
	pipes_destroy(setup.pipes);
	loop_destroy(setup.loop);
}

static void on_heard(struct loop_source *source, unsigned events)
{
	char byte;

	(void)events;
	if (read(source->fd, &byte, 1) == 1)
		loop_stop(source->loop);
}

/* Who waits for long learns that the rate is another one. */
static void asks_again(void **state)
{
	uint64_t counts[2] = { 0 };
	struct rate rate;
	struct relay_setup setup = { .counters = { &counts[0], &counts[1] },
				     .rates = { &rate } };
	struct loop_source heard = { .on_event = on_heard };
	struct bulk bulk;
	struct relay r;
	struct err e;
	int fds[4], i;

	(void)state;
	rate_init(&rate, 8, time_boot_ns());
	rate_spend(&rate, RATE_PORTS, &(struct rate_turn){ 0 }, LONG_BYTES, time_boot_ns());
	assert_non_null(setup.loop = loop_create(&e));
	setup.pipes = pipes_create();
	setup.bulk = &bulk;
	bulk_init(&bulk, setup.loop, 1);
	for (i = 0; i < 4; i += 2)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
					    fds + i),
				 0);
	setup.fds[0] = fds[1];
	setup.fds[1] = fds[2];
	heard.fd = fds[3];
	assert_int_equal(loop_add(setup.loop, &heard, LOOP_READ, &e), 0);
	assert_int_equal(write(fds[0], "a", 1), 1);
	assert_int_equal(relay_start(&r, &setup, &e), 0);
	assert_int_equal(loop_run(setup.loop, &e), 0);
	assert_int_equal(counts[0], 1);
	assert_non_null(r.ways[0].pause.loop);
	rate_change(&rate, 0, time_boot_ns());
	assert_int_equal(write(fds[0], "b", 1), 1);
	assert_int_equal(loop_run(setup.loop, &e), 0);
	assert_int_equal(counts[0], 2);
	loop_remove(&heard);
	relay_abort(&r);
	close(fds[0]);
	close(fds[3]);
	pipes_destroy(setup.pipes);
	loop_destroy(setup.loop);
}

/* The first ones have the most room, and many who hold one get a smaller share each. */
static void shares(void **state)
{
	struct pipes *ps = pipes_create();
	struct pipe *held[PIPES_LARGE + 1];
	int i;

	(void)state;
	for (i = 0; i <= PIPES_LARGE; i++)
		assert_non_null(held[i] = pipes_take(ps));
	assert_int_equal(held[0]->bytes, PIPE_BULK_BYTES);
	assert_int_equal(fcntl(held[0]->write_fd, F_GETPIPE_SZ), PIPE_BULK_BYTES);
	assert_int_equal(held[PIPES_BULK - 1]->bytes, PIPE_BULK_BYTES);
	assert_int_equal(held[PIPES_BULK]->bytes, PIPE_BYTES);
	assert_int_equal(fcntl(held[PIPES_BULK]->write_fd, F_GETPIPE_SZ), PIPE_BYTES);
	assert_int_equal(held[PIPES_LARGE - 1]->bytes, PIPE_BYTES);
	assert_int_equal(held[PIPES_LARGE]->bytes, PIPE_FEW_BYTES);
	pipes_give(ps, held[0]);
	pipes_drop(ps, held[1]);
	assert_int_equal((held[0] = pipes_take(ps))->bytes, PIPE_BULK_BYTES);
	assert_int_equal((held[1] = pipes_take(ps))->bytes, PIPE_FEW_BYTES);
	/* In the place of the one that was dropped. */
	assert_int_equal(held[1]->room, PIPE_BULK_BYTES);
	for (i = 0; i <= PIPES_LARGE; i++)
		pipes_give(ps, held[i]);
	pipes_destroy(ps);
}

/* However many were in use: at rest it keeps little of what its user may have. Whichever it kept,
 * it comes to large ones again. */
static void keeps_few(void **state)
{
	enum { COUNT = PIPES_BULK + PIPES_KEPT };
	struct pipes *ps = pipes_create();
	struct pipe *held[COUNT];
	int fds[COUNT], i, size, room = 0;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		assert_non_null(held[i] = pipes_take(ps));
		fds[i] = held[i]->write_fd;
	}
	for (i = 0; i < COUNT; i++)
		pipes_give(ps, held[i]);
	for (i = 0; i < COUNT; i++)
		if ((size = fcntl(fds[i], F_GETPIPE_SZ)) > 0)
			room += size;
	assert_int_equal(room, PIPES_KEPT * PIPE_BULK_BYTES);
	for (i = 0; i < COUNT; i++)
		assert_non_null(held[i] = pipes_take(ps));
	for (i = COUNT - 1; i >= 0; i--)
		pipes_give(ps, held[i]);
	for (i = 0; i < PIPES_KEPT; i++)
		pipes_give(ps, pipes_take(ps));
	assert_int_equal((held[0] = pipes_take(ps))->bytes, PIPE_BULK_BYTES);
	fds[0] = held[0]->write_fd;
	pipes_give(ps, held[0]);
	pipes_rest(ps);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	pipes_destroy(ps);
}

static void is_unpaced(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[16] = "";
	socklen_t size = sizeof(name);

	(void)state;
	relay_unpaced(fd);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
	assert_string_equal(name, "reno");
	close(fd);
}

int main(void)
{
	const struct rlimit files = { 2 * PIPES_LARGE + 64, 2 * PIPES_LARGE + 64 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_all),
		cmocka_unit_test(has_its_turn),
		cmocka_unit_test(asks_again),
		cmocka_unit_test(shares),
		cmocka_unit_test(keeps_few),
		cmocka_unit_test(is_unpaced),
	};

	alarm(60);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
