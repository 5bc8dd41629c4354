/* verbs.h - one function per NET_* request of wire.h: reads all of its fields, does it, and writes
 * the fields of the answer behind its key.
 *
 * Returns 0, or -1 with a->why: then the answer is NET_FAILED. A message that does not end where it
 * should is malformed: nothing was done. */
#pragma once

#include <stdbool.h>

#include "lib/err.h"

struct msg;
struct nets;

struct verb_answer {
	const char *key; /* what NET_DONE and NET_FAILED begin with; points into the request */
	struct msg *out; /* NET_DONE with the key in it: more fields are appended */
	int fd; /* goes with NET_DONE, closed afterwards; -1 = none */
	bool is_malformed;
	bool is_later; /* no answer now */
	struct err why;
};

/* Takes the end of the request: 0 when all of it was read. */
int verb_end(struct msg *m, struct verb_answer *a);

typedef int verb_fn(struct nets *n, struct msg *m, struct verb_answer *a);

verb_fn verb_create, verb_delete, verb_list;			     /* verbs_network.c */
verb_fn verb_attach, verb_detach, verb_capture, verb_stats;	     /* verbs_member.c */
verb_fn verb_publish, verb_backend, verb_withdraw;		     /* verbs_port.c */
