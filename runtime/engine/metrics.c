/* metrics.c - see metrics.h. */
#include "engine/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/array.h"
#include "lib/buf.h"
#include "lib/str.h"

enum { US_PER_S = 1000000, NUMBER_BYTES = 21 };

enum kind { COUNTER, GAUGE, SECONDS };	/* SECONDS: a counter, in the line in microseconds */

/* Rows of one name follow each other: they are one family and differ by their label. */
static const struct metric {
	const char *field, *name, *label;
	enum kind kind;
	const char *help;	/* of the family's first row */
} metrics[] = {
	{ "cpu_us", "container_cpu_usage_seconds_total", "", SECONDS, "CPU time used." },
	{ "cpu_throttled_us", "container_cpu_cfs_throttled_seconds_total", "", SECONDS,
	  "Time that it was kept waiting by its CPU limit." },
	{ "memory_bytes", "container_memory_usage_bytes", "", GAUGE,
	  "Memory in use, cached files among it." },
	{ "memory_working_bytes", "container_memory_working_set_bytes", "", GAUGE,
	  "Memory in use, without cached files that were not used lately." },
	{ "memory_limit_bytes", "container_spec_memory_limit_bytes", "", GAUGE,
	  "Memory that it may use; 0 is no limit." },
	{ "oom_kills", "container_oom_events_total", "", COUNTER,
	  "Processes killed for want of memory." },
	{ "tasks", "container_threads", "", GAUGE, "Processes and threads." },
	{ "rx_bytes", "container_network_receive_bytes_total", "", COUNTER,
	  "Bytes received, from other containers and through published ports too." },
	{ "tx_bytes", "container_network_transmit_bytes_total", "", COUNTER,
	  "Bytes sent, to other containers and through published ports too." },
	{ "device_packets_in", "container_network_receive_packets_total", "", COUNTER,
	  "Packets that its device received." },
	{ "device_packets_out", "container_network_transmit_packets_total", "", COUNTER,
	  "Packets that its device sent." },
	{ "device_dropped_in", "container_network_receive_packets_dropped_total", "", COUNTER,
	  "Packets lost on the way into its device." },
	{ "device_dropped_out", "container_network_transmit_packets_dropped_total", "", COUNTER,
	  "Packets lost on the way out of its device." },
	{ "bytes_in", "cuvette_gateway_receive_bytes_total", "", COUNTER,
	  "Bytes that came to it through the gateway." },
	{ "bytes_out", "cuvette_gateway_transmit_bytes_total", "", COUNTER,
	  "Bytes that it sent to the gateway." },
	{ "packets_in", "cuvette_gateway_receive_packets_total", "", COUNTER,
	  "Packets that came to it through the gateway." },
	{ "packets_out", "cuvette_gateway_transmit_packets_total", "", COUNTER,
	  "Packets that it sent to the gateway." },
	{ "dropped", "cuvette_gateway_packets_dropped_total", "", COUNTER,
	  "Packets dropped by the gateway: malformed, no room or over its rate." },
	{ "flows_tcp", "cuvette_gateway_flows_total", "protocol=\"tcp\"", COUNTER,
	  "Flows that it opened through the gateway." },
	{ "flows_udp", "cuvette_gateway_flows_total", "protocol=\"udp\"", COUNTER, NULL },
	{ "flows_icmp", "cuvette_gateway_flows_total", "protocol=\"icmp\"", COUNTER, NULL },
	{ "flows_open", "cuvette_gateway_flows_open", "", GAUGE, "Flows that are open now." },
	{ "refused", "cuvette_gateway_flows_refused_total", "reason=\"policy\"", COUNTER,
	  "Flows refused." },
	{ "limited", "cuvette_gateway_flows_refused_total", "reason=\"limit\"", COUNTER, NULL },
	{ "published", "cuvette_published_connections_total", "", COUNTER,
	  "Connections to its published TCP ports." },
	{ "published_open", "cuvette_published_connections_open", "", GAUGE,
	  "Connections to its published TCP ports that are open now." },
	{ "published_refused", "cuvette_published_connections_refused_total", "", COUNTER,
	  "Attempts at its published TCP ports that it did not take." },
	{ "published_in", "cuvette_published_receive_bytes_total", "", COUNTER,
	  "Bytes that came to it through published TCP ports." },
	{ "published_out", "cuvette_published_transmit_bytes_total", "", COUNTER,
	  "Bytes that it sent through published TCP ports." },
	{ "dns_questions", "cuvette_dns_questions_total", "", COUNTER, "DNS questions it asked." },
	{ "dns_forwarded", "cuvette_dns_forwarded_total", "", COUNTER,
	  "DNS questions that were asked of a resolver outside." },
	{ "dns_refused", "cuvette_dns_refused_total", "", COUNTER,
	  "DNS questions refused by policy." },
};

enum { METRICS = ARRAY_SIZE(metrics) };

/* Inside of a line, up to the next blank or the line's end. */
struct word {
	const char *at;
	size_t size_bytes;
};

static struct word word_at(const char *at)
{
	return (struct word){ at, strcspn(at, " \n") };
}

static struct word word_after(struct word w)
{
	const char *end = w.at + w.size_bytes;

	return word_at(*end == ' ' ? end + 1 : end);
}

static bool is_pair(struct word w)
{
	return memchr(w.at, '=', w.size_bytes) != NULL;
}

static bool find_number(struct word w, const char *field, uint64_t *number)
{
	size_t head = strlen(field) + 1;
	char digits[NUMBER_BYTES];

	for (; w.size_bytes; w = word_after(w)) {
		if (w.size_bytes <= head || w.size_bytes - head >= sizeof(digits) ||
		    memcmp(w.at, field, head - 1) != 0 || w.at[head - 1] != '=')
			continue;
		memcpy(digits, w.at + head, w.size_bytes - head);
		digits[w.size_bytes - head] = '\0';
		return str_to_u64(digits, number);
	}
	return false;
}

/* A line feed ends a line of stats, so none is in a word. */
static void add_label(struct buf *out, const char *name, struct word value)
{
	buf_add_format(out, "%s=\"", name);
	for (size_t i = 0; i < value.size_bytes; i++) {
		if (value.at[i] == '\\' || value.at[i] == '"')
			buf_add(out, "\\", 1);
		buf_add(out, value.at + i, 1);
	}
	buf_add(out, "\"", 1);
}

static void add_sample(struct buf *out, const struct metric *m, const char *line)
{
	struct word name = word_at(line), network = word_after(name);
	uint64_t number;

	if (!name.size_bytes || !find_number(network, m->field, &number))
		return;
	buf_add_format(out, "%s{", m->name);
	add_label(out, "name", name);
	if (!is_pair(network)) {
		buf_add(out, ",", 1);
		add_label(out, "network", network);
	}
	buf_add_format(out, "%s%s} ", *m->label ? "," : "", m->label);
	if (m->kind == SECONDS)
		buf_add_format(out, "%" PRIu64 ".%06" PRIu64 "\n", number / US_PER_S,
			       number % US_PER_S);
	else
		buf_add_format(out, "%" PRIu64 "\n", number);
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* Its name in front of the samples: all of theirs but for OpenMetrics' counters. */
static void add_family(struct buf *out, const struct metric *m, enum metrics_format format)
{
	bool is_gauge = m->kind == GAUGE;
	bool is_short = format == METRICS_OPENMETRICS && !is_gauge;
	int length = (int)(strlen(m->name) - (is_short ? strlen("_total") : 0));

	buf_add_format(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, m->name, m->help, length,
		       m->name, is_gauge ? "gauge" : "counter");
}

void metrics_print(const char *lines, enum metrics_format format, struct buf *out)
{
	for (size_t i = 0; i < METRICS; i++) {
		const struct metric *m = &metrics[i];

		if (m->help)
			add_family(out, m, format);
		for (const char *line = lines; *line; line = next_line(line))
			add_sample(out, m, line);
	}
	if (format == METRICS_OPENMETRICS)
		buf_add_str(out, "# EOF\n");
}
