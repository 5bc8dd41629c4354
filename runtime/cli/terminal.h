/* terminal.h - carries bytes and sizes between our own terminal and the master of a container's.
 *
 * While it is open our terminal is raw: every key goes inside, ^C too. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "lib/loop.h"

struct err;
struct oci_process;

enum { TERMINAL_BYTES = 4096 };

struct terminal {
	struct loop *loop;
	struct loop_source input, master;	/* our stdin; the container's side */
	bool was_raw;				/* nothing to restore */
	struct termios before;
	bool input_ended, input_is_file;	/* a file is always ready: epoll takes none */
	size_t waiting_bytes;			/* read from stdin, not yet taken inside */
	char waiting[TERMINAL_BYTES];
};

/* A process whose terminal we will carry starts with the size of ours, unless it asks for one. */
void terminal_give_size(struct oci_process *p);

/* console_fd stays the caller's. */
int terminal_open(struct terminal *t, struct loop *loop, int console_fd, struct err *e);
void terminal_resize(struct terminal *t);	/* to the size of ours */
/* What is still in the kernel goes out; our terminal is as it was. */
void terminal_finish(struct terminal *t);
