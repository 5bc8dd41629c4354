/* fd_pile.h - fds that are done with, closed together: where hundreds come and go, a call for each
 * is a third of all calls.
 *
 * Bounded: whoever adds makes room first, at a point where none of them is in use any more. */
#pragma once

enum { FD_PILE_MAX = 48 }; /* of the 1024 that a process usually may have */

struct fd_pile {			/* {0} is empty */
	int fds[FD_PILE_MAX];		/* sorted */
	int count;
};

/* Takes the fd, which may be -1. */
void fd_pile_add(struct fd_pile *p, int fd);
/* Closes all unless `count` more fit. */
void fd_pile_make_room(struct fd_pile *p, int count);
void fd_pile_close(struct fd_pile *p);
