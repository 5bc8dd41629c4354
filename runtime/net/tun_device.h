/* tun_device.h - a TUN device that a network's gateway sits behind: IP packets with a
 * virtio-net header, in segments of up to 64 KiB (linux/if_tun.h, Documentation/networking/tuntap).
 *
 * It lives as long as an fd of it does, in the namespace where it was made. */
#pragma once

#include <stdbool.h>

struct err;

/* In the thread's network namespace, down; its name is `name`, its index there goes to *index.
 * Checksums and TCP's segmentation are left to the reader; each datagram of UDP comes by itself. */
int tun_device_create(const char *name, unsigned *index, struct err *e);
/* Those that are made from now on in this namespace: which CPUs work on what the gateway writes;
 * else it does itself all that the containers' TCP does with it
 * (Documentation/networking/scaling.rst, RPS). */
void tun_device_spread(bool is_spread);
