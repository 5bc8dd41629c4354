/* report.h - what the engine tells people and the launcher: sentences on the console, lines on the
 * control port, stages in the boot record. The only place where the URL with its token is written.
 */
#pragma once

#include <stdint.h>

struct control;

struct report {
	int console_fd;			/* -1: the sentences go to the log */
	int boot_fd;			/* /run/boot, append only; -1 = none */
	struct control *control;	/* NULL = none */
};

/* The console; control bytes are escaped. */
void report_say(const struct report *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The console and the launcher: something went wrong. */
void report_error(const struct report *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void report_ready(const struct report *r, const char *url);
/* `NAME NANOSECONDS` since the kernel started. */
void report_stage(const struct report *r, const char *name);
void report_exit(const struct report *r, uint64_t status);

enum { REPORT_SIZE_BYTES = 24 };
/* "1.5 GiB", "768 MiB" */
const char *report_size(char out[REPORT_SIZE_BYTES], uint64_t bytes);
