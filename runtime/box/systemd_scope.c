/* systemd_scope.c - see systemd_scope.h */
#include "box/systemd_scope.h"

#include <limits.h>
#include <string.h>

#include "box/cgroup_values.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"

#define WHERE ".linux.cgroupsPath"

enum { FIXED_PROPERTIES = 4 };

/* What a unit's name may hold (systemd.unit(5)). */
static bool is_unit_text(const char *text, size_t length)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789:-_.\\@";

	return strspn(text, letters) >= length;
}

static int take_slice(const char **slice, struct arena *a, const char *text, size_t length,
		      struct err *e)
{
	*slice = arena_strn(a, text, length);
	if (str_equal(*slice, "-"))
		*slice = "-.slice";	/* the root slice */
	if (str_equal(*slice, "-.slice"))
		return 0;
	if (!str_ends(*slice, ".slice") || !is_unit_text(text, length) || text[0] == '-' ||
	    text[0] == '.' || strstr(*slice, "--") || strstr(*slice, "-.slice"))
		return err_set(e, WHERE ": \"%.64s\" is no name of a slice, like machine.slice",
			       *slice);
	return 0;
}

static int name_unit(struct systemd_scope *s, struct arena *a, const char *prefix, size_t length,
		     const char *name, struct err *e)
{
	if (!*name || !is_unit_text(prefix, length) || !is_unit_text(name, strlen(name)))
		return err_set(e,
			       WHERE ": a unit's name is made of letters, digits and :-_.\\@, not "
				     "\"%.64s\"",
			       name);
	if (str_ends(name, ".slice"))
		return err_set(e, WHERE ": \"%.64s\" is a slice: a container lives in a scope, so "
					"leave the ending out",
			       name);
	s->unit = arena_format(a, "%.*s%s%s.scope", (int)length, prefix, length ? "-" : "", name);
	if (strlen(s->unit) > NAME_MAX)
		return err_set(e, WHERE ": makes a unit's name of more than %d bytes", NAME_MAX);
	return 0;
}

static int take_path(struct systemd_scope *s, const char **slice, struct arena *a,
		     const char *path, const char *id, struct err *e)
{
	const char *prefix, *name;

	*slice = s->user ? "user.slice" : "system.slice";
	if (!path || !*path)
		return name_unit(s, a, "box", strlen("box"), id, e);
	prefix = strchr(path, ':');
	name = prefix ? strchr(prefix + 1, ':') : NULL;
	if (!name || strchr(name + 1, ':') || strchr(path, '/'))
		return err_set(e,
			       WHERE ": \"%.64s\": for systemd it must be SLICE:PREFIX:NAME, like "
				     "system.slice:box:web",
			       path);
	if (prefix > path && take_slice(slice, a, path, (size_t)(prefix - path), e))
		return -1;
	return name_unit(s, a, prefix + 1, (size_t)(name - prefix - 1), name + 1, e);
}

static int take_subgroup(struct systemd_scope *s, const char *name, struct err *e)
{
	if (!*name || strchr(name, '/') || strchr(name, '\n') || name[0] == '.' ||
	    strlen(name) > NAME_MAX || str_starts(name, "cgroup."))
		return err_set(e,
			       ".annotations." SYSTEMD_SUBGROUP_ANNOTATION
			       ": \"%.64s\" must be one name: the scope's own cgroup is systemd's",
			       name);
	s->subgroup = name;
	return 0;
}

static bool has(const struct systemd_properties *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_equal(p->items[i].name, name))
			return true;
	return false;
}

/* The caller's own word comes before ours. */
static struct systemd_property *add(struct systemd_properties *p, const char *name,
				    const char *signature)
{
	struct systemd_property *item = &p->items[p->count];

	if (!has(p, name))
		p->count++;
	*item = (struct systemd_property){ .name = name, .signature = signature };
	return item;
}

/* Without these a scope would not be the container's. */
static int check_ours(const struct systemd_property *p, struct err *e)
{
	static const char *const ours[] = { "Delegate", "Description", "PIDs", "PIDFDs", "Slice" };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (str_equal(p->name, ours[i]))
			return err_set(e,
				       ".annotations." SYSTEMD_PROPERTY_ANNOTATION
				       "%s: is set by box itself; leave it out",
				       p->name);
	return 0;
}

static int take_annotations(struct systemd_scope *s, struct arena *a, const struct oci_spec *spec,
			    struct err *e)
{
	struct systemd_properties *p = &s->properties;

	for (size_t i = 0; i < spec->annotation_count; i++) {
		const char *key = spec->annotations[i].key, *value = spec->annotations[i].value;

		if (str_equal(key, SYSTEMD_SUBGROUP_ANNOTATION) && take_subgroup(s, value, e))
			return -1;
		if (!str_starts(key, SYSTEMD_PROPERTY_ANNOTATION))
			continue;
		if (systemd_property_parse(&p->items[p->count], a, key,
					   key + strlen(SYSTEMD_PROPERTY_ANNOTATION), value, e) ||
		    check_ours(&p->items[p->count], e))
			return -1;
		p->count++;
	}
	return 0;
}

static void add_limits(struct systemd_properties *p, struct arena *a,
		       const struct cgroup_values *limits)
{
	for (size_t i = 0; i < limits->count; i++)
		p->count += systemd_property_of_value(&p->items[p->count], a, &limits->items[i]);
}

int systemd_scope_make(struct systemd_scope *s, struct arena *a, const struct oci_spec *spec,
		       const char *id, bool user, const struct cgroup_values *limits,
		       struct err *e)
{
	struct systemd_properties *p = &s->properties;
	size_t most = FIXED_PROPERTIES + spec->annotation_count +
		      SYSTEMD_PROPERTIES_OF_VALUE * limits->count + 1;
	const char *slice;

	*s = (struct systemd_scope){ .subgroup = "container", .user = user };
	p->items = arena_array(a, most, sizeof(*p->items));
	if (take_path(s, &slice, a, spec->cgroups_path, id, e) || take_annotations(s, a, spec, e))
		return -1;
	add(p, "Slice", "s")->text = slice;
	add(p, "Delegate", "b")->number = true;
	/* Else the machine's shutdown would end it before whoever looks after the container does.
	 */
	add(p, "DefaultDependencies", "b")->number = false;
	/* A scope that failed leaves nothing either. */
	add(p, "CollectMode", "s")->text = "inactive-or-failed";
	add_limits(p, a, limits);
	return 0;
}

void systemd_scope_limits(struct systemd_properties *p, struct arena *a,
			  const struct cgroup_values *limits)
{
	size_t most = SYSTEMD_PROPERTIES_OF_VALUE * limits->count + 1;

	*p = (struct systemd_properties){ .items = arena_array(a, most, sizeof(*p->items)) };
	add_limits(p, a, limits);
}

void systemd_scope_print(const struct systemd_scope *s, struct buf *out)
{
	buf_add_format(out, "scope %s of the %s, below it %s\n", s->unit,
		       s->user ? "user's manager" : "machine's manager", s->subgroup);
	for (size_t i = 0; i < s->properties.count; i++) {
		buf_add_format(out, "property %s ", s->properties.items[i].name);
		systemd_property_print(&s->properties.items[i], out);
		buf_add_str(out, "\n");
	}
}
