/* tun_device.h - the TUN device that a network's gateway sits behind: IP packets with a
 * virtio-net header, in segments of up to 64 KiB (linux/if_tun.h, Documentation/networking/tuntap).
 *
 * It lives as long as an fd of it does, in the namespace where it was made. */
#pragma once

#define TUN_DEVICE_NAME "tun0"

struct err;

/* In the thread's network namespace, down. Checksums and TCP's segmentation are left to the reader;
 * each datagram of UDP comes by itself. */
int tun_device_create(struct err *e);
