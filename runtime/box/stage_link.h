/* stage_link.h - the connection between who makes a process and the process until its exec
 * (stage.c and stage_inner.c, enter.c): a SEQPACKET pair with messages of lib/msg.h.
 *
 * Both ends are O_CLOEXEC: the exec is the end of the connection without a message. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct msg;

enum stage_message {	/* the maker sends the first five */
	STAGE_ROOT = 1,		/* fd: the root, when the stage had none before the clone */
	STAGE_SOURCE,		/* u64 index; fd of mount_sources.fds */
	STAGE_GO,		/* u64 pid of the new process as its maker sees it: the maker's part
				 * (ids, limits, hooks) is done */
	STAGE_RUN,		/* u64 as GO: and the new process goes on to its exec by itself */
	STAGE_EXEC,		/* - : only without a gate */
	STAGE_READY,		/* - */
	STAGE_FAILED,		/* str sentence */
};

/* The one message of this process: on the stack its 64 KiB cost 17 fresh pages, 16 of which nobody
 * uses, since -fstack-clash-protection touches them all; in the maker and in the made one. */
struct msg *stage_link_message(void);

int stage_link_make(int *maker_fd, int *made_fd, struct err *e);

/* number: of STAGE_SOURCE and STAGE_GO; fd -1 = none. */
int stage_link_send(int link_fd, enum stage_message type, uint64_t number, int fd, struct err *e);
/* The made process: READY, or with its sentence FAILED. */
void stage_link_tell(int link_fd, const char *sentence);

/* The made process ends, also where a filter forbids exit. */
void stage_link_end(void) __attribute__((noreturn));

/* The made process: does its maker live? Asked after PR_SET_PDEATHSIG, which says nothing of one
 * that has died before: a maker's files are closed before its children are told. */
bool stage_link_has_maker(int link_fd);

/* The maker: 1 = READY, 0 = the end without a word (exec, or death), -1 = why it failed. */
int stage_link_receive(int link_fd, struct err *e);
int stage_link_died(struct err *e);	/* its sentence, where that can be no exec */
