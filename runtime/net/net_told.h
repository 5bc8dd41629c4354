/* net_told.h - what a gateway is told (GATE_* of wire.h): everything when it starts, each change
 * afterwards; and what it says. Of a port without a socket it is told nothing. */
#pragma once

#include <stdint.h>

struct keeper_events;
struct net_member;
struct net_network;
struct net_port;

extern const struct keeper_events net_told_events;

void net_tell_network(struct net_network *w);
void net_tell_resolvers(struct net_network *w);
void net_tell_forbidden(struct net_network *w);
void net_tell_member(struct net_network *w, const struct net_member *m);
/* Another network that a member is on too, and who is there (net_neighbour.h). */
void net_tell_neighbour(struct net_network *w, const struct net_network *other);
void net_tell_neighbour_gone(struct net_network *w, const struct net_network *other);
void net_tell_peer(struct net_network *w, const struct net_network *other,
		   const struct net_member *m);
void net_tell_peer_leave(struct net_network *w, const struct net_network *other,
			 const struct net_member *m);
void net_tell_leave(struct net_network *w, const char *container);
void net_tell_port(struct net_network *w, const struct net_port *p);
void net_tell_balance(struct net_network *w, const struct net_port *p);
void net_tell_backend(struct net_network *w, const struct net_port *p, const char *container,
		      uint64_t state);
void net_tell_withdraw(struct net_network *w, const char *key);
void net_tell_stats(struct net_network *w, const char *container);
/* To engined: nobody knows them. */
void net_say_no_counters(struct net_network *w, const char *container);
