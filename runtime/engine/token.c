/* token.c - see token.h. */
#include "engine/token.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/str.h"

enum { TOKEN_GIVEN_MAX = 256, FILE_BYTES_MAX = 4096 };

static const char FILE_NAME[] = "token.json";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

int token_check(const char *token, struct err *e)
{
	size_t size = strlen(token);

	if (!size)
		return err_set(e, "is empty: a notebook without a token is open to everybody; give "
				  "one, or leave the key out for a random one");
	if (size > TOKEN_GIVEN_MAX)
		return err_set(e, "is longer than %d characters", TOKEN_GIVEN_MAX);
	if (token[strspn(token, url_safe)])
		return err_set(
			e, "may hold letters, digits and - . _ ~ only, because it stands in a URL");
	return 0;
}

void token_make(char token[TOKEN_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[TOKEN_BYTES];

	/* At most 256 bytes come whole or not at all (getrandom(2)); it waits for the pool's seed
	 * only. */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++) {
		token[2 * i] = digits[bytes[i] >> 4];
		token[2 * i + 1] = digits[bytes[i] & 15];
	}
	token[2 * sizeof(bytes)] = '\0';
}

bool token_recall(int state_fd, const char *boot_id, char token[TOKEN_TEXT_BYTES])
{
	const char *id = "", *kept = "";
	struct json_doc *doc;
	struct json root;
	size_t size;
	AUTO_FREE char *text = fs_read_at(state_fd, FILE_NAME, FILE_BYTES_MAX, &size, NULL);
	bool found;

	doc = text ? json_parse(FILE_NAME, text, size, NULL) : NULL;
	if (!doc)
		return false;
	root = json_root(doc);
	found = json_get_str(&root, "boot_id", &id, NULL) == 0 &&
		json_get_str(&root, "token", &kept, NULL) == 0 && str_equal(id, boot_id) &&
		strlen(kept) == TOKEN_TEXT_BYTES - 1 && token_check(kept, NULL) == 0 &&
		str_copy(token, TOKEN_TEXT_BYTES, kept);
	json_destroy(doc);
	return found;
}

int token_keep(int state_fd, const char *boot_id, const char *token, struct err *e)
{
	struct json_writer w;
	struct buf out;
	int status;

	buf_init(&out, FILE_BYTES_MAX);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_key(&w, "boot_id");
	json_put_str(&w, boot_id);
	json_key(&w, "token");
	json_put_str(&w, token);
	json_end_object(&w);
	status = fs_write_atomic_at(state_fd, FILE_NAME, out.data, out.size_bytes, 0600, e);
	buf_finish(&out);
	return status;
}
