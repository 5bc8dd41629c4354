/* dns_log.h - the log of questions (`dns-log`), a line each, and how many lines of it were lost.
 *
 * netd reads so many lines a second of a gateway (net/saying.h); beyond that the pipe is full and a
 * line is lost: nobody waits for it. They are counted, and once an interval a line says how many,
 * before any other when there is room again. */
#pragma once

#include <stdint.h>

struct dns_log;
struct dns_question;
struct dns_reply;
struct loop;

enum { DNS_LOG_INTERVAL_MS = 10000 };

struct dns_log *dns_log_create(struct loop *loop, uint64_t interval_ms);
void dns_log_destroy(struct dns_log *l); /* NULL is fine; says what is not said yet, if it can */

/* container NULL: nobody's; by: who knew the answer. */
void dns_log_question(struct dns_log *l, const char *container, const struct dns_question *q,
		      const char *by, const struct dns_reply *reply);
