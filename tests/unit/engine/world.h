/* world.h - the engine's surroundings in one process: a peer that answers as boxd by a script, an
 * HTTP port, images, a state folder, console and control port. For test_engine.c alone. */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/control.h"
#include "engine/engine.h"
#include "engine/report.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "wire/wire.h"

enum { NOTIFY_FD = 3, PATIENCE_MS = 8000, TEXT_MAX = 1 << 16 };

struct world {
	struct loop *loop;
	struct engine *engine;
	struct report report;
	struct engine_files files;
	char folder[64], socket_path[96], net_path[96];
	int notify_fd, control_fd;		/* read ends */
	struct loop_source listener, peer, http, http_client;
	unsigned http_port, http_refusals;	/* answers 503 so many times first */
	struct buf heard;			/* what the engine asked of boxd */
	struct buf seen;			/* control port and notify pipe */
	const char *listed;			/* "lab running;": answer to the next list */
	const char *ended;			/* in that list too, by status 0 */
	const char *elsewhere;			/* whose network namespace is another one */
	bool start_fails, start_is_slow;	/* slow: the test answers */
	struct loop_timer tick;
	const char *awaited;
	unsigned ticks;
};

static struct world w;
static struct msg in, out;

static void answer(uint32_t type, const char *name, const char *text, const uint64_t *numbers,
		   size_t count)
{
	msg_init(&out, type);
	if (name)
		msg_put_str(&out, name);
	if (text)
		msg_put_str(&out, text);
	for (size_t i = 0; i < count; i++)
		msg_put_u64(&out, numbers[i]);
	assert_int_equal(msg_send(w.peer.fd, &out, NULL), 0);
}

/* "web-1 web-2" */
static void answer_running(const char *names, const uint64_t numbers[4])
{
	char text[256], *save, *name;

	snprintf(text, sizeof(text), "%s", names);
	for (name = strtok_r(text, " ", &save); name; name = strtok_r(NULL, " ", &save))
		answer(WIRE_BOX_STATE, name, "old", numbers, 4);
}

static void answer_list(void)
{
	static const uint64_t running[] = { 1, 42, 0, 0 }, ended[] = { 0, 0, 3, 1 };

	if (w.listed && strcmp(w.listed, "running") == 0)
		answer(WIRE_BOX_STATE, "lab", "lab", running, 4);
	else if (w.listed && strcmp(w.listed, "ended") == 0)
		answer(WIRE_BOX_STATE, "lab", "lab", ended, 4);
	else if (w.listed)
		answer_running(w.listed, running);
	if (w.ended)
		answer(WIRE_BOX_STATE, w.ended, "lab", (uint64_t[]){ 0, 0, 0, 0 }, 4);
	answer(WIRE_BOX_LIST_END, NULL, NULL, NULL, 0);
}

/* With an fd: any will do, only its place in the message counts here. */
static void answer_fd(uint32_t type, const char *name, const uint64_t *numbers, size_t count)
{
	msg_init(&out, type);
	msg_put_str(&out, name);
	for (size_t i = 0; i < count; i++)
		msg_put_u64(&out, numbers[i]);
	msg_put_fd(&out, w.elsewhere && strcmp(name, w.elsewhere) == 0 ? w.http.fd : w.listener.fd);
	assert_int_equal(msg_send(w.peer.fd, &out, NULL), 0);
}

/* What is as it is without networks is not written down. */
static void hear_network(bool hold)
{
	static const char *const words[] = { "of", "resolver", "hosts" };

	if (hold)
		buf_add_str(&w.heard, "HOLD;");
	for (int i = 0; i < 3; i++) {
		const char *text = msg_get_str(&in);

		if (*text)
			buf_add_format(&w.heard, "%s=%s;", words[i], text);
	}
}

static void hear_start(void)
{
	const char *name = msg_get_str(&in), *image = msg_get_str(&in);
	uint64_t mounts = msg_get_u64(&in), pid = 42;
	bool hold;

	buf_add_format(&w.heard, "START %s %s", name, image);
	for (uint64_t i = 0; i < mounts; i++) {
		const char *volume = msg_get_str(&in), *driver = msg_get_str(&in),
			   *target = msg_get_str(&in);

		buf_add_format(&w.heard, " %s/%s:%s:%d", volume, driver, target,
			       (int)msg_get_u64(&in));
	}
	buf_add_format(&w.heard, " log=%llu fds=%d;", (unsigned long long)msg_get_u64(&in),
		       in.fd_count);
	assert_int_equal(msg_get_u64(&in), 0); /* no input */
	assert_int_equal(msg_get_u64(&in), in.fd_count - 1); /* an output */
	assert_int_equal(msg_get_u64(&in), 0); /* no clients */
	hold = msg_get_u64(&in) != 0;
	hear_network(hold);
	assert_int_equal(fd_require_sealed(in.fds[0], NULL), 0);
	if (w.start_is_slow)
		return;
	if (w.start_fails)
		answer(WIRE_BOX_FAILED, name, "mount plan: no room", NULL, 0);
	else if (hold)
		answer_fd(WIRE_BOX_HELD, name, &pid, 1);
	else
		answer(WIRE_BOX_STARTED, name, NULL, &pid, 1);
}

static void hear_exec(void)
{
	const char *name = msg_get_str(&in);
	uint64_t pid = 43;

	for (int i = 0; i < 3; i++)
		assert_int_equal(msg_get_u64(&in), 0);	/* without streams */
	assert_int_equal(in.fd_count, 1);
	assert_int_equal(fd_require_sealed(in.fds[0], NULL), 0);
	buf_add_format(&w.heard, "EXEC %s;", name);
	answer(WIRE_BOX_STARTED, name, NULL, &pid, 1);
}

static void on_peer(struct loop_source *source, unsigned events)
{
	(void)events;
	if (msg_receive(source->fd, &in, NULL) != 1) {
		loop_remove(source);
		fd_close(&source->fd);
		return;
	}
	if (in.type == WIRE_BOX_LIST) {
		buf_add_str(&w.heard, "LIST;");
		answer_list();
	} else if (in.type == WIRE_BOX_START) {
		hear_start();
	} else if (in.type == WIRE_BOX_RELEASE) {
		const char *name = msg_get_str(&in);
		uint64_t pid = 42;

		buf_add_format(&w.heard, "RELEASE %s;", name);
		answer(WIRE_BOX_STARTED, name, NULL, &pid, 1);
	} else if (in.type == WIRE_BOX_NETNS) {
		const char *name = msg_get_str(&in);

		buf_add_format(&w.heard, "NETNS %s;", name);
		answer_fd(WIRE_BOX_NETWORK, name, NULL, 0);
	} else if (in.type == WIRE_BOX_KILL) {
		const char *name = msg_get_str(&in);

		buf_add_format(&w.heard, "KILL %s %d;", name, (int)msg_get_u64(&in));
		answer(WIRE_BOX_DONE, name, NULL, NULL, 0);
	} else if (in.type == WIRE_BOX_EXEC) {
		hear_exec();
	} else if (in.type == WIRE_BOX_DELETE) {
		const char *name = msg_get_str(&in);

		buf_add_format(&w.heard, "DELETE %s;", name);
		answer(WIRE_BOX_DONE, name, NULL, NULL, 0);
	}
	assert_int_equal(msg_end(&in, NULL), 0);
	msg_finish(&in);
}

static void on_listener(struct loop_source *source, unsigned events)
{
	(void)events;
	w.peer = (struct loop_source){ .fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC),
				       .on_event = on_peer };
	assert_int_equal(loop_add(w.loop, &w.peer, LOOP_READ, NULL), 0);
}

static void on_http_client(struct loop_source *source, unsigned events)
{
	static const char wanted[] = "GET /api HTTP/1.1\r\nHost: 127.0.0.1:";
	const char *text =
		w.http_refusals ? "HTTP/1.1 503 Busy\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n";
	char request[1024];

	(void)events;
	if (read(source->fd, request, sizeof(request)) > 0) {
		assert_int_equal(strncmp(request, wanted, strlen(wanted)), 0);
		assert_int_equal(write(source->fd, text, strlen(text)), strlen(text));
		w.http_refusals -= w.http_refusals > 0;
	}
	loop_remove(source);
	fd_close(&source->fd);
}

static void on_http(struct loop_source *source, unsigned events)
{
	(void)events;
	w.http_client = (struct loop_source){ .fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC),
					      .on_event = on_http_client };
	assert_int_equal(loop_add(w.loop, &w.http_client, LOOP_READ, NULL), 0);
}

static int memory_file(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);	/* forget() cuts it */
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void read_pipe(int fd)
{
	char text[4096];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		buf_add(&w.seen, text, (size_t)n);
}

static char *file_text(int fd)
{
	static char text[TEXT_MAX];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool is_there(const char *needle)
{
	read_pipe(w.notify_fd);
	read_pipe(w.control_fd);
	return (w.heard.data && strstr(w.heard.data, needle)) ||
	       (w.seen.data && strstr(w.seen.data, needle)) ||
	       strstr(file_text(w.report.console_fd), needle) ||
	       strstr(file_text(w.report.boot_fd), needle);
}

static void on_tick(struct loop_timer *timer)
{
	if ((w.awaited && is_there(w.awaited)) || ++w.ticks * 2 > PATIENCE_MS)
		loop_stop(w.loop);
	else
		loop_timer_set(w.loop, timer, 2);
}

/* Runs the loop until the text was heard or said anywhere. */
static void wait_for(const char *text)
{
	w.awaited = text;
	w.ticks = 0;
	loop_timer_set(w.loop, &w.tick, 0);
	loop_run(w.loop, NULL);
	loop_timer_off(&w.tick);
	if (!is_there(text))
		fail_msg("never came: %s\nheard: %s\nseen: %s\nconsole: %s", text, w.heard.data,
			 w.seen.data, file_text(w.report.console_fd));
}

static void forget(void)
{
	buf_clear(&w.heard);
	buf_clear(&w.seen);
	assert_int_equal(ftruncate(w.report.console_fd, 0), 0);
}

static void listen_all(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sockaddr_in http = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(http);

	w.listener = (struct loop_source){ .fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
					   .on_event = on_listener };
	strcpy(address.sun_path, w.socket_path);
	assert_int_equal(bind(w.listener.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(w.listener.fd, 4), 0);
	assert_int_equal(loop_add(w.loop, &w.listener, LOOP_READ, NULL), 0);
	w.http = (struct loop_source){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
				       .on_event = on_http };
	assert_int_equal(bind(w.http.fd, (struct sockaddr *)&http, sizeof(http)), 0);
	assert_int_equal(getsockname(w.http.fd, (struct sockaddr *)&http, &size), 0);
	assert_int_equal(listen(w.http.fd, 4), 0);
	assert_int_equal(loop_add(w.loop, &w.http, LOOP_READ, NULL), 0);
	w.http_port = ntohs(http.sin_port);
}

static void on_poweroff(void *ctx)
{
	(void)ctx;
	buf_add_str(&w.seen, "POWEROFF ASKED\n");
}

static const char image_text[] =
	"{\"schema\":1,\"name\":\"lab\",\"digest\":\"sha256:ab\",\"config\":"
	"{\"Entrypoint\":[\"start.sh\"],\"Cmd\":[\"lab\"],\"User\":\"1000:100\"}}";

static int set_up(void **state)
{
	int notify[2], control[2];
	char path[128];

	(void)state;
	w = (struct world){ .peer.fd = -1, .http_client.fd = -1, .tick.on_time = on_tick };
	strcpy(w.folder, "/tmp/cuvette-engine-XXXXXX");
	assert_non_null(mkdtemp(w.folder));
	snprintf(w.socket_path, sizeof(w.socket_path), "%s/boxd.sock", w.folder);
	snprintf(w.net_path, sizeof(w.net_path), "%s/netd.sock", w.folder);
	snprintf(path, sizeof(path), "%s/lab", w.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/image.json");
	w.files.images_fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(w.files.images_fd, image_text, strlen(image_text)),
			 strlen(image_text));
	close(w.files.images_fd);
	buf_init(&w.heard, TEXT_MAX);
	buf_init(&w.seen, TEXT_MAX);
	w.loop = loop_create(NULL);
	listen_all();
	assert_int_equal(pipe2(notify, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(dup2(notify[1], NOTIFY_FD), NOTIFY_FD);
	close(notify[1]);
	w.notify_fd = notify[0];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    control),
			 0);
	w.control_fd = control[0];
	w.report = (struct report){ .console_fd = memory_file(""), .boot_fd = memory_file("") };
	w.report.control = control_create(w.loop, control[1], on_poweroff, NULL);
	w.files = (struct engine_files){
		.compose_fd = -1,
		.config_fd = -1,
		.cmdline_fd = -1,
		.output_fd = -1,
		.inspect_fd = -1,
		.boot_id = "boot-1",
		.images_fd = open(w.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.state_fd = open(w.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.routes4_fd = -1,
		.routes6_fd = -1,
		.box_socket = w.socket_path,
		.net_socket = w.net_path,
	};
	return 0;
}

/* The engine's end, as if it was killed; everything else stays. */
static void kill_engine(void)
{
	engine_destroy(w.engine);
	w.engine = NULL;
	if (w.peer.fd >= 0) {
		loop_remove(&w.peer);
		fd_close(&w.peer.fd);
	}
	fd_close(&w.files.compose_fd);
	fd_close(&w.files.config_fd);
}

static int tear_down(void **state)
{
	AUTO_FD int tmp_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int *fds[] = { &w.notify_fd,	    &w.control_fd,	&w.report.console_fd,
		       &w.report.boot_fd,   &w.files.images_fd, &w.files.state_fd,
		       &w.files.cmdline_fd, &w.listener.fd,	&w.http.fd };

	(void)state;
	if (w.engine)
		kill_engine();
	control_destroy(w.report.control);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fd_close(fds[i]);
	assert_int_equal(dup2(tmp_fd, NOTIFY_FD), NOTIFY_FD);	/* the place stays taken */
	loop_destroy(w.loop);
	buf_finish(&w.heard);
	buf_finish(&w.seen);
	return fs_remove_tree_at(tmp_fd, w.folder + strlen("/tmp/"), NULL);
}

/* restart = the service's policy; config = the launcher's document or NULL. */
static int load(const char *restart, const char *config, struct err *e)
{
	char compose[1024];

	snprintf(compose, sizeof(compose),
		 "services:\n  lab:\n    image: lab\n    network_mode: host\n    restart: %s\n    "
		 "mem_limit: 1536m\n"
		 "    environment: {JUPYTER_TOKEN: '${JUPYTER_TOKEN}'}\n    volumes: "
		 "['work:/home/jovyan/work']\n"
		 "    stop_grace_period: 50ms\n"
		 "    x-cuvette: {ready: 'http://127.0.0.1:%u/api', url: "
		 "'/lab?token=${JUPYTER_TOKEN}'}\n"
		 "volumes: {work: {driver: share}}\n",
		 restart, w.http_port);
	w.files.compose_fd = memory_file(compose);
	if (config)
		w.files.config_fd = memory_file(config);
	w.engine = engine_create(w.loop, &w.report, &w.files);
	return engine_load(w.engine, e);
}

static void __attribute__((unused)) boot_file(const char *compose)
{
	struct err e = { .text = "" };

	w.files.compose_fd = memory_file(compose);
	w.engine = engine_create(w.loop, &w.report, &w.files);
	if (engine_load(w.engine, &e) < 0)
		fail_msg("%s", e.text);
	engine_start(w.engine);
}

static void __attribute__((unused)) boot(const char *restart, const char *config)
{
	struct err e = { .text = "" };

	if (load(restart, config, &e) < 0)
		fail_msg("%s", e.text);
	engine_start(w.engine);
}

static void tell_exit_of(const char *name, uint64_t status, uint64_t oom_kills, const char *said)
{
	msg_init(&out, WIRE_BOX_EXITED);
	msg_put_str(&out, name);
	msg_put_u64(&out, status);
	msg_put_u64(&out, oom_kills);
	msg_put_str(&out, said);
	assert_int_equal(msg_send(w.peer.fd, &out, NULL), 0);
}

static void __attribute__((unused)) tell_exit_saying(uint64_t status, uint64_t oom_kills,
						     const char *said)
{
	tell_exit_of("lab", status, oom_kills, said);
}

static void __attribute__((unused)) tell_exit(uint64_t status, uint64_t oom_kills)
{
	tell_exit_of("lab", status, oom_kills, "");
}
