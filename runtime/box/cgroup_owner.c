/* cgroup_owner.c - see cgroup_owner.h */
#include "box/cgroup_owner.h"

#include "lib/str.h"
#include "oci/spec.h"

static bool is_writable_cgroup(const struct oci_mount *m)
{
	if (!m->source || !str_equal(m->source, "cgroup") ||
	    !str_equal(m->destination, "/sys/fs/cgroup"))
		return false;
	for (const char **option = m->options; option && *option; option++)
		if (str_equal(*option, "ro"))
			return false;
	return true;
}

bool cgroup_owner_wanted(const struct oci_spec *spec)
{
	if (!(spec->namespaces & 1u << OCI_NS_CGROUP))
		return false;
	for (size_t i = 0; i < spec->mount_count; i++)
		if (is_writable_cgroup(&spec->mounts[i]))
			return true;
	return false;
}
