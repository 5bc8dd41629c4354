/* plan.c - see plan.h. */
#include "engine/plan.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "compose/compose.h"
#include "compose/scalar.h"
#include "engine/attachment.h"
#include "engine/image.h"
#include "engine/name_files.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_names.h"

enum {
	IDS_PER_SLOT = 65536,
	LOG_BYTES = 10 << 20,
	CPU_PERIOD_US = 100000,
	FILES_SOFT = 1024,		/* programs that use select(2) know no more */
	FILES_HARD = 524288,		/* as init gives it, and what images are used to */
};

static size_t count_of(const char *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

/* NAME=VALUE: replaces the variable of that name, else appends. list has room. */
static void set_variable(const char **list, const char *pair)
{
	size_t name_bytes = strcspn(pair, "=") + 1;
	size_t i = 0;

	while (list[i] && strncmp(list[i], pair, name_bytes) != 0)
		i++;
	list[i] = pair;
}

static const char **merge_environment(const struct plan_request *q, const char *hostname,
				      bool is_root, struct arena *arena)
{
	const struct compose_service *s = q->service;
	size_t room = count_of(q->image->environment) + count_of(s->environment) + 4;
	const char **list = arena_array(arena, room, sizeof(*list));

	set_variable(list, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	set_variable(list, arena_format(arena, "HOSTNAME=%s", hostname));
	/* The image's user list is out of reach here; an image that needs another home says so in
	 * its Env. */
	set_variable(list, is_root ? "HOME=/root" : "HOME=/");
	for (size_t i = 0; i < count_of(q->image->environment); i++)
		if (strchr(q->image->environment[i], '='))
			set_variable(list, q->image->environment[i]);
	for (size_t i = 0; i < count_of(s->environment); i++)
		set_variable(list, s->environment[i]);
	return list;
}

static const char **merge_arguments(const struct plan_request *q, struct arena *arena)
{
	const struct compose_service *s = q->service;
	const char *const *entry = s->entrypoint ? s->entrypoint : q->image->entrypoint;
	const char *const *command = q->command ? q->command : s->command;
	size_t entry_count = count_of(entry);
	const char **list;

	if (!command && !s->entrypoint)
		command = q->image->command;
	list = arena_array(arena, entry_count + count_of(command) + 1, sizeof(*list));
	for (size_t i = 0; i < entry_count; i++)
		list[i] = entry[i];
	for (size_t i = 0; i < count_of(command); i++)
		list[entry_count + i] = command[i];
	return list;
}

/* `uid[:gid]`. Names stand in the container's own /etc/passwd, which nobody here opens. */
static int parse_user(const char *text, struct oci_user *user, struct arena *arena, struct err *e)
{
	const char *colon = strchr(text, ':');
	const char *uid = colon ? arena_strn(arena, text, (size_t)(colon - text)) : text;

	user->uid = user->gid = 0;
	if (!*text)
		return 0;
	if (!str_to_u32(uid, &user->uid) || (colon && !str_to_u32(colon + 1, &user->gid)))
		return err_set(
			e,
			"user \"%.64s\": names are not looked up yet: write numbers, like 1000:100",
			text);
	if (user->uid >= IDS_PER_SLOT || user->gid >= IDS_PER_SLOT)
		return err_set(e, "user \"%.64s\": a container has the ids 0 to 65535", text);
	return 0;
}

static int set_groups(const struct compose_service *s, struct oci_user *user, struct arena *arena,
		      struct err *e)
{
	user->groups = arena_array(arena, s->group_count + 1, sizeof(*user->groups));
	for (size_t i = 0; i < s->group_count; i++) {
		if (s->groups[i] >= IDS_PER_SLOT)
			return err_set(e, "group %u: a container has the ids 0 to 65535",
				       s->groups[i]);
		user->groups[user->group_count++] = s->groups[i];
	}
	return 0;
}

static void set_capabilities(const struct compose_service *s, struct oci_caps *caps)
{
	const uint64_t every = (1ull << OCI_CAPS) - 1;
	uint64_t set = s->cap_add == UINT64_MAX ? every : oci_default_caps();

	if (s->cap_drop == UINT64_MAX)
		set = s->cap_add == UINT64_MAX ? every : s->cap_add;
	else
		set = (set & ~s->cap_drop) | (s->cap_add == UINT64_MAX ? 0 : s->cap_add);
	caps->bounding = caps->effective = caps->permitted = set;
}

static void set_resources(const struct plan_request *q, uint64_t mem_limit_bytes,
			  struct oci_resources *r)
{
	const struct compose_service *s = q->service;

	r->memory_limit_bytes = (int64_t)mem_limit_bytes;
	/* Its bounds were checked against the compose file's limit; with another limit they mean
	 * nothing. */
	if (mem_limit_bytes == s->mem_limit_bytes) {
		r->memory_reservation_bytes = (int64_t)s->mem_reservation_bytes;
		r->memory_swap_bytes = s->memswap_limit_bytes;
	}
	/* Not given: no swap, since swapping hides a limit that is too small until the machine
	 * crawls. */
	if (r->memory_limit_bytes && !r->memory_swap_bytes)
		r->memory_swap_bytes = r->memory_limit_bytes;
	r->pids_limit = s->pids_limit;
	if (s->nano_cpus) {
		r->cpu_period_us = CPU_PERIOD_US;
		r->cpu_quota_us = (int64_t)(s->nano_cpus / (1000000000 / CPU_PERIOD_US));
	}
	r->cpu_shares = s->cpu_shares;
	r->cpu_cpus = s->cpuset;
}

static bool limits_files(const struct compose_service *s)
{
	for (size_t i = 0; i < s->rlimit_count; i++)
		if (s->rlimits[i].resource == RLIMIT_NOFILE)
			return true;
	return false;
}

/* The limit of open files is always given: boxd's own, which it would inherit, is made for boxd. */
static int set_rlimits(const struct compose_service *s, struct oci_process *process, struct err *e)
{
	if (!limits_files(s))
		process->rlimits[process->rlimit_count++] =
			(struct oci_rlimit){ RLIMIT_NOFILE, FILES_SOFT, FILES_HARD };
	if (process->rlimit_count + s->rlimit_count > OCI_RLIMITS)
		return err_set(e, "more than %d ulimits", OCI_RLIMITS);
	for (size_t i = 0; i < s->rlimit_count; i++)
		process->rlimits[process->rlimit_count++] = (struct oci_rlimit){
			s->rlimits[i].resource, s->rlimits[i].soft, s->rlimits[i].hard,
		};
	return 0;
}

/* Docker's defaults for --tmpfs, then what the user says: the later option wins. */
static const char **tmpfs_options(const char *text, struct arena *arena)
{
	static const char *const defaults[] = { "nosuid", "nodev", "noexec" };
	const char **list = oci_strings(arena, defaults, 3);

	while (text && *text) {
		size_t length = strcspn(text, ",");

		if (length)
			list = oci_strings_add(arena, list, arena_strn(arena, text, length));
		text += length + (text[length] == ',');
	}
	return list;
}

static void add_tmpfs(const struct compose_service *s, struct oci_spec *spec, struct arena *arena)
{
	struct oci_mount *mounts =
		arena_array(arena, spec->mount_count + s->tmpfs_count + 1, sizeof(*mounts));

	memcpy(mounts, spec->mounts, spec->mount_count * sizeof(*mounts));
	for (size_t i = 0; i < s->tmpfs_count; i++)
		mounts[spec->mount_count++] = (struct oci_mount){
			.destination = s->tmpfs[i].target,
			.type = "tmpfs",
			.source = "tmpfs",
			.options = tmpfs_options(s->tmpfs[i].options, arena),
		};
	spec->mounts = mounts;
}

/* There is room. */
static void set_pair(struct oci_spec *spec, const char *key, const char *value)
{
	size_t at = 0;

	while (at < spec->sysctl_count && !str_equal(spec->sysctl[at].key, key))
		at++;
	spec->sysctl[at] = (struct oci_pair){ key, value };
	if (at == spec->sysctl_count)
		spec->sysctl_count++;
}

/* As Docker has them in a network of a container's own, which its root may set as it likes: any
 * port, and echo for every group that it has (the kernel's icmp(7) and ip-sysctl). */
static void add_sysctls(const struct compose_service *s, const struct oci_defaults *defaults,
			struct oci_spec *spec, struct arena *arena)
{
	struct oci_pair *pairs = arena_array(arena, 2 + s->sysctl_count, sizeof(*pairs));

	if (!defaults->own_network)
		return;
	pairs[0] = (struct oci_pair){ "net.ipv4.ip_unprivileged_port_start", "0" };
	pairs[1] = (struct oci_pair){ "net.ipv4.ping_group_range", "0 65535" };
	spec->sysctl = pairs;
	spec->sysctl_count = 2;
	for (size_t i = 0; i < s->sysctl_count; i++)
		set_pair(spec, s->sysctls[i].key, s->sysctls[i].value);
}

/* FNV-1a: tells changed settings from unchanged ones; nobody attacks it. */
static void hash_text(uint64_t *hash, const char *text)
{
	for (; *text; text++)
		*hash = (*hash ^ (unsigned char)*text) * 0x100000001b3;
}

static void hash_network(uint64_t *hash, const struct plan *plan)
{
	const struct compose_service_network *n = &plan->service->network;
	char text[PORT_MAP_TEXT_BYTES];

	hash_text(hash, plan->network_of);
	hash_text(hash, plan->resolver);
	hash_text(hash, plan->hosts);
	hash_text(hash, n->policy);
	hash_text(hash, n->mac ? n->mac : "");
	for (size_t i = 0; i < n->port_count; i++)
		hash_text(hash, port_map_print(&n->ports[i], text));
	for (size_t i = 0; i < n->attachment_count; i++) {
		const struct compose_attachment *a = &n->attachments[i];

		hash_text(hash, a->network);
		hash_text(hash, a->mac ? a->mac : "");
		for (size_t k = 0; a->aliases[k]; k++)
			hash_text(hash, a->aliases[k]);
	}
}

static void set_revision(struct plan *plan)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < plan->spec_bytes; i++)
		hash = (hash ^ (unsigned char)plan->spec[i]) * 0x100000001b3;
	for (size_t i = 0; i < plan->service->mount_count; i++) {
		const struct compose_mount *mount = &plan->service->mounts[i];

		hash_text(&hash, mount->volume);
		hash_text(&hash, mount->target);
		hash = (hash ^ mount->read_only) * 0x100000001b3;
	}
	hash_network(&hash, plan);
	snprintf(plan->revision, sizeof(plan->revision), "%016llx", (unsigned long long)hash);
}

static int write_spec(struct plan *plan, const struct oci_spec *spec, struct arena *arena,
		      struct err *e)
{
	struct buf out;
	int status = 0;

	buf_init(&out, OCI_SPEC_BYTES_MAX);
	if (oci_spec_write(spec, &out)) {
		plan->spec = arena_strn(arena, out.data, out.size_bytes);
		plan->spec_bytes = out.size_bytes;
	} else {
		status = err_set(e, "its command and environment are larger than %d KiB",
				 OCI_SPEC_BYTES_MAX / 1024);
	}
	buf_finish(&out);
	return status;
}

/* As the container's own process, with another command. */
static int write_check(struct plan *plan, const struct oci_spec *spec, struct arena *arena,
		       struct err *e)
{
	const struct compose_health *h = &plan->service->health;
	struct oci_process process = spec->process;
	struct buf out;

	if (!h->test)
		return 0;
	plan->check_rule = (struct health_rule){
		h->interval_ms,	     h->timeout_ms, h->start_period_ms,
		h->start_interval_ms, h->retries,
	};
	process.args = oci_strings(arena, h->test, count_of(h->test));
	buf_init(&out, OCI_SPEC_BYTES_MAX);
	if (oci_process_write(&process, &out)) {
		plan->check = arena_strn(arena, out.data, out.size_bytes);
		plan->check_bytes = out.size_bytes;
	}
	buf_finish(&out);
	return plan->check ? 0 : err_set(e, "its health check's command is too long");
}

static int make_spec(struct plan *plan, const struct plan_request *q, struct arena *arena,
		     struct err *e)
{
	const struct compose_service *s = q->service;
	const char *hostname = s->hostname ? s->hostname : q->name;
	const struct oci_defaults defaults = {
		.hostname = hostname,
		.cgroups_path = arena_format(arena, "/box/%s", q->name),
		.id_base = PLAN_ID_FIRST + q->slot * IDS_PER_SLOT,
		.shm_bytes = s->shm_size_bytes,
		.own_network = s->network.mode == COMPOSE_NETWORK_NONE ||
			       s->network.mode == COMPOSE_NETWORK_OWN,
	};
	struct oci_spec *spec = oci_spec_defaults(arena, &defaults);
	const char *directory = s->working_dir ? s->working_dir : q->image->working_dir;

	if (parse_user(s->user ? s->user : q->image->user, &spec->process.user, arena, e) < 0 ||
	    set_groups(s, &spec->process.user, arena, e) < 0)
		return -1;
	spec->process.args = merge_arguments(q, arena);
	if (!spec->process.args[0])
		return err_set(e,
			       "there is no command, neither in the image nor in the compose file");
	spec->process.env = merge_environment(q, hostname, spec->process.user.uid == 0, arena);
	spec->process.cwd = *directory ? directory : "/";
	spec->process.no_new_privs = s->no_new_privileges;
	spec->root_readonly = s->read_only;
	set_capabilities(s, &spec->process.caps);
	set_resources(q, plan->mem_limit_bytes, &spec->resources);
	if (set_rlimits(s, &spec->process, e) < 0)
		return -1;
	add_tmpfs(s, spec, arena);
	add_sysctls(s, &defaults, spec, arena);
	return write_spec(plan, spec, arena, e) < 0 ? -1 : write_check(plan, spec, arena, e);
}

/* As Docker does: the resolver's file only for who has a network. */
static const char *const *names_of(const struct compose_service *s)
{
	static const char *const names[] = { "resolv.conf", "hosts", "hostname", NULL };

	return s->network.mode == COMPOSE_NETWORK_NONE ? names + 1 : names;
}

int plan_make(struct plan *plan, const struct plan_request *q, struct arena *arena, struct err *e)
{
	const struct compose_service *s = q->service;
	const struct attachments nowhere = { .service = s, .name = q->name };
	unsigned signal_number = SIGTERM;

	if (*q->image->stop_signal && !scalar_signal(q->image->stop_signal, &signal_number))
		return err_set(e, "image %s: stop signal \"%.64s\" is not known", q->image->name,
			       q->image->stop_signal);
	*plan = (struct plan){
		.service = s,
		.names = names_of(s),
		.image = q->image->name,
		.image_digest = q->image->digest,
		.mem_limit_bytes = q->mem_limit_bytes ? q->mem_limit_bytes : s->mem_limit_bytes,
		.log_bytes = s->log_max_bytes ? s->log_max_bytes : LOG_BYTES,
		.hold = s->network.mode == COMPOSE_NETWORK_OWN,
		.network_of = s->network.mode == COMPOSE_NETWORK_SHARED ? s->network.shared : "",
		.resolver = "",
		.hosts = "",
		.stop_signal = s->stop_signal ? s->stop_signal : signal_number,
		.stop_grace_ms = s->stop_grace_ms,
	};
	if (q->attachments) {
		plan->resolver = name_files_resolver(q->attachments, arena);
		plan->hosts = name_files_hosts(q->attachments, s, q->all, q->all_count, arena);
	} else if (s->network.host_count) {
		plan->hosts = name_files_hosts(&nowhere, s, NULL, 0, arena);
	}
	if (make_spec(plan, q, arena, e) < 0)
		return err_add(e, "service %s", s->name);
	set_revision(plan);
	return 0;
}
