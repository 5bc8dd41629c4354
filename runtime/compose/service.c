/* service.c - see service.h: the table of keys, and the plain ones. */
#include "compose/service.h"

#include <stdio.h>
#include <string.h>

#include "compose/compose.h"
#include "compose/interpolate.h"
#include "compose/network.h"
#include "compose/reader.h"
#include "compose/scalar.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

static int read_string(struct reader *r, const struct yaml_node *node, const char **target,
		       struct err *e)
{
	*target = reader_string(r, node, e);
	if (!*target)
		return -1;
	return **target ? 0 : reader_fail(r, node, e, "must not be empty");
}

static int read_image(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_string(r, node, &s->image, e);
}

static int read_command(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return node->kind == YAML_NULL ? 0 : reader_words(r, node, &s->command, e);
}

static int read_entrypoint(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return node->kind == YAML_NULL ? 0 : reader_words(r, node, &s->entrypoint, e);
}

static int read_environment(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const struct yaml_node *at = node->first;
	struct reader_pair pair;
	const char **list;
	size_t count = 0;
	bool failed;

	if (node->kind != YAML_LIST && node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map or a list, not %s",
				   yaml_kind_name(node->kind));
	if (yaml_count(node) > YAML_KEYS_MAX)
		return reader_fail(r, node, e, "more than %d variables", YAML_KEYS_MAX);
	list = arena_array(r->arena, yaml_count(node) + 1, sizeof(*list));
	while (reader_next_pair(r, node, &at, &pair, &failed, e)) {
		size_t length = strlen(pair.key), i = 0;

		if (!length || strchr(pair.key, '='))
			return reader_fail(r, pair.node, e, "\"%.64s\" is not a variable's name",
					   pair.key);
		/* A name alone takes the value from outside, as compose does; there is none: it is
		 * left out. */
		if (!pair.value)
			pair.value = interpolate_find(r->vars, pair.key);
		if (!pair.value)
			continue;
		while (i < count &&
		       (strncmp(list[i], pair.key, length) != 0 || list[i][length] != '='))
			i++;
		list[i] = arena_format(r->arena, "%s=%s", pair.key, pair.value);
		count += i == count;
	}
	s->environment = list;
	return failed ? -1 : 0;
}

static int read_labels(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const struct yaml_node *at = node->first;
	struct reader_pair pair;
	bool failed;
	int taken;

	if (node->kind != YAML_LIST && node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map or a list, not %s",
				   yaml_kind_name(node->kind));
	s->labels = arena_array(r->arena, yaml_count(node) + 1, sizeof(*s->labels));
	while (reader_next_pair(r, node, &at, &pair, &failed, e)) {
		if (!*pair.key)
			return reader_fail(r, pair.node, e, "a label without a name");
		if (!pair.value)
			pair.value = "";
		taken = service_read_balance(r, pair.node, pair.key, pair.value, e);
		if (taken == 0)
			taken = network_read_option(r, pair.node, pair.key, pair.value,
						    &s->network.policy, e);
		if (taken < 0)
			return -1;
		s->labels[s->label_count++] = (struct compose_label){ pair.key, pair.value };
	}
	return failed ? -1 : 0;
}

static int read_container_name(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (read_string(r, node, &s->container_name, e) < 0)
		return -1;
	return str_is_name(s->container_name) ?
		       0 :
		       reader_fail(r, node, e, "\"%.64s\" is not a name: letters, digits, - _ .",
				   s->container_name);
}

/* Only the network's: a container has one of its own, whose settings cost nobody else anything. */
static int read_sysctls(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const struct yaml_node *at = node->first;
	struct reader_pair pair;
	bool failed = false;

	if (node->kind != YAML_LIST && node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map or a list, not %s",
				   yaml_kind_name(node->kind));
	s->sysctls = arena_array(r->arena, yaml_count(node) + 1, sizeof(*s->sysctls));
	while (reader_next_pair(r, node, &at, &pair, &failed, e)) {
		if (!str_starts(pair.key, "net.") || !pair.value || !*pair.value)
			return reader_fail(r, pair.node, e,
					   "\"%.64s\": only net.* is the container's own to set, "
					   "and it needs a value: net.core.somaxconn=1024",
					   pair.key);
		s->sysctls[s->sysctl_count++] = (struct compose_label){ pair.key, pair.value };
	}
	return failed ? -1 : 0;
}

static int read_user(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	/* `user: 1000` is what people write: a number is fine here. */
	s->user = reader_text(r, node, e);
	return s->user ? 0 : -1;
}

static int read_group_add(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		const char *text = reader_text(r, item, e);

		if (!text)
			return -1;
		if (s->group_count == COMPOSE_GROUPS_MAX)
			return reader_fail(r, item, e, "has more than %d groups",
					   COMPOSE_GROUPS_MAX);
		if (!str_to_u32(text, &s->groups[s->group_count]))
			return reader_fail(r, item, e,
					   "\"%.64s\": names are not looked up yet: write numbers",
					   text);
		s->group_count++;
	}
	return 0;
}

static int read_working_dir(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (read_string(r, node, &s->working_dir, e) < 0)
		return -1;
	if (!str_equal(s->working_dir, "/") && !scalar_is_clean_path(s->working_dir))
		return reader_fail(r, node, e, "\"%.64s\" is not an absolute path without . and ..",
				   s->working_dir);
	return 0;
}

static int read_hostname(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (read_string(r, node, &s->hostname, e) < 0)
		return -1;
	if (!str_is_name(s->hostname) || strchr(s->hostname, '_'))
		return reader_fail(r, node, e, "\"%.64s\" is not a host name", s->hostname);
	return 0;
}

static int read_restart(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const char *const names[] = {
		[COMPOSE_RESTART_NO] = "no",
		[COMPOSE_RESTART_ALWAYS] = "always",
		[COMPOSE_RESTART_ON_FAILURE] = "on-failure",
		[COMPOSE_RESTART_UNLESS_STOPPED] = "unless-stopped",
	};
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (str_starts(text, "on-failure:")) {
		s->restart = COMPOSE_RESTART_ON_FAILURE;
		if (!str_to_u32(text + strlen("on-failure:"), &s->restart_max))
			return reader_fail(r, node, e, "\"%.64s\" needs a number behind the colon",
					   text);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_equal(text, names[i])) {
			s->restart = (enum compose_restart)i;
			return 0;
		}
	}
	return reader_fail(
		r, node, e,
		"\"%.64s\" is not known: write no, always, on-failure[:N] or unless-stopped", text);
}

static int read_stop_signal(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!scalar_signal(text, &s->stop_signal))
		return reader_fail(r, node, e, "\"%.64s\" is not a signal", text);
	return 0;
}

static int read_stop_grace_period(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!scalar_duration_ms(text, &s->stop_grace_ms))
		return reader_fail(r, node, e, "\"%.64s\" is not a time: write 10s, 1m30s or 500ms",
				   text);
	return 0;
}

static int read_caps(struct reader *r, const struct yaml_node *node, uint64_t *bits, struct err *e)
{
	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		const char *text = reader_string(r, item, e);
		uint64_t bit;

		if (!text)
			return -1;
		if (!scalar_capability(text, &bit))
			return reader_fail(r, item, e, "\"%.64s\" is not a capability", text);
		*bits |= bit;
	}
	return 0;
}

static int read_cap_add(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_caps(r, node, &s->cap_add, e);
}

static int read_cap_drop(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_caps(r, node, &s->cap_drop, e);
}

static int read_read_only(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return reader_bool(r, node, &s->read_only, e);
}

static int read_init(struct reader *r, const struct yaml_node *node, struct err *e)
{
	bool wanted;

	if (reader_bool(r, node, &wanted, e) < 0)
		return -1;
	return wanted ? reader_fail(r, node, e, "is not supported by Cuvette yet: take it out") : 0;
}

static int read_security_opt(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		const char *text = reader_string(r, item, e);

		if (!text)
			return -1;
		if (str_equal(text, "no-new-privileges") ||
		    str_equal(text, "no-new-privileges:true"))
			s->no_new_privileges = true;
		else if (str_equal(text, "no-new-privileges:false"))
			s->no_new_privileges = false;
		else
			return reader_fail(
				r, item, e,
				"\"%.64s\" is not supported yet: known is no-new-privileges", text);
	}
	return 0;
}

static int read_max_size(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (reader_bytes(r, node, &s->log_max_bytes, e) < 0)
		return -1;
	return s->log_max_bytes >= 4096 ? 0 : reader_fail(r, node, e, "must be at least 4k");
}

static int read_log_options(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = { { "max-file", NULL },
						  { "max-size", read_max_size } };

	return reader_map(r, node, keys, ARRAY_SIZE(keys), e);
}

static int read_logging(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = { { "driver", NULL },
						  { "options", read_log_options } };

	return reader_map(r, node, keys, ARRAY_SIZE(keys), e);
}

static int read_ready(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_string(r, node, &s->ready_url, e);
}

static int read_url(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (read_string(r, node, &s->open_url, e) < 0)
		return -1;
	return s->open_url[0] == '/' ? 0 : reader_fail(r, node, e, "must be a path: /lab");
}

static int read_cuvette(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = { { "ready", read_ready }, { "url", read_url } };
	struct compose_service *s = r->target;

	if (reader_map(r, node, keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	if (!s->ready_url)
		return reader_fail(r, node, e, "needs the key ready");
	s->has_cuvette = true;
	return 0;
}

/* Every service key of the compose specification. */
static const struct reader_key service_keys[] = {
	{ "annotations", NULL },
	{ "attach", NULL },
	{ "blkio_config", NULL },
	{ "build", NULL },
	{ "cap_add", read_cap_add },
	{ "cap_drop", read_cap_drop },
	{ "cgroup", NULL },
	{ "cgroup_parent", NULL },
	{ "command", read_command },
	{ "configs", NULL },
	{ "container_name", read_container_name },
	{ "cpu_count", NULL },
	{ "cpu_percent", NULL },
	{ "cpu_period", NULL },
	{ "cpu_quota", NULL },
	{ "cpu_rt_period", NULL },
	{ "cpu_rt_runtime", NULL },
	{ "cpu_shares", service_read_cpu_shares },
	{ "cpus", service_read_cpus },
	{ "cpuset", service_read_cpuset },
	{ "credential_spec", NULL },
	{ "depends_on", service_read_depends_on },
	{ "deploy", service_read_deploy },
	{ "develop", NULL },
	{ "device_cgroup_rules", NULL },
	{ "devices", NULL },
	{ "dns", service_read_dns },
	{ "dns_opt", service_read_dns_opt },
	{ "dns_search", service_read_dns_search },
	{ "domainname", NULL },
	{ "entrypoint", read_entrypoint },
	{ "env_file", NULL },
	{ "environment", read_environment },
	{ "expose", service_read_expose },
	{ "extends", NULL },
	{ "external_links", NULL },
	{ "extra_hosts", service_read_extra_hosts },
	{ "gpus", NULL },
	{ "group_add", read_group_add },
	{ "healthcheck", service_read_healthcheck },
	{ "hostname", read_hostname },
	{ "image", read_image },
	{ "init", read_init },
	{ "ipc", NULL },
	{ "isolation", NULL },
	{ "label_file", NULL },
	{ "labels", read_labels },
	{ "links", service_read_links },
	{ "logging", read_logging },
	{ "mac_address", service_read_mac_address },
	{ "mem_limit", service_read_mem_limit },
	{ "mem_reservation", service_read_mem_reservation },
	{ "mem_swappiness", NULL },
	{ "memswap_limit", service_read_memswap_limit },
	{ "models", NULL },
	{ "network_mode", service_read_network_mode },
	{ "networks", service_read_networks },
	{ "oom_kill_disable", NULL },
	{ "oom_score_adj", NULL },
	{ "pid", NULL },
	{ "pids_limit", service_read_pids_limit },
	{ "platform", NULL },
	{ "ports", service_read_ports },
	{ "post_start", NULL },
	{ "pre_stop", NULL },
	{ "privileged", NULL },
	{ "profiles", NULL },
	{ "provider", NULL },
	{ "pull_policy", NULL },
	{ "read_only", read_read_only },
	{ "restart", read_restart },
	{ "runtime", NULL },
	{ "scale", service_read_scale },
	{ "secrets", NULL },
	{ "security_opt", read_security_opt },
	{ "shm_size", service_read_shm_size },
	{ "stdin_open", NULL },
	{ "stop_grace_period", read_stop_grace_period },
	{ "stop_signal", read_stop_signal },
	{ "storage_opt", NULL },
	{ "sysctls", read_sysctls },
	{ "tmpfs", service_read_tmpfs },
	{ "tty", NULL },
	{ "ulimits", service_read_ulimits },
	{ "use_api_socket", NULL },
	{ "user", read_user },
	{ "userns_mode", NULL },
	{ "uts", NULL },
	{ "volumes", service_read_volumes },
	{ "volumes_from", NULL },
	{ "working_dir", read_working_dir },
	{ "x-cuvette", read_cuvette },
};

int service_read(struct reader *r, const struct yaml_node *node, struct compose_service *service,
		 struct err *e)
{
	int status;

	*service = (struct compose_service){ .name = node->key,
					     .line = node->line,
					     .network.policy = "",
					     .replicas.count = 1,
					     .stop_grace_ms = 10000 };
	if (!str_is_name(node->key))
		return err_set(e, "%s:%u: \"%.64s\" is not a service name: letters, digits, - _ .",
			       r->file, node->line, node->key);
	snprintf(r->where, sizeof(r->where), "service %s", node->key);
	r->target = service;
	if (node->kind != YAML_MAP)
		status = err_set(e, "%s:%u: service %s must be a map, not %s", r->file, node->line,
				 node->key, yaml_kind_name(node->kind));
	else
		status = reader_map(r, node, service_keys, ARRAY_SIZE(service_keys), e);
	if (status == 0 && !service->image)
		status = err_set(e, "%s:%u: service %s has no image", r->file, node->line,
				 node->key);
	r->where[0] = '\0';
	r->target = NULL;
	return status;
}
