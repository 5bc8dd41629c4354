/* metrics.h - the lines of `enginectl stats` as metrics, in the text format that Prometheus and
 * those who read its format take (version 0.0.4, text/plain), or in OpenMetrics
 * (application/openmetrics-text; version=1.0.0; charset=utf-8), where a counter's family is named
 * without _total and the last line shows that none is missing.
 *
 *     web cpu_us=1500000 ...           container_cpu_usage_seconds_total{name="web"} 1.500000
 *     web front rx_bytes=7 ... container_network_receive_bytes_total{name="web",network="front"} 7
 *
 * Names are cAdvisor's where it has the same number, else cuvette_*. Pure: knows neither engine nor
 * disk. Sources: prometheus.io, "Exposition formats" and "OpenMetrics 1.0". */
#pragma once

struct buf;

enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };

/* lines: each ended by a line feed. What is no line of stats gives no metric. */
void metrics_print(const char *lines, enum metrics_format format, struct buf *out);
