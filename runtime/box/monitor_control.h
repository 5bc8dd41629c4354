/* monitor_control.h - how others reach the monitor of a running container: a datagram socket
 * `control` in its folder /run/box/NAME, which only the machine's root may enter.
 *
 * Messages of lib/msg.h without an answer: a client that cannot be attached is closed, and the
 * reason stands in the log. So nobody ever waits for a monitor. */
#pragma once

#include <stdint.h>

struct err;
struct msg;

enum monitor_message {
	MONITOR_ATTACH = 1,	/* u64 streams (ATTACH_*); fd: the client's stream connection */
	MONITOR_RESIZE,		/* u64 rows, u64 columns of the terminal */
};

/* Binds the socket in the folder; returns its fd. */
int monitor_control_bind(int state_fd, struct err *e);

/* From the service: sends one message to the monitor of that folder. */
int monitor_control_attach(int state_fd, unsigned streams, int client_fd, struct err *e);
int monitor_control_resize(int state_fd, uint16_t rows, uint16_t columns, struct err *e);
