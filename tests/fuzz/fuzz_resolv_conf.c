/* fuzz_resolv_conf.c - any bytes as resolv.conf: a bounded list of addresses, none twice, and each
 * one written down again gives the same list. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/resolv_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char again[RESOLV_CONF_SERVERS_MAX * 64] = "", text[ADDRESS_TEXT_MAX];
	struct resolv_conf r, same;
	size_t used = 0;

	resolv_conf_parse((const char *)data, size, &r);
	if (r.count > RESOLV_CONF_SERVERS_MAX)
		abort();
	for (size_t i = 0; i < r.count; i++) {
		if (!address_size(&r.servers[i]))
			abort();
		for (size_t j = 0; j < i; j++)
			if (address_equal(&r.servers[i], &r.servers[j]))
				abort();
		address_print(&r.servers[i], text);
		used += (size_t)snprintf(again + used, sizeof(again) - used, "nameserver %s\n",
					 text);
	}
	resolv_conf_parse(again, used, &same);
	if (memcmp(&r, &same, sizeof(r)) != 0)
		abort();
	return 0;
}
