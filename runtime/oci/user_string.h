/* user_string.h - a numeric user as a command line gives it: "UID" or "UID:GID".
 *
 * Names are the business of whoever knows the image; a text that is no number is an error here, and
 * never user 0 (CVE-2024-40635, CVE-2026-46680). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct user_string {
	uint32_t uid, gid;
	bool has_gid;
};

/* Decimal digits without sign, blanks or leading zeros, at most 4294967294. */
int user_string_parse(const char *text, struct user_string *user, struct err *e);
