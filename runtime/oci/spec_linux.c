/* spec_linux.c - the object `linux` of config.json: paths, sysctls, and how the process and its
 * memory are set up; the larger members have files of their own. */
#include <linux/mempolicy.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"
#include "oci/spec_seccomp.h"

static const char *const linux_keys[] = {
	"cgroupsPath",	     "devices",	    "gidMappings", "intelRdt",	"maskedPaths",
	"memoryPolicy",	     "mountLabel",  "namespaces",  "netDevices", "personality",
	"readonlyPaths",     "resources",   "rootfsPropagation", "seccomp", "sysctl",
	"timeOffsets",	     "uidMappings", NULL,
};
static const char *const personality_keys[] = { "domain", "flags", NULL };
static const char *const policy_keys[] = { "flags", "mode", "nodes", NULL };

/* The service knows absolute paths only; elsewhere "a/b" and "slice:prefix:name" are cgroup.h's
 * business. */
static int read_cgroups_path(const struct spec_reader *r, const struct json *linux_object,
			     struct oci_spec *s, struct err *e)
{
	struct json item = json_member(linux_object, "cgroupsPath");

	if (spec_string(r, linux_object, "cgroupsPath", &s->cgroups_path, e))
		return -1;
	if (s->cgroups_path && r->bundle && !*s->cgroups_path)
		s->cgroups_path = NULL;
	if (!s->cgroups_path)
		return 0;
	if (spec_climbs(s->cgroups_path))
		return spec_bad(r, &item, e, "must not contain `..`");
	if (!r->bundle && s->cgroups_path[0] != '/')
		return spec_bad(r, &item, e, "must be an absolute path");
	return 0;
}

static int read_paths(const struct spec_reader *r, const struct json *linux_object,
		      struct oci_spec *s, struct err *e)
{
	return spec_strings(r, linux_object, "maskedPaths", &s->masked_paths, e) ||
			       spec_strings(r, linux_object, "readonlyPaths", &s->readonly_paths,
					    e) ||
			       spec_need_absolute(r, linux_object, "maskedPaths", s->masked_paths,
						  e) ||
			       spec_need_absolute(r, linux_object, "readonlyPaths",
						  s->readonly_paths, e) ||
			       read_cgroups_path(r, linux_object, s, e)
		       ? -1
		       : 0;
}

static int read_propagation(const struct spec_reader *r, const struct json *linux_object,
			    struct oci_spec *s, struct err *e)
{
	int64_t flags = 0;

	if (spec_given(linux_object, "rootfsPropagation") &&
	    spec_word(r, linux_object, "rootfsPropagation", spec_propagations, &flags, e))
		return -1;
	s->rootfs_propagation = (unsigned long)flags;
	return 0;
}

static int read_personality(const struct spec_reader *r, const struct json *linux_object,
			    struct oci_spec *s, struct err *e)
{
	struct json object, flags;
	int64_t domain = 0;
	int found = spec_object(r, linux_object, "personality", &object, e);

	if (found <= 0)
		return found;
	if (spec_keys(r, &object, personality_keys, e) ||
	    spec_word(r, &object, "domain", spec_domains, &domain, e) ||
	    spec_array(r, &object, "flags", &flags, e) < 0)
		return -1;
	if (json_count(&flags))
		return spec_bad(r, &flags, e, "must be empty: the specification has no flags yet");
	s->has_personality = true;
	s->personality = (unsigned long)domain;
	return 0;
}

/* What set_mempolicy(2) would refuse with a bare EINVAL. */
static int check_policy(const struct spec_reader *r, const struct json *object,
			const struct oci_memory_policy *policy, struct err *e)
{
	const unsigned placing = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
	bool without = policy->mode == MPOL_DEFAULT || policy->mode == MPOL_LOCAL;

	if (without && policy->nodes)
		return spec_bad(r, object, e, "MPOL_DEFAULT and MPOL_LOCAL take no nodes");
	if (!without && policy->mode != MPOL_PREFERRED && !policy->nodes)
		return spec_bad(r, object, e, "nodes are missing");
	if (!policy->nodes && policy->flags)
		return spec_bad(r, object, e, "flags without nodes mean nothing");
	if ((policy->flags & placing) == placing)
		return spec_bad(r, object, e,
				"MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
	return 0;
}

static int read_policy(const struct spec_reader *r, const struct json *linux_object,
		       struct oci_spec *s, struct err *e)
{
	struct json object;
	struct oci_memory_policy *policy;
	uint64_t flags = 0;
	int64_t mode = 0;
	int found = spec_object(r, linux_object, "memoryPolicy", &object, e);

	if (found <= 0)
		return found;
	policy = arena_alloc(r->arena, sizeof(*policy));
	if (spec_keys(r, &object, policy_keys, e) ||
	    spec_word(r, &object, "mode", spec_memory_modes, &mode, e) ||
	    spec_flags(r, &object, "flags", spec_memory_flags, &flags, e) < 0)
		return -1;
	/* nodes is required also where there can be none: then it is empty. */
	const char *text = NULL;

	if (json_opt_str(&object, "nodes", &text, e) ||
	    (text && *text && spec_cpus(r, &object, "nodes", &policy->nodes, e)))
		return -1;
	policy->mode = (int)mode;
	policy->flags = (unsigned)flags;
	s->memory_policy = policy;
	return check_policy(r, &object, policy, e);
}

static int read_seccomp(const struct spec_reader *r, const struct json *linux_object,
			struct oci_spec *s, struct err *e)
{
	struct json seccomp;
	int found = spec_object(r, linux_object, "seccomp", &seccomp, e);

	if (found <= 0)
		return found;
	s->seccomp = arena_alloc(r->arena, sizeof(*s->seccomp));
	return oci_seccomp_read(r, &seccomp, s->seccomp, e);
}

int spec_linux_read(const struct spec_reader *r, const struct json *root, struct oci_spec *s,
		    struct err *e)
{
	struct json object, resources, rdt;
	int found = spec_object(r, root, "linux", &object, e);

	if (found < 0)
		return -1;
	if (!found)
		return r->bundle ? 0 : spec_bad(r, root, e, "linux is missing");
	rdt = json_member(&object, "intelRdt");
	if (spec_given(&object, "intelRdt"))
		return spec_bad(r, &rdt, e, "Intel RDT is not supported: leave it out");
	if (spec_keys(r, &object, linux_keys, e) || spec_namespaces_read(r, &object, s, e) ||
	    spec_devices_read(r, &object, s, e))
		return -1;
	found = spec_object(r, &object, "resources", &resources, e);
	if (found < 0 || (found && spec_resources_read(r, &resources, &s->resources, e)))
		return -1;
	if (read_paths(r, &object, s, e) ||
	    spec_pairs(r, &object, "sysctl", &s->sysctl, &s->sysctl_count, e) ||
	    read_propagation(r, &object, s, e) || read_personality(r, &object, s, e) ||
	    read_policy(r, &object, s, e) || spec_no_label(r, &object, "mountLabel", e))
		return -1;
	return read_seccomp(r, &object, s, e);
}

static void write_policy(const struct oci_memory_policy *policy, struct json_writer *w)
{
	json_key(w, "memoryPolicy");
	json_begin_object(w);
	spec_put_str(w, "mode", spec_word_name(spec_memory_modes, policy->mode));
	spec_put_str(w, "nodes", policy->nodes ? policy->nodes : "");
	if (policy->flags)
		spec_put_flags(w, "flags", spec_memory_flags, policy->flags);
	json_end_object(w);
}

static void write_setup(const struct oci_spec *s, struct json_writer *w)
{
	if (s->rootfs_propagation)
		spec_put_str(w, "rootfsPropagation",
			     spec_word_name(spec_propagations, (int64_t)s->rootfs_propagation));
	if (s->has_personality) {
		json_key(w, "personality");
		json_begin_object(w);
		spec_put_str(w, "domain", spec_word_name(spec_domains, (int64_t)s->personality));
		json_end_object(w);
	}
	if (s->memory_policy)
		write_policy(s->memory_policy, w);
}

void spec_linux_write(const struct oci_spec *s, struct json_writer *w)
{
	json_key(w, "linux");
	json_begin_object(w);
	spec_namespaces_write(s, w);
	spec_devices_write(s, w);
	json_key(w, "resources");
	spec_resources_write(&s->resources, w);
	spec_put_str(w, "cgroupsPath", s->cgroups_path);
	spec_put_strings(w, "maskedPaths", s->masked_paths);
	spec_put_strings(w, "readonlyPaths", s->readonly_paths);
	spec_put_pairs(w, "sysctl", s->sysctl, s->sysctl_count);
	write_setup(s, w);
	if (s->seccomp) {
		json_key(w, "seccomp");
		oci_seccomp_write(s->seccomp, w);
	}
	json_end_object(w);
}
