/* service_depends.c - `depends_on`; see health.h. */
#include "compose/compose.h"
#include "compose/health.h"
#include "compose/reader.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

static int read_condition(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const char *const names[] = {
		[COMPOSE_STARTED] = "service_started",
		[COMPOSE_HEALTHY] = "service_healthy",
		[COMPOSE_COMPLETED] = "service_completed_successfully",
	};
	struct compose_dependency *d = r->target;
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	for (size_t i = 0; i < COMPOSE_CONDITIONS; i++) {
		if (str_equal(text, names[i])) {
			d->condition = (enum compose_condition)i;
			return 0;
		}
	}
	return reader_fail(r, node, e,
			   "\"%.64s\" is not known: write service_started, service_healthy or "
			   "service_completed_successfully",
			   text);
}

static int read_required(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_dependency *d = r->target;
	bool required;

	if (reader_bool(r, node, &required, e) < 0)
		return -1;
	d->optional = !required;
	return 0;
}

static int read_restart(struct reader *r, const struct yaml_node *node, struct err *e)
{
	bool wanted;

	if (reader_bool(r, node, &wanted, e) < 0)
		return -1;
	return wanted ? reader_fail(r, node, e, "is not supported by Cuvette yet: take it out") : 0;
}

static int read_one(struct reader *r, const struct yaml_node *item, bool in_list,
		    struct compose_dependency *d, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "condition", read_condition },
		{ "required", read_required },
		{ "restart", read_restart },
	};
	struct compose_service *s = r->target;
	int status;

	*d = (struct compose_dependency){ .line = item->line };
	d->service = in_list ? reader_string(r, item, e) : item->key;
	if (!d->service)
		return -1;
	if (in_list || item->kind == YAML_NULL)
		return 0;
	r->target = d;
	status = reader_map(r, item, keys, ARRAY_SIZE(keys), e);
	r->target = s;
	return status;
}

int service_read_depends_on(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (node->kind != YAML_LIST && node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a list or a map, not %s",
				   yaml_kind_name(node->kind));
	s->depends = arena_array(r->arena, yaml_count(node) + 1, sizeof(*s->depends));
	for (const struct yaml_node *item = node->first; item; item = item->next)
		if (read_one(r, item, node->kind == YAML_LIST, &s->depends[s->depend_count++], e) <
		    0)
			return -1;
	return 0;
}

static int check_one(const struct reader *r, const struct compose_project *p,
		     const struct compose_service *s, const struct compose_dependency *d,
		     struct err *e)
{
	const struct compose_service *other = compose_service(p, d->service);

	if (!other && !d->optional)
		return err_set(e, "%s:%u: service %s: depends_on: there is no service \"%.64s\"",
			       r->file, d->line, s->name, d->service);
	if (other && d->condition == COMPOSE_HEALTHY && !other->health.test)
		return err_set(e,
			       "%s:%u: service %s: depends_on: service %s has no healthcheck: it "
			       "would never be healthy",
			       r->file, d->line, s->name, other->name);
	return 0;
}

/* Of those that still wait, each round lets go who waits for none of them. */
static const struct compose_service *find_circle(const struct compose_project *p,
						 struct arena *arena)
{
	bool *free_now = arena_array(arena, p->service_count, sizeof(*free_now));
	const struct compose_service *stuck = NULL;
	bool changed = true;

	while (changed) {
		changed = false;
		stuck = NULL;
		for (size_t i = 0; i < p->service_count; i++) {
			const struct compose_service *s = &p->services[i];
			size_t d = 0;

			if (free_now[i])
				continue;
			for (; d < s->depend_count; d++) {
				const struct compose_service *other =
					compose_service(p, s->depends[d].service);

				if (other && !free_now[other - p->services])
					break;
			}
			free_now[i] = d == s->depend_count;
			changed = changed || free_now[i];
			if (!free_now[i])
				stuck = s;
		}
	}
	return stuck;
}

int depends_check(const struct reader *r, const struct compose_project *p, struct err *e)
{
	const struct compose_service *stuck;

	for (size_t i = 0; i < p->service_count; i++)
		for (size_t d = 0; d < p->services[i].depend_count; d++)
			if (check_one(r, p, &p->services[i], &p->services[i].depends[d], e) < 0)
				return -1;
	stuck = find_circle(p, r->arena);
	if (stuck)
		return err_set(e, "%s:%u: service %s: depends_on: it waits for itself in the end",
			       r->file, stuck->line, stuck->name);
	return 0;
}
