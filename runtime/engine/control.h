/* control.h - the launcher's port (a virtio-serial port): text lines both ways, never waited for.
 *
 * Lines out: `stage NAME MS`, `ready URL`, `error TEXT`, `exit STATUS`. Line in: `poweroff`. What
 * does not fit into the port waits in a small buffer; when that is full too, nobody reads and lines
 * are dropped. */
#pragma once

struct control;
struct loop;

/* fd stays the caller's. on_poweroff is called for each such line. */
struct control *control_create(struct loop *loop, int fd, void (*on_poweroff)(void *ctx),
			       void *ctx);
void control_destroy(struct control *control);		/* NULL is fine */

/* One line; control bytes in it become blanks. NULL control: does nothing. */
void control_send(struct control *control, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
