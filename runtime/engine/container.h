/* container.h - one container that shall run: facts go into orch's table, its action is done here.
 *
 * Owns its timers, its probes and its document's content. Requests to boxd are answered in order,
 * so a short queue tells whose an answer is. Every change of state is logged and written down.
 * Knows of no other container: what concerns all is in container_env, the engine's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/document.h"
#include "engine/health_check.h"
#include "engine/member.h"
#include "engine/plan.h"
#include "engine/ready.h"
#include "lib/loop.h"
#include "orch/restart.h"
#include "orch/task_fsm.h"

struct attachments;
struct boxd;
struct compose_project;
struct container;
struct err;
struct netd;
struct report;

struct container_env {
	struct loop *loop;
	struct boxd *box;
	struct netd *net;
	struct arena *arena;
	const struct report *report;
	const struct compose_project *project;
	const char *url; /* base of what the console prints; NULL = where the probe asks */
	int documents_fd;		/* -1 = nothing can be kept */
	bool memory_only;		/* it was said that nothing is kept at the moment */
	bool batch;
	int output_fd;			/* gets a copy of a batch's output; -1 = none */
	uint64_t grace_most_ms;		/* nobody who is to end is waited for longer */
	void *ctx;
	void (*on_start)(void *ctx, struct container *c, bool began);	/* else found running */
	void (*on_end)(void *ctx, struct container *c);	/* its end is final */
	void (*on_change)(void *ctx);	/* of a state, of anybody's health */
	bool (*has_peers)(void *ctx, const struct container *c);	/* others do its work too */
	struct container *(*find)(void *ctx, const char *name);
};

enum container_request {
	CONTAINER_ASKED_START,
	CONTAINER_ASKED_RELEASE,
	CONTAINER_ASKED_NETNS,
	CONTAINER_ASKED_KILL,
	CONTAINER_ASKED_DELETE
};
enum {
	CONTAINER_ASKED_MAX = 8, /* a start, two signals and a delete can be under way */
	CONTAINER_SETTLE_MS = 2000, /* who has no check works when it has run so long */
};

struct container {
	struct container_env *env;
	struct plan plan;
	struct document doc;
	enum task_state state;
	struct restart_rule rule;
	struct loop_timer timer;
	struct ready ready;		/* zeroed when the service has no probe */
	struct health_check check;
	struct loop_timer drain;	/* asks whether its connections have ended */
	unsigned idle_answers;		/* in a row, of none */
	const struct attachments *attachments;	/* NULL = it is on no network of ours */
	struct member member;		/* zeroed then */
	bool held;			/* its start waits for its networks, or is called off */
	uint64_t net_ns[2];		/* while it runs: device and inode; 0 = not known */
	bool called_off;		/* since one cannot be made */
	bool awaits_network;		/* of the container whose network it shares */
	uint64_t wait_ms, up_since_ms;
	uint64_t oom_said, oom_said_ms;	/* how many kills people were told of, and when */
	unsigned short_runs;		/* in a row that failed within RESTART_STABLE_MS */
	bool never_ran; /* its last start failed: there is no exit status of its own */
	bool kept;			/* not started yet, and files of before are there */
	bool is_old;			/* it runs with other settings than its plan's */
	bool closed;			/* it may end, and never start again */
	bool replaced;			/* wanted away, so that another one can take its place */
	bool deleting;
	bool url_is_lost;		/* it runs with a token that was not kept */
	enum container_request asked[CONTAINER_ASKED_MAX];
	size_t asked_count;
};

/* doc: what is remembered of it, or a new one with name and slot. The plan's text is borrowed. */
int container_init(struct container *c, struct container_env *env, const struct plan *plan,
		   const struct document *doc, const struct attachments *attachments,
		   struct member_ports *ports, struct err *e);
void container_finish(struct container *c);	/* zeroed is fine; what runs goes on */

void container_event(struct container *c, enum task_event event);
void container_follow(struct container *c);	/* ends it, to start it again */
void container_stop(struct container *c);	/* with the patience of now, also who is ending */
void container_start(struct container *c);	/* anew: its restarts are counted from here */
void container_replace(struct container *c); /* away with its files when its work is done */
/* said: the last lines of its standard error, unescaped; "" = not known */
void container_ended(struct container *c, uint64_t exit_status, uint64_t oom_kills,
		     const char *said);
void container_oom(struct container *c, uint64_t limit_bytes, uint64_t oom_kills);

/* Answers of boxd. */
void container_held(struct container *c, int net_ns_fd);
void container_network(struct container *c, int net_ns_fd);
void container_started(struct container *c);
void container_failed(struct container *c, const char *sentence);
void container_done(struct container *c);
void container_forget_requests(struct container *c);	/* the connection was lost */

bool container_is_up(const struct container *c);	/* starting, running, about to end */
bool container_works(const struct container *c);	/* runs, and is healthy if that is asked */
/* The same for so long, without a check for CONTAINER_SETTLE_MS; or it has ended as it should. */
bool container_is_settled(const struct container *c, uint64_t least_ms);
