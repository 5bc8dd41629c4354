/* test_engine.c - the engine in its loop: against the messages of wire.h on a real socket, a real
 * HTTP port, real files. What boxd itself does is shown by the VM stories; here it is a script of
 * answers. */
#include "engine/document.h"
#include "engine/plan.h"
#include "tests/unit/engine/world.h"

#define NAMES                                                             \
	" resolv.conf/names:/etc/resolv.conf:1 hosts/names:/etc/hosts:1 " \
	"hostname/names:/etc/hostname:1"

static void first_boot_to_url(void **state)
{
	(void)state;
	w.http_refusals = 2;
	boot("always", "{\"token\":\"abc\",\"url\":\"http://10.0.0.9:8889\"}");
	wait_for("LIST;START lab lab work/share:/home/jovyan/work:0" NAMES " log=10485760 fds=1;");
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

/* The disk was full when the token was made, and now the engine starts again: no wrong address is
 * printed. */
static void lost_token_makes_no_wrong_url(void **state)
{
	(void)state;
	boot("always", NULL);
	wait_for("Cuvette is ready");
	kill_engine();
	forget();
	assert_int_equal(unlinkat(w.files.state_fd, "token.json", 0), 0);
	w.listed = "running";
	boot("always", NULL);
	wait_for("lab runs on; its address is the one that was printed when it started\n");
	assert_false(is_there("token="));
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

static void reason_of_a_restart_loop_is_said(void **state)
{
	(void)state;
	boot("always", NULL);
	wait_for("Cuvette is ready");
	tell_exit_saying(1, 0, "the first time");
	wait_for("(restart 1)");
	assert_false(is_there("the first time"));
	forget();
	/* The second end soon after a start, in lines, and what would steer a terminal. */
	wait_for("Cuvette is ready");
	tell_exit_saying(1, 0, "ImportError:\nno \x1b[2Jnumpy");
	wait_for("(restart 2)\nlab said: ImportError:\nlab said: no \\x1b[2Jnumpy\n");
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

static void final_end_says_its_reason(void **state)
{
	(void)state;
	boot("'no'", NULL);
	wait_for("Cuvette is ready");
	tell_exit_saying(2, 0, "usage: lab");
	wait_for("it is not started again\nlab said: usage: lab\n");
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
	wait_for("lab: out of memory: the kernel killed a process at the limit of 1.5 GiB (1 kill "
		 "so far); "
		 "raise it with \"make run MEM=...\" or mem_limit\n");
	answer(WIRE_BOX_OOM, "lab", NULL, (uint64_t[]){ 1536 << 20, 2 }, 2);
	wait_for("(2 kills so far)");
	/* A burst is not a flood. */
	answer(WIRE_BOX_OOM, "lab", NULL, (uint64_t[]){ 1536 << 20, 3 }, 2);
	answer(WIRE_BOX_OOM, "lab", NULL, (uint64_t[]){ 1536 << 20, 4 }, 2);
	wait_for("(4 kills so far)");
	assert_false(is_there("(3 kills so far)"));
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

/* boxd leaves a box that is coming up out of its list, because its start will be answered. */
static void engine_comes_back_during_a_start(void **state)
{
	static const uint64_t pid = 42;

	(void)state;
	w.start_is_slow = true;
	boot("always", NULL);
	wait_for("START lab");
	kill_engine();
	forget();
	boot("always", NULL);
	wait_for("START lab");
	answer(WIRE_BOX_FAILED, "lab", "a box of this name is there already", NULL, 0);
	answer(WIRE_BOX_STARTED, "lab", NULL, &pid, 1);
	wait_for("Cuvette is ready");
	assert_null(strstr(strstr(w.heard.data, "START") + 1, "START"));
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
	wait_for("START lab lab work/share:/home/jovyan/work:0" NAMES " log=10485760 fds=2;");
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

/* Documents of other containers have all slots but one, or all. */
static void take_slots(uint32_t free_slot)
{
	struct document d = { .image = "old", .state = "running" };
	int dir_fd;

	assert_int_equal(fs_make_dir_at(w.files.state_fd, "containers", 0700, NULL), 0);
	dir_fd = fs_open_dir_at(w.files.state_fd, "containers", NULL);
	for (d.slot = 0; d.slot < PLAN_SLOTS_MAX; d.slot++) {
		snprintf(d.name, sizeof(d.name), "old%u", d.slot);
		if (d.slot != free_slot)
			assert_int_equal(document_write(dir_fd, &d, NULL), 0);
	}
	fd_close(&dir_fd);
}

static void new_container_takes_the_free_ids(void **state)
{
	struct document *d = calloc(PLAN_SLOTS_MAX, sizeof(*d));
	size_t count, i = 0;
	int dir_fd;

	(void)state;
	take_slots(17);
	boot("always", NULL);
	wait_for("START lab ");
	wait_for("Cuvette is ready");
	dir_fd = fs_open_dir_at(w.files.state_fd, "containers", NULL);
	count = document_read_all(dir_fd, d, PLAN_SLOTS_MAX);
	while (i < count && strcmp(d[i].name, "lab") != 0)
		i++;
	assert_true(i < count);
	assert_int_equal(d[i].slot, 17);
	fd_close(&dir_fd);
	free(d);
}

static void no_ids_are_left(void **state)
{
	struct err e;

	(void)state;
	take_slots(PLAN_SLOTS_MAX);
	assert_int_equal(load("always", NULL, &e), -1);
	assert_string_equal(e.text, "container lab: all 64 ranges of ids are taken: remove a "
				    "container first");
	engine_refuse(w.engine, e.text);
	wait_for("Cuvette starts no service: container lab: all 64 ranges of ids are taken");
	assert_false(is_there("START"));
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
		STORY(lost_token_makes_no_wrong_url),
		STORY(dead_container_starts_again),   STORY(reason_of_a_restart_loop_is_said),
		STORY(final_end_says_its_reason),   STORY(policy_no_leaves_it_down),
		STORY(start_that_fails_is_said_and_repeated), STORY(out_of_memory_is_one_sentence),
		STORY(boxd_comes_back),		      STORY(ended_before_the_engine_came_back),
		STORY(engine_comes_back_during_a_start),
		STORY(unknown_container_is_removed),  STORY(batch_ends_with_its_status),
		STORY(batch_ends_while_the_engine_is_away),
		STORY(batch_that_cannot_start),	      STORY(batch_with_a_bad_config),
		STORY(empty_token_is_refused),	      STORY(command_line_turns_it_off),
		STORY(new_container_takes_the_free_ids), STORY(no_ids_are_left),
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
