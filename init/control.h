/* control.h - what svctl and svd say to each other over CONTROL_NAME in the run directory
 * (SOCK_SEQPACKET, root only).
 *
 * One request per connection. STATUS is answered by UNIT messages and END; everything else by END
 * or ERROR. */
#pragma once

#include <stdint.h>

struct err;
struct msg;

#define CONTROL_NAME "control"

enum control_type {
	CONTROL_STATUS = 1,		/* - */
	CONTROL_RESTART,		/* str unit */
	CONTROL_POWEROFF,		/* - */
	CONTROL_REBOOT,			/* - */
	CONTROL_UNIT,			/* a struct control_unit */
	CONTROL_END,			/* - */
	CONTROL_ERROR			/* str sentence */
};

/* Strings point into the message. */
struct control_unit {
	const char *name, *state, *last_exit, *why;
	uint64_t pid;			/* 0 = none */
	uint64_t since_ns;		/* start of its process, boot clock; 0 = never */
	uint64_t restarts;
};

void control_put_unit(struct msg *m, const struct control_unit *u);
int control_get_unit(struct msg *m, struct control_unit *u, struct err *e);
