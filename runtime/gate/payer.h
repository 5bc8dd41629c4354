/* payer.h - what a container's flows are counted on and bounded by: its account, counters, rates.
 *
 * A ruling (tcp.h, udp.h, icmp.h) hands it over; who makes the flow keeps a copy. Owns nothing: all
 * of it outlives the flow, or is taken away by *_forget_account before it goes. Only the account
 * may not be NULL where a flow is made. Whose turn it is when a flow's socket has something is said
 * by its lane (lib/loop.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct flow_account;
struct loop_lane;
struct rate;
struct stats;

struct payer {
	struct flow_account *account;
	struct stats *stats;
	struct rate *rate_out, *rate_in;
	struct loop_lane *lane; /* NULL: none */
};

/* A packet that the container has sent is counted. */
void payer_count_out(const struct payer *p, size_t ip_bytes);
/* The same; false: it is above the container's rate and has to be dropped, which is counted too. */
bool payer_admit_out(const struct payer *p, size_t ip_bytes);
/* A packet was lost on its way. */
void payer_drop(const struct payer *p);
