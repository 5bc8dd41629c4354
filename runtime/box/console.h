/* console.h - a container's terminal: the pty is made inside, its master goes out over a socket.
 *
 * The protocol of --console-socket is runc's (docs/terminals.md): a connected AF_UNIX stream, one
 * message with the path of the slave as text and the master as SCM_RIGHTS. Slave and /dev/console
 * are reached by TIOCGPTPEER and by fd alone, never by a name inside the container
 * (CVE-2025-52565). */
#pragma once

#include <stdint.h>

struct err;
struct oci_process;

/* Outside: to a listening socket at `path`, however long its name is. O_CLOEXEC. */
int console_connect(const char *path, struct err *e);
/* Outside, with a socket pair instead: the master that the container sent. */
int console_receive(int socket_fd, struct err *e);

/* Inside, with devpts at /dev/pts below root_fd: makes the pty with its size and owner, sends the
 * master, puts the slave at 0, 1, 2 as the controlling terminal of a fresh session. With
 * bind_console it is mounted at /dev/console too. */
int console_make(int root_fd, int socket_fd, const struct oci_process *p, int bind_console,
		 struct err *e);
