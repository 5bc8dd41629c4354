/* mount_options.c - see mount_options.h */
#include "box/mount_options.h"

#include <linux/mount.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/arena.h"
#include "lib/array.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/str.h"

enum kind {
	ATTR,		/* bits go to set, and away from it; the same in clear */
	RECURSIVE_ATTR,
	SUPER,		/* MS_* of the super block */
	PROPAGATION,
	FLAG,		/* a bool of struct mount_options at offset `set` */
	IDMAP,
	NOTHING		/* what the kernel does anyway */
};

#define BOOL(member) FLAG, offsetof(struct mount_options, member), 0

/* In the order of strcmp: looked up by bsearch, shown by `features`. "relatime" is the absence of
 * the other access time bits (mount_setattr(2)), so taking it back changes nothing.
 * Flags of a super block know no tree: crun's words rsync, rmand.. mean what they do without r. */
static const struct row {
	char word[16];
	enum kind kind;
	uint64_t set, clear;
} rows[] = {
	{ "async", SUPER, 0, MS_SYNCHRONOUS },
	{ "atime", ATTR, 0, MOUNT_ATTR_NOATIME },
	{ "bind", BOOL(bind) },
	{ "copy-symlink", BOOL(copy_symlink) },
	{ "defaults", NOTHING, 0, 0 },
	{ "dest-nofollow", BOOL(target_nofollow) },
	{ "dev", ATTR, 0, MOUNT_ATTR_NODEV },
	{ "diratime", ATTR, 0, MOUNT_ATTR_NODIRATIME },
	{ "dirsync", SUPER, MS_DIRSYNC, 0 },
	{ "exec", ATTR, 0, MOUNT_ATTR_NOEXEC },
	{ "idmap", IDMAP, MOUNT_IDMAP_ONE, 0 },
	{ "iversion", SUPER, MS_I_VERSION, 0 },
	{ "lazytime", SUPER, MS_LAZYTIME, 0 },
	{ "loud", SUPER, 0, MS_SILENT },
	{ "mand", SUPER, MS_MANDLOCK, 0 },
	{ "noatime", ATTR, MOUNT_ATTR_NOATIME, 0 },
	{ "nodev", ATTR, MOUNT_ATTR_NODEV, 0 },
	{ "nodiratime", ATTR, MOUNT_ATTR_NODIRATIME, 0 },
	{ "noexec", ATTR, MOUNT_ATTR_NOEXEC, 0 },
	{ "noiversion", SUPER, 0, MS_I_VERSION },
	{ "nolazytime", SUPER, 0, MS_LAZYTIME },
	{ "nomand", SUPER, 0, MS_MANDLOCK },
	{ "norelatime", NOTHING, 0, 0 },
	{ "nostrictatime", ATTR, 0, MOUNT_ATTR_STRICTATIME },
	{ "nosuid", ATTR, MOUNT_ATTR_NOSUID, 0 },
	{ "nosymfollow", ATTR, MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "private", PROPAGATION, MS_PRIVATE, 0 },
	{ "rasync", SUPER, 0, MS_SYNCHRONOUS },
	{ "ratime", RECURSIVE_ATTR, 0, MOUNT_ATTR_NOATIME },
	{ "rbind", BOOL(recursive_bind) },
	{ "rdev", RECURSIVE_ATTR, 0, MOUNT_ATTR_NODEV },
	{ "rdiratime", RECURSIVE_ATTR, 0, MOUNT_ATTR_NODIRATIME },
	{ "rdirsync", SUPER, MS_DIRSYNC, 0 },
	{ "relatime", ATTR, 0, MOUNT_ATTR__ATIME },
	{ "remount", NOTHING, 0, 0 },
	{ "rexec", RECURSIVE_ATTR, 0, MOUNT_ATTR_NOEXEC },
	{ "ridmap", IDMAP, MOUNT_IDMAP_RECURSIVE, 0 },
	{ "rmand", SUPER, MS_MANDLOCK, 0 },
	{ "rnoatime", RECURSIVE_ATTR, MOUNT_ATTR_NOATIME, 0 },
	{ "rnodev", RECURSIVE_ATTR, MOUNT_ATTR_NODEV, 0 },
	{ "rnodiratime", RECURSIVE_ATTR, MOUNT_ATTR_NODIRATIME, 0 },
	{ "rnoexec", RECURSIVE_ATTR, MOUNT_ATTR_NOEXEC, 0 },
	{ "rnomand", SUPER, 0, MS_MANDLOCK },
	{ "rnorelatime", NOTHING, 0, 0 },
	{ "rnostrictatime", RECURSIVE_ATTR, 0, MOUNT_ATTR_STRICTATIME },
	{ "rnosuid", RECURSIVE_ATTR, MOUNT_ATTR_NOSUID, 0 },
	{ "rnosymfollow", RECURSIVE_ATTR, MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "ro", ATTR, MOUNT_ATTR_RDONLY, 0 },
	{ "rprivate", PROPAGATION, MS_PRIVATE | MS_REC, 0 },
	{ "rrelatime", RECURSIVE_ATTR, 0, MOUNT_ATTR__ATIME },
	{ "rro", RECURSIVE_ATTR, MOUNT_ATTR_RDONLY, 0 },
	{ "rrw", RECURSIVE_ATTR, 0, MOUNT_ATTR_RDONLY },
	{ "rshared", PROPAGATION, MS_SHARED | MS_REC, 0 },
	{ "rslave", PROPAGATION, MS_SLAVE | MS_REC, 0 },
	{ "rstrictatime", RECURSIVE_ATTR, MOUNT_ATTR_STRICTATIME, 0 },
	{ "rsuid", RECURSIVE_ATTR, 0, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", RECURSIVE_ATTR, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "rsync", SUPER, MS_SYNCHRONOUS, 0 },
	{ "runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC, 0 },
	{ "rw", ATTR, 0, MOUNT_ATTR_RDONLY },
	{ "shared", PROPAGATION, MS_SHARED, 0 },
	{ "silent", SUPER, MS_SILENT, 0 },
	{ "slave", PROPAGATION, MS_SLAVE, 0 },
	{ "src-nofollow", BOOL(source_nofollow) },
	{ "strictatime", ATTR, MOUNT_ATTR_STRICTATIME, 0 },
	{ "suid", ATTR, 0, MOUNT_ATTR_NOSUID },
	{ "symfollow", ATTR, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "sync", SUPER, MS_SYNCHRONOUS, 0 },
	{ "tmpcopyup", BOOL(tmpcopyup) },
	{ "unbindable", PROPAGATION, MS_UNBINDABLE, 0 },
};
enum { ROWS = ARRAY_SIZE(rows) };


static int compare(const void *word, const void *row)
{
	return strcmp(word, ((const struct row *)row)->word);
}

/* An attribute that is set needs no clearing, except the access time: its two bits are one value,
 * and mount_setattr(2) wants all of it cleared whenever a part is set. */
static void apply_attr(const struct row *row, uint64_t *set, uint64_t *clear)
{
	bool atime = (row->set | row->clear) & MOUNT_ATTR__ATIME;

	*set &= ~(row->set && atime ? (uint64_t)MOUNT_ATTR__ATIME : row->clear);
	*clear = (*clear & ~row->set) | (atime ? (uint64_t)MOUNT_ATTR__ATIME : row->clear);
	*set |= row->set;
}

static int apply(struct mount_options *o, const struct row *row, size_t mount, struct err *e)
{
	switch (row->kind) {
	case ATTR:
		apply_attr(row, &o->set, &o->clear);
		break;
	case RECURSIVE_ATTR:
		apply_attr(row, &o->recursive_set, &o->recursive_clear);
		break;
	case SUPER:
		o->super_flags = (o->super_flags & ~row->clear) | row->set;
		break;
	case PROPAGATION:
		if (o->propagation_count == MOUNT_PROPAGATIONS_MAX)
			return err_set(e, ".mounts[%zu].options: more than %d propagations", mount,
				       MOUNT_PROPAGATIONS_MAX);
		o->propagations[o->propagation_count++] = row->set;
		break;
	case FLAG:
		*(bool *)((char *)o + row->set) = true;
		break;
	case IDMAP:
		o->idmap = (enum mount_idmap)row->set;
		break;
	case NOTHING:
		break;
	}
	return 0;
}

static bool take_idmap_text(struct mount_options *o, const char *word)
{
	const char *equals = strchr(word, '=');

	if (!equals || (!str_starts(word, "idmap=") && !str_starts(word, "ridmap=")))
		return false;
	o->idmap = word[0] == 'r' ? MOUNT_IDMAP_RECURSIVE : MOUNT_IDMAP_ONE;
	o->idmap_text = equals + 1;
	return true;
}

int mount_options_parse(struct mount_options *o, struct arena *a, const char *const *words,
			size_t mount, struct err *e)
{
	size_t count = 0;

	memset(o, 0, sizeof(*o));
	while (words && words[count])
		count++;
	for (size_t i = 0; i < count; i++) {
		const struct row *row =
			bsearch(words[i], rows, ROWS, sizeof(rows[0]), compare);

		if (row) {
			if (apply(o, row, mount, e))
				return -1;
			continue;
		}
		if (!words[i][0])
			return err_set(e, ".mounts[%zu].options[%zu]: an empty word; leave it out",
				       mount, i);
		if (take_idmap_text(o, words[i]))
			continue;
		if (!o->data)
			o->data = arena_array(a, count - i + 1, sizeof(*o->data));
		o->data[o->data_count++] = words[i];
	}
	return 0;
}

const char *mount_options_word(size_t index)
{
	return index < ROWS ? rows[index].word : NULL;
}

static const struct {
	uint64_t bit;
	const char *word;
} attr_words[] = {
	{ MOUNT_ATTR_RDONLY, "ro" },	   { MOUNT_ATTR_NOSUID, "nosuid" },
	{ MOUNT_ATTR_NODEV, "nodev" },	   { MOUNT_ATTR_NOEXEC, "noexec" },
	{ MOUNT_ATTR_NOATIME, "noatime" }, { MOUNT_ATTR_STRICTATIME, "strictatime" },
	{ MOUNT_ATTR_NODIRATIME, "nodiratime" }, { MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
};

static void print_attrs(uint64_t bits, const char *prefix, const char **between, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(attr_words); i++) {
		if (!(bits & attr_words[i].bit))
			continue;
		buf_add_format(out, "%s%s%s", *between, prefix, attr_words[i].word);
		*between = ",";
	}
}

static void print_word(const char *word, const char **between, struct buf *out)
{
	buf_add_format(out, "%s%s", *between, word);
	*between = ",";
}

void mount_options_print(const struct mount_options *o, struct buf *out)
{
	const char *between = " ";

	print_attrs(o->set, "", &between, out);
	print_attrs(o->clear & ~(o->set | MOUNT_ATTR__ATIME), "-", &between, out);
	print_attrs(o->recursive_set, "r", &between, out);
	print_attrs(o->recursive_clear & ~(o->recursive_set | MOUNT_ATTR__ATIME), "-r", &between,
		    out);
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].kind == SUPER && o->super_flags & rows[i].set && rows[i].word[0] != 'r')
			print_word(rows[i].word, &between, out);
	for (size_t k = 0; k < o->propagation_count; k++)
		for (size_t i = 0; i < ROWS; i++)
			if (rows[i].kind == PROPAGATION && rows[i].set == o->propagations[k])
				print_word(rows[i].word, &between, out);
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].kind == IDMAP && o->idmap == rows[i].set) ||
		    (rows[i].kind == FLAG && *(const bool *)((const char *)o + rows[i].set)))
			print_word(rows[i].word, &between, out);
}
