/* cards.c - see cards.h */
#include "net/cards.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/rtnetlink.h"

enum {
	LINE_US = 128,		   /* of the line's time, for a frame */
	FRAME_BYTES_MIN = 4096,	   /* two segments of Ethernet, which TCP sends at once anyhow */
	FRAME_BYTES_USUAL = 65536, /* the kernel's own (GSO_LEGACY_MAX_SIZE) */
	EVENTS_MAX = 64,	   /* a turn of the loop */
};
_Static_assert(CARD_NAME_BYTES == IFNAMSIZ, "a device's name");

struct card card_read(const struct rtnetlink_message *m)
{
	struct rtnetlink_reader attributes;
	struct rtnetlink_attribute a;
	struct ifinfomsg body;
	struct card c = { 0 };
	const char *name = NULL;

	if (m->type != RTM_NEWLINK || !rtnetlink_body(m, &body, sizeof(body), &attributes) ||
	    body.ifi_type != ARPHRD_ETHER)
		return c;
	while (rtnetlink_next_attribute(&attributes, &a)) {
		if (a.type == IFLA_LINKINFO)
			return (struct card){ 0 };
		if (a.type == IFLA_IFNAME)
			name = rtnetlink_text(&a);
		else if (a.type == IFLA_GSO_MAX_SIZE)
			rtnetlink_u32(&a, &c.frame_bytes);
		else if (a.type == IFLA_TSO_MAX_SIZE)
			rtnetlink_u32(&a, &c.frame_bytes_max);
	}
	if (attributes.broken || !name || strlen(name) >= sizeof(c.name) || c.frame_bytes == 0)
		return (struct card){ 0 };
	memcpy(c.name, name, strlen(name));
	c.index = body.ifi_index;
	return c;
}

uint32_t card_frame_bytes(const struct card *c, uint32_t speed_mbit)
{
	uint64_t bytes = (uint64_t)speed_mbit * LINE_US / 8;

	if (speed_mbit == 0)
		return c->frame_bytes;
	if (bytes < FRAME_BYTES_MIN)
		bytes = FRAME_BYTES_MIN;
	if (c->frame_bytes_max > 0 && bytes > c->frame_bytes_max)
		bytes = c->frame_bytes_max;
	if (bytes >= FRAME_BYTES_USUAL)
		return c->frame_bytes < FRAME_BYTES_USUAL ? FRAME_BYTES_USUAL : c->frame_bytes;
	return (uint32_t)bytes;
}

/* Mbit/s, 0 = it does not say. ETHTOOL_GSET (linux/ethtool.h): every driver answers it, without
 * ethtool's netlink in the kernel. */
static uint32_t speed_of(int fd, const struct card *c)
{
	struct ethtool_cmd link = { .cmd = ETHTOOL_GSET };
	struct ifreq request = { .ifr_data = (char *)&link };
	uint32_t speed;

	memcpy(request.ifr_name, c->name, sizeof(c->name));
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return 0;
	speed = ethtool_cmd_speed(&link);
	return speed == (uint32_t)SPEED_UNKNOWN ? 0 : speed;
}

static int take_card(void *ctx, const struct rtnetlink_message *m, struct err *e)
{
	struct cards *c = ctx;
	struct card one = card_read(m);

	(void)e;
	if (!one.index)
		return 0;
	if (c->count < CARDS_MAX)
		c->list[c->count++] = one;
	else if (!c->left_out.index)
		c->left_out = one;
	return 0;
}

static bool has_refused(const struct cards *c, int index)
{
	for (size_t i = 0; i < CARDS_MAX; i++)
		if (c->refused[i] == index)
			return true;
	return false;
}

static void warn(struct cards *c, const struct card *one, const struct err *e)
{
	if (has_refused(c, one->index))
		return;
	c->refused[c->refused_next++ % CARDS_MAX] = one->index;
	log_warn("card %s: %s", one->name, e->text);
}

static void tell(struct cards *c, const struct card *one, uint32_t speed_mbit)
{
	const struct ifinfomsg body = { .ifi_index = one->index };
	uint32_t bytes = card_frame_bytes(one, speed_mbit);
	struct rtnetlink_batch b;
	struct err e;

	if (bytes == one->frame_bytes)
		return;
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "say how large its frames may be", RTM_SETLINK, 0, &body, sizeof(body));
	rtnetlink_put_u32(&b, IFLA_GSO_MAX_SIZE, bytes);
	if (rtnetlink_send(c->route_fd, &b, &e))
		warn(c, one, &e);
	else
		log_info("card %s: frames fit its speed mbit=%u bytes=%u", one->name, speed_mbit,
			 bytes);
}

static void look(struct cards *c)
{
	const struct ifinfomsg any = { 0 };
	AUTO_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct rtnetlink_batch b;
	struct err e;

	c->count = 0;
	c->left_out.index = 0;
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "list the cards", RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	if (rtnetlink_ask(c->route_fd, &b, take_card, c, &e)) {
		/* EAGAIN: what has changed meanwhile is an event of its own. */
		if (e.number != EAGAIN)
			log_warn("%s", e.text);
		return;
	}
	if (c->left_out.index && !c->left_out_is_said)
		log_warn("card %s: its frames stay as they are: there are %d cards before it",
			 c->left_out.name, CARDS_MAX);
	c->left_out_is_said = c->left_out.index;
	for (size_t i = 0; i < c->count; i++)
		tell(c, &c->list[i], speed_of(fd, &c->list[i]));
}

static void on_change(struct loop_source *source, unsigned events)
{
	char said[8192];

	(void)events;
	/* Whatever it was, all are looked at anew: also when some was lost (ENOBUFS, netlink(7)).
	 */
	for (int i = 0; i < EVENTS_MAX; i++)
		if (recv(source->fd, said, sizeof(said), MSG_DONTWAIT) < 0 && errno != ENOBUFS)
			break;
	look(owner_of(source, struct cards, source));
}

int cards_open(struct cards *c, struct loop *loop, struct err *e)
{
	const struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	*c = (struct cards){ .source = { .fd = -1, .on_event = on_change }, .route_fd = -1 };
	c->source.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (c->source.fd < 0 ||
	    bind(c->source.fd, (const struct sockaddr *)&links, sizeof(links)) < 0)
		return err_sys(e, "watch the cards");
	c->route_fd = rtnetlink_open(e);
	if (c->route_fd < 0 || loop_add(loop, &c->source, LOOP_READ, e))
		return -1;
	look(c);
	return 0;
}
