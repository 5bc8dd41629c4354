/* interpolate.h - `${VAR}`, `${VAR:-default}`, `${VAR-default}`, `$VAR` and `$$` in one value, as
 * compose has them.
 *
 * Works on a value that the YAML reader has already cut out: what a variable holds never becomes a
 * key, a list item or a second line of the file. A variable that is not set is an error naming it.
 */
#pragma once

struct arena;
struct err;

struct compose_var {
	const char *name;
	const char *value;
};

/* The value of a variable, or NULL. vars ends with a NULL name; vars itself may be NULL. */
const char *interpolate_find(const struct compose_var *vars, const char *name);

/* text itself when it holds no `$`; NULL with *e set on failure. */
const char *interpolate(const char *text, const struct compose_var *vars, struct arena *arena,
			struct err *e);
