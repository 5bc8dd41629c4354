/* test_hooks.c - hooks with a shell in their place: order, environment, input, failures, timeout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/hooks.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "oci/spec.h"
#include "oci/state.h"

static char place[64];
static int dir_fd;
static struct err e;

static int set_up(void **state)
{
	(void)state;
	snprintf(place, sizeof(place), "/tmp/hooks-XXXXXX");
	assert_non_null(mkdtemp(place));
	dir_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err_clear(&e);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(dir_fd);
	fs_remove_tree_at(AT_FDCWD, place, NULL);
	return 0;
}

static int run(enum oci_hook_kind kind, const char *const *scripts, const char **env, int timeout_s)
{
	static struct oci_spec spec;
	struct oci_hook items[4];
	const char *args[4][4];
	const struct oci_state state = {
		.id = "c1", .status = "creating", .pid = 7, .bundle = "/b"
	};
	size_t count = 0;

	for (; scripts[count]; count++) {
		args[count][0] = "sh";
		args[count][1] = "-c";
		args[count][2] = scripts[count];
		args[count][3] = NULL;
		items[count] = (struct oci_hook){ "/bin/sh", args[count], env, timeout_s };
	}
	spec.hooks[kind] = (struct oci_hook_list){ items, count };
	return hooks_run(&spec, kind, &state, dir_fd, &e);
}

static void wrote(const char *name, const char *want)
{
	size_t size_bytes;
	char *text = fs_read_at(dir_fd, name, 10000, &size_bytes, &e);

	if (!text)
		fail_msg("%s", e.text);
	assert_string_equal(text, want);
	free(text);
}

static void order(void **state)
{
	const char *const scripts[] = { "echo one >>out", "echo two >>out", "cat >in", NULL };

	(void)state;
	assert_int_equal(run(OCI_HOOK_PRESTART, scripts, NULL, 0), 0);
	wrote("out", "one\ntwo\n");
	wrote("in", "{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"status\":\"creating\",\"pid\":7,"
		    "\"bundle\":\"/b\",\"annotations\":{}}");
}

/* As the shell got it, not as it changed it. */
static void environment(void **state)
{
	const char *const scripts[] = {
		"cat /proc/$$/environ | tr '\\0' '\\n' >out; ls /proc/self/fd | wc -w >fds", NULL
	};
	const char *env[] = { "A=b", "PATH=/usr/bin:/bin", NULL };

	(void)state;
	setenv("LD_PRELOAD_OF_CALLER", "x", 1);
	assert_int_equal(run(OCI_HOOK_CREATE_RUNTIME, scripts, env, 0), 0);
	wrote("out", "A=b\nPATH=/usr/bin:/bin\n");
	wrote("fds", "4\n");		/* 0, 1, 2 and ls's own */
}

static void failure(void **state)
{
	const char *const scripts[] = { "echo bad luck >&2; echo more >&2; exit 3", "echo two >out",
					NULL };
	const char *const killed[] = { "kill -9 $$", NULL };

	(void)state;
	assert_int_equal(run(OCI_HOOK_CREATE_CONTAINER, scripts, NULL, 0), -1);
	assert_string_equal(e.text,
			    "createContainer hook 0: /bin/sh: failed with status 3: bad luck");
	assert_int_equal(faccessat(dir_fd, "out", F_OK, 0), -1);
	assert_int_equal(run(OCI_HOOK_START_CONTAINER, killed, NULL, 0), -1);
	assert_non_null(strstr(e.text, "was killed by signal 9"));
}

static void goes_on(void **state)
{
	const char *const scripts[] = { "exit 3", "echo two >>out", NULL };

	(void)state;
	assert_int_equal(run(OCI_HOOK_POSTSTART, scripts, NULL, 0), -1);
	assert_int_equal(run(OCI_HOOK_POSTSTOP, scripts, NULL, 0), 0);
	wrote("out", "two\n");
}

static void timeout(void **state)
{
	const char *const scripts[] = { "exec sleep 1000", NULL };

	(void)state;
	assert_int_equal(run(OCI_HOOK_PRESTART, scripts, NULL, 1), -1);
	assert_non_null(strstr(e.text, "killed after its timeout of 1 s"));
}

static void missing(void **state)
{
	static struct oci_spec spec;
	struct oci_hook item = { .path = "/nosuch" };
	const struct oci_state s = { .id = "c1", .status = "creating", .bundle = "/b" };

	(void)state;
	spec.hooks[OCI_HOOK_PRESTART] = (struct oci_hook_list){ &item, 1 };
	assert_int_equal(hooks_run(&spec, OCI_HOOK_PRESTART, &s, dir_fd, &e), -1);
	assert_string_equal(e.text, "prestart hook 0: /nosuch: failed with status 127: run it: "
				    "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(environment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(timeout, set_up, tear_down),
		cmocka_unit_test_setup_teardown(missing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
