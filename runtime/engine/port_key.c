/* port_key.c - see port_key.h. */
#include "engine/port_key.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"
#include "lib/str.h"

enum { WORDS = 4 };
_Static_assert((int)PORT_MAP_ADDRESS_BYTES >= (int)ADDRESS_TEXT_MAX,
	       "an address is printed into it");

static bool read_port(const char *text, uint16_t *port)
{
	uint32_t value;

	if (!str_to_u32(text, &value) || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

/* "127.0.0.1:8080-8090", changed while it is read. */
static bool read_outside(char *text, struct port_key *key)
{
	char *colon = strrchr(text, ':'), *dash = colon ? strchr(colon, '-') : NULL;
	struct address address;

	if (!dash)
		return false;
	*colon = *dash = '\0';
	if (*text && !address_parse(text, &address))
		return false;
	if (*text)
		address_print(&address, key->host_address);
	return read_port(colon + 1, &key->host_first) && read_port(dash + 1, &key->host_last) &&
	       key->host_first <= key->host_last && (key->host_first || !key->host_last);
}

bool port_key_parse(const char *text, struct port_key *key)
{
	char copy[PORT_KEY_BYTES], again[PORT_KEY_BYTES], *words[WORDS];

	*key = (struct port_key){ 0 };
	if (!str_copy(copy, sizeof(copy), text) || str_split_words(copy, words, WORDS) != WORDS)
		return false;
	key->protocol = str_equal(words[1], "udp") ? IPPROTO_UDP : IPPROTO_TCP;
	if (!str_copy(key->service, sizeof(key->service), words[0]) ||
	    !read_outside(words[2], key) || !read_port(words[3], &key->container_port) ||
	    !key->container_port)
		return false;
	port_key_print(key, again);
	return str_equal(again, text);
}

void port_key_print(const struct port_key *key, char text[PORT_KEY_BYTES])
{
	snprintf(text, PORT_KEY_BYTES, "%s %s %s:%u-%u %u", key->service,
		 key->protocol == IPPROTO_UDP ? "udp" : "tcp", key->host_address, key->host_first,
		 key->host_last, key->container_port);
}
