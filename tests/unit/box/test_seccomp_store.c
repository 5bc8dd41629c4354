/* test_seccomp_store.c - compiled profiles by their hash: what is found, what is not believed, what
 * makes another name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/seccomp_store.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "oci/spec_seccomp.h"

static char place[64], name[512];
static int dir_fd;
static struct err e;

static int set_up(void **state)
{
	(void)state;
	snprintf(place, sizeof(place), "/tmp/store-XXXXXX");
	assert_non_null(mkdtemp(place));
	dir_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(dir_fd);
	fs_remove_tree_at(AT_FDCWD, place, NULL);
	return 0;
}

static const char *words[] = { "mkdir", "rmdir", NULL };
static struct oci_seccomp_rule rule = { .names = words,
					.action = OCI_SECCOMP_ERRNO,
					.errno_ret = 1 };
static struct oci_seccomp profile = { .default_action = OCI_SECCOMP_ALLOW, .rules = &rule,
				      .rule_count = 1 };

static off_t size_of(int fd)
{
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	return st.st_size;
}

static off_t open_size(void)
{
	return size_of(seccomp_store_open(dir_fd, &profile, &e));
}

/* How many there are; `name` is the path of the last. */
static int kept(void)
{
	char path[128];
	int count = 0;

	snprintf(path, sizeof(path), "%s/.seccomp", place);
	DIR *dir = opendir(path);

	for (struct dirent *d; dir && (d = readdir(dir));)
		if (d->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
			count++;
		}
	if (dir)
		closedir(dir);
	return count;
}

static void put(const void *data, size_t size_bytes, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_int_equal(write(fd, data, size_bytes), size_bytes);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void found(void **state)
{
	const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	off_t size = open_size();
	struct stat st;

	(void)state;
	assert_int_equal(kept(), 1);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_size, size);
	assert_int_equal(st.st_mode & 0777, 0444);
	*strrchr(name, '/') = '\0';
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* Another program under its name is what is loaded: nothing is compiled again. */
	kept();
	put(&allow, sizeof(allow), 0444);
	assert_int_equal(open_size(), sizeof(allow));
}

/* A configuration that changes each time must not fill the disk. */
static void bounded(void **state)
{
	struct oci_seccomp_rule changing = rule;
	struct oci_seccomp many = profile;
	off_t size = 0;

	(void)state;
	many.rules = &changing;
	changing.action = OCI_SECCOMP_ERRNO;
	for (uint32_t i = 0; i < 80; i++) {
		changing.errno_ret = i;
		size = size_of(seccomp_store_open(dir_fd, &many, &e));
		assert_true(size > 0);
	}
	assert_int_equal(kept(), 64);
	/* The last one is among them. */
	assert_int_equal(size_of(seccomp_store_open(dir_fd, &many, &e)), size);
	assert_int_equal(kept(), 64);
}

static void not_believed(void **state)
{
	static const char bytes[20];
	off_t size = open_size();

	(void)state;
	kept();
	put(bytes, 13, 0444);		/* no whole instructions */
	assert_int_equal(open_size(), size);
	put(bytes, 0, 0444);
	assert_int_equal(open_size(), size);
	put(bytes, 16, 0464);
	assert_int_equal(open_size(), size);
	put(bytes, 16, 0446);
	assert_int_equal(open_size(), size);
	unlink(name);
	assert_int_equal(symlink("/dev/zero", name), 0);
	assert_int_equal(open_size(), size);
	if (geteuid() == 0) {
		put(bytes, 16, 0444);
		if (chown(name, 1, 1) == 0)
			assert_int_equal(open_size(), size);
	}
}

static void names(void **state)
{
	const struct oci_seccomp_arg arg = { .index = 1, .op = OCI_SECCOMP_EQ, .value = 5 };
	const char *joined[] = { "mkdirrmdir", NULL }, *turned[] = { "rmdir", "mkdir", NULL };

	(void)state;
	open_size();
	assert_int_equal(kept(), 1);
	profile.flags = SECCOMP_FILTER_FLAG_LOG;	/* of the loading */
	profile.listener_path = "/x";
	open_size();
	assert_int_equal(kept(), 1);
	rule.errno_ret = 2, open_size();
	assert_int_equal(kept(), 2);
	rule.args = &arg, rule.arg_count = 1, open_size();
	assert_int_equal(kept(), 3);
	rule.arg_count = 0, rule.names = joined, open_size();
	assert_int_equal(kept(), 4);
	rule.names = turned, open_size();
	assert_int_equal(kept(), 5);
	rule.names = words, rule.action = OCI_SECCOMP_LOG, open_size();
	assert_int_equal(kept(), 6);
	rule.action = OCI_SECCOMP_ERRNO, rule.errno_ret = 1, open_size();
	assert_int_equal(kept(), 6);
	profile.default_action = OCI_SECCOMP_LOG, open_size();
	assert_int_equal(kept(), 7);
	profile.default_action = OCI_SECCOMP_ALLOW;
}

/* No folder, or one that takes nothing: the profile is compiled all the same. */
static void without(void **state)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(size_of(seccomp_store_open(-1, &profile, &e)) > 0);
	assert_true(size_of(seccomp_store_open(null_fd, &profile, &e)) > 0);
	close(null_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_believed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
