/* cards.h - frames that go to the machine's cards are only as large as their line is fast.
 *
 * TCP hands a card up to 64 KiB at once, which it cuts itself. On a line of 1 Gbit/s that is half a
 * millisecond for whoever comes next, however fair the queue before it is (SECURITY F8). So a card
 * that says its speed is told by IFLA_GSO_MAX_SIZE to take what its line sends in 0.13 ms, of which
 * connections made later learn. One that does not (QEMU's, unless it is told) stays as it is: a
 * small frame costs more of the CPU, and nobody waits behind a large one on a fast line.
 *
 * Cards are the devices of the caller's network namespace that no driver without hardware made
 * (veth, TUN), but not those under a bridge or a bond: connections learn that one's size, and what
 * is too large for the card under it would only be cut by the CPU. They are looked at when
 * rtnetlink(7) says that one has changed. A card that refuses is no failure, and is warned of
 * once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/loop.h"

struct err;
struct rtnetlink_message;

enum { CARDS_MAX = 64, CARD_NAME_BYTES = 16 };

struct card {
	int index; /* 0 = the message told of none */
	char name[CARD_NAME_BYTES];
	uint32_t frame_bytes, frame_bytes_max; /* now; what the driver can */
};

struct cards {
	struct loop_source source; /* what says that links have changed */
	int route_fd;
	size_t count;
	struct card list[CARDS_MAX];
	struct card left_out; /* the first one beyond them; index 0 = none */
	bool left_out_is_said;
	int refused[CARDS_MAX]; /* their indices; 0 = a free place */
	unsigned refused_next;
};

int cards_open(struct cards *c, struct loop *loop, struct err *e);

/* ---- pure */

struct card card_read(const struct rtnetlink_message *m);
/* What it is to be: `frame_bytes` itself when nothing changes. speed_mbit 0 = not known. */
uint32_t card_frame_bytes(const struct card *c, uint32_t speed_mbit);
