/* net_device.h - network devices of the machine that move into the container (runtime-spec 1.3,
 * config-linux.md "Network Devices").
 *
 * Each arrives with its new name, its permanent addresses of global scope, and up. When a later
 * step fails it goes where the kernel sends the devices of a namespace that ends. By rtnetlink(7);
 * knows nothing of routes. */
#pragma once

struct err;
struct oci_spec;

/* net_ns_fd: the container's network namespace. The caller stays in its own. */
int net_device_move(const struct oci_spec *spec, int net_ns_fd, struct err *e);
