/* test_metrics.c - lines of stats as metrics: names, labels and what is escaped in them, seconds,
 * and lines that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/metrics.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "wire/stats.h"
#include "wire/usage.h"

enum { TEXT_MAX = 1 << 16 };

/* The samples alone, without the comments. */
static void print(const char *lines, char text[TEXT_MAX])
{
	struct buf out;
	char *save, *line;

	buf_init(&out, TEXT_MAX - 1);
	metrics_print(lines, METRICS_TEXT, &out);
	assert_false(out.overflow);
	*text = '\0';
	for (line = strtok_r(out.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != '#')
			strcat(strcat(text, line), "\n");
	buf_finish(&out);
}

static void samples(void **state)
{
	static const struct {
		const char *lines, *text;
	} rows[] = {
		{ "", "" },
		{ "web cpu_us=1500000\n",
		  "container_cpu_usage_seconds_total{name=\"web\"} 1.500000\n" },
		{ "web cpu_us=7", "container_cpu_usage_seconds_total{name=\"web\"} 0.000007\n" },
		{ "web cpu_us=18446744073709551615\n",
		  "container_cpu_usage_seconds_total{name=\"web\"} 18446744073709.551615\n" },
		{ "web memory_bytes=4096 tasks=2\n",
		  "container_memory_usage_bytes{name=\"web\"} 4096\n"
		  "container_threads{name=\"web\"} 2\n" },
		{ "web front rx_bytes=9\ndb front rx_bytes=0\n",
		  "container_network_receive_bytes_total{name=\"web\",network=\"front\"} 9\n"
		  "container_network_receive_bytes_total{name=\"db\",network=\"front\"} 0\n" },
		/* A family stays together, and a field is a whole word. */
		{ "a n flows_tcp=1 flows_udp=2 published=3\nb n flows_tcp=4\n",
		  "cuvette_gateway_flows_total{name=\"a\",network=\"n\",protocol=\"tcp\"} 1\n"
		  "cuvette_gateway_flows_total{name=\"b\",network=\"n\",protocol=\"tcp\"} 4\n"
		  "cuvette_gateway_flows_total{name=\"a\",network=\"n\",protocol=\"udp\"} 2\n"
		  "cuvette_published_connections_total{name=\"a\",network=\"n\"} 3\n" },
		{ "a\\b n\"m tx_bytes=1\n", "container_network_transmit_bytes_total{name="
					    "\"a\\\\b\",network=\"n\\\"m\"} 1\n" },
		{ "web not running\nweb front not attached\n", "" },
		{ "\n\n web\nweb\nweb \nweb  rx_bytes=1\n", "" },
		{ "web front rx_bytes=\nweb front rx_bytes=-1\nweb front rx_bytes=1x\n", "" },
		{ "web front rx_bytes=18446744073709551616\nweb front xrx_bytes=1\n", "" },
		{ "web front rx_bytes=111111111111111111111111111111111111111\n", "" },
	};
	char text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print(rows[i].lines, text);
		assert_string_equal(text, rows[i].text);
	}
}

/* What stats says is a metric too; a device's bytes are in the sums rx_bytes and tx_bytes. */
static void all_fields(void **state)
{
	static const char *const fields[] = {
#define FIELD(name, means) #name,
		USAGE_LIST(FIELD) STATS_LIST(FIELD) STATS_DEVICE_LIST(FIELD)
#undef FIELD
	};
	char line[128], text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(line, sizeof(line), "web %s=1\n", fields[i]);
		print(line, text);
		if (str_starts(fields[i], "device_bytes_") ? *text != '\0' : *text == '\0')
			fail_msg("%s: \"%s\"", fields[i], text);
	}
}

/* One HELP and one TYPE of each name, in front of its samples. */
static void comments(void **state)
{
	char *save, *line, family[128] = "";
	struct buf out;
	int helps = 0, types = 0;

	(void)state;
	buf_init(&out, TEXT_MAX);
	metrics_print("web n flows_tcp=1 flows_icmp=1 rx_bytes=1\n", METRICS_TEXT, &out);
	for (line = strtok_r(out.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (str_starts(line, "# HELP ")) {
			helps++;
			sscanf(line, "# HELP %127s", family);
			assert_int_not_equal(line[strlen("# HELP ") + strlen(family)], '\0');
			continue;
		}
		types += str_starts(line, "# TYPE ");
		assert_true(str_starts(line + (*line == '#' ? strlen("# TYPE ") : 0), family));
		if (*line == '#')
			assert_true(str_ends(line, " gauge") ||
				    (str_ends(line, "_total counter")));
	}
	assert_int_equal(helps, types);
	assert_true(helps > 20);
	buf_finish(&out);
}

/* The same samples; a counter's family has no _total, no other one ends so, and the end is said. */
static void openmetrics(void **state)
{
	static const char lines[] = "web cpu_us=1 tasks=2\nweb n flows_tcp=1 flows_icmp=1\n";
	char text[TEXT_MAX], samples_of[TEXT_MAX] = "", *save, *line;
	bool is_end = false;
	struct buf out;

	(void)state;
	print(lines, text);
	buf_init(&out, TEXT_MAX - 1);
	metrics_print(lines, METRICS_OPENMETRICS, &out);
	assert_false(out.overflow);
	assert_non_null(strstr(out.data, "# TYPE container_cpu_usage_seconds counter\n"
					 "container_cpu_usage_seconds_total{name=\"web\"} 0.00"));
	assert_non_null(strstr(out.data, "# TYPE container_threads gauge\n"));
	assert_true(str_ends(out.data, "\n# EOF\n"));
	for (line = strtok_r(out.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_false(is_end);
		is_end = strcmp(line, "# EOF") == 0;
		if (*line == '#')
			assert_null(strstr(line, "_total "));
		else
			strcat(strcat(samples_of, line), "\n");
	}
	assert_true(is_end);
	assert_string_equal(samples_of, text);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples),
		cmocka_unit_test(all_fields),
		cmocka_unit_test(comments),
		cmocka_unit_test(openmetrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
