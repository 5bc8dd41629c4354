#include "gate/dns_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gate/address.h"
#include "lib/fd.h"

void dns_stream_init(struct dns_stream *s, dns_stream_done_fn *done)
{
	*s = (struct dns_stream){ .done = done, .source.fd = -1 };
}

void dns_stream_close(struct dns_stream *s)
{
	if (s->source.fd < 0)
		return;
	loop_remove(&s->source);
	fd_close(&s->source.fd);
	free(s->in);
	s->in = NULL;
}

/* Connected: the whole question fits into an empty socket buffer. */
static int send_question(struct dns_stream *s)
{
	if (send(s->source.fd, s->out, s->out_bytes, MSG_NOSIGNAL) != (ssize_t)s->out_bytes)
		return -1;
	s->sent = true;
	s->in = malloc(2 + DNS_MESSAGE_MAX);
	if (!s->in)
		abort();
	s->in_bytes = 0;
	return loop_change(&s->source, LOOP_READ, NULL);
}

/* 1 = the answer came, 0 = more to come, -1 = it will not. */
static int receive(struct dns_stream *s)
{
	size_t wanted;
	ssize_t n;

	for (;;) {
		wanted = s->in_bytes < 2 ? 2 : 2 + ((size_t)s->in[0] << 8 | s->in[1]);
		if (s->in_bytes >= 2 && s->in_bytes == wanted)
			return 1;
		n = recv(s->source.fd, s->in + s->in_bytes, wanted - s->in_bytes, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -1;
		s->in_bytes += n;
	}
}

static void on_event(struct loop_source *source, unsigned events)
{
	struct dns_stream *s = owner_of(source, struct dns_stream, source);
	socklen_t size = sizeof(int);
	int error = 0, got = 0;

	if (s->sent) {
		if (events & (LOOP_READ | LOOP_HANGUP))
			got = receive(s);
	} else {
		/* Neither writable nor failed: the kernel wakes us for an ICMP error before it says
		 * which one. */
		if (getsockopt(s->source.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error ||
		    (events & LOOP_WRITE && send_question(s) < 0))
			got = -1;
	}
	if (got > 0)
		s->done(s, s->in + 2, s->in_bytes - 2);
	else if (got < 0)
		s->done(s, NULL, 0);
}

int dns_stream_ask(struct dns_stream *s, struct loop *loop, const struct address *to, uint16_t port,
		   const uint8_t *question, size_t size_bytes)
{
	struct sockaddr_storage address;

	s->out[0] = size_bytes >> 8;
	s->out[1] = size_bytes;
	memcpy(s->out + 2, question, size_bytes);
	s->out_bytes = 2 + size_bytes;
	s->sent = false;
	s->source.on_event = on_event;
	s->source.fd = socket(to->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->source.fd < 0)
		return -1;
	if ((connect(s->source.fd, (struct sockaddr *)&address,
		     address_to_socket(to, port, &address)) < 0 &&
	     errno != EINPROGRESS) ||
	    loop_add(loop, &s->source, LOOP_WRITE, NULL) < 0) {
		dns_stream_close(s);
		return -1;
	}
	return 0;
}
