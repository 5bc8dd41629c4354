/* token.h - the secret in the notebook's URL: 24 random bytes in hex, a new one at each boot unless
 * given.
 *
 * Kept with the boot's id in the state directory, so that an engine that is started again within
 * the same boot still knows the token of the notebook that runs. Never logged. */
#pragma once

#include <stdbool.h>

struct err;

enum { TOKEN_BYTES = 24, TOKEN_TEXT_BYTES = 2 * TOKEN_BYTES + 1 };

/* One that the user gave: not empty, and fit to stand in a URL. */
int token_check(const char *token, struct err *e);
void token_make(char token[TOKEN_TEXT_BYTES]);

/* False when this boot has none yet. */
bool token_recall(int state_fd, const char *boot_id, char token[TOKEN_TEXT_BYTES]);
int token_keep(int state_fd, const char *boot_id, const char *token, struct err *e);
