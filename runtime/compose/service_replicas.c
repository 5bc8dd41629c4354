/* service_replicas.c - see replicas.h. */
#include <stdio.h>
#include <string.h>

#include "compose/compose.h"
#include "compose/reader.h"
#include "compose/replicas.h"
#include "compose/scalar.h"
#include "compose/yaml.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

enum { DURATION_MAX_MS = 86400000 };

int service_read_scale(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);
	uint32_t count;

	if (!text)
		return -1;
	if (!str_to_u32(text, &count) || count == 0 || count > COMPOSE_REPLICAS_MAX)
		return reader_fail(r, node, e,
				   "must be a number of containers from 1 to %d; a service that "
				   "shall not run is taken out",
				   COMPOSE_REPLICAS_MAX);
	if (s->replicas.is_counted && s->replicas.count != count)
		return reader_fail(r, node, e,
				   "scale and deploy.replicas are the same number: take one out");
	s->replicas.is_given = s->replicas.is_counted = true;
	s->replicas.count = count;
	return 0;
}

int service_read_deploy_mode(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	return str_equal(text, "replicated") ?
		       0 :
		       reader_fail(r, node, e,
				   "\"%.64s\": there is one machine: write replicated and the "
				   "number of replicas",
				   text);
}

/* Here both are the same: the name has the addresses of all, and a published port is spread. */
int service_read_endpoint_mode(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	return str_equal(text, "vip") || str_equal(text, "dnsrr") ?
		       0 :
		       reader_fail(r, node, e, "\"%.64s\" is not known: write vip or dnsrr", text);
}

static int read_order(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	if (!str_equal(text, "start-first") && !str_equal(text, "stop-first"))
		return reader_fail(r, node, e,
				   "\"%.64s\" is not known: write start-first or stop-first", text);
	s->replicas.start_first = str_equal(text, "start-first");
	return 0;
}

static int read_parallelism(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	const char *text = reader_text(r, node, e);
	uint32_t count;

	if (!text)
		return -1;
	if (!str_to_u32(text, &count))
		return reader_fail(r, node, e,
				   "must be a number: so many containers are replaced at a time, 0 "
				   "is all of them");
	s->replicas.at_once = count && count < COMPOSE_REPLICAS_MAX ? count : COMPOSE_REPLICAS_MAX;
	return 0;
}

static int read_duration(struct reader *r, const struct yaml_node *node, uint64_t *ms,
			 struct err *e)
{
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	if (!scalar_duration_ms(text, ms) || *ms > DURATION_MAX_MS)
		return reader_fail(r, node, e,
				   "\"%.64s\" is no time up to a day: write 10s or 1m30s", text);
	return 0;
}

static int read_delay(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_duration(r, node, &s->replicas.delay_ms, e);
}

static int read_monitor(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_duration(r, node, &s->replicas.monitor_ms, e);
}

static int read_failure_action(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	return str_equal(text, "pause") ?
		       0 :
		       reader_fail(r, node, e,
				   "\"%.64s\" is not supported yet: with pause the others stay as "
				   "they are when a new container does not work",
				   text);
}

int service_read_update_config(struct reader *r, const struct yaml_node *node, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "delay", read_delay },       { "failure_action", read_failure_action },
		{ "max_failure_ratio", NULL }, { "monitor", read_monitor },
		{ "order", read_order },       { "parallelism", read_parallelism },
	};
	struct compose_service *s = r->target;

	s->replicas.is_given = true;
	return reader_map(r, node, keys, ARRAY_SIZE(keys), e);
}

int service_read_balance(struct reader *r, const struct yaml_node *node, const char *key,
			 const char *value, struct err *e)
{
	struct compose_service *s = r->target;

	if (!str_equal(key, "cuvette.balance"))
		return 0;
	s->replicas.least_connections = str_equal(value, "least-connections");
	if (s->replicas.least_connections || str_equal(value, "round-robin"))
		return 1;
	return reader_fail(r, node, e,
			   "\"%.64s\" is not known: write round-robin or least-connections", value);
}

static const char *why_not_many(const struct compose_service *s)
{
	const struct compose_service_network *n = &s->network;

	if (s->has_cuvette)
		return "the service with x-cuvette, whose URL is printed, is one container: take "
		       "its replicas out";
	if (n->mode == COMPOSE_NETWORK_SHARED)
		return "who shares another service's network is one container: take its replicas "
		       "out";
	if (n->mac)
		return "several containers cannot have one mac_address";
	for (size_t i = 0; i < n->attachment_count; i++)
		if (n->attachments[i].address4.family || n->attachments[i].address6.family ||
		    n->attachments[i].mac)
			return "several containers cannot have one address: take the static one "
			       "out";
	return NULL;
}

static bool has_name(const struct compose_service *s, const char *name)
{
	size_t length = strlen(s->name);
	uint32_t number;

	return s->replicas.is_given && strncmp(name, s->name, length) == 0 && name[length] == '-' &&
	       name[length + 1] != '0' && str_to_u32(name + length + 1, &number);
}

static int check(const struct reader *r, const struct compose_project *p,
		 const struct compose_service *s, struct err *e)
{
	bool many = s->replicas.count > 1 || s->replicas.start_first;
	const char *why = many ? why_not_many(s) : NULL;

	if (!why && s->container_name && s->replicas.count > 1)
		why = "several containers cannot have one container_name: take it out, they are "
		      "called by the service and a number";
	if (!why && s->replicas.start_first && s->replicas.at_once > 1)
		why = "with order: start-first its containers are replaced one by one: take "
		      "parallelism out, or write stop-first";
	if (why)
		return err_set(e, "%s:%u: service %s: %s", r->file, s->line, s->name, why);
	for (size_t i = 0; i < p->service_count; i++) {
		const struct compose_service *other = &p->services[i];

		if (has_name(other, s->name))
			return err_set(e,
				       "%s:%u: service %s: the containers of service %s have such "
				       "names: choose another one",
				       r->file, s->line, s->name, other->name);
		if (s->network.mode == COMPOSE_NETWORK_SHARED && other->replicas.is_given &&
		    str_equal(s->network.shared, other->name))
			return err_set(e,
				       "%s:%u: service %s: network_mode: service %s has replicas: "
				       "none of them is the one that is meant",
				       r->file, s->line, s->name, other->name);
	}
	return 0;
}

int replicas_check(const struct reader *r, const struct compose_project *p, struct err *e)
{
	for (size_t i = 0; i < p->service_count; i++)
		if (check(r, p, &p->services[i], e) < 0)
			return -1;
	return 0;
}
