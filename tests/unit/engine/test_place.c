/* test_place.c - where a service's containers live: by tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compose/compose.h"
#include "engine/place.h"
#include "lib/err.h"
#include "lib/str.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { MAX = 4 };

/* "web-1 web-2 (web)": closed ones in brackets. */
static void print(const struct place *places, int count, char *text)
{
	text[0] = '\0';
	for (int i = 0; i < count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, places[i].closed ? "(" : "");
		strcat(text, places[i].name);
		strcat(text, places[i].closed ? ")" : "");
	}
}

static void places_of_services(void **state)
{
	static const struct document documents[] = {
		{ .name = "web", .service = "web" },
		{ .name = "web-2", .service = "web" },
		{ .name = "db", .service = "db" },
	};
	static const struct {
		const char *service;
		struct compose_replicas replicas;
		const char *places;
	} rows[] = {
		{ "db", { .count = 1 }, "db" },
		{ "new", { .count = 1 }, "new" },
		{ "new", { .is_given = true, .count = 1 }, "new-1" },
		{ "new", { .is_given = true, .count = 3 }, "new-1 new-2 new-3" },
		{ "new", { .is_given = true, .count = 3, .start_first = true },
		  "new-1 new-2 new-3 new-4" },
		{ "new", { .is_given = true, .count = 4, .start_first = true }, NULL },
		/* from one to several, and back, and fewer */
		{ "web", { .is_given = true, .count = 2 }, "web-1 web-2 (web)" },
		{ "web", { .count = 1 }, "web (web-2)" },
		{ "web", { .is_given = true, .count = 1 }, "web-1 (web) (web-2)" },
		{ "a-name-of-64-bytes-which-leaves-no-room-for-the-number-behind-it",
		  { .is_given = true, .count = 1 }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct compose_service s = { .name = rows[i].service,
					     .replicas = rows[i].replicas };
		struct place places[MAX];
		char text[512];
		struct err e = { .text = "" };
		int count = places_find(&s, documents, ROWS(documents), places, MAX, &e);

		if (!rows[i].places) {
			assert_int_equal(count, -1);
			assert_true(str_starts(e.text, "service "));
			continue;
		}
		print(places, count, text);
		if (count < 0 || strcmp(text, rows[i].places) != 0)
			fail_msg("row %zu: %s %s", i, text, e.text);
		for (int k = 0; k < count; k++)
			assert_int_equal(places[k].number,
					 places[k].closed || !s.replicas.is_given ? 0 : k + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_of_services),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
