/* verbs.c - requests and events of the service; see verbs.h */
#include "box/verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box/box.h"
#include "box/cgroup.h"
#include "box/host.h"
#include "box/monitor_control.h"
#include "box/seccomp.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/str.h"
#include "oci/spec_names.h"
#include "wire/wire.h"

void boxes_tell(struct boxes *b, struct msg *m)
{
	struct err e;

	if (b->peer_fd < 0 || msg_send(b->peer_fd, m, &e) == 0)
		return;
	/* It must not go on without knowing: a new connection begins with the list. */
	log_warn("engined was not told %s: %s; connection closed", wire_name(m->type), e.text);
	shutdown(b->peer_fd, SHUT_RDWR);
}

void box_answer_done(struct boxes *b, const char *name)
{
	struct msg m;

	msg_init(&m, WIRE_BOX_DONE);
	msg_put_str(&m, name);
	boxes_tell(b, &m);
}

void box_answer_failed(struct boxes *b, const char *name, const char *sentence)
{
	struct err e;
	struct msg m;

	err_set(&e, "%s", sentence);
	/* Whoever failed knows the file, not whose room it would have taken. */
	if (strstr(sentence, strerror(ENOSPC)) && box_host_full(b->host))
		err_set(&e, "%s: %s is full: remove files there", sentence, box_host_full(b->host));
	log_warn("box %s: %s", name, e.text);
	msg_init(&m, WIRE_BOX_FAILED);
	msg_put_str(&m, name);
	msg_put_str(&m, e.text);
	boxes_tell(b, &m);
}

void box_answer_started(struct box *box)
{
	struct msg m;

	msg_init(&m, WIRE_BOX_STARTED);
	msg_put_str(&m, box->name);
	msg_put_u64(&m, (uint64_t)box->run.pid);
	boxes_tell(box->boxes, &m);
}

void box_tell_exited(struct box *box)
{
	struct msg m;

	msg_init(&m, WIRE_BOX_EXITED);
	msg_put_str(&m, box->name);
	msg_put_u64(&m, box->exit.status);
	msg_put_u64(&m, box->exit.oom_kills);
	msg_put_str(&m, box->exit.said);
	boxes_tell(box->boxes, &m);
}

/* Told once per kill; what nobody could hear waits for the next peer, also over a restart. */
void box_tell_oom(struct box *box)
{
	uint64_t kills = cgroup_oom_kills(box->events.fd);
	struct msg m;

	if (kills <= box->run.oom_told || box->boxes->peer_fd < 0)
		return;
	msg_init(&m, WIRE_BOX_OOM);
	msg_put_str(&m, box->name);
	msg_put_u64(&m, box->limit_bytes);
	msg_put_u64(&m, kills);
	boxes_tell(box->boxes, &m);
	box->run.oom_told = kills;
	state_save_run(box->state_fd, &box->run, NULL);
}

struct box *box_find(struct boxes *b, const char *name)
{
	for (struct box *box = b->first; box; box = box->next)
		if (str_equal(box->name, name))
			return box;
	return NULL;
}

static int make_folder(int dir_fd, const char *name, struct err *e)
{
	return fs_make_dir_at(dir_fd, name, 0700, e) ? -1 : fs_open_dir_at(dir_fd, name, e);
}

static int open_state(struct box *box, struct err *e)
{
	struct box *of = box->of;

	if (!of)
		return make_folder(box->boxes->host->state_fd, box->name, e);
	if (of->execs_fd < 0)
		of->execs_fd = make_folder(of->state_fd, "exec", e);
	return of->execs_fd < 0 ? -1 : make_folder(of->execs_fd, strchr(box->name, '/') + 1, e);
}

struct box *box_add(struct boxes *b, struct box *of, const char *name, struct err *e)
{
	struct box *box = calloc(1, sizeof(*box));

	if (!box)
		abort();
	box->boxes = b;
	box->of = of;
	box->status = BOX_EXITED;
	box->execs_fd = -1;
	box->pidfd = box->monitor.fd = box->report.fd = box->events.fd = -1;
	str_copy(box->name, sizeof(box->name), name);
	box->state_fd = open_state(box, e);
	if (box->state_fd < 0) {
		free(box);
		return NULL;
	}
	box->next = b->first;
	b->first = box;
	return box;
}

void box_forget(struct box *box)
{
	struct box **at = &box->boxes->first;

	while (*at != box)
		at = &(*at)->next;
	*at = box->next;
	box_unwatch(box);
	loop_remove(&box->report);
	fd_close(&box->report.fd);
	fd_close(&box->state_fd);
	fd_close(&box->execs_fd);
	free(box);
}

struct boxes *boxes_create(struct loop *loop, const struct box_host *host, struct err *e)
{
	struct boxes *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->loop = loop;
	b->host = host;
	b->peer_fd = -1;
	b->seccomp = seccomp_cache_create();
	/* Compiled now, so that the first container does not wait for it. */
	if (seccomp_cache_default(b->seccomp, oci_default_caps(), e) < 0 || boxes_take_over(b, e)) {
		free(b);
		return NULL;
	}
	return b;
}

void boxes_set_peer(struct boxes *b, int socket_fd)
{
	struct box *next;

	b->peer_fd = socket_fd;
	for (struct box *box = b->first; box; box = next) {
		next = box->next;
		/* Who would have released it does not know of it any more. */
		if (box->held)
			box_call_off(box);
		else if (!box->of)
			box_tell_oom(box);
	}
}

static int request_release(struct boxes *b, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	struct box *box;

	if (msg_end(m, e))
		return -1;
	box = box_find(b, name);
	if (!box || !box->held)
		box_answer_failed(b, name, "it is not held at its start");
	else if (box_release(box, e)) /* its stage has died: the report says so */
		log_warn("box %s: %s", name, e->text);
	return 0;
}

static int request_netns(struct boxes *b, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	AUTO_FD int fd = -1;
	struct box *box;

	if (msg_end(m, e))
		return -1;
	box = box_find_running(b, name, e);
	fd = box ? box_open_network(box, e) : -1;
	if (fd < 0) {
		box_answer_failed(b, name, e->text);
		return 0;
	}
	/* The request is read, its strings with it: the answer has a message of its own. */
	msg_init(m, WIRE_BOX_NETWORK);
	msg_put_str(m, box->name);
	msg_put_fd(m, fd);
	boxes_tell(b, m);
	return 0;
}

static int request_kill(struct boxes *b, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	uint64_t signal = msg_get_u64(m);
	struct box *box;

	if (msg_end(m, e))
		return -1;
	box = box_find(b, name);
	if (box && box->held) {
		box_call_off(box);
		box_answer_done(b, name);
		return 0;
	}
	if (!box)
		err_set(e, "there is no box %s", name);
	else if (signal < 1 || signal >= NSIG)
		err_set(e, "%llu is no signal", (unsigned long long)signal);
	else if (box->status == BOX_STARTING && !box->pending_signal) {
		box->pending_signal = (int)signal;
		return 0;
	}
	else if (box_signal(box, (int)signal, e) == 0) {
		box_answer_done(b, name);
		return 0;
	}
	box_answer_failed(b, name, e->text);
	return 0;
}

/* BOX_ATTACH and BOX_RESIZE: the box's monitor does it. */
static void pass_on(struct boxes *b, const char *name, int failed, struct err *e)
{
	if (failed)
		box_answer_failed(b, name, e->text);
	else
		box_answer_done(b, name);
}

struct box *box_find_running(struct boxes *b, const char *name, struct err *e)
{
	struct box *box = box_find(b, name);

	if (!box)
		err_set(e, "there is no box %s", name);
	else if (box->status != BOX_RUNNING)
		err_set(e, "box %s is not running", name);
	return box && box->status == BOX_RUNNING ? box : NULL;
}

static int request_attach(struct boxes *b, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	unsigned streams = (unsigned)msg_get_u64(m);
	AUTO_FD int client_fd = msg_take_fd(m);
	struct box *box;

	if (msg_end(m, e))
		return -1;
	box = box_find_running(b, name, e);
	pass_on(b, name,
		!box || monitor_control_attach(box->state_fd, streams, client_fd, e), e);
	return 0;
}

static int request_resize(struct boxes *b, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	uint64_t rows = msg_get_u64(m), columns = msg_get_u64(m);
	struct box *box;

	if (msg_end(m, e))
		return -1;
	box = box_find_running(b, name, e);
	if (box && (rows > UINT16_MAX || columns > UINT16_MAX)) {
		err_set(e, "a terminal has at most 65535 rows and columns");
		box = NULL;
	}
	pass_on(b, name,
		!box || monitor_control_resize(box->state_fd, (uint16_t)rows, (uint16_t)columns, e),
		e);
	return 0;
}

/* A box of an earlier boot has a writable layer but no state: it is deleted like any other. */
static int request_delete(struct boxes *b, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	struct box *box;

	if (msg_end(m, e))
		return -1;
	box = box_find(b, name);
	if (!box && !str_is_name(name))
		err_set(e, strchr(name, '/') ? "there is no such exec" : "no name of a box");
	else if (!box)
		box = box_add(b, NULL, name, e);
	if (!box) {
		box_answer_failed(b, name, e->text);
		return 0;
	}
	if (box->deleting) {
		box_answer_failed(b, name, "it is being deleted already");
		return 0;
	}
	box->deleting = true;
	/* Answered when its monitor has ended, which is near when there is no process any more. */
	if (box->status == BOX_RUNNING && (box_signal(box, SIGKILL, e) == 0 || e->number == ESRCH))
		return 0;
	if (box->status == BOX_STARTING) {
		/* Answered when the start has ended. */
		if (box->held)
			box_call_off(box);
		return 0;
	}
	box_remove(box);
	return 0;
}

static void send_state(struct boxes *b, const struct box *box, bool running,
		       const struct box_exit *exit)
{
	struct msg m;

	msg_init(&m, WIRE_BOX_STATE);
	msg_put_str(&m, box->name);
	msg_put_str(&m, box->run.image);
	msg_put_u64(&m, running);
	msg_put_u64(&m, (uint64_t)box->run.pid);
	msg_put_u64(&m, exit->status);
	msg_put_u64(&m, exit->oom_kills);
	boxes_tell(b, &m);
}

/* Its monitor records the end before it closes the clients' connections, and ends after. */
static int request_look(struct boxes *b, struct msg *m, struct err *e)
{
	const char *name = msg_get_str(m);
	struct box_exit exit;
	struct box *box;
	bool running;

	if (msg_end(m, e))
		return -1;
	box = box_find(b, name);
	if (!box || box->status == BOX_STARTING) {
		err_set(e, box ? "it is being started" : "there is no box %s", name);
		box_answer_failed(b, name, e->text);
		return 0;
	}
	exit = box->exit;
	running = box->status == BOX_RUNNING && state_load_exit(box->state_fd, &exit, e);
	send_state(b, box, running, running ? &box->exit : &exit);
	return 0;
}

static void send_states(struct boxes *b, const struct box *of)
{
	for (struct box *box = b->first; box; box = box->next) {
		if (box->of != of || box->status == BOX_STARTING)
			continue;	/* its start will be answered */
		send_state(b, box, box->status == BOX_RUNNING, &box->exit);
		if (!of)
			send_states(b, box);
	}
}

static int request_list(struct boxes *b, struct msg *m, struct err *e)
{
	if (msg_end(m, e))
		return -1;
	send_states(b, NULL);
	msg_init(m, WIRE_BOX_LIST_END);
	boxes_tell(b, m);
	return 0;
}

int boxes_request(struct boxes *b, struct msg *m, struct err *e)
{
	if (!wire_allowed(m->type, WIRE_ENGINED, WIRE_BOXD, m->fd_count))
		return err_set(e, "%s is no request that engined may make", wire_name(m->type));
	switch (m->type) {
	case WIRE_BOX_START:
		return verb_start(b, m, e);
	case WIRE_BOX_RELEASE:
		return request_release(b, m, e);
	case WIRE_BOX_NETNS:
		return request_netns(b, m, e);
	case WIRE_BOX_KILL:
		return request_kill(b, m, e);
	case WIRE_BOX_DELETE:
		return request_delete(b, m, e);
	case WIRE_BOX_ATTACH:
		return request_attach(b, m, e);
	case WIRE_BOX_RESIZE:
		return request_resize(b, m, e);
	case WIRE_BOX_EXEC:
		return verb_exec(b, m, e);
	case WIRE_BOX_LOOK:
		return request_look(b, m, e);
	case WIRE_BOX_USAGE:
		return box_say_usage(b, m, e);
	case WIRE_BOX_LIST:
		return request_list(b, m, e);
	default: /* a number from outside, not a value of our enum */
		break;
	}
	return err_set(e, "%s is no request", wire_name(m->type));
}
