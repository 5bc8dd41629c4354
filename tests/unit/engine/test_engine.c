/* test_engine.c - the engine in its loop: against the messages of wire.h on a real socket, a real HTTP port,
 * real files. What boxd itself does is shown by the VM stories; here it is a script of answers. */
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
	char folder[64], socket_path[96];
	int notify_fd, control_fd;		/* read ends */
	struct loop_source listener, peer, http, http_client;
	unsigned http_port, http_refusals;	/* answers 503 so many times first */
	struct buf heard;			/* what the engine asked of boxd */
	struct buf seen;			/* control port and notify pipe */
	const char *listed;			/* "lab running;": answer to the next list */
	bool start_fails;
	struct loop_timer tick;
	const char *awaited;
	unsigned ticks;
};

static struct world w;
static struct msg in, out;

static void answer(uint32_t type, const char *name, const char *text, const uint64_t *numbers, size_t count)
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

static void answer_list(void)
{
	static const uint64_t running[] = { 1, 42, 0, 0 }, ended[] = { 0, 0, 3, 1 };

	if (w.listed && strcmp(w.listed, "running") == 0)
		answer(WIRE_BOX_STATE, "lab", "lab", running, 4);
	else if (w.listed && strcmp(w.listed, "ended") == 0)
		answer(WIRE_BOX_STATE, "lab", "lab", ended, 4);
	else if (w.listed)
		answer(WIRE_BOX_STATE, w.listed, "old", running, 4);
	answer(WIRE_BOX_LIST_END, NULL, NULL, NULL, 0);
}

static void hear_start(void)
{
	const char *name = msg_get_str(&in), *image = msg_get_str(&in);
	uint64_t mounts = msg_get_u64(&in), pid = 42;

	buf_add_format(&w.heard, "START %s %s", name, image);
	for (uint64_t i = 0; i < mounts; i++) {
		const char *volume = msg_get_str(&in), *driver = msg_get_str(&in), *target = msg_get_str(&in);

		buf_add_format(&w.heard, " %s/%s:%s:%d", volume, driver, target, (int)msg_get_u64(&in));
	}
	buf_add_format(&w.heard, " log=%llu fds=%d;", (unsigned long long)msg_get_u64(&in), in.fd_count);
	assert_int_equal(fd_require_sealed(in.fds[0], NULL), 0);
	if (w.start_fails)
		answer(WIRE_BOX_FAILED, name, "mount plan: no room", NULL, 0);
	else
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
	} else if (in.type == WIRE_BOX_KILL) {
		const char *name = msg_get_str(&in);

		buf_add_format(&w.heard, "KILL %s %d;", name, (int)msg_get_u64(&in));
		answer(WIRE_BOX_DONE, name, NULL, NULL, 0);
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
	w.peer = (struct loop_source){ .fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC), .on_event = on_peer };
	assert_int_equal(loop_add(w.loop, &w.peer, LOOP_READ, NULL), 0);
}

static void on_http_client(struct loop_source *source, unsigned events)
{
	static const char wanted[] = "GET /api HTTP/1.1\r\nHost: 127.0.0.1:";
	const char *text = w.http_refusals ? "HTTP/1.1 503 Busy\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n";
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
	return (w.heard.data && strstr(w.heard.data, needle)) || (w.seen.data && strstr(w.seen.data, needle)) ||
	       strstr(file_text(w.report.console_fd), needle) || strstr(file_text(w.report.boot_fd), needle);
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
		fail_msg("never came: %s\nheard: %s\nseen: %s\nconsole: %s", text, w.heard.data, w.seen.data,
			 file_text(w.report.console_fd));
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
	struct sockaddr_in http = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(http);

	w.listener = (struct loop_source){ .fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), .on_event = on_listener };
	strcpy(address.sun_path, w.socket_path);
	assert_int_equal(bind(w.listener.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(w.listener.fd, 4), 0);
	assert_int_equal(loop_add(w.loop, &w.listener, LOOP_READ, NULL), 0);
	w.http = (struct loop_source){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .on_event = on_http };
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

static const char image_text[] = "{\"schema\":1,\"name\":\"lab\",\"digest\":\"sha256:ab\",\"config\":"
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
	snprintf(path, sizeof(path), "%s/lab", w.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/image.json");
	w.files.images_fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(w.files.images_fd, image_text, strlen(image_text)), strlen(image_text));
	close(w.files.images_fd);
	buf_init(&w.heard, TEXT_MAX);
	buf_init(&w.seen, TEXT_MAX);
	w.loop = loop_create(NULL);
	listen_all();
	assert_int_equal(pipe2(notify, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(dup2(notify[1], NOTIFY_FD), NOTIFY_FD);
	close(notify[1]);
	w.notify_fd = notify[0];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control), 0);
	w.control_fd = control[0];
	w.report = (struct report){ .console_fd = memory_file(""), .boot_fd = memory_file("") };
	w.report.control = control_create(w.loop, control[1], on_poweroff, NULL);
	w.files = (struct engine_files){
		.compose_fd = -1, .config_fd = -1, .cmdline_fd = -1, .output_fd = -1, .boot_id = "boot-1",
		.images_fd = open(w.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.state_fd = open(w.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.box_socket = w.socket_path,
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
	int *fds[] = { &w.notify_fd, &w.control_fd, &w.report.console_fd, &w.report.boot_fd, &w.files.images_fd,
		       &w.files.state_fd, &w.files.cmdline_fd, &w.listener.fd, &w.http.fd };

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
		 "services:\n  lab:\n    image: lab\n    network_mode: host\n    restart: %s\n    mem_limit: 1536m\n"
		 "    environment: {JUPYTER_TOKEN: '${JUPYTER_TOKEN}'}\n    volumes: ['work:/home/jovyan/work']\n"
		 "    stop_grace_period: 50ms\n"
		 "    x-cuvette: {ready: 'http://127.0.0.1:%u/api', url: '/lab?token=${JUPYTER_TOKEN}'}\n"
		 "volumes: {work: {driver: share}}\n", restart, w.http_port);
	w.files.compose_fd = memory_file(compose);
	if (config)
		w.files.config_fd = memory_file(config);
	w.engine = engine_create(w.loop, &w.report, &w.files);
	return engine_load(w.engine, e);
}

static void boot(const char *restart, const char *config)
{
	struct err e = { .text = "" };

	if (load(restart, config, &e) < 0)
		fail_msg("%s", e.text);
	engine_start(w.engine);
}

static void tell_exit(uint64_t status, uint64_t oom_kills)
{
	answer(WIRE_BOX_EXITED, "lab", NULL, (uint64_t[]){ status, oom_kills }, 2);
}

static void first_boot_to_url(void **state)
{
	(void)state;
	w.http_refusals = 2;
	boot("always", "{\"token\":\"abc\",\"url\":\"http://10.0.0.9:8889\"}");
	wait_for("LIST;START lab lab work/share:/home/jovyan/work:0 log=10485760 fds=1;");
	wait_for("service:lab ");
	wait_for("Cuvette is ready: http://10.0.0.9:8889/lab?token=abc\n");
	wait_for("ready http://10.0.0.9:8889/lab?token=abc\n");
	wait_for("stage service:lab ");
	wait_for("stage url ");
	wait_for("url ");
}

static void random_token_survives_the_engine(void **state)
{
	char first[256], *at;

	(void)state;
	boot("always", NULL);
	wait_for("Cuvette is ready: http://127.0.0.1:");
	at = strstr(file_text(w.report.console_fd), "token=");
	assert_non_null(at);
	assert_int_equal(strcspn(at, "\n"), strlen("token=") + 48);
	snprintf(first, sizeof(first), "%.54s", at);
	kill_engine();
	forget();
	w.listed = "running";
	boot("always", NULL);
	wait_for("Cuvette is ready: ");
	wait_for(first);
	assert_false(is_there("START"));
	assert_false(is_there("DELETE"));
}

static void dead_container_starts_again(void **state)
{
	(void)state;
	boot("always", NULL);
	wait_for("Cuvette is ready");
	forget();
	tell_exit(1, 0);
	wait_for("lab: ended with status 1\nlab: starts again in 100 ms (restart 1)\n");
	wait_for("START lab");
	wait_for("Cuvette is ready");
	forget();
	tell_exit(1, 0);
	wait_for("lab: starts again in 200 ms (restart 2)");
	wait_for("START lab");
}

static void policy_no_leaves_it_down(void **state)
{
	(void)state;
	boot("'no'", NULL);
	wait_for("Cuvette is ready");
	forget();
	tell_exit(0, 0);
	wait_for("lab: ended with status 0; it is not started again");
	assert_false(is_there("START"));
}

static void start_that_fails_is_said_and_repeated(void **state)
{
	(void)state;
	w.start_fails = true;
	boot("always", NULL);
	wait_for("lab could not be started: mount plan: no room\n");
	wait_for("error lab could not be started: mount plan: no room\n");
	w.start_fails = false;
	wait_for("Cuvette is ready");
}

static void out_of_memory_is_one_sentence(void **state)
{
	(void)state;
	boot("always", NULL);
	wait_for("Cuvette is ready");
	answer(WIRE_BOX_OOM, "lab", NULL, (uint64_t[]){ 1536 << 20, 1 }, 2);
	wait_for("lab: out of memory: the kernel killed a process at the limit of 1.5 GiB (1 kill so far); "
		 "raise it with \"make run MEM=...\" or mem_limit\n");
	answer(WIRE_BOX_OOM, "lab", NULL, (uint64_t[]){ 1536 << 20, 2 }, 2);
	wait_for("(2 kills so far)");
	assert_false(is_there("KILL"));
}

static void boxd_comes_back(void **state)
{
	(void)state;
	boot("always", NULL);
	wait_for("Cuvette is ready");
	forget();
	w.listed = "running";
	loop_remove(&w.peer);
	fd_close(&w.peer.fd);
	wait_for("LIST;");
	assert_false(is_there("START"));
	/* Again, and this time the container ended while nobody listened. */
	forget();
	w.listed = "ended";
	loop_remove(&w.peer);
	fd_close(&w.peer.fd);
	wait_for("lab: ended with status 3\n");
	wait_for("START lab");
}

static void ended_before_the_engine_came_back(void **state)
{
	(void)state;
	boot("'no'", "{\"token\":\"abc\"}");
	wait_for("Cuvette is ready");
	kill_engine();
	forget();
	w.listed = "ended";
	boot("'no'", "{\"token\":\"abc\"}");
	wait_for("LIST;");
	wait_for("LIST;");
	for (int i = 0; i < 3; i++) {
		w.awaited = NULL;
		w.ticks = PATIENCE_MS / 2 - 10;
		loop_timer_set(w.loop, &w.tick, 0);
		loop_run(w.loop, NULL);
	}
	assert_false(is_there("START"));
}

static void unknown_container_is_removed(void **state)
{
	(void)state;
	w.listed = "stranger";
	boot("always", NULL);
	wait_for("DELETE stranger;START lab");
}

static void batch_ends_with_its_status(void **state)
{
	(void)state;
	w.files.output_fd = w.report.boot_fd;
	boot("always", "{\"batch\":\"work/a.ipynb\"}");
	wait_for("START lab lab work/share:/home/jovyan/work:0 log=10485760 fds=2;");
	tell_exit(7, 0);
	wait_for("exit 7\n");
	wait_for("poweroff\n");
	assert_false(is_there("Cuvette is ready"));
	assert_false(is_there("starts again"));
}

static void batch_ends_while_the_engine_is_away(void **state)
{
	(void)state;
	boot("always", "{\"batch\":\"work/a.ipynb\"}");
	wait_for("START lab");
	kill_engine();
	forget();
	w.listed = "ended";
	boot("always", "{\"batch\":\"work/a.ipynb\"}");
	wait_for("exit 3\n");
	wait_for("poweroff\n");
	assert_false(is_there("START"));
}

static void batch_that_cannot_start(void **state)
{
	(void)state;
	w.start_fails = true;
	boot("always", "{\"batch\":\"work/a.ipynb\"}");
	wait_for("error lab could not be started: mount plan: no room\nexit 125\n");
	wait_for("poweroff\n");
}

static void batch_with_a_bad_config(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(load("always", "{\"batch\":\"work/a.ipynb\",\"tokn\":\"x\"}", &e), -1);
	engine_refuse(w.engine, e.text);
	wait_for("error Cuvette starts no service: config");
	wait_for("exit 125\n");
	wait_for("poweroff\n");
}

static void empty_token_is_refused(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(load("always", "{\"token\":\"\"}", &e), -1);
	engine_refuse(w.engine, e.text);
	wait_for("Cuvette starts no service: config: token");
	assert_false(is_there("poweroff"));
}

static void command_line_turns_it_off(void **state)
{
	(void)state;
	w.files.cmdline_fd = memory_file("console=ttyS0 cuvette.lab=off\n");
	boot("always", NULL);
	wait_for("no service is started");
	assert_false(is_there("LIST"));
}

static void machine_stop_asks_then_kills(void **state)
{
	(void)state;
	boot("always", NULL);
	wait_for("Cuvette is ready");
	engine_stop(w.engine);
	wait_for("KILL lab 15;");
	wait_for("KILL lab 9;");	/* it did not obey within its 50 ms */
	tell_exit(137, 0);
	assert_int_equal(loop_run(w.loop, NULL), 0);	/* the engine ends it */
	assert_false(is_there("starts again"));
}

static void disk_that_takes_nothing(void **state)
{
	(void)state;
	fd_close(&w.files.state_fd);
	boot("always", "{\"token\":\"abc\"}");
	wait_for("it goes on from memory");
	wait_for("Cuvette is ready");
}

static void launcher_powers_off(void **state)
{
	(void)state;
	boot("always", NULL);
	wait_for("Cuvette is ready");
	assert_int_equal(write(w.control_fd, "what\npower", 10), 10);
	assert_int_equal(write(w.control_fd, "off\r\n", 5), 5);
	wait_for("POWEROFF ASKED\n");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(first_boot_to_url),	      STORY(random_token_survives_the_engine),
		STORY(dead_container_starts_again),   STORY(policy_no_leaves_it_down),
		STORY(start_that_fails_is_said_and_repeated), STORY(out_of_memory_is_one_sentence),
		STORY(boxd_comes_back),		      STORY(ended_before_the_engine_came_back),
		STORY(unknown_container_is_removed),  STORY(batch_ends_with_its_status),
		STORY(batch_ends_while_the_engine_is_away),
		STORY(batch_that_cannot_start),	      STORY(batch_with_a_bad_config),
		STORY(empty_token_is_refused),	      STORY(command_line_turns_it_off),
		STORY(machine_stop_asks_then_kills),  STORY(disk_that_takes_nothing),
		STORY(launcher_powers_off),
	};

	/* Whatever stands at fd 3 makes room for the pipe that svd would pass. */
	setenv("CUVETTE_FDS", "notify", 1);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < NOTIFY_FD)
		;
	signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
