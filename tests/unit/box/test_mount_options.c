/* test_mount_options.c - every word of the specification's table, alone and in company. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include "box/mount_options.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct arena *arena;
static struct err e;

static int set_up(void **state)
{
	(void)state;
	arena = arena_create(1 << 20);
	err_clear(&e);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

enum {
	RO = MOUNT_ATTR_RDONLY, NOSUID = MOUNT_ATTR_NOSUID, NODEV = MOUNT_ATTR_NODEV,
	NOEXEC = MOUNT_ATTR_NOEXEC, ATIME = MOUNT_ATTR__ATIME, NOATIME = MOUNT_ATTR_NOATIME,
	STRICT = MOUNT_ATTR_STRICTATIME, NODIRATIME = MOUNT_ATTR_NODIRATIME,
	NOLINKS = MOUNT_ATTR_NOSYMFOLLOW,
};

/* set, clear, the same for submounts, MS_* of the super block, propagation */
struct meaning {
	const char *word;
	uint64_t set, clear, recursive_set, recursive_clear;
	unsigned long super_flags, propagation;
};

static const struct meaning words[] = {
	{ "async", 0, 0, 0, 0, 0, 0 },
	{ "atime", 0, ATIME, 0, 0, 0, 0 },
	{ "bind", 0, 0, 0, 0, 0, 0 },
	{ "copy-symlink", 0, 0, 0, 0, 0, 0 },
	{ "defaults", 0, 0, 0, 0, 0, 0 },
	{ "dest-nofollow", 0, 0, 0, 0, 0, 0 },
	{ "dev", 0, NODEV, 0, 0, 0, 0 },
	{ "diratime", 0, NODIRATIME, 0, 0, 0, 0 },
	{ "dirsync", 0, 0, 0, 0, MS_DIRSYNC, 0 },
	{ "exec", 0, NOEXEC, 0, 0, 0, 0 },
	{ "idmap", 0, 0, 0, 0, 0, 0 },
	{ "iversion", 0, 0, 0, 0, MS_I_VERSION, 0 },
	{ "lazytime", 0, 0, 0, 0, MS_LAZYTIME, 0 },
	{ "loud", 0, 0, 0, 0, 0, 0 },
	{ "mand", 0, 0, 0, 0, MS_MANDLOCK, 0 },
	{ "noatime", NOATIME, ATIME, 0, 0, 0, 0 },
	{ "nodev", NODEV, 0, 0, 0, 0, 0 },
	{ "nodiratime", NODIRATIME, 0, 0, 0, 0, 0 },
	{ "noexec", NOEXEC, 0, 0, 0, 0, 0 },
	{ "noiversion", 0, 0, 0, 0, 0, 0 },
	{ "nolazytime", 0, 0, 0, 0, 0, 0 },
	{ "nomand", 0, 0, 0, 0, 0, 0 },
	{ "norelatime", 0, 0, 0, 0, 0, 0 },
	{ "nostrictatime", 0, ATIME, 0, 0, 0, 0 },
	{ "nosuid", NOSUID, 0, 0, 0, 0, 0 },
	{ "nosymfollow", NOLINKS, 0, 0, 0, 0, 0 },
	{ "private", 0, 0, 0, 0, 0, MS_PRIVATE },
	{ "rasync", 0, 0, 0, 0, 0, 0 },
	{ "ratime", 0, 0, 0, ATIME, 0, 0 },
	{ "rbind", 0, 0, 0, 0, 0, 0 },
	{ "rdev", 0, 0, 0, NODEV, 0, 0 },
	{ "rdiratime", 0, 0, 0, NODIRATIME, 0, 0 },
	{ "rdirsync", 0, 0, 0, 0, MS_DIRSYNC, 0 },
	{ "relatime", 0, ATIME, 0, 0, 0, 0 },
	{ "remount", 0, 0, 0, 0, 0, 0 },
	{ "rexec", 0, 0, 0, NOEXEC, 0, 0 },
	{ "ridmap", 0, 0, 0, 0, 0, 0 },
	{ "rmand", 0, 0, 0, 0, MS_MANDLOCK, 0 },
	{ "rnoatime", 0, 0, NOATIME, ATIME, 0, 0 },
	{ "rnodev", 0, 0, NODEV, 0, 0, 0 },
	{ "rnodiratime", 0, 0, NODIRATIME, 0, 0, 0 },
	{ "rnoexec", 0, 0, NOEXEC, 0, 0, 0 },
	{ "rnomand", 0, 0, 0, 0, 0, 0 },
	{ "rnorelatime", 0, 0, 0, 0, 0, 0 },
	{ "rnostrictatime", 0, 0, 0, ATIME, 0, 0 },
	{ "rnosuid", 0, 0, NOSUID, 0, 0, 0 },
	{ "rnosymfollow", 0, 0, NOLINKS, 0, 0, 0 },
	{ "ro", RO, 0, 0, 0, 0, 0 },
	{ "rprivate", 0, 0, 0, 0, 0, MS_PRIVATE | MS_REC },
	{ "rrelatime", 0, 0, 0, ATIME, 0, 0 },
	{ "rro", 0, 0, RO, 0, 0, 0 },
	{ "rrw", 0, 0, 0, RO, 0, 0 },
	{ "rshared", 0, 0, 0, 0, 0, MS_SHARED | MS_REC },
	{ "rslave", 0, 0, 0, 0, 0, MS_SLAVE | MS_REC },
	{ "rstrictatime", 0, 0, STRICT, ATIME, 0, 0 },
	{ "rsuid", 0, 0, 0, NOSUID, 0, 0 },
	{ "rsymfollow", 0, 0, 0, NOLINKS, 0, 0 },
	{ "rsync", 0, 0, 0, 0, MS_SYNCHRONOUS, 0 },
	{ "runbindable", 0, 0, 0, 0, 0, MS_UNBINDABLE | MS_REC },
	{ "rw", 0, RO, 0, 0, 0, 0 },
	{ "shared", 0, 0, 0, 0, 0, MS_SHARED },
	{ "silent", 0, 0, 0, 0, MS_SILENT, 0 },
	{ "slave", 0, 0, 0, 0, 0, MS_SLAVE },
	{ "src-nofollow", 0, 0, 0, 0, 0, 0 },
	{ "strictatime", STRICT, ATIME, 0, 0, 0, 0 },
	{ "suid", 0, NOSUID, 0, 0, 0, 0 },
	{ "symfollow", 0, NOLINKS, 0, 0, 0, 0 },
	{ "sync", 0, 0, 0, 0, MS_SYNCHRONOUS, 0 },
	{ "tmpcopyup", 0, 0, 0, 0, 0, 0 },
	{ "unbindable", 0, 0, 0, 0, 0, MS_UNBINDABLE },
};

static struct mount_options parse(const char *text)
{
	static char copy[512];
	static const char *list[32];
	struct mount_options o;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		list[count++] = word;
	list[count] = NULL;
	if (mount_options_parse(&o, arena, list, 2, &e))
		fail_msg("%s: %s", text, e.text);
	return o;
}

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		const struct meaning *m = &words[i];
		struct mount_options o = parse(m->word);

		/* The list is whole, sorted and the same. */
		assert_string_equal(mount_options_word(i), m->word);
		if (i)
			assert_true(strcmp(words[i - 1].word, m->word) < 0);
		if (o.set != m->set || o.clear != m->clear ||
		    o.recursive_set != m->recursive_set ||
		    o.recursive_clear != m->recursive_clear || o.super_flags != m->super_flags ||
		    o.propagation_count != !!m->propagation || o.data_count)
			fail_msg("%s", m->word);
		if (m->propagation)
			assert_int_equal(o.propagations[0], m->propagation);
	}
	assert_null(mount_options_word(COUNT(words)));
}

static void flags(void **state)
{
	struct mount_options o = parse("bind rbind tmpcopyup copy-symlink dest-nofollow ridmap");

	(void)state;
	assert_true(o.bind && o.recursive_bind && o.tmpcopyup && o.copy_symlink &&
		    o.target_nofollow && !o.source_nofollow);
	assert_int_equal(o.idmap, MOUNT_IDMAP_RECURSIVE);
	o = parse("src-nofollow idmap");
	assert_true(o.source_nofollow && !o.target_nofollow && !o.bind);
	assert_int_equal(o.idmap, MOUNT_IDMAP_ONE);
	o = parse("idmap=uids=0-1-10;gids=0-1-10");
	assert_string_equal(o.idmap_text, "uids=0-1-10;gids=0-1-10");
	assert_int_equal(o.idmap, MOUNT_IDMAP_ONE);
}

/* As `box plan` shows them, which is also how the last word wins. */
static void company(void **state)
{
	static const struct {
		const char *words, *print;
	} cases[] = {
		{ "", "" },
		{ "ro rw", " -ro" },
		{ "rw ro", " ro" },
		{ "ro nosuid nodev noexec", " ro,nosuid,nodev,noexec" },
		{ "noatime strictatime", " strictatime" },
		{ "strictatime relatime", "" },
		{ "noatime atime", "" },
		{ "strictatime atime", " strictatime" },
		{ "noatime nostrictatime", " noatime" },
		{ "strictatime norelatime", " strictatime" },
		{ "rro ro rrw", " ro,-rro" },
		{ "sync async dirsync", " dirsync" },
		{ "silent loud lazytime nolazytime", "" },
		{ "rbind slave rshared", " slave,rshared,rbind" },
		{ "tmpcopyup nodev size=1k", " nodev,tmpcopyup" },
		{ "idmap ridmap", " ridmap" },
		{ "nosuid suid dev", " -nosuid,-nodev" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mount_options o = parse(cases[i].words);
		struct buf out;

		buf_init(&out, 1000);
		mount_options_print(&o, &out);
		if (!str_equal(out.data ? out.data : "", cases[i].print))
			fail_msg("%s\n  gives %s\n  want  %s", cases[i].words, out.data,
				 cases[i].print);
		buf_finish(&out);
	}
}

static void data(void **state)
{
	struct mount_options o = parse("mode=755 ro size=65536k nosuch RO");

	(void)state;
	assert_int_equal(o.data_count, 4);
	assert_string_equal(o.data[0], "mode=755");
	assert_string_equal(o.data[1], "size=65536k");
	assert_string_equal(o.data[2], "nosuch");
	assert_string_equal(o.data[3], "RO");
	assert_null(o.data[4]);
	assert_int_equal(o.set, RO);
}

static void refused(void **state)
{
	static const char *const empty[] = { "ro", "", NULL };
	static const char *const many[] = { "slave", "shared", "slave", "private", "shared", NULL };
	struct mount_options o;

	(void)state;
	assert_int_equal(mount_options_parse(&o, arena, empty, 2, &e), -1);
	assert_string_equal(e.text, ".mounts[2].options[1]: an empty word; leave it out");
	assert_int_equal(mount_options_parse(&o, arena, many, 2, &e), -1);
	assert_string_equal(e.text, ".mounts[2].options: more than 4 propagations");
	assert_int_equal(mount_options_parse(&o, arena, NULL, 0, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(company, set_up, tear_down),
		cmocka_unit_test_setup_teardown(data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
