/* report.c - see report.h. */
#include "engine/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/control.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"

enum { LINE_BYTES_MAX = 1024 };

/* Foreign text must not steer the terminal: its control bytes are shown. UTF-8 passes. */
static void escape(char *out, size_t out_bytes, const char *text)
{
	size_t at = 0;

	for (; *text && at + 5 < out_bytes; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte < ' ' || byte == 0x7f)
			at += (size_t)snprintf(out + at, out_bytes - at, "\\x%02x", byte);
		else
			out[at++] = *text;
	}
	out[at] = '\0';
}

static void write_console(const struct report *r, const char *text)
{
	char escaped[LINE_BYTES_MAX], line[LINE_BYTES_MAX + 2];
	struct err e;
	int length;

	escape(escaped, sizeof(escaped), text);
	length = snprintf(line, sizeof(line), "%s\n", escaped);
	/* One write: lines of several programs share the console. */
	if (fd_write_line(r->console_fd, line, (size_t)length, &e) < 0)
		log_warn("console: %s", e.text);
}

/* An error goes to the launcher too. */
static void tell(const struct report *r, bool is_error, const char *format, va_list args)
{
	char text[LINE_BYTES_MAX];

	vsnprintf(text, sizeof(text), format, args);
	if (r->console_fd >= 0)
		write_console(r, text);
	else
		log_info("%s", text);
	if (is_error)
		control_send(r->control, "error %s", text);
}

void report_say(const struct report *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(r, false, format, args);
	va_end(args);
}

void report_error(const struct report *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(r, true, format, args);
	va_end(args);
}

void report_ready(const struct report *r, const char *url)
{
	char text[LINE_BYTES_MAX];

	snprintf(text, sizeof(text), "Cuvette is ready: %s", url);
	/* Never into the log: the URL holds the token. */
	if (r->console_fd >= 0)
		write_console(r, text);
	control_send(r->control, "ready %s", url);
}

void report_stage(const struct report *r, const char *name)
{
	uint64_t now_ns = time_boot_ns();
	char line[128];
	struct err e;
	int length = snprintf(line, sizeof(line), "%.64s %" PRIu64 "\n", name, now_ns);

	if (r->boot_fd >= 0 && fd_write_all(r->boot_fd, line, (size_t)length, &e) < 0)
		log_warn("boot record: %s", e.text);
	control_send(r->control, "stage %.64s %" PRIu64, name, now_ns / 1000000);
}

void report_exit(const struct report *r, uint64_t status)
{
	control_send(r->control, "exit %" PRIu64, status);
}

const char *report_size(char out[REPORT_SIZE_BYTES], uint64_t bytes)
{
	uint64_t tenths = (bytes >> 20) * 10 / 1024;	/* of a GiB */

	if (bytes >> 30 == 0)
		snprintf(out, REPORT_SIZE_BYTES, "%" PRIu64 " MiB", bytes >> 20);
	else if (tenths % 10)
		snprintf(out, REPORT_SIZE_BYTES, "%" PRIu64 ".%" PRIu64 " GiB", tenths / 10,
			 tenths % 10);
	else
		snprintf(out, REPORT_SIZE_BYTES, "%" PRIu64 " GiB", tenths / 10);
	return out;
}
