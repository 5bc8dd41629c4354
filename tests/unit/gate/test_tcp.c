/* test_tcp.c - what is kept for a server that does not read: counted until it is gone, bounded, and
 * whole when lwIP has no memory. */
#include "lib/time.h"
#include "tests/unit/gate/tcp_world.h"

/* Ended by both sides with bytes that no one reads: the container's own until they are gone. */
static void test_draining_counts(void **state)
{
	socklen_t size = sizeof(int);
	struct world w;
	int timeout = 0, first;
	size_t kept, sent;

	(void)state;
	begin(&w);
	fill_until_kept(&w);
	end_both(&w);
	assert_int_equal(w.account.flows, 1);
	assert_int_equal(flow_table_count(w.setup.flows), 1);
	assert_true(w.account.kept_bytes > 0);
	assert_int_equal(w.account.kept_bytes, w.tcp->kept_bytes);
	getsockopt(w.tcp->all->socket.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, &size);
	assert_int_equal(timeout, 60000);

	/* Its ends are free, and the next one is a connection of its own. */
	first = w.server;
	sent = w.sent_bytes;
	kept = w.account.kept_bytes;
	open_connection(&w);
	assert_int_equal(w.account.flows, 2);
	fill_until_kept(&w);
	end_both(&w);
	assert_true(w.account.kept_bytes >= kept);
	read_all(&w);
	assert_int_equal(w.account.flows, 1);
	w.server = first;
	w.sent_bytes = sent;
	read_all(&w);
	finish(&w);
}

/* The container is gone; what it had said properly still arrives. */
static void test_draining_outlives(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	fill_until_kept(&w);
	end_both(&w);
	tcp_forget_account(w.tcp, &w.account);
	assert_int_equal(w.account.flows, 0);
	assert_int_equal(w.account.kept_bytes, 0);
	assert_true(w.tcp->kept_bytes > 0);
	read_all(&w);
	finish(&w);
}

/* lwIP's heap is full: a piece that cannot be copied is kept as it came. */
static void test_no_heap(void **state)
{
	static void *parts[PARTS_MAX];
	struct world w;
	size_t kept;
	int count = 0;

	(void)state;
	begin(&w);
	fill_until_kept(&w);
	kept = w.account.kept_bytes;
	while (count < PARTS_SCARCE && (parts[count] = lwip_heap_get(PART)))
		count++;
	/* A small segment is a copy, which is not even tried: it is lost as on a wire. */
	assert_int_equal(count, PARTS_SCARCE);
	assert_false(say_data(&w, 10));
	assert_int_equal(w.account.kept_bytes, kept);
	while (count < PARTS_MAX && (parts[count] = lwip_heap_get(PART)))
		count++;
	assert_true(count < PARTS_MAX);
	say(&w, PACKET_ACKED, SMALL);
	assert_true(w.account.kept_bytes >= kept + 65536);
	w.ours += SMALL;
	w.sent_bytes += SMALL;
	while (count > 0)
		lwip_heap_drop(parts[--count]);
	assert_true(say_data(&w, 10));
	end_both(&w);
	read_all(&w);
	finish(&w);
}

/* Beyond the bounds a flow goes on as long as its socket takes all, and begins to keep nothing. */
static void test_bounded(void **state)
{
	struct world w;
	int large = 256 * 1024, i;

	(void)state;
	begin(&w);
	setsockopt(w.tcp->all->socket.fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
	w.account.kept_bytes += PLENTY;
	for (i = 0; i < SEGMENTS_MAX && say_data(&w, SEGMENT); i++)
		;
	assert_in_range(i, 1, SEGMENTS_MAX - 1);
	assert_int_equal(w.tcp->kept_bytes, 0);
	w.account.kept_bytes -= PLENTY;
	assert_true(say_data(&w, SEGMENT));
	fill_until_kept(&w);
	end_both(&w);
	read_all(&w);
	finish(&w);
}

/* What has no place is held back with the window shut, and taken once its server reads. */
static void test_held(void **state)
{
	static uint8_t got[65536];
	struct tcp_flow *f;
	struct world w;
	int i;

	(void)state;
	begin(&w);
	f = w.tcp->all;
	w.account.kept_bytes += OVER;
	for (i = 0; i < SEGMENTS_MAX && say_data(&w, SEGMENT); i++)
		turn(&w);
	assert_int_equal(w.acked, w.ours);
	assert_non_null(f->held);
	assert_int_equal(w.shown, 0);
	assert_true(w.account.kept_bytes > OVER + MSS);
	assert_true(w.account.kept_bytes < OVER + SEGMENT);
	/* Once more: it has it already. */
	assert_false(say_data(&w, SEGMENT));
	assert_true(w.account.kept_bytes < OVER + SEGMENT);
	for (i = 0; i < TURNS_MAX && f->held; i++) {
		while (recv(w.server, got, sizeof(got), MSG_DONTWAIT) > 0)
			;
		turn(&w);
	}
	lwip_stack_tick(w.tcp->lwip);
	assert_null(f->held);
	assert_int_equal(w.account.kept_bytes, OVER);
	assert_int_equal(w.acked, w.ours + MSS);
	assert_true(w.shown > 0);
	w.ours += MSS;

	/* Its end goes with it. */
	while (say_data(&w, SEGMENT))
		turn(&w);
	assert_non_null(f->held);
	w.account.kept_bytes -= OVER;
	finish(&w);
}

/* What is held has come again, and for what comes next there is no place at all: nobody waits for
 * the socket then, which takes more all the time. */
static void test_held_no_more(void **state)
{
	struct tcp_flow *f;
	struct world w;

	(void)state;
	begin(&w);
	f = w.tcp->all;
	w.account.kept_bytes += OVER;
	assert_false(say_data(&w, SEGMENT));
	assert_non_null(f->held);
	w.account.kept_bytes -= OVER;
	assert_true(say_data(&w, 1));
	w.account.kept_bytes += PLENTY;
	assert_false(say_data(&w, SEGMENT));
	assert_true(!f->held && !f->kept);
	assert_int_equal(f->watched ? f->events & LOOP_WRITE : 0, 0);
	w.account.kept_bytes -= PLENTY;
	finish(&w);
}

/* What came before is sent again, when there is no place for more: its sender has nothing under way
 * then, and would wait for a window that nobody opens. */
static void test_held_of_before(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	fill_until_kept(&w);
	assert_int_equal(w.acked, w.ours);
	assert_true(w.shown > 0);
	w.account.kept_bytes += OVER;
	w.ours -= SMALL;
	say(&w, PACKET_ACKED, SMALL);
	w.ours += SMALL;
	assert_int_equal(w.acked, w.ours);
	assert_true(w.shown > 0);
	/* One that is new is refused. */
	say(&w, PACKET_ACKED, SMALL);
	assert_int_equal(w.acked, w.ours);
	assert_int_equal(w.shown, 0);
	w.account.kept_bytes -= OVER;
	finish(&w);
}

/* A container that does not read holds no chunk, and is asked whether it does now. */
static void test_unread(void **state)
{
	struct world w;
	uint32_t first;
	int i;

	(void)state;
	begin(&w);
	first = get_small(&w);
	w.shut = true;
	say(&w, PACKET_ACKED, 0);
	assert_int_equal(w.account.chunks, 0);
	assert_int_equal(send(w.server, data, SMALL, 0), SMALL);
	for (i = 0; i < TURNS_MAX && w.theirs == first + SMALL; i++) {
		turn(&w);
		lwip_stack_tick(w.tcp->lwip);
	}
	assert_int_equal(w.theirs, first + SMALL + 1);
	assert_int_equal(w.account.chunks, 0);
	w.theirs--;
	w.shut = false;
	say(&w, PACKET_ACKED, 0);
	for (i = 0; i < TURNS_MAX && w.theirs != first + 2 * SMALL; i++)
		turn(&w);
	assert_int_equal(w.theirs, first + 2 * SMALL);
	say(&w, PACKET_ACKED, 0);
	assert_int_equal(w.account.chunks, 0);
	finish(&w);
}

/* The device gets as much at once as half of the largest window takes: it cuts that for the wire,
 * and it makes the checksum. */
static void test_large(void **state)
{
	struct world w;
	uint32_t first;

	(void)state;
	begin(&w);
	w.unsummed = true;
	first = w.theirs;
	for (int i = 0; i < LARGE_SENDS; i++)
		assert_int_equal(send(w.server, data, SEGMENT, 0), SEGMENT);
	for (int i = 0; i < TURNS_MAX && w.theirs != first + LARGE_SENDS * SEGMENT; i++) {
		turn(&w);
		say(&w, PACKET_ACKED, 0);
	}
	assert_int_equal(w.theirs, first + LARGE_SENDS * SEGMENT);
	assert_true(w.largest > LARGE_LEAST);
	assert_int_equal(w.offload.segment_bytes, MSS);
	assert_int_equal(w.offload.headers_bytes, 40);
	assert_int_equal(w.offload.checksum_start, 20);
	assert_int_equal(w.offload.checksum_offset, 16);
	assert_true(w.unsummed);
	finish(&w);
}

/* Or 64 KiB would be 65,536 packets, on an attacker's word. */
static void test_least_segment(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	reset(&w);
	w.mss = 1;
	open_connection(&w);
	assert_int_equal(send(w.server, data, SMALL, 0), SMALL);
	for (int i = 0; i < TURNS_MAX && !w.wire_bytes; i++) {
		turn(&w);
		say(&w, PACKET_ACKED, 0);
	}
	assert_int_equal(w.wire_bytes, 48);
	finish(&w);
}

/* The end is behind the last byte, into however small pieces that segment has to be cut. */
static void test_end_of_narrow(void **state)
{
	struct world w;
	uint32_t first;

	(void)state;
	begin(&w);
	first = get_small(&w);
	w.window = NARROW;	/* it had shown a larger one: segments are made for that */
	say(&w, PACKET_ACKED, 0);
	assert_int_equal(send(w.server, data, SMALL, 0), SMALL);
	shutdown(w.server, SHUT_WR);
	for (int i = 0; i < TURNS_MAX && !w.end; i++) {
		turn(&w);
		lwip_stack_tick(w.tcp->lwip);
		say(&w, PACKET_ACKED, 0);
	}
	assert_int_equal(w.end - first, 2 * SMALL + 1);
	finish(&w);
}

static void answer(struct world *w, size_t size)
{
	uint32_t all = w->theirs + (uint32_t)size;
	int i;

	assert_int_equal(send(w->server, data, size, 0), size);
	for (i = 0; i < TURNS_MAX && w->theirs != all; i++)
		turn(w);
	turn(w);
	assert_false(loop_hurries(w->loop));
	say(w, PACKET_ACKED, 0);
}

/* Who connects, asks, is answered and goes may take each next step at once, and connect again by
 * the socket that is there; nobody waits for a stream. */
static void test_short_talk(void **state)
{
	struct world w;
	int spare;

	(void)state;
	begin(&w);
	assert_true(loop_hurries(w.loop));
	answer(&w, 1);
	assert_true(loop_hurries(w.loop));
	turn(&w);
	answer(&w, SEGMENT);
	assert_false(loop_hurries(w.loop));
	spare = w.tcp->spare[0];
	say(&w, PACKET_RESET | PACKET_ACKED, 0);
	close(w.server);
	open_connection(&w);
	assert_true(spare >= 0 && w.tcp->all->socket.fd == spare && w.tcp->spare[0] != spare);
	say(&w, PACKET_RESET | PACKET_ACKED, 0);
	close(w.server);
	finish(&w);
}

/* Who begins while its container owes is answered when that is paid, or is nothing to wait for. */
static void test_owed(void **state)
{
	struct rate_turn before = { 0 };
	struct world w;

	(void)state;
	begin(&w);
	for (int gone = 0; gone < 2; gone++) {
		reset(&w);
		rate_init(&w.rate, 8, time_boot_ns());
		assert_true(rate_spend(&w.rate, RATE_FLOWS, &before, SEGMENT * 10, time_boot_ns()) >
			    0);
		w.ours = 1000;
		w.theirs = w.acked = 0;
		say(&w, PACKET_SYN, 0);
		w.server = accept(w.listener, NULL, NULL);
		for (int i = 0; i < STILL_TURNS; i++)
			turn(&w);
		assert_int_equal(w.acked, 0);
		assert_int_equal(w.tcp->all->state, TCP_CONNECTING);
		if (gone) {
			w.ours++;
			reset(&w);
			assert_null(w.tcp->all);
			break;
		}
		rate_change(&w.rate, 0, time_boot_ns());
		for (int i = 0; i < TURNS_MAX && w.acked == 0; i++)
			turn(&w);
		assert_int_equal(w.acked, ++w.ours);
		say(&w, PACKET_ACKED, 0);
		assert_true(say_data(&w, SEGMENT));
	}
	for (int i = 0; i < STILL_TURNS; i++)
		turn(&w);
	assert_null(w.tcp->paced);
	finish(&w);
}

/* Those that wait for a rate are walked past less often the more they are, and leave in any order.
 */
static void test_many_paced(void **state)
{
	enum { MANY = 4000 };
	struct tcp_flow *flows = calloc(MANY, sizeof(*flows)), *f;
	struct world w;
	int i, count = 0;

	(void)state;
	begin(&w);
	rate_init(&w.rate, 8000, time_boot_ns());
	w.rate.tokens = w.rate.own[RATE_FLOWS] = -((int64_t)1 << 40);
	for (i = 0; i < MANY; i++) {
		flows[i].tcp = w.tcp;
		flows[i].rate_out = &w.rate;
		assert_true(tcp_relay_waits(&flows[i]));
	}
	assert_int_equal(w.tcp->pace_more_ms, 0);
	for (i = 0; i < TURNS_MAX && w.tcp->pace_more_ms == 0; i++)
		turn(&w);
	assert_in_range(w.tcp->pace_more_ms, 10, 40);
	for (i = 0; i < MANY; i += 2)
		tcp_relay_clear(&flows[i]);
	for (f = w.tcp->paced; f; f = f->paced, count++)
		assert_int_equal((f - flows) % 2, 1);
	assert_int_equal(count, MANY / 2);
	for (i = MANY - 1; i > 0; i -= 2)
		tcp_relay_clear(&flows[i]);
	assert_null(w.tcp->paced);
	for (i = 0; i < TURNS_MAX && w.tcp->pace_more_ms > 0; i++)
		turn(&w);
	assert_int_equal(w.tcp->pace_more_ms, 0);
	free(flows);
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draining_counts),
		cmocka_unit_test(test_draining_outlives),
		cmocka_unit_test(test_no_heap),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_held_no_more),
		cmocka_unit_test(test_held_of_before),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_least_segment),
		cmocka_unit_test(test_end_of_narrow),
		cmocka_unit_test(test_short_talk),
		cmocka_unit_test(test_owed),
		cmocka_unit_test(test_many_paced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
