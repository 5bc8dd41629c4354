/* capture_file.c - see capture_file.h. */
#include "engine/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/pcap_cut.h"
#include "lib/err.h"
#include "lib/fd.h"

enum {
	BUFFER_BYTES = 256 << 10, /* more than the largest packet, so that there is progress */
	LEFT_BYTES = 16 << 20,	  /* what documents and logs of a busy machine need */
	LEFT_PART = 20,		  /* of a small disk: this part of it */
};

struct capture_file {
	struct pcap_cut cut;
	int fd;
	size_t size_bytes;	/* of buffer */
	uint8_t buffer[BUFFER_BYTES];
};

struct capture_file *capture_file_create(int dir_fd, const char *name, uint64_t bytes_max,
					 struct err *e)
{
	struct capture_file *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->cut.bytes_max = bytes_max;
	/* Another file, not the old one emptied: its writer may still be at it. */
	unlinkat(dir_fd, name, 0);
	c->fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->fd >= 0)
		return c;
	err_sys(e, "open %s", name);
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

/* A full disk would stop the engine's documents too. */
static int leaves_room(const struct capture_file *c, size_t more, struct err *e)
{
	struct statvfs s;
	uint64_t left, free_bytes;

	if (fstatvfs(c->fd, &s) < 0)
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

static int write_packets(struct capture_file *c, size_t whole, struct err *e)
{
	off_t before = lseek(c->fd, 0, SEEK_CUR);

	if (leaves_room(c, whole, e) < 0)
		return -1;
	if (fd_write_all(c->fd, c->buffer, whole, e) == 0)
		return 0;
	/* Part of a packet may be there. */
	if (ftruncate(c->fd, before) < 0)
		err_add(e, "the last packet is cut");
	return err_add(e, "write the captured packets");
}

int capture_file_take(struct capture_file *c, int pipe_fd, struct err *e)
{
	ssize_t n = read(pipe_fd, c->buffer + c->size_bytes, BUFFER_BYTES - c->size_bytes);
	const struct pcap_cut before = c->cut;
	ptrdiff_t whole;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n <= 0)
		return n < 0 ? err_sys(e, "read the captured packets") : 0;
	c->size_bytes += (size_t)n;
	whole = pcap_cut_take(&c->cut, c->buffer, c->size_bytes, e);
	if (whole < 0)
		return -1;
	if (whole > 0 && write_packets(c, (size_t)whole, e) < 0) {
		c->cut = before;
		return -1;
	}
	c->size_bytes -= (size_t)whole;
	memmove(c->buffer, c->buffer + whole, c->size_bytes);
	return !c->cut.is_full;
}

bool capture_file_is_full(const struct capture_file *c)
{
	return c->cut.is_full;
}

uint64_t capture_file_packets(const struct capture_file *c)
{
	return c->cut.packets;
}

uint64_t capture_file_bytes(const struct capture_file *c)
{
	return c->cut.bytes;
}
