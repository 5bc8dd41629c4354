/* words.h - splits a command line into words as compose does: blanks, '...', "..." and backslash;
 * no variables, globs or pipes. */
#pragma once

struct arena;
struct err;

/* NULL-terminated, in the arena; NULL with *e set when a quote or a backslash is left open. */
const char *const *words_split(const char *text, struct arena *arena, struct err *e);
