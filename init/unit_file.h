/* unit_file.h - one unit as its file describes it. Pure: text in, a struct or an error with file
 * and line out.
 *
 * One `key words...` per line, # begins a comment line, "..." keeps blanks in a word. Nothing is
 * guessed: an unknown key or word, a key twice, a name twice are errors. README.md lists the keys.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/unit_fsm.h"

struct err;

enum {
	UNIT_FILE_BYTES_MAX = 4096,
	UNIT_EXEC_MAX = 24,
	UNIT_AFTER_MAX = 12,
	UNIT_PASSED_MAX = 16,
	UNIT_ENV_MAX = 16,
	UNIT_STOP_MS_DEFAULT = 3000,
	UNIT_STOP_MS_MAX = 20000,
	UNIT_LOG_BYTES_DEFAULT = 64 * 1024,
	UNIT_OPEN_FILES_MAX = 524288,	/* what PID 1 leaves to everybody */
};

enum unit_ready { UNIT_READY_NONE, UNIT_READY_NOTIFY, UNIT_READY_EXIT };

/* A socket that is bound, or a file that is opened, and passed under a name. */
struct unit_passed {
	const char *name, *path;
	bool is_socket;
	int socket_type;		/* SOCK_SEQPACKET, SOCK_STREAM */
	mode_t socket_mode;
	const char *socket_user, *socket_group;
	int open_flags;			/* of a file */
	bool optional;			/* a file that is missing is left out */
};

struct unit_file {
	char text[UNIT_FILE_BYTES_MAX];			/* what all pointers below point into */
	const char *exec[UNIT_EXEC_MAX + 1];		/* NULL-terminated */
	const char *after[UNIT_AFTER_MAX];
	int after_count, after_line;
	struct unit_passed passed[UNIT_PASSED_MAX];	/* in the order of the file */
	int passed_count;
	const char *env[UNIT_ENV_MAX];			/* KEY=VALUE */
	int env_count;
	enum unit_ready ready;
	enum unit_restart restart;
	unsigned stop_ms;
	int shutdown_signal;
	uint64_t log_bytes;
	unsigned open_files;		/* soft limit; 0 = as inherited */
	int nice;			/* -20..19, nice(2) */
	const char *user;				/* NULL = root */
	const char *when;	/* without this path it rests; NULL = always */
	bool has_caps;
	uint64_t caps;					/* a bit per capability */
	bool may_poweroff;
};

/* name: for messages, as in `engined.unit:3: ...`. */
int unit_file_parse(struct unit_file *f, const char *name, const char *text, struct err *e);
