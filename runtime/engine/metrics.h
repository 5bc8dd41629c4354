/* metrics.h - the lines of `enginectl stats` as metrics, in the text format that Prometheus and
 * those who read its format take (version 0.0.4).
 *
 *     web cpu_us=1500000 ...           container_cpu_usage_seconds_total{name="web"} 1.500000
 *     web front rx_bytes=7 ... container_network_receive_bytes_total{name="web",network="front"} 7
 *
 * Names are cAdvisor's where it has the same number, else cuvette_*. Pure: knows neither engine nor
 * disk. Source: prometheus.io, "Exposition formats". */
#pragma once

struct buf;

/* lines: each ended by a line feed. What is no line of stats gives no metric. */
void metrics_print(const char *lines, struct buf *out);
