/* control_messages.h - the rows of wire.h between the machine's administrator (enginectl) and the
 * engine. Included by wire.h alone.
 *
 * One request at a time, answered by CONTROL_LINE... and CONTROL_DONE, or by CONTROL_FAILED. A
 * connection that ends ends what it asked for. */
#pragma once

/* clang-format off */
/* CONTROL_STATS    str container ("" = all)                        a line per container and network
 * CONTROL_CAPTURE  str container, u64 seconds, u64 bytes; answered by CONTROL_PACKETS, and, when it
 *                  shall end, by CONTROL_LINE with the reason
 * CONTROL_PACKETS  -; fd: a socket that sees them all (net/capture_socket.h)
 * CONTROL_LINE     str text
 * CONTROL_DONE     -
 * CONTROL_FAILED   str sentence */
#define WIRE_CONTROL_MESSAGES(X) \
	X(CONTROL_STATS,   ENGINECTL, ENGINED,   0) \
	X(CONTROL_CAPTURE, ENGINECTL, ENGINED,   0) \
	X(CONTROL_PACKETS, ENGINED,   ENGINECTL, 1) \
	X(CONTROL_LINE,    ENGINED,   ENGINECTL, 0) \
	X(CONTROL_DONE,    ENGINED,   ENGINECTL, 0) \
	X(CONTROL_FAILED,  ENGINED,   ENGINECTL, 0)
