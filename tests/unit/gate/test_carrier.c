/* test_carrier.c - what a gateway and its carrier say to each other, and what neither believes. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/carrier.h"
#include "gate/carriers.h"
#include "gate/pipes.h"
#include "gate/relay.h"
#include "lib/err.h"
#include "lib/msg.h"

enum { CHANNEL_FD = 3 }; /* of carriers.c */

static struct loop *loop;
static struct pipes *pipes;
static struct bulk bulk;
static struct carriers *carriers;
static unsigned options_set;

struct answer {
	uint32_t type;
	uint64_t slot, state;
	bool with_fd;
};

/* A carrier that this test plays, in memory that both see. */
static struct {
	pid_t pid;
	bool ready;
	struct answer answer;
} *fake;

static struct relay one;
static uint64_t counted[2];
static unsigned ended, until; /* so many have */

/* The C library's, and counted. */
int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	options_set++;
	return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

static void no_jail(void)
{
}

/* What is no message, or none of these, ends the carrier and changes nothing else. */
static void refuses_nonsense(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t slot;
	} said[] = {
		{ 0, 0 },	       { CARRIER_BACK, 0 },   { CARRIER_OVER, 0 },
		{ CARRIER_CARRY, 0 },  { UINT32_MAX, 0 },     { CARRIER_CARRY, CARRIER_SLOTS },
		{ CARRIER_DROP, CARRIER_SLOTS }, { CARRIER_WANTED, UINT64_MAX },
	};
	static struct carrier_count counts[CARRIER_SLOTS];
	struct err e;
	struct msg m;
	size_t i;
	int pair[2];

	(void)state;
	for (i = 0; i < sizeof(said) / sizeof(*said); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		msg_init(&m, said[i].type);
		msg_put_u64(&m, said[i].slot);
		msg_put_u64(&m, 0);
		assert_int_equal(msg_send(pair[0], &m, &e), 0);
		assert_int_equal(carrier_run(pair[1], counts, no_jail, &e), -1);
		close(pair[0]);
		close(pair[1]);
	}
	/* Of a free slot: its answer is on the way. And the end is one in order. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	msg_init(&m, CARRIER_WANTED);
	msg_put_u64(&m, 0);
	msg_put_u64(&m, 0);
	assert_int_equal(msg_send(pair[0], &m, &e), 0);
	close(pair[0]);
	assert_int_equal(carrier_run(pair[1], counts, no_jail, &e), 0);
	close(pair[1]);
}

/* It was killed while it was being answered: no failure of the carrier's. What epoll does not watch
 * is over at once. */
static void gateway_is_gone(void **state)
{
	static struct carrier_count counts[CARRIER_SLOTS];
	int pair[2], fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err e;
	struct msg m;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	msg_init(&m, CARRIER_CARRY);
	msg_put_u64(&m, 0);
	msg_put_u64(&m, 0);
	msg_put_fd(&m, fd);
	msg_put_fd(&m, fd);
	assert_int_equal(msg_send(pair[0], &m, &e), 0);
	close(pair[0]);
	assert_int_equal(carrier_run(pair[1], counts, no_jail, &e), 0);
	close(pair[1]);
	close(fd);
}

/* In the place of a carrier's jail, and so of all that it does. */
_Noreturn static void answer_wrong(void)
{
	struct err e;
	struct msg m;

	fake->pid = getpid();
	if (msg_receive(CHANNEL_FD, &m, &e) <= 0)
		_exit(1);
	msg_finish(&m);
	msg_init(&m, fake->answer.type);
	msg_put_u64(&m, fake->answer.slot);
	msg_put_u64(&m, fake->answer.state);
	if (fake->answer.with_fd)
		msg_put_fd(&m, CHANNEL_FD);
	msg_send(CHANNEL_FD, &m, &e);
	/* Not because it ended. */
	for (;;)
		pause();
}

_Noreturn static void take_nothing(void)
{
	shutdown(CHANNEL_FD, SHUT_RD);
	fake->pid = getpid();
	__atomic_store_n(&fake->ready, true, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void on_end(struct relay *r)
{
	(void)r;
	if (++ended == until)
		loop_stop(loop);
}

static void on_empty(struct relay *r)
{
	carriers_take(carriers, r);
}

static void begin(void (*carrier)(void))
{
	struct err e;

	fake->ready = false;
	ended = 0;
	until = 1;
	carriers = carriers_create(1, carrier);
	assert_non_null(loop = loop_create(&e));
	pipes = pipes_create();
	bulk_init(&bulk, loop, 1);
	carriers_serve(carriers, loop);
}

/* In full flow, from the second of the fds to the third; to be handed over now. */
static void flow(struct relay *r, const int fds[4])
{
	const struct relay_setup setup = {
		.loop = loop,
		.pipes = pipes,
		.bulk = &bulk,
		.fds = { fds[1], fds[2] },
		.counters = { &counted[0], &counted[1] },
		.on_end = on_end,
		.on_empty = on_empty,
		.state = { .flows = { true } },
	};
	struct err e;

	assert_int_equal(relay_start(r, &setup, &e), 0);
	options_set = 0;
	relay_ask_empty(r);
}

static void make_pairs(int fds[4])
{
	int i;

	for (i = 0; i < 4; i += 2)
		assert_int_equal(socketpair(AF_UNIX,
					    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
					    fds + i),
				 0);
}

static void end(const int fds[4])
{
	close(fds[0]);
	close(fds[3]);
	kill(fake->pid, SIGKILL);
	carriers_destroy(carriers);
	pipes_destroy(pipes);
	loop_destroy(loop);
}

/* Whatever a carrier says that it may not: it is gone, and what it had is reset. */
static void gateway_believes_nothing(void **state)
{
	static const struct answer said[] = {
		{ .type = 0 },
		{ .type = CARRIER_BACK, .slot = 1 },
		{ .type = CARRIER_BACK, .slot = CARRIER_SLOTS },
		{ .type = CARRIER_OVER, .slot = UINT64_MAX },
		{ .type = CARRIER_CARRY },
		{ .type = CARRIER_BACK, .with_fd = true },
		{ .type = CARRIER_BACK, .state = 3 }, /* that both directions have ended */
		{ .type = CARRIER_BACK, .state = UINT64_MAX },
	};
	struct err e;
	int fds[4];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(said) / sizeof(*said); i++) {
		fake->answer = said[i];
		make_pairs(fds);
		begin(answer_wrong);
		flow(&one, fds);
		assert_true(one.released);
		assert_int_equal(loop_run(loop, &e), 0);
		assert_true(ended == 1 && one.was_reset);
		end(fds);
	}
}

/* Ends all of them at once when no slot is left, and what comes then at once. */
_Noreturn static void end_when_full(void)
{
	uint64_t slots[CARRIER_SLOTS];
	unsigned count = 0;
	bool was_full = false;
	struct err e;
	struct msg m;

	fake->pid = getpid();
	while (msg_receive(CHANNEL_FD, &m, &e) > 0) {
		slots[count++] = msg_get_u64(&m);
		msg_finish(&m);
		was_full |= count == CARRIER_SLOTS;
		while (was_full && count > 0) {
			msg_init(&m, CARRIER_OVER);
			msg_put_u64(&m, slots[--count]);
			msg_put_u64(&m, true);
			if (msg_send(CHANNEL_FD, &m, &e) < 0)
				_exit(1);
		}
	}
	_exit(0);
}

/* As many as there are slots, and each that is free again. */
static void has_slots(void **state)
{
	static struct relay relays[CARRIER_SLOTS];
	struct err e;
	int fds[4], i;

	(void)state;
	make_pairs(fds);
	begin(end_when_full);
	until = CARRIER_SLOTS;
	for (i = 0; i < CARRIER_SLOTS; i++) {
		flow(&relays[i], fds);
		/* Until it has read what it was told before. */
		while (!relays[i].released) {
			usleep(100);
			relay_ask_empty(&relays[i]);
		}
		/* They are the next one's too. */
		relays[i].ends[0].source.fd = relays[i].ends[1].source.fd = -1;
	}
	flow(&one, fds);
	assert_false(one.released);
	assert_int_equal(loop_run(loop, &e), 0);
	assert_int_equal(ended, CARRIER_SLOTS);
	relay_ask_empty(&one);
	assert_true(one.released);
	until++;
	assert_int_equal(loop_run(loop, &e), 0);
	end(fds);
}

/* One that takes nothing costs nothing but the question. */
static void refusal_is_cheap(void **state)
{
	int fds[4];

	(void)state;
	make_pairs(fds);
	begin(take_nothing);
	while (!__atomic_load_n(&fake->ready, __ATOMIC_SEQ_CST))
		usleep(1000);
	flow(&one, fds);
	assert_false(one.released);
	assert_true(relay_flows(&one));
	assert_int_equal(options_set, 0);
	relay_abort(&one);
	end(fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(gateway_is_gone),
		cmocka_unit_test(gateway_believes_nothing),
		cmocka_unit_test(has_slots),
		cmocka_unit_test(refusal_is_cheap),
	};

	alarm(60);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
