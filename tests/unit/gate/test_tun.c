/* Several TUN devices: all are read, by turns; what is sent goes by the one that is asked for.
 * Datagram sockets stand for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/frame.h"
#include "gate/tun.h"
#include "lib/err.h"
#include "lib/loop.h"

enum { DEVICES = 3, PACKET_BYTES = 28, HOG_PACKETS = 200, TURN = 16, TURN_SHARED = 4 };

struct world {
	struct loop *loop;
	struct frame_pool *pool;
	struct tun *tun;
	struct loop_lane *lanes[DEVICES];
	int kernel[DEVICES]; /* the other ends */
	uint8_t order[DEVICES * HOG_PACKETS]; /* whose packets came, one after the other */
	int came, expected;
};

static void on_frame(void *ctx, struct frame *f)
{
	struct world *w = ctx;

	assert_int_equal(f->size_bytes, PACKET_BYTES);
	w->order[w->came++] = f->bytes[0];
	if (w->came == w->expected)
		loop_stop(w->loop);
}

static void set_up(struct world *w)
{
	const int room = 1024 * 1024;
	int pair[2], i;
	struct err e;

	memset(w, 0, sizeof(*w));
	w->loop = loop_create(&e);
	w->pool = frame_pool_create(4);
	w->tun = tun_create(w->loop, w->pool, on_frame, w);
	for (i = 0; i < DEVICES; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		w->kernel[i] = pair[1];
		w->lanes[i] = loop_lane_create(w->loop, &e);
		assert_int_equal(tun_add(w->tun, pair[0], w->lanes[i], &e), 0);
	}
}

static void clean_up(struct world *w)
{
	tun_destroy(w->tun);
	for (int i = 0; i < DEVICES; i++)
		loop_lane_destroy(w->lanes[i]);
	frame_pool_destroy(w->pool);
	loop_destroy(w->loop);
	for (int i = 0; i < DEVICES; i++)
		close(w->kernel[i]);
}

static void put(struct world *w, int device, int count)
{
	uint8_t packet[FRAME_OFFLOAD_BYTES + PACKET_BYTES] = { 0 };

	packet[FRAME_OFFLOAD_BYTES] = (uint8_t)device;
	w->expected += count;
	while (count-- > 0)
		assert_int_equal(write(w->kernel[device], packet, sizeof(packet)), sizeof(packet));
}

static void test_reads_by_turns(void **state)
{
	int of_last = 0, i;
	struct world w;
	struct err e;

	(void)state;
	set_up(&w);
	put(&w, 0, HOG_PACKETS);
	put(&w, 1, HOG_PACKETS);
	put(&w, 2, 3);
	assert_int_equal(loop_run(w.loop, &e), 0);
	for (i = 0; i < 2 * TURN + 3; i++)
		of_last += w.order[i] == 2;
	assert_int_equal(of_last, 3);
	clean_up(&w);
}

/* Once awake it takes more than one, without asking again whether there is another one. */
static void test_reads_several(void **state)
{
	struct world w;
	struct err e;

	(void)state;
	set_up(&w);
	put(&w, 0, TURN);
	w.expected = 1;	/* the loop ends behind what reads that one */
	assert_int_equal(loop_run(w.loop, &e), 0);
	assert_in_range(w.came, TURN_SHARED, TURN);
	clean_up(&w);
}

static unsigned by_last_byte(void *ctx, const struct tun_offload *o, const struct iovec *v, int n)
{
	(void)ctx;
	(void)o;
	assert_int_equal(n, 1);
	return ((const uint8_t *)v[0].iov_base)[v[0].iov_len - 1];
}

/* The one that has something, which there has to be. */
static int device_with_packet(struct world *w)
{
	uint8_t got[1024];
	int found = -1;

	for (int i = 0; i < DEVICES; i++)
		if (recv(w->kernel[i], got, sizeof(got), MSG_DONTWAIT) > 0) {
			assert_int_equal(found, -1);
			found = i;
		}
	return found;
}

static void test_sends_by_the_chosen(void **state)
{
	static const int chosen[] = { 0, 2, 1, DEVICES, TUN_DEVICES_MAX, 255 };
	static const int taken[] = { 0, 2, 1, 0, 0, 0 };
	uint8_t packet[PACKET_BYTES] = { 0x45 };
	const struct iovec v = { packet, sizeof(packet) };
	struct world w;

	(void)state;
	set_up(&w);
	packet[PACKET_BYTES - 1] = 2;
	assert_int_equal(tun_send(w.tun, NULL, &v, 1), 0);
	assert_int_equal(device_with_packet(&w), 0);
	tun_set_way(w.tun, by_last_byte, NULL);
	for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {
		packet[PACKET_BYTES - 1] = (uint8_t)chosen[i];
		assert_int_equal(tun_send(w.tun, NULL, &v, 1), 0);
		assert_int_equal(device_with_packet(&w), taken[i]);
	}
	clean_up(&w);
}

static void test_has_a_bound(void **state)
{
	struct world w;
	struct err e;
	int i;

	(void)state;
	set_up(&w);
	for (i = DEVICES; i < TUN_DEVICES_MAX; i++)
		assert_int_equal(tun_add(w.tun, dup(w.kernel[0]), NULL, &e), 0);
	assert_int_equal(tun_add(w.tun, dup(w.kernel[0]), NULL, &e), -1);
	assert_string_equal(e.text, "at most 8 TUN devices");
	clean_up(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_by_turns),
		cmocka_unit_test(test_reads_several),
		cmocka_unit_test(test_sends_by_the_chosen),
		cmocka_unit_test(test_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
