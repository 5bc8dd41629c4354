#include "gate/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"

enum {
	MAGIC_NS = 0xa1b23c4d,
	LINKTYPE_RAW = 101,
	PACKET_MAX = 65535,
	PARTS_MAX = 8,
};

struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, packet_max, link_type;
};

struct packet_head {
	uint32_t s, ns, kept, size;
};

struct capture {
	int fd;
	uint64_t lost;
	size_t rest_bytes, rest_at;	/* of a packet that was begun */
	uint8_t rest[sizeof(struct packet_head) + PACKET_MAX];
};

/* 1 = nothing is left of what was begun, 0 = there is, -1 = the reader is gone. */
static int flush(struct capture *c)
{
	ssize_t n;

	while (c->rest_at < c->rest_bytes) {
		n = write(c->fd, c->rest + c->rest_at, c->rest_bytes - c->rest_at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->rest_at += n;
	}
	c->rest_at = c->rest_bytes = 0;
	return 1;
}

struct capture *capture_create(int fd, struct err *e)
{
	static const struct file_head head = {
		.magic = MAGIC_NS, .major = 2, .minor = 4, .packet_max = PACKET_MAX,
		.link_type = LINKTYPE_RAW,
	};
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->fd = fd;
	memcpy(c->rest, &head, sizeof(head));
	c->rest_bytes = sizeof(head);
	if (fd_set_nonblock(fd, e) < 0) {
		capture_destroy(c);
		return NULL;
	}
	if (flush(c) < 0) {
		err_sys(e, "capture: write the head of the stream");
		capture_destroy(c);
		return NULL;
	}
	return c;
}

void capture_destroy(struct capture *c)
{
	if (!c)
		return;
	fd_close(&c->fd);
	free(c);
}

static void keep_rest(struct capture *c, const struct iovec *all, int count, size_t skip)
{
	size_t take;
	int i;

	for (i = 0; i < count; i++) {
		take = all[i].iov_len > skip ? all[i].iov_len - skip : 0;
		if (take)
			memcpy(c->rest + c->rest_bytes, (uint8_t *)all[i].iov_base + skip, take);
		c->rest_bytes += take;
		skip -= all[i].iov_len - take;
	}
}

bool capture_packet(struct capture *c, const struct iovec *parts, int count)
{
	struct iovec all[1 + PARTS_MAX];
	struct packet_head head;
	struct timespec now;
	size_t size = 0;
	ssize_t n;
	int i;

	if (!c)
		return true;
	for (i = 0; i < count; i++)
		size += parts[i].iov_len;
	n = flush(c);
	if (n < 0)
		return false;
	if (n == 0 || size > PACKET_MAX || (size_t)count > PARTS_MAX) {
		c->lost++;
		return true;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	head = (struct packet_head){ now.tv_sec, now.tv_nsec, size, size };
	all[0] = (struct iovec){ &head, sizeof(head) };
	memcpy(all + 1, parts, count * sizeof(*parts));
	n = writev(c->fd, all, 1 + count);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (n < 0)
		c->lost++;
	else
		keep_rest(c, all, 1 + count, n);
	return true;
}

uint64_t capture_lost(const struct capture *c)
{
	return c ? c->lost : 0;
}
