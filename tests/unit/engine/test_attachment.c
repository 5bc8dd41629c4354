/* test_attachment.c - addresses of the containers of one file: those of the file, those of before,
 * and who gets the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compose/compose.h"
#include "engine/attachment.h"
#include "engine/document.h"
#include "engine/network.h"
#include "lib/arena.h"
#include "lib/err.h"

enum { SERVICES = 3 };

/* Services a, b and c on network n, whose pools stand in the file; what each has had before, "" is
 * nothing; what each gets, NULL is an error. */
static const struct {
	const char *pools, *own_of_a, *before[SERVICES], *after[SERVICES];
} cases[] = {
	{ "{subnet: 172.28.0.0/16}",
	  "",
	  { "", "", "" },
	  { "172.28.0.2", "172.28.0.3", "172.28.0.4" } },
	{ "{subnet: 172.28.0.0/16}",
	  "",
	  { "", "172.28.0.2", "172.28.7.7" },
	  { "172.28.0.3", "172.28.0.2", "172.28.7.7" } },
	/* The ends of a range are addresses as others are: they may be given, and they stay. */
	{ "{subnet: 172.28.0.0/16, ip_range: 172.28.5.0/24}",
	  "",
	  { "", "172.28.5.0", "172.28.5.255" },
	  { "172.28.5.1", "172.28.5.0", "172.28.5.255" } },
	{ "{subnet: 'fd28::/64', ip_range: 'fd28::8/126'}, {subnet: 172.28.0.0/16}",
	  "",
	  { "", "fd28::8", "fd28::b" },
	  { "fd28::9", "fd28::8", "fd28::b" } },
	/* Those of the subnet are nobody's. */
	{ "{subnet: 172.28.0.0/16}",
	  "",
	  { "", "172.28.0.0", "172.28.255.255" },
	  { "172.28.0.2", "172.28.0.3", "172.28.0.4" } },
	/* What the file gives somebody is not kept by another one. */
	{ "{subnet: 172.28.0.0/16}",
	  "{ipv4_address: 172.28.0.2}",
	  { "", "172.28.0.2", "172.28.0.3" },
	  { "172.28.0.2", "172.28.0.4", "172.28.0.3" } },
	{ "{subnet: 172.28.0.0/16, ip_range: 172.28.5.0/24, gateway: 172.28.5.0}",
	  "",
	  { "", "172.28.5.0", "172.28.6.1" },
	  { "172.28.5.1", "172.28.5.2", "172.28.5.3" } },
	{ "{subnet: 172.28.0.0/30}", "", { "", "172.28.0.2", "" }, { NULL, "172.28.0.2", NULL } },
};

static const struct address *of(const struct attachment *a, const char *like)
{
	return strchr(like, ':') ? &a->address6 : &a->address4;
}

static void addresses_stay(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_create(4 << 20);
		struct document documents[SERVICES] = { 0 };
		const struct document *all_documents[SERVICES];
		const struct compose_service *services[SERVICES];
		struct attachments all[SERVICES];
		struct compose_project *p;
		struct networks networks;
		const char *file;
		struct err e;

		file = arena_format(arena,
				    "services: {a: {image: i, networks: {n: %s}},\n"
				    " b: {image: i, networks: [n]}, c: {image: i, networks: [n]}}\n"
				    "networks: {n: {ipam: {config: [%s]}}}\n",
				    cases[i].own_of_a, cases[i].pools);
		p = compose_read("compose.yaml", file, strlen(file), NULL, arena, &e);
		if (!p)
			fail_msg("%s: %s", file, e.text);
		networks_load(&networks, p, -1, NULL, 0, false, arena);
		for (size_t k = 0; k < SERVICES; k++) {
			struct document *d = &documents[k];
			struct address before;

			services[k] = &p->services[k];
			all_documents[k] = d;
			strcpy(d->name, services[k]->name);
			strcpy(d->addresses[0].network, "n");
			if (!address_parse(cases[i].before[k], &before))
				continue;
			d->address_count = 1;
			if (before.family == AF_INET)
				d->addresses[0].address4 = before;
			else
				d->addresses[0].address6 = before;
		}
		attachments_choose(all, services, all_documents, SERVICES, &networks, arena);
		for (size_t k = 0; k < SERVICES; k++) {
			const char *want = cases[i].after[k];
			char text[ADDRESS_TEXT_MAX];

			if (!want) {
				assert_non_null(all[k].error);
				continue;
			}
			assert_null(all[k].error);
			address_print(of(&all[k].items[0], want), text);
			if (strcmp(text, want) != 0)
				fail_msg("%s: %s gets %s, not %s", cases[i].pools,
					 services[k]->name, text, want);
		}
		arena_destroy(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_stay),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("attachment", tests, NULL, NULL);
}
