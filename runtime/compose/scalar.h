/* scalar.h - the small formats inside compose values: durations, CPU counts, signals, capabilities,
 * limits.
 *
 * Pure: text in, value out; false when the text is not of that form. Sizes are str_to_bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool scalar_duration_ms(const char *text, uint64_t *ms); /* `1m30s`, `500ms`, `10s`, `1.5h` */
bool scalar_nano_cpus(const char *text,
		      uint64_t *nano_cpus); /* `0.5`, `2`: at most nine decimals */
bool scalar_signal(const char *text, unsigned *number);		/* `SIGINT`, `INT`, `2` */
bool scalar_bool(const char *text, bool *value);
/* `NET_ADMIN` or `CAP_NET_ADMIN`: its bit; `ALL`: every bit. */
bool scalar_capability(const char *text, uint64_t *bits);
/* `nofile`: RLIMIT_NOFILE */
bool scalar_rlimit(const char *text, int *resource);
bool scalar_limit(const char *text, uint64_t *limit); /* -1 and "unlimited" = UINT64_MAX */
/* `0-3,5` and `1`; no spaces. */
bool scalar_is_cpuset(const char *text);
/* Absolute, without `.`, `..`, empty parts or a slash at the end; not the root itself. */
bool scalar_is_clean_path(const char *text);
