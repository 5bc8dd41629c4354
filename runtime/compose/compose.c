/* compose.c - see compose.h: the top level, the volumes, and what must fit together. */
#include "compose/compose.h"

#include <stdio.h>

#include "compose/interpolate.h"
#include "compose/network.h"
#include "compose/reader.h"
#include "compose/service.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

static int read_version(struct reader *r, const struct yaml_node *node, struct err *e)
{
	/* Obsolete since compose 1.27, and still in many files: it means nothing. */
	return reader_text(r, node, e) ? 0 : -1;
}

static int read_name(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_project *p = r->target;

	p->name = reader_string(r, node, e);
	if (!p->name)
		return -1;
	return str_is_name(p->name)
		       ? 0
		       : reader_fail(r, node, e, "\"%.64s\" is not a project name", p->name);
}

static int read_services(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_project *p = r->target;
	int status = 0;

	if (node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map, not %s", yaml_kind_name(node->kind));
	p->services = arena_array(r->arena, yaml_count(node) + 1, sizeof(*p->services));
	for (const struct yaml_node *item = node->first; item && status == 0; item = item->next)
		status = service_read(r, item, &p->services[p->service_count++], e);
	r->target = p;
	return status;
}

static int read_driver(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_volume *v = r->target;

	v->driver = reader_string(r, node, e);
	if (!v->driver)
		return -1;
	if (!str_equal(v->driver, "local") && !str_equal(v->driver, "share"))
		return reader_fail(r, node, e,
				   "\"%.64s\" is not known: write local, or share for the host's "
				   "shared folder",
				   v->driver);
	return 0;
}

static int read_volume(struct reader *r, const struct yaml_node *node,
		       struct compose_volume *volume, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "driver", read_driver }, { "driver_opts", NULL }, { "external", NULL },
		{ "labels", NULL },	   { "name", NULL },
	};

	*volume = (struct compose_volume){ .name = node->key, .driver = "local" };
	if (!str_is_name(node->key))
		return err_set(e, "%s:%u: \"%.64s\" is not a volume name: letters, digits, - _ .",
			       r->file, node->line, node->key);
	if (node->kind == YAML_NULL)
		return 0;
	r->target = volume;
	snprintf(r->where, sizeof(r->where), "volume %s", node->key);
	if (reader_map(r, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	r->where[0] = '\0';
	return 0;
}

static int read_volumes(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_project *p = r->target;
	int status = 0;

	if (node->kind == YAML_NULL)
		return 0;
	if (node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map, not %s", yaml_kind_name(node->kind));
	p->volumes = arena_array(r->arena, yaml_count(node) + 1, sizeof(*p->volumes));
	for (const struct yaml_node *item = node->first; item && status == 0; item = item->next)
		status = read_volume(r, item, &p->volumes[p->volume_count++], e);
	r->target = p;
	return status;
}

static const struct reader_key project_keys[] = {
	{ "configs", NULL },  { "include", NULL },	     { "models", NULL },
	{ "name", read_name }, { "networks", network_read_all },	     { "secrets", NULL },
	{ "services", read_services }, { "version", read_version }, { "volumes", read_volumes },
};

static int check_services(const struct reader *r, const struct compose_project *p, struct err *e)
{
	for (size_t i = 0; i < p->service_count; i++) {
		const struct compose_service *s = &p->services[i];

		for (size_t m = 0; m < s->mount_count; m++)
			if (!compose_volume(p, s->mounts[m].volume))
				return err_set(e,
					       "%s:%u: service %s: volume \"%s\" is not declared: "
					       "add it under volumes: at the top level",
					       r->file, s->line, s->name, s->mounts[m].volume);
		if (s->memswap_limit_bytes > 0 &&
		    (uint64_t)s->memswap_limit_bytes < s->mem_limit_bytes)
			return err_set(e,
				       "%s:%u: service %s: memswap_limit counts memory and swap "
				       "together: it must not be below mem_limit",
				       r->file, s->line, s->name);
		if (s->mem_limit_bytes && s->mem_reservation_bytes > s->mem_limit_bytes)
			return err_set(e, "%s:%u: service %s: mem_reservation is above mem_limit",
				       r->file, s->line, s->name);
	}
	return 0;
}

struct compose_project *compose_read(const char *file, const char *text, size_t size_bytes,
				     const struct compose_var *vars, struct arena *arena,
				     struct err *e)
{
	struct reader r = { .file = file, .vars = vars, .arena = arena };
	const struct yaml_node *root = yaml_read(file, text, size_bytes, arena, e);
	struct compose_project *p;

	if (!root)
		return NULL;
	p = arena_alloc(arena, sizeof(*p));
	r.target = p;
	if (root->kind == YAML_NULL) {
		err_set(e, "%s: is empty: it needs the key services", file);
		return NULL;
	}
	if (reader_map(&r, root, project_keys, ARRAY_SIZE(project_keys), e) < 0)
		return NULL;
	if (!p->service_count) {
		err_set(e, "%s: there is no service in it: add one under services:", file);
		return NULL;
	}
	return network_check(&r, p, e) < 0 || check_services(&r, p, e) < 0 ||
			       replicas_check(&r, p, e) < 0 || depends_check(&r, p, e) < 0 ?
		       NULL :
		       p;
}

const struct compose_service *compose_service(const struct compose_project *project,
					      const char *name)
{
	for (size_t i = 0; i < project->service_count; i++)
		if (str_equal(project->services[i].name, name))
			return &project->services[i];
	return NULL;
}

const struct compose_volume *compose_volume(const struct compose_project *project, const char *name)
{
	for (size_t i = 0; i < project->volume_count; i++)
		if (str_equal(project->volumes[i].name, name))
			return &project->volumes[i];
	return NULL;
}
