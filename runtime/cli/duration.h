/* duration.h - spans of time as Go programs write them: `500ms`, `5s`, `1m30s`; `5` is 5 s. Pure.
 */
#pragma once

#include <stdint.h>

struct err;

/* At least 1 ms, at most a year. */
int duration_parse(const char *text, uint64_t *ms, struct err *e);
