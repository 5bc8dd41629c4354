/* nets.c - see nets.h */
#include "net/nets.h"

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "net/net_network.h"
#include "net/net_ns.h"
#include "net/net_told.h"
#include "net/verbs.h"
#include "wire/wire.h"

/* Gateways carry echo requests on by ping sockets (icmp(7)); nobody else here may. */
static const char ping_groups[] = "103 103";
_Static_assert(KEEPER_ID == 103, "the group of gateways");

static void on_resolvers(struct resolvers *r)
{
	struct nets *n = owner_of(r, struct nets, resolvers);

	for (struct net_network *w = n->first; w; w = w->next)
		net_tell_resolvers(w);
}

int nets_open(struct nets *n, struct loop *loop, struct err *e)
{
	*n = (struct nets){ .loop = loop, .peer_fd = -1 };
	n->own_ns_fd = net_ns_own(e);
	if (n->own_ns_fd < 0 || net_ns_sysctl("ipv4/ping_group_range", ping_groups, e) ||
	    cards_open(&n->cards, loop, e))
		return -1;
	return resolvers_open(&n->resolvers, loop, on_resolvers, e);
}

void nets_finish(struct nets *n)
{
	while (n->first) {
		struct net_network *w = n->first;

		n->first = w->next;
		net_network_destroy(w);
	}
	fd_close(&n->own_ns_fd);
}

struct net_network *nets_find(const struct nets *n, const char *name)
{
	struct net_network *w = n->first;

	while (w && !str_equal(w->name, name))
		w = w->next;
	return w;
}

struct net_network *nets_require(const struct nets *n, const char *name, struct err *e)
{
	struct net_network *w = nets_find(n, name);

	if (!w)
		err_set(e, "there is no network %s", name);
	return w;
}

void nets_tell_forbidden(struct nets *n)
{
	for (struct net_network *w = n->first; w; w = w->next)
		net_tell_forbidden(w);
}

void nets_say(struct nets *n, struct msg *m)
{
	struct err e;

	if (n->peer_fd >= 0 && msg_send(n->peer_fd, m, &e))
		log_warn("engined: %s", e.text);
}

int verb_end(struct msg *m, struct verb_answer *a)
{
	if (msg_end(m, &a->why) == 0)
		return 0;
	a->is_malformed = true;
	return -1;
}

static verb_fn *const verbs[WIRE_TYPES] = {
	[WIRE_NET_CREATE] = verb_create,     [WIRE_NET_DELETE] = verb_delete,
	[WIRE_NET_ATTACH] = verb_attach,     [WIRE_NET_DETACH] = verb_detach,
	[WIRE_NET_PUBLISH] = verb_publish,   [WIRE_NET_BACKEND] = verb_backend,
	[WIRE_NET_WITHDRAW] = verb_withdraw, [WIRE_NET_CAPTURE] = verb_capture,
	[WIRE_NET_STATS] = verb_stats,	     [WIRE_NET_LIST] = verb_list,
};

int nets_request(struct nets *n, struct msg *m, struct err *e)
{
	struct msg out;
	struct verb_answer a = { .key = "", .out = &out, .fd = -1 };
	int result;

	if (!wire_allowed(m->type, WIRE_ENGINED, WIRE_NETD, m->fd_count) || !verbs[m->type])
		return err_set(e, "it sent %s, which it may not", wire_name(m->type));
	msg_init(&out, WIRE_NET_DONE);
	result = verbs[m->type](n, m, &a);
	if (a.is_malformed) {
		*e = a.why;
		return err_add(e, "%s", wire_name(m->type));
	}
	if (result) {
		/* engined tells people why there is no port, and asks for it every few seconds. */
		if (m->type == WIRE_NET_PUBLISH)
			log_debug("%s %s: %s", wire_name(m->type), a.key, a.why.text);
		else
			log_warn("%s %s: %s", wire_name(m->type), a.key, a.why.text);
		msg_init(&out, WIRE_NET_FAILED);
		msg_put_str(&out, a.key);
		msg_put_str(&out, a.why.text);
	}
	if (a.fd >= 0)
		msg_put_fd(&out, a.fd);
	if (!a.is_later && n->peer_fd >= 0)
		result = msg_send(n->peer_fd, &out, e);
	else
		result = 0;
	fd_close(&a.fd);
	return result;
}
