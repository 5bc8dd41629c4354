/* plan_print.c - a plan as text; see plan.h */
#include <string.h>

#include "box/plan.h"
#include "lib/buf.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_seccomp.h"

static void print_list(const char *what, const char *const *items, struct buf *out)
{
	buf_add_str(out, what);
	for (size_t i = 0; items && items[i]; i++)
		buf_add_format(out, " %s", items[i]);
	buf_add_str(out, "\n");
}

static void print_caps(const char *set, uint64_t mask, struct buf *out)
{
	buf_add_format(out, "caps %s", set);
	for (unsigned i = 0; i < OCI_CAPS; i++)
		if (mask & 1ull << i)
			buf_add_format(out, " %s", oci_cap_name(i) + strlen("CAP_"));
	buf_add_str(out, "\n");
}

static void print_maps(const char *what, const struct oci_id_maps *maps, struct buf *out)
{
	for (size_t i = 0; i < maps->count; i++)
		buf_add_format(out, "%s %u %u %u\n", what, maps->items[i].container_id,
			       maps->items[i].host_id, maps->items[i].size);
}

static void print_clock(const char *name, const struct oci_time_offset *offset, struct buf *out)
{
	if (offset->given)
		buf_add_format(out, "clock %s %lld s %u ns\n", name, (long long)offset->seconds,
			       offset->nanoseconds);
}

static void print_namespaces(const struct oci_spec *spec, struct buf *out)
{
	buf_add_str(out, "namespaces");
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (spec->namespaces & 1u << i)
			buf_add_format(out, " %s", oci_namespace_name(i));
	buf_add_str(out, "\n");
	for (unsigned i = 0; i < OCI_NAMESPACES; i++)
		if (spec->namespace_paths[i])
			buf_add_format(out, "join %s %s\n", oci_namespace_name(i),
				       spec->namespace_paths[i]);
	print_clock("monotonic", &spec->time_monotonic, out);
	print_clock("boottime", &spec->time_boottime, out);
	print_maps("uids", &spec->uid_maps, out);
	print_maps("gids", &spec->gid_maps, out);
}

static void print_hooks(const struct oci_spec *spec, struct buf *out)
{
	for (unsigned kind = 0; kind < OCI_HOOKS; kind++)
		for (size_t i = 0; i < spec->hooks[kind].count; i++) {
			const struct oci_hook *hook = &spec->hooks[kind].items[i];

			buf_add_format(out, "hook %s %s", oci_hook_name(kind), hook->path);
			if (hook->timeout_s)
				buf_add_format(out, " within %d s", hook->timeout_s);
			print_list(":", hook->args, out);
		}
}

static void print_seccomp(const struct oci_spec *spec, struct buf *out)
{
	const struct oci_seccomp *s = spec->seccomp;

	if (spec->seccomp_default || !s) {
		buf_add_format(out, "seccomp %s\n", spec->seccomp_default ? "default" : "none");
		return;
	}
	buf_add_format(out, "seccomp %s, %zu rules", spec_word_name(spec_seccomp_actions,
		       s->default_action), s->rule_count);
	for (const struct spec_word *w = spec_seccomp_flags; w->name[0]; w++)
		if (s->flags & (unsigned)w->value)
			buf_add_format(out, " %s", w->name);
	if (s->listener_path)
		buf_add_format(out, " listener %s", s->listener_path);
	buf_add_str(out, "\n");
}

/* How it is scheduled: only what is given. */
static void print_schedule(const struct oci_process *p, struct buf *out)
{
	if (p->has_oom_score_adj)
		buf_add_format(out, "oom-score-adj %d\n", p->oom_score_adj);
	if (p->scheduler)
		buf_add_format(out,
			       "scheduler %d nice %d priority %u flags %#llx runtime %llu "
			       "deadline %llu period %llu\n",
			       p->scheduler->policy, p->scheduler->nice, p->scheduler->priority,
			       (unsigned long long)p->scheduler->flags,
			       (unsigned long long)p->scheduler->runtime_ns,
			       (unsigned long long)p->scheduler->deadline_ns,
			       (unsigned long long)p->scheduler->period_ns);
	if (p->io_priority)
		buf_add_format(out, "io-priority class %d level %d\n", p->io_priority->class,
			       p->io_priority->level);
	if (p->affinity_initial)
		buf_add_format(out, "exec-affinity initial %s\n", p->affinity_initial);
	if (p->affinity_final)
		buf_add_format(out, "exec-affinity final %s\n", p->affinity_final);
}

static void print_process(const struct oci_process *p, struct buf *out)
{
	print_list("exec", p->args, out);
	buf_add_format(out, "cwd %s\nuser %u:%u", p->cwd, p->user.uid, p->user.gid);
	for (size_t i = 0; i < p->user.group_count; i++)
		buf_add_format(out, " %u", p->user.groups[i]);
	buf_add_str(out, "\n");
	if (p->user.umask >= 0)
		buf_add_format(out, "umask %04o\n", (unsigned)p->user.umask);
	if (p->terminal)
		buf_add_format(out, "terminal %u rows %u columns\n", p->console_rows,
			       p->console_columns);
	print_caps("bounding", p->caps.bounding, out);
	print_caps("effective", p->caps.effective, out);
	print_caps("permitted", p->caps.permitted, out);
	print_caps("inheritable", p->caps.inheritable, out);
	print_caps("ambient", p->caps.ambient, out);
	for (size_t i = 0; i < p->rlimit_count; i++)
		buf_add_format(out, "rlimit %s %llu %llu\n",
			       oci_rlimit_name(p->rlimits[i].resource),
			       (unsigned long long)p->rlimits[i].soft,
			       (unsigned long long)p->rlimits[i].hard);
	print_schedule(p, out);
	buf_add_format(out, "no-new-privs %s\n", p->no_new_privs ? "yes" : "no");
}

static void print_kernel(const struct oci_spec *spec, struct buf *out)
{
	for (size_t i = 0; i < spec->sysctl_count; i++)
		buf_add_format(out, "sysctl %s %s\n", spec->sysctl[i].key, spec->sysctl[i].value);
	for (size_t i = 0; i < spec->net_device_count; i++)
		buf_add_format(out, "net-device %s %s\n", spec->net_devices[i].host_name,
			       spec->net_devices[i].name ? spec->net_devices[i].name
							 : spec->net_devices[i].host_name);
	if (spec->has_personality)
		buf_add_format(out, "personality %#lx\n", spec->personality);
	if (spec->memory_policy)
		buf_add_format(out, "memory-policy %s %s\n",
			       spec_word_name(spec_memory_modes, spec->memory_policy->mode),
			       spec->memory_policy->nodes ? spec->memory_policy->nodes : "");
}

void box_plan_print(const struct box_plan *plan, struct buf *out)
{
	const struct oci_spec *spec = plan->spec;

	buf_add_format(out, "box %s\n", plan->name);
	if (plan->image)
		buf_add_format(out, "image %s\n", plan->image);
	if (plan->bundle)
		buf_add_format(out, "bundle %s\n", plan->bundle);
	print_namespaces(spec, out);
	if (spec->cgroups_path)
		buf_add_format(out, "cgroup %s\n", spec->cgroups_path);
	if (plan->scope.unit)
		systemd_scope_print(&plan->scope, out);
	for (size_t i = 0; i < plan->cgroup.count; i++)
		buf_add_format(out, "limit %s %s\n", plan->cgroup.items[i].file,
			       plan->cgroup.items[i].text);
	if (spec->hostname)
		buf_add_format(out, "hostname %s\n", spec->hostname);
	if (spec->domainname)
		buf_add_format(out, "domainname %s\n", spec->domainname);
	mount_plan_print(&plan->mounts, out);
	print_kernel(spec, out);
	print_hooks(spec, out);
	print_seccomp(spec, out);
	if (spec->process.args)
		print_process(&spec->process, out);
}
