/* rtnetlink.c - see rtnetlink.h */
#include "lib/rtnetlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"

enum {
	ALIGN = NLMSG_ALIGNTO,
	HEADER_BYTES = sizeof(struct nlmsghdr),
	ATTRIBUTE_BYTES = sizeof(struct nlattr),
	ATTRIBUTE_MAX = UINT16_MAX,
};

static size_t aligned(size_t size_bytes)
{
	return (size_bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

int rtnetlink_open(struct err *e)
{
	AUTO_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int on = 1;

	if (fd < 0)
		return err_sys(e, "open rtnetlink");
	/* The kernel's reason as a text, and no copy of the request in front of it. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return take_fd(&fd);
}

/* ---- requests */

void rtnetlink_init(struct rtnetlink_batch *b)
{
	b->size_bytes = b->last = 0;
	b->count = 0;
	b->broken = false;
}

static unsigned char *reserve(struct rtnetlink_batch *b, size_t size_bytes)
{
	unsigned char *at = b->data + b->size_bytes;

	if (b->broken || aligned(size_bytes) > sizeof(b->data) - b->size_bytes) {
		b->broken = true;
		return NULL;
	}
	memset(at, 0, aligned(size_bytes));
	b->size_bytes += aligned(size_bytes);
	return at;
}

/* Whatever is written next belongs to the last message. */
static void set_length(struct rtnetlink_batch *b)
{
	uint32_t length = (uint32_t)(b->size_bytes - b->last);

	memcpy(b->data + b->last, &length, sizeof(length));
}

void rtnetlink_begin(struct rtnetlink_batch *b, const char *what, uint16_t type, uint16_t flags,
		     const void *body, size_t size_bytes)
{
	const struct nlmsghdr head = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
		.nlmsg_seq = b->count + 1,
	};
	size_t start = b->size_bytes;
	unsigned char *at;

	if (b->count == RTNETLINK_BATCH_MESSAGES)
		b->broken = true;
	at = reserve(b, HEADER_BYTES + size_bytes);
	if (!at)
		return;
	memcpy(at, &head, HEADER_BYTES);
	memcpy(at + HEADER_BYTES, body, size_bytes);
	b->last = start;
	b->steps[b->count++] = (struct rtnetlink_step){ .what = what };
	set_length(b);
}

void rtnetlink_fine(struct rtnetlink_batch *b, int number)
{
	if (b->count > 0)
		b->steps[b->count - 1].fine = number;
}

void rtnetlink_put(struct rtnetlink_batch *b, uint16_t type, const void *data, size_t size_bytes)
{
	struct nlattr head = { .nla_type = type };
	unsigned char *at;

	if (b->count == 0 || size_bytes > ATTRIBUTE_MAX - ATTRIBUTE_BYTES)
		b->broken = true;
	at = reserve(b, ATTRIBUTE_BYTES + size_bytes);
	if (!at)
		return;
	head.nla_len = (uint16_t)(ATTRIBUTE_BYTES + size_bytes);
	memcpy(at, &head, ATTRIBUTE_BYTES);
	if (size_bytes > 0)
		memcpy(at + ATTRIBUTE_BYTES, data, size_bytes);
	set_length(b);
}

void rtnetlink_put_u8(struct rtnetlink_batch *b, uint16_t type, uint8_t value)
{
	rtnetlink_put(b, type, &value, sizeof(value));
}

void rtnetlink_put_u16(struct rtnetlink_batch *b, uint16_t type, uint16_t value)
{
	rtnetlink_put(b, type, &value, sizeof(value));
}

void rtnetlink_put_u32(struct rtnetlink_batch *b, uint16_t type, uint32_t value)
{
	rtnetlink_put(b, type, &value, sizeof(value));
}

void rtnetlink_put_str(struct rtnetlink_batch *b, uint16_t type, const char *text)
{
	rtnetlink_put(b, type, text, strlen(text) + 1);
}

size_t rtnetlink_nest(struct rtnetlink_batch *b, uint16_t type)
{
	size_t nest = b->size_bytes;

	rtnetlink_put(b, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void rtnetlink_nest_end(struct rtnetlink_batch *b, size_t nest)
{
	size_t size_bytes = b->size_bytes - nest;
	uint16_t length = (uint16_t)size_bytes;

	if (size_bytes > ATTRIBUTE_MAX)
		b->broken = true;
	if (!b->broken)
		memcpy(b->data + nest, &length, sizeof(length));
}

/* One part of an answer, from the kernel and nobody else. */
static ssize_t receive(int fd, void *part, size_t part_bytes, struct err *e)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec io = { .iov_base = part, .iov_len = part_bytes };
		struct msghdr m = { .msg_name = &from,
				    .msg_namelen = sizeof(from),
				    .msg_iov = &io,
				    .msg_iovlen = 1 };
		ssize_t size = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return err_sys(e, "rtnetlink");
		if (m.msg_flags & MSG_TRUNC)
			return err_set(e, "rtnetlink: an answer of more than %zu bytes",
				       part_bytes);
		if (from.nl_pid == 0)
			return size;
	}
}

/* The kernel's own words behind an error (NLMSGERR_ATTR_MSG), or NULL. */
static const char *reason_of(const struct rtnetlink_message *m)
{
	struct rtnetlink_reader attributes;
	struct rtnetlink_attribute a;
	struct nlmsgerr body;
	const char *text;

	if (!(m->flags & NLM_F_ACK_TLVS) || !(m->flags & NLM_F_CAPPED) ||
	    !rtnetlink_body(m, &body, sizeof(body), &attributes))
		return NULL;
	while (rtnetlink_next_attribute(&attributes, &a)) {
		text = a.type == NLMSGERR_ATTR_MSG ? rtnetlink_text(&a) : NULL;
		if (text)
			return text;
	}
	return NULL;
}

/* 0 = fine or an acknowledgement; else -1 and the sentence. */
static int judge(const struct rtnetlink_batch *b, const struct rtnetlink_message *m, struct err *e)
{
	const struct rtnetlink_step *step;
	struct nlmsgerr body;
	const char *reason;

	if (!rtnetlink_body(m, &body, sizeof(body), NULL) || m->sequence == 0 ||
	    m->sequence > b->count)
		return err_set(e, "rtnetlink: an answer to nothing that was asked");
	step = &b->steps[m->sequence - 1];
	if (body.error == 0 || -body.error == step->fine)
		return 0;
	reason = reason_of(m);
	err_set(e, "%s: %s%s%s%s", step->what, strerror(-body.error), reason ? " (" : "",
		reason ? reason : "", reason ? ")" : "");
	if (e)
		e->number = -body.error;
	return -1;
}

static int post(int fd, struct rtnetlink_batch *b, struct err *e)
{
	if (b->broken || b->count == 0)
		return err_set(e, "rtnetlink: a request that is empty or too large");
	if (send(fd, b->data, b->size_bytes, 0) < 0)
		return err_sys(e, "%s", b->steps[0].what);
	return 0;
}

int rtnetlink_send(int fd, struct rtnetlink_batch *b, struct err *e)
{
	unsigned char part[4096] __attribute__((aligned(ALIGN)));
	unsigned answers = 0;
	bool failed = false;

	if (post(fd, b, e))
		return -1;
	while (answers < b->count) {
		ssize_t size = receive(fd, part, sizeof(part), failed ? NULL : e);
		struct rtnetlink_reader r;
		struct rtnetlink_message m;

		if (size < 0)
			return -1;
		r = rtnetlink_read(part, (size_t)size);
		while (rtnetlink_next(&r, &m)) {
			if (m.type != NLMSG_ERROR)
				continue;
			failed |= judge(b, &m, failed ? NULL : e) < 0;
			answers++;
		}
		if (r.broken)
			return failed ? -1 : err_set(e, "rtnetlink: an answer that is cut");
	}
	return failed ? -1 : 0;
}

/* ---- answers */

struct rtnetlink_reader rtnetlink_read(const void *data, size_t size_bytes)
{
	const unsigned char *at = data;

	return (struct rtnetlink_reader){ .at = at, .end = at + size_bytes };
}

/* Moves over a unit of `length` bytes and its padding; the last one may lack the padding. */
static void step_over(struct rtnetlink_reader *r, size_t length)
{
	size_t left = (size_t)(r->end - r->at);

	r->at += aligned(length) < left ? aligned(length) : left;
}

bool rtnetlink_next(struct rtnetlink_reader *r, struct rtnetlink_message *m)
{
	size_t left = (size_t)(r->end - r->at);
	struct nlmsghdr head;

	if (left == 0 || r->broken)
		return false;
	if (left >= HEADER_BYTES)
		memcpy(&head, r->at, HEADER_BYTES);
	if (left < HEADER_BYTES || head.nlmsg_len < HEADER_BYTES || head.nlmsg_len > left) {
		r->broken = true;
		return false;
	}
	*m = (struct rtnetlink_message){ .type = head.nlmsg_type,
					 .flags = head.nlmsg_flags,
					 .sequence = head.nlmsg_seq,
					 .data = r->at + HEADER_BYTES,
					 .size_bytes = head.nlmsg_len - HEADER_BYTES };
	step_over(r, head.nlmsg_len);
	return true;
}

bool rtnetlink_body(const struct rtnetlink_message *m, void *body, size_t size_bytes,
		    struct rtnetlink_reader *attributes)
{
	size_t end = aligned(size_bytes);

	if (m->size_bytes < size_bytes)
		return false;
	memcpy(body, m->data, size_bytes);
	end = end < m->size_bytes ? end : m->size_bytes;
	if (attributes)
		*attributes = rtnetlink_read(m->data + end, m->size_bytes - end);
	return true;
}

bool rtnetlink_next_attribute(struct rtnetlink_reader *r, struct rtnetlink_attribute *a)
{
	size_t left = (size_t)(r->end - r->at);
	struct nlattr head;

	if (left == 0 || r->broken)
		return false;
	if (left >= ATTRIBUTE_BYTES)
		memcpy(&head, r->at, ATTRIBUTE_BYTES);
	if (left < ATTRIBUTE_BYTES || head.nla_len < ATTRIBUTE_BYTES || head.nla_len > left) {
		r->broken = true;
		return false;
	}
	*a = (struct rtnetlink_attribute){ .type = head.nla_type & NLA_TYPE_MASK,
					   .data = r->at + ATTRIBUTE_BYTES,
					   .size_bytes = head.nla_len - (size_t)ATTRIBUTE_BYTES };
	step_over(r, head.nla_len);
	return true;
}

struct rtnetlink_reader rtnetlink_inside(const struct rtnetlink_attribute *a)
{
	return rtnetlink_read(a->data, a->size_bytes);
}

bool rtnetlink_u32(const struct rtnetlink_attribute *a, uint32_t *value)
{
	if (a->size_bytes != sizeof(*value))
		return false;
	memcpy(value, a->data, sizeof(*value));
	return true;
}

const char *rtnetlink_text(const struct rtnetlink_attribute *a)
{
	return memchr(a->data, '\0', a->size_bytes) ? (const char *)a->data : NULL;
}

/* What one part of an answer meant; the rest of the answer is read whatever it was. */
struct hearing {
	rtnetlink_fn *each;
	void *ctx;
	bool is_failed, is_changed, is_done;
};

static void hear(struct rtnetlink_batch *b, struct hearing *h, struct rtnetlink_reader *r,
		 struct err *e)
{
	struct rtnetlink_message m;

	while (!h->is_done && rtnetlink_next(r, &m)) {
		h->is_changed |= (m.flags & NLM_F_DUMP_INTR) != 0;
		h->is_done = m.type == NLMSG_DONE || m.type == NLMSG_ERROR;
		if (h->is_failed)
			continue;
		if (m.type == NLMSG_ERROR)
			h->is_failed = judge(b, &m, e) < 0;
		else if (m.type >= NLMSG_MIN_TYPE)
			h->is_failed = h->each(h->ctx, &m, e) < 0;
	}
	if (r->broken && !h->is_failed)
		h->is_failed = err_set(e, "rtnetlink: an answer that is cut") < 0;
	h->is_done |= r->broken;
}

int rtnetlink_ask(int fd, struct rtnetlink_batch *b, rtnetlink_fn *each, void *ctx, struct err *e)
{
	unsigned char part[RTNETLINK_PART_BYTES] __attribute__((aligned(ALIGN)));
	struct hearing h = { .each = each, .ctx = ctx };

	if (post(fd, b, e))
		return -1;
	while (!h.is_done) {
		ssize_t size = receive(fd, part, sizeof(part), h.is_failed ? NULL : e);
		struct rtnetlink_reader r;

		if (size < 0)
			return -1;
		r = rtnetlink_read(part, (size_t)size);
		hear(b, &h, &r, e);
	}
	if (!h.is_failed && h.is_changed) {
		errno = EAGAIN;
		return err_sys(e, "%s: it changed while it was read", b->steps[0].what);
	}
	return h.is_failed ? -1 : 0;
}
