#include "gate/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gate/gate.h"
#include "gate/relay.h"
#include "lib/fd.h"
#include "lib/msg.h"
#include "lib/time.h"
#include "wire/wire.h"

struct stock {
	int fds[SOCKETS_MAX];
	unsigned count, asked;	/* asked: have not come yet */
	unsigned target;	/* doubled when it was found empty */
	uint64_t asked_ms;
};

enum { ASK_AGAIN_MS = 1000 };	/* what has not come by then never does */

struct gate_sockets {
	struct stock stock[2];	/* IPv4, IPv6 */
	struct sockets_wait *first, **last;
};

static struct stock *stock_of(struct gate_sockets *s, uint8_t family)
{
	return &s->stock[family == AF_INET6];
}

static struct gate_sockets *sockets_of(struct gate_member *m)
{
	struct gate_sockets *s = m->sockets;

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->last = &s->first;
	s->stock[0].target = s->stock[1].target = SOCKETS_LOW;
	return m->sockets = s;
}

static void ask(struct gate *g, struct gate_member *m, uint8_t family)
{
	struct stock *stock = stock_of(m->sockets, family);
	struct msg want;
	uint64_t now_ms = time_boot_ms();
	unsigned there;

	if (now_ms - stock->asked_ms > ASK_AGAIN_MS)
		stock->asked = 0;
	there = stock->count + stock->asked;
	if (there > stock->target / 2)
		return;
	msg_init(&want, WIRE_GATE_WANT);
	msg_put_str(&want, m->container);
	msg_put_u64(&want, family);
	msg_put_u64(&want, stock->target - there);
	stock->asked += stock->target - there;
	stock->asked_ms = now_ms;
	gate_say(g, &want);
}

int sockets_take(struct gate *g, struct gate_member *m, uint8_t family)
{
	struct stock *stock = stock_of(sockets_of(m), family);
	int fd = stock->count > 0 ? stock->fds[--stock->count] : -1;

	if (fd < 0 && stock->target < SOCKETS_MAX)
		stock->target *= 2;
	ask(g, m, family);
	return fd;
}

void sockets_prepare(struct gate *g, struct gate_member *m)
{
	sockets_of(m);
	if (m->address4.family)
		ask(g, m, AF_INET);
	if (m->address6.family)
		ask(g, m, AF_INET6);
}

void sockets_wait_add(struct gate_member *m, uint8_t family, struct sockets_wait *wait)
{
	struct gate_sockets *s = sockets_of(m);

	wait->sockets = s;
	wait->family = family;
	wait->next = NULL;
	*s->last = wait;
	s->last = &wait->next;
}

void sockets_wait_off(struct sockets_wait *wait)
{
	struct gate_sockets *s = wait->sockets;
	struct sockets_wait **at;

	if (!s)
		return;
	for (at = &s->first; *at != wait; at = &(*at)->next)
		;
	*at = wait->next;
	if (s->last == &wait->next)
		s->last = at;
	wait->sockets = NULL;
}

static void wake(struct gate_sockets *s, uint8_t family)
{
	struct sockets_wait *wait = s->first;

	while (wait && wait->family != family)
		wait = wait->next;
	if (!wait)
		return;
	sockets_wait_off(wait);
	wait->on_socket(wait);
}

/* Two published ports may lead one client's connections with one source port to the same container:
 * both sockets are bound to it. Bytes that were sent small are passed on small. */
static void set_options(int fd)
{
	const int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	relay_unpaced(fd);
}

void sockets_add(struct gate_member *m, uint8_t family, int *fd)
{
	struct gate_sockets *s = sockets_of(m);
	struct stock *stock = stock_of(s, family);

	if (stock->asked > 0)
		stock->asked--;
	if (stock->count == SOCKETS_MAX) {
		fd_close(fd);
		return;
	}
	set_options(*fd);
	stock->fds[stock->count++] = take_fd(fd);
	wake(s, family);
}

static void destroy_stock(struct stock *stock)
{
	while (stock->count > 0)
		fd_close(&stock->fds[--stock->count]);
}

void sockets_destroy(struct gate_sockets *s)
{
	struct sockets_wait *wait;

	if (!s)
		return;
	for (wait = s->first; wait; wait = wait->next)
		wait->sockets = NULL;
	destroy_stock(&s->stock[0]);
	destroy_stock(&s->stock[1]);
	free(s);
}
