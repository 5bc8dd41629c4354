/* test_fs.c - paths stay inside their root, files are replaced whole, trees go and nothing
 * beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"

static char top[64];
static int top_fd = -1;
static struct err e;

static int setup(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/test_fs.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(&top_fd);
	top_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs_remove_tree_at(top_fd, top + strlen("/tmp/"), &e) < 0)
		return -1;
	fd_close(&top_fd);
	return 0;
}

static bool exists(const char *name)
{
	return faccessat(top_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void put_file(int dir_fd, const char *name, const char *text)
{
	AUTO_FD int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void roots(void **state)
{
	static const char *const ways[] = { "in",  "/in", "../in",   "../../../../in",
					    "abs", "up",  "d/../in", "d/out" };
	AUTO_FD int root = -1;
	char text[8];
	size_t i;

	(void)state;
	put_file(top_fd, "in", "outside");
	assert_int_equal(mkdirat(top_fd, "root", 0755), 0);
	root = openat(top_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(root, "d", 0755), 0);
	put_file(root, "in", "inside");
	assert_int_equal(symlinkat("/in", root, "abs"), 0);
	assert_int_equal(symlinkat("../in", root, "up"), 0);
	assert_int_equal(symlinkat("../../../in", root, "d/out"), 0);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		AUTO_FD int fd = fs_open_in_root(root, ways[i], O_RDONLY, 0, &e);

		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		memset(text, 0, sizeof(text));
		assert_int_equal(read(fd, text, 7), 6);
		assert_string_equal(text, "inside");
	}
	assert_int_equal(symlinkat("/proc/self/cwd", root, "magic"), 0);
	assert_int_equal(fs_open_in_root(root, "magic", O_RDONLY, 0, &e), -1);
	{
		AUTO_FD int whole = open("/", O_PATH | O_CLOEXEC);

		assert_int_equal(fs_open_in_root(whole, "proc/self/cwd/.", O_PATH, 0, &e), -1);
		assert_int_equal(e.number, ELOOP);
	}
	assert_int_equal(fs_open_in_root(root, "none", O_RDONLY, 0, &e), -1);
	assert_int_equal(e.number, ENOENT);
	assert_string_equal(e.text, "open none: No such file or directory");
}

static void directories_in_a_root(void **state)
{
	static const char *const ways[] = { "a/b",    "/a/b",	  "a//b/", "../a/b",
					    "link/b", "a/../a/b", "a/b" };
	AUTO_FD int root = -1;
	struct stat a, b;
	size_t i;

	(void)state;
	assert_int_equal(mkdirat(top_fd, "root", 0755), 0);
	root = openat(top_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat("/a", root, "link"), 0);
	assert_int_equal(symlinkat("/nowhere", root, "dangling"), 0);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		AUTO_FD int fd = fs_make_dirs_in_root(root, ways[i], 0755, &e);

		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &a), 0);
		assert_int_equal(fstatat(root, "a/b", &b, 0), 0);
		assert_int_equal(a.st_ino, b.st_ino);
	}
	assert_false(exists("a"));
	assert_int_equal(fs_make_dirs_in_root(root, "dangling/x", 0755, &e), -1);
	put_file(root, "file", "");
	assert_int_equal(fs_make_dirs_in_root(root, "file/x", 0755, &e), -1);
	assert_string_equal(e.text, "make directory file: Not a directory");
	{
		AUTO_FD int fd = fs_make_dirs_in_root(root, "/", 0755, &e);

		assert_true(fd >= 0);
	}
}

static void atomic_files(void **state)
{
	AUTO_FREE char *text = NULL;
	struct stat st;
	size_t size;

	(void)state;
	assert_int_equal(fs_write_atomic_at(top_fd, "state", "one", 3, 0600, &e), 0);
	put_file(top_fd, ".state.new", "left by a power cut");
	assert_int_equal(fs_write_atomic_at(top_fd, "state", "second", 6, 0600, &e), 0);
	assert_false(exists(".state.new"));
	assert_int_equal(fstatat(top_fd, "state", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	text = fs_read_at(top_fd, "state", 100, &size, &e);
	assert_string_equal(text, "second");
	assert_int_equal(size, 6);
	assert_null(fs_read_at(top_fd, "state", 5, &size, &e));
	assert_string_equal(e.text, "read state: longer than 5 bytes");
	assert_null(fs_read_at(top_fd, "none", 5, &size, &e));
	assert_int_equal(e.number, ENOENT);
	/* A target that cannot be replaced stays, and no temporary is left. */
	assert_int_equal(fs_make_dir_at(top_fd, "dir", 0755, &e), 0);
	assert_int_equal(fs_write_atomic_at(top_fd, "dir", "x", 1, 0600, &e), -1);
	assert_false(exists(".dir.new"));
}

static void own_directories(void **state)
{
	AUTO_FD int fd = -1;

	(void)state;
	assert_int_equal(fs_make_dir_at(top_fd, "d", 0700, &e), 0);
	assert_int_equal(fs_make_dir_at(top_fd, "d", 0700, &e), 0);
	fd = fs_open_dir_at(top_fd, "d", &e);
	assert_true(fd >= 0);
	put_file(top_fd, "f", "");
	assert_int_equal(fs_make_dir_at(top_fd, "f", 0700, &e), -1);
	assert_string_equal(e.text, "make directory f: Not a directory");
	assert_int_equal(fs_open_dir_at(top_fd, "f", &e), -1);
	assert_int_equal(symlinkat("d", top_fd, "l"), 0);
	assert_int_equal(fs_make_dir_at(top_fd, "l", 0700, &e), -1);
}

static void control_files(void **state)
{
	AUTO_FREE char *text = NULL;
	size_t size;

	(void)state;
	put_file(top_fd, "memory.max", "max");
	assert_int_equal(fs_write_control_at(top_fd, "memory.max", "100", &e), 0);
	text = fs_read_at(top_fd, "memory.max", 100, &size, &e);
	assert_string_equal(text, "100");
	assert_int_equal(fs_write_control_at(top_fd, "none", "1", &e), -1);
	assert_string_equal(e.text, "open none: No such file or directory");
	assert_int_equal(fs_write_control_at(AT_FDCWD, "/dev/full", "1", &e), -1);
	assert_string_equal(e.text, "write /dev/full: No space left on device");
}

static void trees_go(void **state)
{
	AUTO_FD int tree = -1;
	char name[32];
	int i;

	(void)state;
	put_file(top_fd, "keep", "kept");
	assert_int_equal(mkdirat(top_fd, "keepdir", 0755), 0);
	put_file(top_fd, "keepdir/file", "kept");
	assert_int_equal(mkdirat(top_fd, "tree", 0755), 0);
	tree = openat(top_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat("../keep", tree, "to-file"), 0);
	assert_int_equal(symlinkat("../keepdir", tree, "to-dir"), 0);
	assert_int_equal(symlinkat("none", tree, "dangling"), 0);
	assert_int_equal(mkfifoat(tree, "fifo", 0600), 0);
	assert_int_equal(mkdirat(tree, "no-bits", 0755), 0);
	put_file(tree, "no-bits/file", "");
	assert_int_equal(fchmodat(tree, "no-bits", geteuid() == 0 ? 0 : 0700, 0), 0);
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		put_file(tree, name, "");
	}
	assert_int_equal(fs_remove_tree_at(top_fd, "tree", &e), 0);
	assert_false(exists("tree"));
	assert_true(exists("keep"));
	assert_true(exists("keepdir/file"));
	/* One name that is no directory, and none at all. */
	assert_int_equal(symlinkat("keepdir", top_fd, "link"), 0);
	assert_int_equal(fs_remove_tree_at(top_fd, "link", &e), 0);
	assert_false(exists("link"));
	assert_true(exists("keepdir/file"));
	assert_int_equal(fs_remove_tree_at(top_fd, "link", &e), 0);
}

static void deep_trees_go(void **state)
{
	int at, next, i;

	(void)state;
	assert_int_equal(mkdirat(top_fd, "tree", 0755), 0);
	/* Names that the removal itself would like to use are taken. */
	assert_int_equal(mkdirat(top_fd, "tree/.deep-0", 0755), 0);
	put_file(top_fd, "tree/.deep-0/x", "");
	put_file(top_fd, "tree/.deep-1", "");
	at = openat(top_fd, "tree", O_PATH | O_CLOEXEC);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(mkdirat(at, "deeper-and-deeper", 0755), 0);
		next = openat(at, "deeper-and-deeper", O_PATH | O_CLOEXEC);
		put_file(next, "file", "");
		fd_close(&at);
		at = next;
	}
	fd_close(&at);
	assert_int_equal(fs_remove_tree_at(top_fd, "tree", &e), 0);
	assert_false(exists("tree"));
}

static int over_a_mount(void)
{
	char mounted[128], file[160];
	int result = 0;

	/* Without effect in a chroot, which has no mount of its own at "/"; so it is unmounted
	 * again below. */
	if (unshare(CLONE_NEWNS) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	snprintf(mounted, sizeof(mounted), "%s/tree/mounted", top);
	if (mount("mounted", mounted, "tmpfs", 0, NULL) < 0)
		return 77;
	snprintf(file, sizeof(file), "%s/file", mounted);
	put_file(AT_FDCWD, file, "");
	/* The old fd leads into the namespace from before. */
	fd_close(&top_fd);
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs_remove_tree_at(top_fd, "tree", &e) == 0 || !strstr(e.text, "is a mount point"))
		result = 1;
	else if (access(file, F_OK) < 0)
		result = 2;
	umount2(mounted, MNT_DETACH);
	return result;
}

static void mounts_stop_it(void **state)
{
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(mkdirat(top_fd, "tree", 0755), 0);
	assert_int_equal(mkdirat(top_fd, "tree/mounted", 0755), 0);
	child = fork();
	if (child == 0)
		_exit(over_a_mount());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* needs CAP_SYS_ADMIN */
	assert_int_equal(status, 0);
}

#define FS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(roots),		  FS_TEST(directories_in_a_root), FS_TEST(atomic_files),
		FS_TEST(own_directories), FS_TEST(control_files),	  FS_TEST(trees_go),
		FS_TEST(deep_trees_go),	  FS_TEST(mounts_stop_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
