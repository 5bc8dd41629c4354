/* tun.h - TUN devices with virtio-net headers: frames of up to 64 KiB in and out, no checksums.
 *
 * Owns the fds. Each is a ring of its own in the kernel, and netd gives each container one of them
 * (net/router.h): who sends more than is read loses packets of his own. Each is in a lane of the
 * caller's, so that they have their turns (loop.h), and each frame is handed to the caller, who may
 * keep it (frame.h). What is for a container goes by its device; the kernel drops it elsewhere.
 * Sending never waits: what the device does not take is lost, as on a wire. Source:
 * linux/virtio_net.h, Documentation/networking/tuntap.rst. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct err;
struct frame;
struct frame_pool;
struct loop;
struct loop_lane;
struct tun;

/* What the kernel does for us before a container sees the packet; all zero: nothing. */
struct tun_offload {
	uint16_t checksum_start; /* from the packet's first byte; with checksum_offset 0: no
				    checksum */
	uint16_t checksum_offset;
	uint16_t segment_bytes; /* payload of each segment (gso_size); 0: one packet as it is */
	uint16_t headers_bytes; /* that each segment gets a copy of */
	uint8_t family;		/* AF_INET, AF_INET6 */
	uint8_t protocol;	/* IPPROTO_TCP, IPPROTO_UDP */
};

struct tun_counters {
	uint64_t frames_in, frames_out, bytes_in, bytes_out, lost_out;
};

enum { TUN_DEVICES_MAX = 8 };

typedef void tun_frame_fn(void *ctx, struct frame *f);

typedef void tun_sent_fn(void *ctx, const struct tun_offload *o, const struct iovec *v, int n);

/* By which device this packet goes: 0 = the first that was given. */
typedef unsigned tun_way_fn(void *ctx, const struct tun_offload *o, const struct iovec *v, int n);

/* Without a device: see tun_add. */
struct tun *tun_create(struct loop *loop, struct frame_pool *pool, tun_frame_fn *on_frame,
		       void *ctx);
/* Of memory, for tests: `sent` gets what would be written. */
struct tun *tun_create_memory(struct frame_pool *pool, tun_sent_fn *sent, void *ctx);
void tun_destroy(struct tun *t); /* NULL is fine */
/* fd: a TUN device (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR); taken also on failure. Lane NULL: none. */
int tun_add(struct tun *t, int fd, struct loop_lane *lane, struct err *e);

/* What the way to the containers takes: an IPv6 packet above it is sent in pieces, as
 * no router cuts it (fragments.h). IPv4 is cut by the kernel. 0: any size. */
void tun_set_mtu(struct tun *t, uint16_t mtu);
/* Sees each packet on its way out, whole, and says where it goes. Without one: by the first. */
void tun_set_way(struct tun *t, tun_way_fn *way, void *ctx);
/* The packet in pieces, IP header first; offload NULL: nothing. An IPv4 packet that may be
 * fragmented gets its identification here. 0, or -1 when it was lost. */
int tun_send(struct tun *t, const struct tun_offload *offload, const struct iovec *pieces,
	     int count);
const struct tun_counters *tun_count(const struct tun *t);
