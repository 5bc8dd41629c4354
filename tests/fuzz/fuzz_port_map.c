/* fuzz_port_map.c - any text as a published port: refused with a sentence, or a map whose printed
 * form is read as the same. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "oci/port_map.h"

enum { TEXT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct port_map *m)
{
	struct port_map again;
	struct port_map_row row;
	struct err e;
	char text[PORT_MAP_TEXT_BYTES];
	unsigned count = port_map_count(m);

	if (count < 1 || count > 65535 || (m->host_first == 0) != (m->host_last == 0))
		abort();
	if (m->protocol != IPPROTO_TCP && m->protocol != IPPROTO_UDP)
		abort();
	row = port_map_row(m, count - 1);
	if (row.container_port != m->container_last || row.host_last != m->host_last)
		abort();
	port_map_print(m, text);
	if (port_map_parse(text, &again, &e) || memcmp(m, &again, sizeof(again)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1], *container, *host;
	struct port_map m;
	struct err e = { 0 };

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (port_map_parse(text, &m, &e) == 0)
		check(&m);
	else if (!e.text[0] || m.container_first)
		abort();
	/* The same bytes as three parts. */
	host = strchr(text, '\n');
	if (!host)
		return 0;
	*host++ = '\0';
	container = strchr(host, '\n');
	if (container)
		*container++ = '\0';
	if (port_map_parse_parts(text, host, container, &m, &e) == 0)
		check(&m);
	return 0;
}
