/* service_health.c - `healthcheck`; see health.h. */
#include "compose/compose.h"
#include "compose/health.h"
#include "compose/reader.h"
#include "compose/scalar.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

enum {
	WAIT_MIN_MS = 100,		/* each check is a process */
	WAIT_MAX_MS = 86400000,
	RETRIES_MAX = 1000,
	INTERVAL_MS = 30000,		/* Docker's */
	TIMEOUT_MS = 30000,
	START_INTERVAL_MS = 5000,
	RETRIES = 3,
};

static const char *const *shell(struct reader *r, const char *text)
{
	const char **list = arena_array(r->arena, 4, sizeof(*list));

	list[0] = "/bin/sh";
	list[1] = "-c";
	list[2] = text;
	return list;
}

static int read_test_list(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char **list = arena_array(r->arena, yaml_count(node) + 1, sizeof(*list));
	size_t count = 0;

	for (const struct yaml_node *item = node->first; item; item = item->next) {
		list[count] = reader_string(r, item, e);
		if (!list[count++])
			return -1;
	}
	if (count == 1 && str_equal(list[0], "NONE")) {
		s->health.test = NULL;
		return 0;
	}
	if (count > 1 && str_equal(list[0], "CMD")) {
		s->health.test = list + 1;
		return 0;
	}
	if (count == 2 && str_equal(list[0], "CMD-SHELL")) {
		s->health.test = shell(r, list[1]);
		return 0;
	}
	return reader_fail(r, node, e,
			   "begins with CMD and a command, CMD-SHELL and one string, or is [NONE]: "
			   "write [CMD, wget, -q, 'http://localhost/']");
}

static int read_test(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text;

	if (node->kind == YAML_LIST)
		return read_test_list(r, node, e);
	text = reader_string(r, node, e);
	if (!text)
		return -1;
	if (!*text)
		return reader_fail(r, node, e, "must not be empty");
	s->health.test = shell(r, text);
	return 0;
}

static int read_wait(struct reader *r, const struct yaml_node *node, uint64_t min_ms, uint64_t *ms,
		     struct err *e)
{
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!scalar_duration_ms(text, ms))
		return reader_fail(r, node, e, "\"%.64s\" is not a time: write 10s, 1m30s or 500ms",
				   text);
	return *ms >= min_ms && *ms <= WAIT_MAX_MS ?
		       0 :
		       reader_fail(r, node, e, "must be from %ums to 24h", (unsigned)min_ms);
}

static int read_interval(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_wait(r, node, WAIT_MIN_MS, &s->health.interval_ms, e);
}

static int read_timeout(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_wait(r, node, WAIT_MIN_MS, &s->health.timeout_ms, e);
}

static int read_start_period(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_wait(r, node, 0, &s->health.start_period_ms, e);
}

static int read_start_interval(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_wait(r, node, WAIT_MIN_MS, &s->health.start_interval_ms, e);
}

static int read_retries(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!str_to_u32(text, &s->health.retries) || s->health.retries == 0 ||
	    s->health.retries > RETRIES_MAX)
		return reader_fail(r, node, e, "must be a number from 1 to %d", RETRIES_MAX);
	return 0;
}

/* What is said besides is read too: a slip of the pen in it is one all the same. */
static int read_disable(struct reader *r, const struct yaml_node *node, struct err *e)
{
	bool ignored;

	return reader_bool(r, node, &ignored, e);
}

static bool is_disabled(const struct yaml_node *node)
{
	const struct yaml_node *disable = yaml_member(node, "disable");
	bool value;

	return disable && disable->text && scalar_bool(disable->text, &value) && value;
}

int service_read_healthcheck(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "disable", read_disable },	       { "interval", read_interval },
		{ "retries", read_retries },	       { "start_interval", read_start_interval },
		{ "start_period", read_start_period }, { "test", read_test },
		{ "timeout", read_timeout },
	};
	struct compose_service *s = r->target;

	s->health = (struct compose_health){
		.interval_ms = INTERVAL_MS,
		.timeout_ms = TIMEOUT_MS,
		.start_interval_ms = START_INTERVAL_MS,
		.retries = RETRIES,
	};
	if (reader_map(r, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	if (is_disabled(node))
		s->health.test = NULL;
	else if (!yaml_member(node, "test"))
		return reader_fail(r, node, e, "needs the key test");
	return 0;
}
