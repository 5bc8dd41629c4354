#include "oci/port_map.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "lib/str.h"

enum { TEXT_MAX = 128 };	/* longer than any text that says something */

static int read_port(const char *text, uint32_t least, uint16_t *port, struct err *e)
{
	uint32_t value;

	if (!str_to_u32(text, &value) || value > UINT16_MAX || value < least ||
	    (text[0] == '0' && text[1]))
		return err_set(e, "'%s' is no port: it takes a number from %u to 65535", text,
			       least);
	*port = (uint16_t)value;
	return 0;
}

/* "8000" or "8000-8010", changed while it is read. 0 alone is allowed where least says so. */
static int read_range(char *text, uint32_t least, uint16_t *first, uint16_t *last, struct err *e)
{
	char *dash = strchr(text, '-');

	if (!dash) {
		if (read_port(text, least, first, e) < 0)
			return -1;
		*last = *first;
		return 0;
	}
	*dash = '\0';
	if (read_port(text, 1, first, e) < 0 || read_port(dash + 1, 1, last, e) < 0)
		return -1;
	if (*last < *first)
		return err_set(e, "the range %u-%u goes backwards", *first, *last);
	return 0;
}

static int read_protocol(const char *text, uint8_t *protocol, struct err *e)
{
	if (strcasecmp(text, "tcp") == 0)
		*protocol = IPPROTO_TCP;
	else if (strcasecmp(text, "udp") == 0)
		*protocol = IPPROTO_UDP;
	else if (strcasecmp(text, "sctp") == 0)
		return err_set(e, "sctp ports cannot be published; tcp and udp can");
	else
		return err_set(e, "'%s' is no protocol: tcp or udp", text);
	return 0;
}

static int read_address(const char *text, struct port_map *map, struct err *e)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, bytes) != 1)
		return err_set(e, "'%s' is no address: it takes numbers, as 127.0.0.1 or [::1]",
			       text);
	inet_ntop(family, bytes, map->host_address, sizeof(map->host_address));
	return 0;
}

/* container is changed while it is read, and so is host. */
static int read_parts(const char *host_address, char *host, char *container, struct port_map *map,
		      struct err *e)
{
	char *slash = strchr(container, '/');

	map->protocol = IPPROTO_TCP;
	if (slash) {
		*slash = '\0';
		if (read_protocol(slash + 1, &map->protocol, e) < 0)
			return -1;
	}
	if (!*container)
		return err_set(e, "the container's port is missing");
	if (read_range(container, 1, &map->container_first, &map->container_last, e) < 0)
		return -1;
	if (*host && read_range(host, 0, &map->host_first, &map->host_last, e) < 0)
		return -1;
	if (*host_address && read_address(host_address, map, e) < 0)
		return -1;
	if (map->host_first && map->container_first != map->container_last &&
	    map->host_last - map->host_first != map->container_last - map->container_first)
		return err_set(e, "%u ports outside and %u inside: it takes as many",
			       map->host_last - map->host_first + 1, port_map_count(map));
	return 0;
}

/* The part in front of the last ':' that is outside of brackets; NULL when there is none. */
static char *cut_last(char *text)
{
	char *colon = strrchr(text, ':');

	if (!colon || strchr(colon, ']'))
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static int take_brackets(char **address, struct err *e)
{
	size_t length = strlen(*address);

	if (**address != '[')
		return strchr(*address, ':') ? err_set(e, "an IPv6 address stands in brackets") : 0;
	if ((*address)[length - 1] != ']' || !strchr(*address, ':'))
		return err_set(e, "'%s' is no address", *address);
	(*address)[length - 1] = '\0';
	(*address)++;
	return 0;
}

static int parse(char *text, struct port_map *map, struct err *e)
{
	char empty[1] = "", *address = empty, *host = empty;
	char *container = cut_last(text);

	if (!container)
		return read_parts(empty, empty, text, map, e);
	host = cut_last(text);
	if (!host)
		return *text ? read_parts(empty, text, container, map, e)
			     : err_set(e, "the port in front of ':' is missing");
	address = text;
	if (!*address)
		return err_set(e, "the address in front of ':' is missing");
	return take_brackets(&address, e) < 0 ? -1 : read_parts(address, host, container, map, e);
}

int port_map_parse(const char *text, struct port_map *map, struct err *e)
{
	char copy[TEXT_MAX];

	*map = (struct port_map){ 0 };
	if (!str_copy(copy, sizeof(copy), text))
		return err_set(e, "port '%.40s...': too long", text);
	if (parse(copy, map, e) == 0)
		return 0;
	*map = (struct port_map){ 0 };
	return err_add(e, "port '%s'", text);
}

int port_map_parse_parts(const char *host_address, const char *host, const char *container,
			 struct port_map *map, struct err *e)
{
	char host_copy[TEXT_MAX], container_copy[TEXT_MAX];

	*map = (struct port_map){ 0 };
	if (!str_copy(host_copy, sizeof(host_copy), host ? host : "") ||
	    !str_copy(container_copy, sizeof(container_copy), container ? container : ""))
		return err_set(e, "port: too long");
	if (read_parts(host_address ? host_address : "", host_copy, container_copy, map, e) == 0)
		return 0;
	*map = (struct port_map){ 0 };
	return err_add(e, "port %s", container ? container : "");
}

unsigned port_map_count(const struct port_map *map)
{
	return (unsigned)(map->container_last - map->container_first + 1);
}

struct port_map_row port_map_row(const struct port_map *map, unsigned index)
{
	struct port_map_row row = {
		.host_first = map->host_first,
		.host_last = map->host_last,
		.container_port = (uint16_t)(map->container_first + index),
	};

	if (map->host_first && map->container_first != map->container_last)
		row.host_first = row.host_last = (uint16_t)(map->host_first + index);
	return row;
}

/* One of several for a single port inside is whatever is free. */
static bool is_fixed(const struct port_map *map)
{
	return map->host_first &&
	       port_map_count(map) == (unsigned)(map->host_last - map->host_first + 1);
}

/* 0.0.0.0 and :: are every address of their family, "" of both. */
static bool meet(const char *a, const char *b)
{
	bool is_any = str_equal(a, "0.0.0.0") || str_equal(a, "::") || str_equal(b, "0.0.0.0") ||
		      str_equal(b, "::");

	if (!*a || !*b || str_equal(a, b))
		return true;
	return is_any && !strchr(a, ':') == !strchr(b, ':');
}

bool port_map_collides(const struct port_map *a, const struct port_map *b)
{
	return a->protocol == b->protocol && is_fixed(a) && is_fixed(b) &&
	       a->host_first <= b->host_last && b->host_first <= a->host_last &&
	       meet(a->host_address, b->host_address);
}

static void print_range(char *text, uint16_t first, uint16_t last)
{
	text += strlen(text);
	if (first == last)
		sprintf(text, "%u", first);
	else
		sprintf(text, "%u-%u", first, last);
}

const char *port_map_print(const struct port_map *map, char text[PORT_MAP_TEXT_BYTES])
{
	text[0] = '\0';
	if (*map->host_address)
		sprintf(text, strchr(map->host_address, ':') ? "[%s]:" : "%s:", map->host_address);
	if (map->host_first)
		print_range(text, map->host_first, map->host_last);
	if (*text)
		strcat(text, ":");
	print_range(text, map->container_first, map->container_last);
	if (map->protocol == IPPROTO_UDP)
		strcat(text, "/udp");
	return text;
}
