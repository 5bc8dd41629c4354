/* service_network.c - a service's keys about networks and names: rows of service.c's table. */
#include <string.h>

#include "compose/compose.h"
#include "compose/network.h"
#include "compose/reader.h"
#include "compose/yaml.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

enum { NAME_MAX_BYTES = 253 };	/* RFC 1035 2.3.4, as text */

/* RFC 1123 2.1, and `_` and upper case as Docker has them. */
static bool is_host_name(const char *text)
{
	size_t label = 0, size = strlen(text);

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (c == '.' ? label == 0 : !strchr("-_", c) && !str_is_name((char[]){ c, '\0' }))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return size > 0 && size <= NAME_MAX_BYTES && label > 0 && text[0] != '-';
}

static const char *read_host_name(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (text && !is_host_name(text)) {
		reader_fail(r, node, e,
			    "\"%.64s\" is not a host name: write letters, digits, - and _, "
			    "with dots between labels",
			    text);
		return NULL;
	}
	return text;
}

/* A string, or a list of them. */
static int read_strings(struct reader *r, const struct yaml_node *node,
			const char *(*read)(struct reader *, const struct yaml_node *,
					    struct err *),
			const char *const **target, struct err *e)
{
	bool is_list = node->kind == YAML_LIST;
	const struct yaml_node *item = is_list ? node->first : node;
	const char **list = arena_array(r->arena, yaml_count(node) + 2, sizeof(*list));
	size_t count = 0;

	for (; item; item = is_list ? item->next : NULL) {
		list[count] = read(r, item, e);
		if (!list[count++])
			return -1;
	}
	*target = list;
	return 0;
}

static int read_address(struct reader *r, const struct yaml_node *node, int family,
			struct address *address, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (!text)
		return -1;
	if (!address_parse(text, address) || (family && address->family != family))
		return reader_fail(r, node, e,
				   "\"%.64s\" is not an %saddress: write numbers, as %s", text,
				   family == AF_INET6 ? "IPv6 "
				   : family	      ? "IPv4 "
						      : "",
				   family == AF_INET6 ? "fd00:1::9" : "192.168.1.9");
	return 0;
}

/* Six bytes, of one card and no group (IEEE 802: the first byte is even). */
static int read_mac(struct reader *r, const struct yaml_node *node, const char **target,
		    struct err *e)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	const char *text = reader_string(r, node, e);
	bool good = text && strlen(text) == 17;

	if (!text)
		return -1;
	for (size_t i = 0; good && i < 17; i++)
		good = i % 3 == 2 ? text[i] == ':' : strchr(hex, text[i]) != NULL;
	if (!good || strchr("13579bBdDfF", text[1]) || str_equal(text, "00:00:00:00:00:00"))
		return reader_fail(r, node, e,
				   "\"%.64s\" is not a MAC address: write 02:42:ac:11:00:02", text);
	*target = text;
	return 0;
}

int service_read_mac_address(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_mac(r, node, &s->network.mac, e);
}

static int read_aliases(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_attachment *a = r->target;

	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	return read_strings(r, node, read_host_name, &a->aliases, e);
}

static int read_ipv4_address(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_attachment *a = r->target;

	return read_address(r, node, AF_INET, &a->address4, e);
}

static int read_ipv6_address(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_attachment *a = r->target;

	return read_address(r, node, AF_INET6, &a->address6, e);
}

static int read_attachment_mac(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_attachment *a = r->target;

	return read_mac(r, node, &a->mac, e);
}

static int read_number(struct reader *r, const struct yaml_node *node, int64_t *target,
		       struct err *e)
{
	const char *text = reader_text(r, node, e);

	if (!text)
		return -1;
	return str_to_i64(text, target) ? 0 : reader_fail(r, node, e, "must be a whole number");
}

static int read_priority(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_attachment *a = r->target;

	return read_number(r, node, &a->priority, e);
}

static int read_gw_priority(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_attachment *a = r->target;

	return read_number(r, node, &a->gateway_priority, e);
}

static int read_attachment(struct reader *r, const struct yaml_node *node,
			   struct compose_attachment *a, struct err *e)
{
	static const struct reader_key keys[] = {
		{ "aliases", read_aliases },
		{ "driver_opts", NULL },
		{ "gw_priority", read_gw_priority },
		{ "interface_name", NULL },
		{ "ipv4_address", read_ipv4_address },
		{ "ipv6_address", read_ipv6_address },
		{ "link_local_ips", NULL },
		{ "mac_address", read_attachment_mac },
		{ "priority", read_priority },
	};
	static const char *const none[] = { NULL };
	struct compose_service *s = r->target;
	int status;

	a->line = node->line;
	a->aliases = none;
	if (node->kind == YAML_NULL)
		return 0;
	r->target = a;
	status = reader_map(r, node, keys, ARRAY_SIZE(keys), e);
	r->target = s;
	return status;
}

/* By priority; those of one priority stay as they are in the file. */
static void insert(struct compose_service_network *n, struct compose_attachment a)
{
	size_t at = n->attachment_count++;

	for (; at > 0 && n->attachments[at - 1].priority < a.priority; at--)
		n->attachments[at] = n->attachments[at - 1];
	n->attachments[at] = a;
}

int service_read_networks(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	struct compose_service_network *n = &s->network;

	if (node->kind == YAML_NULL)
		return 0;
	if (node->kind != YAML_LIST && node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a list or a map, not %s",
				   yaml_kind_name(node->kind));
	n->attachments = arena_array(r->arena, yaml_count(node) + 1, sizeof(*n->attachments));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		struct compose_attachment a = { .network = item->key };
		static const struct yaml_node nothing = { .kind = YAML_NULL };

		if (node->kind == YAML_LIST)
			a.network = reader_string(r, item, e);
		if (!a.network ||
		    read_attachment(r, node->kind == YAML_LIST ? &nothing : item, &a, e) < 0)
			return -1;
		a.line = item->line;
		for (size_t i = 0; i < n->attachment_count; i++)
			if (str_equal(n->attachments[i].network, a.network))
				return reader_fail(r, item, e, "network %s is there twice",
						   a.network);
		insert(n, a);
	}
	return 0;
}

/* SERVICE[:ALIAS]: names that this one container knows another one by. */
int service_read_links(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	struct compose_service_network *n = &s->network;

	if (node->kind != YAML_LIST)
		return reader_fail(r, node, e, "must be a list, not %s",
				   yaml_kind_name(node->kind));
	n->links = arena_array(r->arena, yaml_count(node) + 1, sizeof(*n->links));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		const char *text = reader_string(r, item, e);
		struct compose_link *l = &n->links[n->link_count++];
		size_t size = text ? strcspn(text, ":") : 0;

		if (!text)
			return -1;
		*l = (struct compose_link){ .service = arena_strn(r->arena, text, size),
					    .alias = text[size] ? text + size + 1 : NULL,
					    .line = item->line };
		if (!str_is_name(l->service) || (l->alias && !is_host_name(l->alias)))
			return reader_fail(r, item, e, "\"%.64s\": write SERVICE or SERVICE:ALIAS",
					   text);
	}
	return 0;
}

int service_read_network_mode(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	struct compose_service_network *n = &s->network;
	const char *text = reader_string(r, node, e), *other;

	if (!text)
		return -1;
	n->is_given = true;
	other = str_starts(text, "service:")   ? text + strlen("service:") :
		str_starts(text, "container:") ? text + strlen("container:") :
						 NULL;
	if (str_equal(text, "host"))
		n->mode = COMPOSE_NETWORK_HOST;
	else if (str_equal(text, "none"))
		n->mode = COMPOSE_NETWORK_NONE;
	else if (str_equal(text, "bridge"))
		n->mode = COMPOSE_NETWORK_OWN;	/* network.c adds the attachment */
	else if (other)
		n->mode = COMPOSE_NETWORK_SHARED;
	else
		return reader_fail(r, node, e,
				   "\"%.64s\" is not known: write bridge, host, none, service:NAME "
				   "or container:NAME, or name your networks under networks:",
				   text);
	/* Containers have the names of their services. */
	n->shared = other;
	return other && !str_is_name(other) ?
		       reader_fail(r, node, e, "\"%.64s\" is not a service's name", other) :
		       0;
}

static const char *read_search_name(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (text && !str_equal(text, ".") && !is_host_name(text)) {
		reader_fail(r, node, e, "\"%.64s\" is not a domain", text);
		return NULL;
	}
	return text;
}

int service_read_dns_search(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_strings(r, node, read_search_name, &s->network.search, e);
}

/* resolv.conf(5): a word, or a word and a number. */
static const char *read_dns_option(struct reader *r, const struct yaml_node *node, struct err *e)
{
	const char *text = reader_string(r, node, e);

	if (text && (!*text || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-:") !=
				       strlen(text))) {
		reader_fail(r, node, e, "\"%.64s\" is not an option of resolv.conf", text);
		return NULL;
	}
	return text;
}

int service_read_dns_opt(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	return read_strings(r, node, read_dns_option, &s->network.options, e);
}

/* 0.0.0.0 and ::, which a connection takes for the machine that it is made on. */
static bool is_nobody(const struct address *a)
{
	static const uint8_t zero[16];
	struct address nobody = address_of_bytes(zero, address_size(a));

	return address_equal(a, &nobody);
}

int service_read_dns(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;
	struct compose_service_network *n = &s->network;
	bool is_list = node->kind == YAML_LIST;
	const struct yaml_node *item = is_list ? node->first : node;
	struct address *address;

	for (; item; item = is_list ? item->next : NULL) {
		if (n->resolver_count == COMPOSE_RESOLVERS_MAX)
			return reader_fail(r, item, e, "has more than %d resolvers",
					   COMPOSE_RESOLVERS_MAX);
		address = &n->resolvers[n->resolver_count++];
		if (read_address(r, item, 0, address, e) < 0)
			return -1;
		if (is_nobody(address))
			return reader_fail(
				r, item, e,
				"\"%s\" is nobody's address: write the server's, or leave "
				"dns out for the machine's own",
				item->text);
	}
	return 0;
}

static int read_extra_host(struct reader *r, const struct yaml_node *node, const char *name,
			   const char *address, struct compose_extra_host *host, struct err *e)
{
	size_t size = strlen(address);

	if (!is_host_name(name))
		return reader_fail(r, node, e, "\"%.64s\" is not a host name: write NAME=ADDRESS",
				   name);
	host->name = name;
	if (str_equal(address, "host-gateway"))
		return 0;
	if (size > 2 && address[0] == '[' && address[size - 1] == ']')
		address = arena_strn(r->arena, address + 1, size - 2);
	return address_parse(address, &host->address) ?
		       0 :
		       reader_fail(r, node, e,
				   "\"%.64s\" is not an address: write a number or host-gateway",
				   address);
}

static size_t count_hosts(const struct yaml_node *node)
{
	size_t count = yaml_count(node);

	for (const struct yaml_node *item = node->first; item; item = item->next)
		count += item->kind == YAML_LIST ? yaml_count(item) : 0;
	return count;
}

static int add_extra_host(struct reader *r, const struct yaml_node *node, const char *name,
			  const char *address, struct err *e)
{
	struct compose_service *s = r->target;
	struct compose_service_network *n = &s->network;

	if (read_extra_host(r, node, name, address, &n->hosts[n->host_count], e) < 0)
		return -1;
	n->host_count++;
	return 0;
}

/* NAME: ADDRESS, or NAME: [ADDRESS, ...] */
static int read_host_of_map(struct reader *r, const struct yaml_node *item, struct err *e)
{
	bool is_list = item->kind == YAML_LIST;
	const struct yaml_node *at = is_list ? item->first : item;

	for (; at; at = is_list ? at->next : NULL) {
		const char *text = reader_string(r, at, e);

		if (!text || add_extra_host(r, at, item->key, text, e) < 0)
			return -1;
	}
	return 0;
}

/* NAME:ADDRESS or NAME=ADDRESS */
static int read_host_of_list(struct reader *r, const struct yaml_node *item, struct err *e)
{
	const char *text = reader_string(r, item, e);
	size_t size = text ? strcspn(text, "=:") : 0;

	if (!text)
		return -1;
	if (!text[size])
		return reader_fail(r, item, e, "\"%.64s\": write NAME=ADDRESS", text);
	return add_extra_host(r, item, arena_strn(r->arena, text, size), text + size + 1, e);
}

int service_read_extra_hosts(struct reader *r, const struct yaml_node *node, struct err *e)
{
	struct compose_service *s = r->target;

	if (node->kind != YAML_LIST && node->kind != YAML_MAP)
		return reader_fail(r, node, e, "must be a map or a list, not %s",
				   yaml_kind_name(node->kind));
	s->network.hosts =
		arena_array(r->arena, count_hosts(node) + 1, sizeof(*s->network.hosts));
	for (const struct yaml_node *item = node->first; item; item = item->next)
		if ((node->kind == YAML_LIST ? read_host_of_list : read_host_of_map)(r, item, e) <
		    0)
			return -1;
	return 0;
}
