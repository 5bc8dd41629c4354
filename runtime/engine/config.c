/* config.c - see config.h. */
#include "engine/config.h"

#include <string.h>

#include "engine/batch.h"
#include "engine/token.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "lib/str.h"

static const uint64_t ID_MAX = 65535;		/* a container has 65536 ids */
static const uint64_t MEM_MIN_BYTES =
	64 << 20; /* less does not start a Python interpreter with its libraries */

void config_init(struct config *config)
{
	*config = (struct config){ .nb_uid = 1000, .nb_gid = 100 };
}

static int read_text(const struct json *root, const char *key, const char **text,
		     struct arena *arena, struct err *e)
{
	if (json_opt_str(root, key, text, e) < 0)
		return -1;
	*text = arena_str(arena, *text);
	return 0;
}

/* scheme://host[:port], without a path: the console puts the service's own path behind it. */
static int check_url(const char *url, struct err *e)
{
	const char *host = str_starts(url, "http://")	 ? url + 7
			   : str_starts(url, "https://") ? url + 8
							 : NULL;

	if (!host || !*host || strpbrk(host, "/?# \t\"'<>\\"))
		return err_set(e, "config: url: must be like http://127.0.0.1:8888");
	return 0;
}

static int check(const struct config *config, struct err *e)
{
	if (config->token && token_check(config->token, e) < 0)
		return err_add(e, "config: token");
	if (config->url && check_url(config->url, e) < 0)
		return -1;
	if (config->nb_uid == 0 || config->nb_uid > ID_MAX)
		return err_set(e, "config: nb_uid: must be a number from 1 to 65535");
	if (config->nb_gid == 0 || config->nb_gid > ID_MAX)
		return err_set(e, "config: nb_gid: must be a number from 1 to 65535");
	if (config->mem_limit_bytes && config->mem_limit_bytes < MEM_MIN_BYTES)
		return err_set(e, "config: mem_limit_bytes: must be at least 67108864 (64 MiB)");
	return config->batch ? batch_check(config->batch, e) : 0;
}

static int read_root(struct config *config, const struct json *root, struct arena *arena,
		     struct err *e)
{
	static const char *const keys[] = {
		"batch", "mem_limit_bytes", "nb_gid", "nb_uid", "token", "url", NULL,
	};

	if (read_text(root, "batch", &config->batch, arena, e) < 0 ||
	    json_only_keys(root, keys, e) < 0 ||
	    read_text(root, "token", &config->token, arena, e) < 0 ||
	    read_text(root, "url", &config->url, arena, e) < 0 ||
	    json_opt_u64(root, "nb_uid", &config->nb_uid, e) < 0 ||
	    json_opt_u64(root, "nb_gid", &config->nb_gid, e) < 0 ||
	    json_opt_u64(root, "mem_limit_bytes", &config->mem_limit_bytes, e) < 0)
		return -1;
	return check(config, e);
}

int config_read(struct config *config, const char *text, size_t size_bytes, struct arena *arena,
		struct err *e)
{
	struct json_doc *doc = json_parse("config", text, size_bytes, e);
	struct json root;
	int status;

	config_init(config);
	if (!doc)
		return -1;
	root = json_root(doc);
	if (json_kind(&root) == JSON_OBJECT)
		status = read_root(config, &root, arena, e);
	else
		status = err_set(e, "config: must be a JSON object");
	json_destroy(doc);
	return status;
}
