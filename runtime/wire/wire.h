/* wire.h - every message between our programs: one list yields the numbers, the names and who may
 * send what to whom, so they cannot drift.
 *
 * Carried by lib/msg.h over AF_UNIX SEQPACKET. Fields in the order given in the comment of each
 * row. Knows nothing of what the messages do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum wire_program { WIRE_SVCTL, WIRE_SVD, WIRE_ENGINED, WIRE_BOXD };

/*        name         from     to       fds   fields
 * BOX_START    str name, str image, u64 mounts, then per volume mount: str volume, str driver,
 *              str target, u64 read_only; u64 log_bytes; u64 input (0 none, 1 open, 2 closed by
 *              the end of a client's sending); u64 1 = with an output; u64 clients, then each
 *              one's u64 streams (1 stdin, 2 stdout, 4 stderr); fds: sealed spec [, output],
 * clients BOX_STARTED  str name, u64 pid                         answer to BOX_START BOX_FAILED str
 * name, str sentence                    answer to any BOX_ request that failed BOX_KILL     str
 * name, u64 signal                      answered by BOX_DONE BOX_ATTACH   str name, u64 streams;
 * fd: a stream connection       answered by BOX_DONE BOX_RESIZE   str name, u64 rows, u64 columns
 * answered by BOX_DONE BOX_DELETE   str name                                  answered by BOX_DONE;
 * kills what runs BOX_DONE     str name BOX_LIST     - answered by BOX_STATE... BOX_LIST_END
 * BOX_STATE    str name, str image, u64 running, u64 pid, u64 exit_status, u64 oom_kills
 * BOX_EXITED   str name, u64 exit_status (128 + signal as shells do), u64 oom_kills,
 *              str said (the last lines of its standard error)       event
 * BOX_OOM      str name, u64 limit_bytes, u64 oom_kills         event */
/* clang-format off */
#define WIRE_MESSAGES(X) \
	X(BOX_START,    ENGINED, BOXD,    6) \
	X(BOX_STARTED,  BOXD,    ENGINED, 0) \
	X(BOX_FAILED,   BOXD,    ENGINED, 0) \
	X(BOX_KILL,     ENGINED, BOXD,    0) \
	X(BOX_DELETE,   ENGINED, BOXD,    0) \
	X(BOX_ATTACH,   ENGINED, BOXD,    1) \
	X(BOX_RESIZE,   ENGINED, BOXD,    0) \
	X(BOX_DONE,     BOXD,    ENGINED, 0) \
	X(BOX_LIST,     ENGINED, BOXD,    0) \
	X(BOX_STATE,    BOXD,    ENGINED, 0) \
	X(BOX_LIST_END, BOXD,    ENGINED, 0) \
	X(BOX_EXITED,   BOXD,    ENGINED, 0) \
	X(BOX_OOM,      BOXD,    ENGINED, 0)

enum wire_type {
	WIRE_NONE,	/* so that a zeroed message is none of ours */
#define WIRE_NUMBER(name, from, to, fds) WIRE_##name,
	WIRE_MESSAGES(WIRE_NUMBER)
#undef WIRE_NUMBER
	WIRE_TYPES
};
/* clang-format on */

const char *wire_name(uint32_t type); /* "BOX_START"; "unknown" for what is not in the list */
/* May `from` send this type to `to`, with this many fds? (fds in the table is the most allowed.) */
bool wire_allowed(uint32_t type, enum wire_program from, enum wire_program to, int fd_count);
