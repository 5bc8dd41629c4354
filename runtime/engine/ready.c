/* ready.c - see ready.h. */
#include "engine/ready.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"
#include "lib/time.h"

enum {
	PAUSE_FIRST_MS = 100,
	PAUSE_LONGEST_MS = 1000,
	PATIENCE_MS = 30000,	/* of one attempt: an emulated CPU needs seconds for one answer */
	SAY_MS = 60000,
};

int ready_parse(const char *url, struct ready_target *target, struct err *e)
{
	const char *host = url + strlen("http://"), *path, *colon;
	char authority[READY_HOST_MAX];
	uint32_t port = 80;
	struct in_addr address;

	if (!str_starts(url, "http://"))
		return err_set(e, "\"%.100s\" must begin with http://", url);
	path = host + strcspn(host, "/");
	if ((size_t)(path - host) >= sizeof(authority) || strlen(path) >= sizeof(target->path) ||
	    strpbrk(url, " \t\r\n"))
		return err_set(e, "\"%.100s\" is too long or holds blanks", url);
	memcpy(authority, host, (size_t)(path - host));
	authority[path - host] = '\0';
	colon = strchr(authority, ':');
	if (colon && (!str_to_u32(colon + 1, &port) || port < 1 || port > 65535))
		return err_set(e, "\"%.100s\" has no valid port", url);
	authority[strcspn(authority, ":")] = '\0';
	str_copy(target->host, sizeof(target->host),
		 str_equal(authority, "localhost") ? "127.0.0.1" : authority);
	if (inet_pton(AF_INET, target->host, &address) != 1)
		return err_set(e, "\"%.100s\" must name an IPv4 address, like 127.0.0.1", url);
	target->port = (uint16_t)port;
	str_copy(target->path, sizeof(target->path), *path ? path : "/");
	return 0;
}

int ready_status(const char *text, size_t size_bytes)
{
	static const char form[] = "HTTP/1.x 200";

	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (i == size_bytes)
			return -1;
		if (text[i] != form[i] && !(form[i] == 'x' && (text[i] == '0' || text[i] == '1')))
			return 0;
	}
	if (size_bytes == sizeof(form) - 1)
		return -1;
	return text[sizeof(form) - 1] == ' ' || text[sizeof(form) - 1] == '\r';
}

static void close_socket(struct ready *r)
{
	loop_remove(&r->source);
	fd_close(&r->source.fd);
}

static void pause_now(struct ready *r)
{
	close_socket(r);
	loop_timer_set(r->loop, &r->timer, r->pause_ms);
	r->pause_ms =
		r->pause_ms * 5 / 4 < PAUSE_LONGEST_MS ? r->pause_ms * 5 / 4 : PAUSE_LONGEST_MS;
}

/* All that came is taken, although its first bytes say everything: closing a socket with unread
 * bytes is a reset for the other side. */
static void receive(struct ready *r)
{
	char bytes[4096];
	ssize_t n = read(r->source.fd, bytes, sizeof(bytes));
	size_t room = sizeof(r->status) - r->status_bytes;
	int status;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		pause_now(r);
		return;
	}
	memcpy(r->status + r->status_bytes, bytes, (size_t)n < room ? (size_t)n : room);
	r->status_bytes += (size_t)n < room ? (size_t)n : room;
	status = ready_status(r->status, r->status_bytes);
	if (status < 0)
		return;
	if (status == 0) {
		pause_now(r);
		return;
	}
	ready_stop(r);
	r->on_ready(r);
}

static void send_request(struct ready *r)
{
	struct err e;
	ssize_t n = send(r->source.fd, r->request + r->sent_bytes, r->request_bytes - r->sent_bytes,
			 MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		pause_now(r);
		return;
	}
	r->sent_bytes += (size_t)n;
	if (r->sent_bytes == r->request_bytes && loop_change(&r->source, LOOP_READ, &e) < 0)
		pause_now(r);
}

static void on_event(struct loop_source *source, unsigned events)
{
	struct ready *r = owner_of(source, struct ready, source);

	if (r->sent_bytes < r->request_bytes) {
		/* Refused: nobody listens yet. */
		if (events & LOOP_HANGUP)
			pause_now(r);
		else if (events & LOOP_WRITE)
			send_request(r);
	} else {
		receive(r);
	}
}

static void attempt(struct ready *r)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(r->target.port) };
	struct err e;

	r->sent_bytes = r->status_bytes = 0;
	inet_pton(AF_INET, r->target.host, &address.sin_addr);
	r->source.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->source.fd < 0 ||
	    (connect(r->source.fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
	     errno != EINPROGRESS) ||
	    loop_add(r->loop, &r->source, LOOP_WRITE, &e) < 0)
		pause_now(r);
	else
		loop_timer_set(r->loop, &r->timer, PATIENCE_MS);
}

static void on_time(struct loop_timer *timer)
{
	struct ready *r = owner_of(timer, struct ready, timer);
	uint64_t waited_ms = time_boot_ms() - r->since_ms;

	if (waited_ms - r->said_ms >= SAY_MS) {
		r->said_ms = waited_ms;
		r->on_wait(r, waited_ms / 1000);
	}
	if (r->source.fd >= 0)
		pause_now(r);
	else
		attempt(r);
}

void ready_init(struct ready *r, struct loop *loop, const struct ready_target *target,
		void (*on_ready)(struct ready *ready),
		void (*on_wait)(struct ready *ready, uint64_t seconds))
{
	int length;

	*r = (struct ready){
		.loop = loop,
		.source = { .fd = -1, .on_event = on_event },
		.timer = { .on_time = on_time },
		.target = *target,
		.on_ready = on_ready,
		.on_wait = on_wait,
	};
	/* READY_HOST_MAX and READY_PATH_MAX leave room. */
	length = snprintf(r->request, sizeof(r->request),
			  "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: cuvette\r\nConnection: "
			  "close\r\n\r\n",
			  r->target.path, r->target.host, r->target.port);
	r->request_bytes = (size_t)length;
}

void ready_start(struct ready *r)
{
	ready_stop(r);
	r->since_ms = time_boot_ms();
	r->said_ms = 0;
	r->pause_ms = PAUSE_FIRST_MS;
	loop_timer_set(r->loop, &r->timer, 0);
}

void ready_stop(struct ready *r)
{
	if (!r->loop)
		return;
	loop_timer_off(&r->timer);
	close_socket(r);
}
