/* box_messages.h - the messages of containers, between engined and boxd; wire.h puts them into the
 * one list. Every request that failed is answered by BOX_FAILED. Included by wire.h
 * alone. */
#pragma once

/* clang-format off */
/* BOX_START    str name, str image, u64 mounts, then per volume mount: str volume, str driver,
 *              str target, u64 read_only; u64 log_bytes; STREAMS; u64 1 = hold; str the running
 *              box whose network namespace it shares ("" = as the spec says); str text of its
 *              resolv.conf ("" = the appliance's own); str lines of its hosts after localhost's
 *              ("" = its hostname at 127.0.1.1); fds: sealed spec, STREAMS
 *              held: answered by BOX_HELD, else by BOX_STARTED
 * BOX_HELD     str name, u64 pid; fd: its network namespace. All of it is made and nothing of its
 *              image has run. It waits for BOX_RELEASE; BOX_KILL with any signal, BOX_DELETE or
 *              the end of the connection end it as if it had never been started
 * BOX_RELEASE  str name                                          answered by BOX_STARTED
 * BOX_STARTED  str name, u64 pid
 * BOX_FAILED   str name, str sentence
 * BOX_NETNS    str name                                          answered by BOX_NETWORK
 * BOX_NETWORK  str name; fd: the network namespace of its first process
 * BOX_KILL     str name, u64 signal                              answered by BOX_DONE
 * BOX_DELETE   str name                     answered by BOX_DONE; kills what runs
 * BOX_ATTACH   str name, u64 streams; fd: a stream connection    answered by BOX_DONE
 * BOX_RESIZE   str name, u64 rows, u64 columns                   answered by BOX_DONE
 * BOX_EXEC     str name; STREAMS; fds: sealed process, STREAMS   answered by BOX_STARTED
 * BOX_LOOK     str name                                          answered by BOX_STATE
 * BOX_USAGE    str name                                          answered by BOX_USED
 * BOX_USED     str name, the u64s of wire/usage.h; none = no box of that name runs
 * BOX_DONE     str name
 * BOX_LIST     -                            answered by BOX_STATE... BOX_LIST_END
 * BOX_STATE    str name, str image, u64 running, u64 pid, u64 exit_status, u64 oom_kills
 * BOX_EXITED   str name, u64 exit_status (128 + signal as shells do), u64 oom_kills,
 *              str said (the last lines of its standard error)   event
 * BOX_OOM      str name, u64 limit_bytes, u64 oom_kills          event
 *
 * STREAMS: u64 input (0 none, 1 open, 2 closed by the end of a client's sending); u64 1 = with an
 * output; u64 clients, then each one's u64 streams (1 in, 2 out, 4 err); fds: [output,] clients.
 * An exec's name is BOX/EXEC, of two names. What is true of a box is true of it: killed, attached
 * to, resized, looked at, listed (behind its box, with its image); its end is an event and is
 * remembered until it is deleted, or its box is deleted or started again. It ends with its box.
 * BOX_LOOK knows an end before any client sees the end of its connection. */
#define WIRE_BOX_MESSAGES(X) \
	X(BOX_START,    ENGINED, BOXD,    6) \
	X(BOX_STARTED,  BOXD,    ENGINED, 0) \
	X(BOX_FAILED,   BOXD,    ENGINED, 0) \
	X(BOX_HELD,     BOXD,    ENGINED, 1) \
	X(BOX_RELEASE,  ENGINED, BOXD,    0) \
	X(BOX_NETNS,    ENGINED, BOXD,    0) \
	X(BOX_NETWORK,  BOXD,    ENGINED, 1) \
	X(BOX_KILL,     ENGINED, BOXD,    0) \
	X(BOX_DELETE,   ENGINED, BOXD,    0) \
	X(BOX_ATTACH,   ENGINED, BOXD,    1) \
	X(BOX_RESIZE,   ENGINED, BOXD,    0) \
	X(BOX_EXEC,     ENGINED, BOXD,    6) \
	X(BOX_LOOK,     ENGINED, BOXD,    0) \
	X(BOX_DONE,     BOXD,    ENGINED, 0) \
	X(BOX_USAGE,    ENGINED, BOXD,    0) \
	X(BOX_USED,     BOXD,    ENGINED, 0) \
	X(BOX_LIST,     ENGINED, BOXD,    0) \
	X(BOX_STATE,    BOXD,    ENGINED, 0) \
	X(BOX_LIST_END, BOXD,    ENGINED, 0) \
	X(BOX_EXITED,   BOXD,    ENGINED, 0) \
	X(BOX_OOM,      BOXD,    ENGINED, 0)
/* clang-format on */
