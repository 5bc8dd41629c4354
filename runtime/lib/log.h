/* log.h - one line per event on stderr: `level program: sentence`.
 *
 * err = someone must act; warn = we coped; info = a state changed; debug = off unless asked for.
 * Foreign bytes in the text are escaped (\xNN), so a container cannot forge a line. One write(2)
 * per line: lines of several processes on one fd stay whole. Never log a secret. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Keeps the pointer. Without a call the program is "?" and the level INFO. */
void log_init(const char *program, enum log_level level);

void log_err(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An info line; false: it is lost, for stderr is a pipe without room (O_NONBLOCK), or nothing. */
bool log_offer(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For a main before its loop, and for tools; never in init. Logs as err and exits with 1. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
