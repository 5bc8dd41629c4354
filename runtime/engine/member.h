/* member.h - a container on its networks: attached and published while its start is held, anew when
 * netd comes back, drained and gone at its end.
 *
 *            join               all answered
 *   OUT ---------> JOINING ------------------> IN      rejoin: from IN to JOINING and back
 *    ^   netd away: v  ^ back      | refused    |
 *    |             WAITING --late--+--> failed  |
 *    +------------------ leave -----------------+
 *
 * One request at a time, so a container costs netd's queue one place. Who runs and cannot have a
 * port WAITING asks for it again every few seconds (member_ports.h). Knows netd, not boxd: who
 * brings the fd of the network namespace says which container it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/member_ports.h"
#include "engine/netd.h"
#include "lib/loop.h"

struct arena;
struct attachments;

enum member_state { MEMBER_OUT, MEMBER_WAITING, MEMBER_JOINING, MEMBER_IN };

/* What becomes of a member's part in the ports when it leaves. */
enum member_leave {
	MEMBER_COMES_BACK,		/* they wait for its next life */
	MEMBER_IS_REPLACED,		/* they wait for another one's */
	MEMBER_ENDS,			/* without another one they are withdrawn */
};

struct member {
	struct loop *loop;
	struct netd *net;
	const struct attachments *attachments;
	enum member_state state;
	bool attached;			/* netd may know it */
	bool again;			/* it has been in before: its container runs */
	int net_ns_fd;			/* while it joins or waits */
	struct loop_timer patience;
	struct loop_timer retry;	/* for the port that is missing */
	size_t step;			/* attachments, then ports */
	size_t port_at;			/* of them, see member_ports_next */
	enum member_ports_pass port_pass;
	bool keeps_all;			/* also while one is missing */
	bool asked;			/* an answer of netd is due */
	unsigned stale;			/* so many answers before it are of an earlier life */
	struct member_ports *ports;
	enum member_part *parts;	/* for each of them */
	bool holds_former;		/* it is behind those of before */
	unsigned saw_closings;		/* of them, when it got there */
	bool lost;			/* its container runs, and it is out all the same */
	struct member_port *asked_for;
	uint16_t asked_port;
	unsigned asked_round;
	unsigned way_tries;		/* of a port that is closed just now */
	enum netd_backend serves_as;	/* while it is in */
	void (*joined)(struct member *m);
	void (*failed)(struct member *m, const char *sentence);	/* it is out again */
	/* Its container runs: it is in again, or lost. */
	void (*settled)(struct member *m);
	/* The same, and a port cannot be had; then, all can be had. Each once of a service. */
	void (*refused)(struct member *m, const char *sentence);
	void (*found)(struct member *m);
};

/* The functions are filled in by the caller. attachments: its own, at least one. */
void member_init(struct member *m, struct loop *loop, struct netd *net,
		 const struct attachments *attachments, struct member_ports *ports,
		 struct arena *arena);
void member_finish(struct member *m);	/* zeroed is fine; what is attached stays */

void member_join(struct member *m, int net_ns_fd);	/* takes a copy of the fd */
/* The container runs and netd does not know it: the same with no more consequences than a log. */
void member_rejoin(struct member *m, int net_ns_fd);
/* How new connections find it from now on. */
void member_serve_as(struct member *m, enum netd_backend state);
void member_leave(struct member *m, enum member_leave how);

/* netd has it of before: it is given back at the container's end. */
void member_claim(struct member *m);
/* Its container runs, and whether it gets the service's ports is not known, or it does not. */
bool member_is_unsettled(const struct member *m);
/* netd has it, and knows how it serves: what is counted of it is true. A port may be missing. */
bool member_is_counted(const struct member *m);
void member_netd_is_there(struct member *m);
void member_netd_is_gone(struct member *m);
