/* err.h - why something failed, in one sentence a user can act on.
 *
 * The caller owns the struct, on its stack; there is nothing to free. A function that fails
 * fills it exactly when it returns -1 or NULL. err_add puts the caller's words in front, so a
 * sentence grows from the cause outwards: `start box web: cgroup web: write memory.max: Invalid
 * argument`. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

enum { ERR_TEXT_MAX = 512 };

struct err {
	int number;		 /* the errno behind it, 0 when there is none */
	char text[ERR_TEXT_MAX]; /* always terminated; cut at the end when too long */
};

/* All three return -1, so that `return err_set(e, ...)` reads well. A NULL e is allowed. */
int err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_sys(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_add(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);
