#include "lib/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Formats before it touches *e, so that e->text itself may be an argument. */
static int put(struct err *e, int number, const char *tail, const char *format, va_list args)
{
	char text[ERR_TEXT_MAX];
	size_t used;
	int n = vsnprintf(text, sizeof(text), format, args);

	if (n < 0)
		text[0] = '\0';
	used = strlen(text);
	if (tail)
		snprintf(text + used, sizeof(text) - used, ": %s", tail);
	memcpy(e->text, text, sizeof(e->text));
	e->number = number;
	return -1;
}

int err_set(struct err *e, const char *format, ...)
{
	va_list args;

	if (!e)
		return -1;
	va_start(args, format);
	put(e, 0, NULL, format, args);
	va_end(args);
	return -1;
}

int err_sys(struct err *e, const char *format, ...)
{
	int number = errno;
	va_list args;

	if (!e)
		return -1;
	va_start(args, format);
	put(e, number, strerror(number), format, args);
	va_end(args);
	errno = number;
	return -1;
}

int err_add(struct err *e, const char *format, ...)
{
	char cause[ERR_TEXT_MAX];
	va_list args;

	if (!e)
		return -1;
	memcpy(cause, e->text, sizeof(cause));
	va_start(args, format);
	put(e, e->number, cause, format, args);
	va_end(args);
	return -1;
}

void err_clear(struct err *e)
{
	if (!e)
		return;
	e->number = 0;
	e->text[0] = '\0';
}
