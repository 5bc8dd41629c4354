/* capture_file.h - a container's packets on their way from a gateway into a file: by a pipe, so
 * that the gateway has no file, and the file only whole packets, no more than were asked for.
 *
 * It ends when its time is over, its size reached, its disk full, or its writer gone (the container
 * has left, or its gateway ended). Knows neither containers nor who asked. */
#pragma once

#include <stdint.h>

struct capture_file;
struct err;
struct loop;

struct capture_file_end {
	const char *why;	/* "its time is over" */
	const char *failure;	/* one sentence; NULL = it is a good file */
	uint64_t packets, bytes;
};
/* Called once, from the loop; destroys it or not. */
typedef void capture_file_done_fn(void *ctx, const struct capture_file_end *end);

struct capture_file_setup {
	struct loop *loop;
	int dir_fd;
	const char *name;	/* in it; replaced when it is there */
	uint64_t seconds, bytes_max;
	/* No more is wanted: the writer shall close. What it wrote before is still taken. */
	void (*on_time)(void *ctx);
	capture_file_done_fn *done;
	void *ctx;
};

/* write_fd: the pipe's other end, the caller's. */
struct capture_file *capture_file_create(const struct capture_file_setup *setup, int *write_fd,
					 struct err *e);
void capture_file_destroy(struct capture_file *c);	/* NULL is fine; the file stays */
