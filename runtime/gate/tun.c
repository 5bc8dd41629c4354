#include "gate/tun.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/fragments.h"
#include "gate/frame.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"

enum {
	/* Read at once when nobody else is there; and beside others: one packet of nearly 64 KiB,
	 * or some small ones. */
	BATCH_FRAMES = 16,
	BATCH_BYTES = 256 * 1024,
	BATCH_SHARED_FRAMES = 4,
	BATCH_SHARED_BYTES = 60 * 1000,
	PIECES_MAX = 16,
};

struct tun_device {
	struct loop_source source;
	struct tun *tun;
};

struct tun {
	struct tun_device devices[TUN_DEVICES_MAX];
	unsigned device_count;
	struct loop *loop;
	struct frame_pool *pool;
	tun_frame_fn *on_frame;
	tun_sent_fn *sent; /* of a device of memory */
	void *ctx;
	tun_way_fn *way;
	void *way_ctx;
	uint16_t id; /* of the next IPv4 packet that may be fragmented */
	uint32_t id6; /* of the last IPv6 packet that was */
	uint16_t mtu;
	struct tun_counters counters;
};

_Static_assert(sizeof(struct virtio_net_hdr) == FRAME_OFFLOAD_BYTES, "TUNSETVNETHDRSZ's default");

static int read_frame(struct tun *t, int fd)
{
	struct frame *f = frame_get(t->pool);
	ssize_t n;

	/* All are in use: the device keeps its packets until one comes back. */
	if (!f)
		return -1;
	n = readv(fd,
		  (struct iovec[]){ { f->offload, FRAME_OFFLOAD_BYTES },
				    { f->bytes, FRAME_BYTES_MAX } },
		  2);
	if (n <= FRAME_OFFLOAD_BYTES) {
		frame_drop(f);
		return -1;
	}
	f->size_bytes = (uint32_t)(n - FRAME_OFFLOAD_BYTES);
	t->counters.frames_in++;
	t->counters.bytes_in += f->size_bytes;
	t->on_frame(t->ctx, f);
	frame_drop(f);
	return 0;
}

static void on_event(struct loop_source *source, unsigned events)
{
	struct tun *t = owner_of(source, struct tun_device, source)->tun;
	bool quiet = loop_is_quiet(t->loop);
	uint64_t end = t->counters.bytes_in + (quiet ? BATCH_BYTES : BATCH_SHARED_BYTES);
	int i, frames = quiet ? BATCH_FRAMES : BATCH_SHARED_FRAMES;

	(void)events;
	for (i = 0; i < frames && t->counters.bytes_in < end; i++)
		if (read_frame(t, source->fd) < 0)
			return;
}

int tun_add(struct tun *t, int fd, struct loop_lane *lane, struct err *e)
{
	struct tun_device *d = &t->devices[t->device_count];

	if (t->device_count == TUN_DEVICES_MAX) {
		fd_close(&fd);
		return err_set(e, "at most %d TUN devices", TUN_DEVICES_MAX);
	}
	d->tun = t;
	d->source.fd = fd;
	d->source.on_event = on_event;
	d->source.lane = lane;
	t->device_count++;
	if (fd_set_nonblock(fd, e) < 0 || loop_add(t->loop, &d->source, LOOP_READ, e) < 0)
		return err_add(e, "TUN device");
	return 0;
}

struct tun *tun_create(struct loop *loop, struct frame_pool *pool, tun_frame_fn *on_frame,
		       void *ctx)
{
	struct tun *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->pool = pool;
	t->on_frame = on_frame;
	t->ctx = ctx;
	t->loop = loop;
	return t;
}

struct tun *tun_create_memory(struct frame_pool *pool, tun_sent_fn *sent, void *ctx)
{
	struct tun *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->pool = pool;
	t->sent = sent;
	t->ctx = ctx;
	return t;
}

void tun_destroy(struct tun *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->device_count; i++) {
		loop_remove(&t->devices[i].source);
		fd_close(&t->devices[i].source.fd);
	}
	free(t);
}

/* Fields in the machine's order: TUN devices are "legacy" unless told otherwise. */
static void fill_header(struct virtio_net_hdr *h, const struct tun_offload *o)
{
	memset(h, 0, sizeof(*h));
	if (!o)
		return;
	if (o->checksum_offset) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = o->checksum_start;
		h->csum_offset = o->checksum_offset;
	}
	if (o->segment_bytes) {
		h->gso_type = o->family == AF_INET6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
						      VIRTIO_NET_HDR_GSO_TCPV4;
		h->gso_size = o->segment_bytes;
		h->hdr_len = o->headers_bytes;
	}
}

void tun_set_mtu(struct tun *t, uint16_t mtu)
{
	t->mtu = mtu;
}

void tun_set_way(struct tun *t, tun_way_fn *way, void *ctx)
{
	t->way = way;
	t->way_ctx = ctx;
}

/* Two datagrams in pieces on their way to one container must differ (RFC 6864, 4.1). */
static void number_packet(struct tun *t, const struct iovec *header)
{
	uint8_t *ip = header->iov_base;
	uint32_t sum;

	if (header->iov_len < 20 || ip[0] >> 4 != 4 || ip[6] & 0x40)
		return;
	/* The checksum goes with it: RFC 1624, from an identification of 0. */
	sum = (uint32_t)(uint16_t)~(ip[10] << 8 | ip[11]) + ++t->id;
	sum = (sum & 0xffff) + (sum >> 16);
	ip[4] = (uint8_t)(t->id >> 8);
	ip[5] = (uint8_t)t->id;
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
}

static int send_one(struct tun *t, unsigned device, const struct tun_offload *offload,
		    const struct iovec *pieces, int count)
{
	struct virtio_net_hdr header;
	struct iovec all[PIECES_MAX + 1];
	ssize_t n;
	int i;

	if (t->sent) {
		t->sent(t->ctx, offload, pieces, count);
		return 0;
	}
	if (count > PIECES_MAX) {
		t->counters.lost_out++;
		return -1;
	}
	fill_header(&header, offload);
	all[0] = (struct iovec){ &header, sizeof(header) };
	for (i = 0; i < count; i++)
		all[i + 1] = pieces[i];
	n = writev(t->devices[device].source.fd, all, count + 1);
	if (n < 0) {
		t->counters.lost_out++;
		return -1;
	}
	t->counters.frames_out++;
	t->counters.bytes_out += (uint64_t)n - sizeof(header);
	return 0;
}

int tun_send(struct tun *t, const struct tun_offload *offload, const struct iovec *pieces,
	     int count)
{
	struct iovec out[FRAGMENTS_PIECES_MAX + 1];
	struct fragments f;
	unsigned device = 0;
	int n, failed = 0;

	number_packet(t, pieces);
	if (t->way)
		device = t->way(t->way_ctx, offload, pieces, count);
	if (device >= t->device_count)
		device = 0;
	if (!fragments_begin(&f, offload, pieces, count, t->mtu, t->id6 + 1))
		return send_one(t, device, offload, pieces, count);
	t->id6++;
	while (failed == 0 && (n = fragments_next(&f, out)) > 0)
		failed = send_one(t, device, NULL, out, n);
	return failed;
}

const struct tun_counters *tun_count(const struct tun *t)
{
	return &t->counters;
}
