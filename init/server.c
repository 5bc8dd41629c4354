#include "init/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "init/control.h"
#include "init/supervisor.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/msg.h"

static void drop(struct server_client *c)
{
	loop_remove(&c->source);
	fd_close(&c->source.fd);
}

static void answer(int fd, uint32_t type, const char *sentence)
{
	struct msg m;
	struct err e;

	msg_init(&m, type);
	if (sentence)
		msg_put_str(&m, sentence);
	if (msg_send(fd, &m, &e))
		log_debug("control: answer: %s", e.text);	/* it asked and went away */
}

static int send_facts(int fd, const struct control_unit *facts)
{
	struct msg m;

	control_put_unit(&m, facts);
	return msg_send(fd, &m, NULL);
}

/* svd itself comes first: it is no unit, but whoever looks wants to see it. */
static void answer_status(int fd, const struct supervisor *s)
{
	struct control_unit self = { .name = "svd", .state = "up", .last_exit = "", .why = "",
				     .pid = (uint64_t)getpid(), .since_ns = s->since_ns };

	if (send_facts(fd, &self))
		return;
	for (int i = 0; i < s->count; i++) {
		const struct unit *u = s->units[i];
		struct control_unit facts = {
			.name = u->name,
			.state = unit_fsm_state_name(u->record.state),
			.last_exit = u->last_exit,
			.why = u->why,
			.pid = (uint64_t)u->record.pid,
			.since_ns = u->record.since_ns,
			.restarts = u->record.restarts,
		};

		if (send_facts(fd, &facts))
			return;
	}
	answer(fd, CONTROL_END, NULL);
}

static void answer_restart(int fd, struct supervisor *s, const char *name)
{
	struct unit *u = supervisor_find(s, name);
	const char *near = u ? NULL : supervisor_nearest(s, name);
	char text[ERR_TEXT_MAX + 64];

	if (!u)
		snprintf(text, sizeof(text), "there is no unit %.64s%s%s", name,
			 near ? "; the nearest is " : "", near ? near : "");
	else if (u->broken)
		snprintf(text, sizeof(text), "unit %s cannot start: %s", name, u->why);
	else if (s->stopping)
		snprintf(text, sizeof(text), "the machine stops: nothing is started any more");
	else {
		log_info("unit=%s restart asked for over control", name);
		unit_event(u, UNIT_EVENT_RESTART);
		answer(fd, CONTROL_END, NULL);
		return;
	}
	answer(fd, CONTROL_ERROR, text);
}

static void answer_request(int fd, struct supervisor *s, struct msg *m)
{
	const char *unit = m->type == CONTROL_RESTART ? msg_get_str(m) : NULL;
	struct err e;

	if (msg_end(m, &e)) {
		answer(fd, CONTROL_ERROR, e.text);
		return;
	}
	switch (m->type) {
	case CONTROL_STATUS:
		answer_status(fd, s);
		break;
	case CONTROL_RESTART:
		answer_restart(fd, s, unit);
		break;
	case CONTROL_POWEROFF:
	case CONTROL_REBOOT:
		answer(fd, CONTROL_END, NULL);
		s->ask_init(m->type == CONTROL_POWEROFF ? SIGUSR2 : SIGTERM);
		break;
	default:		/* a number from outside, not an enum of ours */
		answer(fd, CONTROL_ERROR, "unknown request");
	}
}

static void on_request(struct loop_source *source, unsigned events)
{
	struct server_client *c = owner_of(source, struct server_client, source);
	struct msg m;
	struct err e;
	int rc = msg_receive(source->fd, &m, &e);

	(void)events;
	if (rc < 0 && e.number == EAGAIN)
		return;
	if (rc < 0)
		log_warn("control: %s", e.text);
	if (rc > 0) {
		answer_request(source->fd, c->server->supervisor, &m);
		msg_finish(&m);
	}
	drop(c);
}

static void on_connect(struct loop_source *source, unsigned events)
{
	struct server *s = owner_of(source, struct server, source);
	AUTO_FD int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	for (int i = 0; fd >= 0 && i < SERVER_CLIENTS_MAX; i++) {
		struct server_client *c = &s->clients[i];

		if (c->source.fd >= 0)
			continue;
		c->source = (struct loop_source){ .fd = take_fd(&fd), .on_event = on_request };
		if (loop_add(s->supervisor->host.loop, &c->source, LOOP_READ, NULL))
			fd_close(&c->source.fd);
		return;
	}
	if (fd >= 0)
		answer(fd, CONTROL_ERROR, "too many requests at once; ask again");
}

int server_open(struct server *s, struct supervisor *supervisor, const char *run_dir, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int rc;

	*s = (struct server){ .source = { .fd = -1, .on_event = on_connect },
			      .supervisor = supervisor };
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		s->clients[i] = (struct server_client){ .source = { .fd = -1 }, .server = s };
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_NAME, run_dir) >=
	    (int)sizeof(address.sun_path))
		return err_set(e, "control socket: %s is too long a path", run_dir);
	s->source.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->source.fd < 0)
		return err_sys(e, "control socket");
	unlink(address.sun_path);
	mask = umask(0177);
	rc = bind(s->source.fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc || listen(s->source.fd, SERVER_CLIENTS_MAX)) {
		err_sys(e, "control socket %s", address.sun_path);
		fd_close(&s->source.fd);
		return -1;
	}
	return loop_add(supervisor->host.loop, &s->source, LOOP_READ, e);
}

void server_close(struct server *s)
{
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		drop(&s->clients[i]);
	loop_remove(&s->source);
	fd_close(&s->source.fd);
}
