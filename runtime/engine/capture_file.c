/* capture_file.c - see capture_file.h. */
#include "engine/capture_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"

enum {
	MAGIC_NS = 0xa1b23c4d,
	LINKTYPE_LINUX_SLL2 = 276,
	PACKET_MAX = 256 << 10,	  /* as tcpdump has it; the kernel's largest are of 64 KiB */
	BUFFER_BYTES = 1 << 20,	  /* a write of many packets */
	LEFT_BYTES = 16 << 20,	  /* what documents and logs of a busy machine need */
	LEFT_PART = 20,		  /* of a small disk: this part of it */
};

struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, packet_max, link_type;
};

/* The second half is LINKTYPE_LINUX_SLL2's, in network order, and counts as part of the packet. */
struct record {
	uint32_t s, ns, kept, size;
	uint16_t protocol, zero;
	uint32_t interface;
	uint16_t hardware;
	uint8_t kind, address_bytes, address[8];
};

enum { LINK_BYTES = sizeof(struct record) - offsetof(struct record, protocol) };
_Static_assert(LINK_BYTES == 20 && sizeof(struct record) == 36, "nothing lies between the fields");

struct capture_file {
	int fd;
	uint64_t bytes_max, bytes, packets;
	bool is_full;
	size_t waiting_bytes, waiting_packets;	/* in the buffer */
	uint8_t buffer[BUFFER_BYTES];
};

/* A full disk would stop the engine's documents too. */
static int leaves_room(int fd, size_t more, struct err *e)
{
	struct statvfs s;
	uint64_t left, free_bytes;

	if (fstatvfs(fd, &s) < 0)
		return err_sys(e, "ask how full the disk is");
	left = s.f_blocks * s.f_frsize / LEFT_PART;
	if (left > LEFT_BYTES)
		left = LEFT_BYTES;
	free_bytes = s.f_bavail * s.f_frsize;
	if (free_bytes >= left + more)
		return 0;
	return err_set(e, "the disk is nearly full (%ju KiB are left): delete something, or "
		       "capture less", (uintmax_t)(free_bytes >> 10));
}

static int write_waiting(struct capture_file *c, struct err *e)
{
	off_t before = lseek(c->fd, 0, SEEK_CUR);

	if (leaves_room(c->fd, c->waiting_bytes, e) < 0)
		return -1;
	if (fd_write_all(c->fd, c->buffer, c->waiting_bytes, e) < 0) {
		/* Part of a packet may be there. */
		if (ftruncate(c->fd, before) < 0)
			err_add(e, "the last packet is cut");
		return err_add(e, "write the captured packets");
	}
	c->bytes += c->waiting_bytes;
	c->packets += c->waiting_packets;
	c->waiting_bytes = c->waiting_packets = 0;
	return 0;
}

struct capture_file *capture_file_create(int dir_fd, const char *name, uint64_t bytes_max,
					 struct err *e)
{
	static const struct file_head head = {
		.magic = MAGIC_NS, .major = 2, .minor = 4, .packet_max = PACKET_MAX + LINK_BYTES,
		.link_type = LINKTYPE_LINUX_SLL2,
	};
	struct capture_file *c;

	/* Before the former one is gone: who is refused still has that. */
	if (leaves_room(dir_fd, sizeof(head), e) < 0)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->bytes_max = bytes_max;
	memcpy(c->buffer, &head, sizeof(head));
	c->waiting_bytes = sizeof(head);
	/* Another file, not the old one emptied: its writer may still be at it. */
	unlinkat(dir_fd, name, 0);
	c->fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->fd < 0) {
		err_sys(e, "open %s", name);
	} else if (write_waiting(c, e) < 0) {
		/* An empty file would look like a capture of nothing. */
		unlinkat(dir_fd, name, 0);
	} else {
		return c;
	}
	capture_file_destroy(c);
	return NULL;
}

void capture_file_destroy(struct capture_file *c)
{
	if (!c)
		return;
	fd_close(&c->fd);
	free(c);
}

static struct record record_of(const struct sockaddr_ll *from, const struct timespec *at,
			       size_t size)
{
	struct record r = {
		.s = (uint32_t)at->tv_sec,
		.ns = (uint32_t)at->tv_nsec,
		.kept = LINK_BYTES + (uint32_t)(size < PACKET_MAX ? size : PACKET_MAX),
		.size = LINK_BYTES + (uint32_t)size,
		.protocol = from->sll_protocol,
		.interface = htonl((uint32_t)from->sll_ifindex),
		.hardware = htons(from->sll_hatype),
		.kind = from->sll_pkttype,
		.address_bytes = from->sll_halen,
	};

	memcpy(r.address, from->sll_addr, sizeof(r.address));
	return r;
}

static struct timespec time_of(struct msghdr *m)
{
	struct timespec at = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&at, CMSG_DATA(c), sizeof(at));
	return at;
}

/* 1 = a packet waits in the buffer, 0 = there is none, or no room for it in the file. */
static int receive(struct capture_file *c, int packet_fd, struct err *e)
{
	/* No fd comes with a packet, and the kernel refuses MSG_CMSG_CLOEXEC here. */
	const int flags = MSG_DONTWAIT | MSG_TRUNC;
	uint8_t *to = c->buffer + c->waiting_bytes;
	struct iovec packet = { to + sizeof(struct record), PACKET_MAX };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
	struct sockaddr_ll from = { 0 };
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &packet, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(packet_fd, &m, flags);
	struct timespec at;
	struct record r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_sys(e, "read the container's packets");
	at = time_of(&m);
	r = record_of(&from, &at, (size_t)n);
	n = (ssize_t)sizeof(r) - LINK_BYTES + r.kept;
	c->is_full = c->bytes + c->waiting_bytes + (size_t)n > c->bytes_max;
	if (c->is_full)
		return 0;
	memcpy(to, &r, sizeof(r));
	c->waiting_bytes += (size_t)n;
	c->waiting_packets++;
	return 1;
}

int capture_file_take(struct capture_file *c, int packet_fd, struct err *e)
{
	int got = 1;

	while (got == 1 && c->waiting_bytes + sizeof(struct record) + PACKET_MAX <= BUFFER_BYTES)
		got = receive(c, packet_fd, e);
	if (got < 0)
		return -1;
	return c->waiting_bytes ? write_waiting(c, e) : 0;
}

bool capture_file_is_full(const struct capture_file *c)
{
	return c->is_full;
}

uint64_t capture_file_packets(const struct capture_file *c)
{
	return c->packets;
}

uint64_t capture_file_bytes(const struct capture_file *c)
{
	return c->bytes;
}
