/* rtnetlink.h - rtnetlink(7): requests, several in one send, each acknowledged; and a strict reader
 * of what the kernel says.
 *
 * A socket belongs to the network namespace that it was opened in, for good: whoever holds one per
 * namespace never has to enter it again. The reader is pure, trusts no length and never reads
 * beyond what it was given; what is cut or lies ends the walk with `broken`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	RTNETLINK_BATCH_BYTES = 8192,
	RTNETLINK_BATCH_MESSAGES = 48,
	RTNETLINK_PART_BYTES = 32768, /* netlink(7): a dump comes in parts of at most this */
};

/* In the calling thread's network namespace. */
int rtnetlink_open(struct err *e);

/* ---- requests */

struct rtnetlink_batch {
	size_t size_bytes, last; /* last: where the message that is being written begins */
	unsigned count;
	bool broken; /* something did not fit */
	struct rtnetlink_step {
		const char *what; /* for the sentence: "add the default route" */
		int fine;	  /* an errno that is no failure, 0 = none */
	} steps[RTNETLINK_BATCH_MESSAGES];
	unsigned char data[RTNETLINK_BATCH_BYTES] __attribute__((aligned(4)));
};

void rtnetlink_init(struct rtnetlink_batch *b);
/* The next message; body: ifinfomsg and the like. NLM_F_REQUEST and NLM_F_ACK are added. */
void rtnetlink_begin(struct rtnetlink_batch *b, const char *what, uint16_t type, uint16_t flags,
		     const void *body, size_t size_bytes);
/* This errno of the message just begun is no failure (EEXIST, ENODEV). */
void rtnetlink_fine(struct rtnetlink_batch *b, int number);
void rtnetlink_put(struct rtnetlink_batch *b, uint16_t type, const void *data, size_t size_bytes);
void rtnetlink_put_u8(struct rtnetlink_batch *b, uint16_t type, uint8_t value);
void rtnetlink_put_u16(struct rtnetlink_batch *b, uint16_t type, uint16_t value);
void rtnetlink_put_u32(struct rtnetlink_batch *b, uint16_t type, uint32_t value);
void rtnetlink_put_str(struct rtnetlink_batch *b, uint16_t type, const char *text);
/* Attributes put between the two are inside it. */
size_t rtnetlink_nest(struct rtnetlink_batch *b, uint16_t type);
void   rtnetlink_nest_end(struct rtnetlink_batch *b, size_t nest);

/* All of it, and all answers. The first failure is the error, with the kernel's own reason; what
 * stands behind it was tried all the same. */
int rtnetlink_send(int fd, struct rtnetlink_batch *b, struct err *e);

/* ---- answers */

struct rtnetlink_reader {
	const unsigned char *at, *end;
	bool broken;
};

struct rtnetlink_message {
	uint16_t type, flags;
	uint32_t sequence;
	const unsigned char *data; /* body and attributes */
	size_t size_bytes;
};

struct rtnetlink_attribute {
	uint16_t type; /* without the nested and byte order bits */
	const unsigned char *data;
	size_t size_bytes;
};

struct rtnetlink_reader rtnetlink_read(const void *data, size_t size_bytes);
/* false at the end; then `broken` says whether all of it was whole. */
bool rtnetlink_next(struct rtnetlink_reader *r, struct rtnetlink_message *m);
/* A message's body into the caller's struct: false when it is shorter. *attributes: what follows.
 */
bool rtnetlink_body(const struct rtnetlink_message *m, void *body, size_t size_bytes,
		    struct rtnetlink_reader *attributes);
bool rtnetlink_next_attribute(struct rtnetlink_reader *r, struct rtnetlink_attribute *a);
/* The inside of a nested one. */
struct rtnetlink_reader rtnetlink_inside(const struct rtnetlink_attribute *a);
/* false unless it is exactly a number of this size, or a terminated text. */
bool	    rtnetlink_u32(const struct rtnetlink_attribute *a, uint32_t *value);
const char *rtnetlink_text(const struct rtnetlink_attribute *a); /* NULL when it is none */

/* Asks (one message in b: a dump with NLM_F_DUMP, or one object) and calls back for each message
 * that comes. A callback that returns -1 has filled e and is not called again. A list that changed
 * while it was read is an error with number EAGAIN. */
typedef int rtnetlink_fn(void *ctx, const struct rtnetlink_message *m, struct err *e);
int rtnetlink_ask(int fd, struct rtnetlink_batch *b, rtnetlink_fn *each, void *ctx, struct err *e);
