/* test_data.c - which disk becomes /data: facts in, a plan and its sentence out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/data.h"

#define MIB (UINT64_C(1) << 20)
#define SEED (128 * MIB)

/* Disks by one letter each: o ours, O ours write-protected, b blank, B blank write-protected,
 * s blank but small, f foreign, F foreign write-protected, u unreadable, x system. */
static int make(const char *letters, struct data_disk disks[DATA_DISKS_MAX])
{
	int count = 0;

	for (; letters[count]; count++) {
		struct data_disk *d = &disks[count];

		*d = (struct data_disk){ .size_bytes = 1024 * MIB };
		d->name[0] = 'v';
		d->name[1] = 'd';
		d->name[2] = (char)('a' + count);
		d->read_only = strchr("OBF", letters[count]) != NULL;
		switch (letters[count]) {
		case 'o': case 'O': d->content = DATA_CONTENT_OURS; break;
		case 's': d->size_bytes = SEED - 1; d->content = DATA_CONTENT_BLANK; break;
		case 'b': case 'B': d->content = DATA_CONTENT_BLANK; break;
		case 'f': case 'F': d->content = DATA_CONTENT_FOREIGN; break;
		case 'u': d->content = DATA_CONTENT_UNREADABLE; break;
		case 'x': d->content = DATA_CONTENT_SYSTEM; break;
		}
	}
	return count;
}

static const struct {
	enum cmdline_data asked;
	const char *disks;
	struct data_plan plan;
} cases[] = {
#define AUTO CMDLINE_DATA_AUTO
#define ERASE CMDLINE_DATA_ERASE
	{ AUTO, "", { DATA_USE_RAM, DATA_REASON_NONE, -1 } },
	{ AUTO, "x", { DATA_USE_RAM, DATA_REASON_NONE, -1 } },
	{ AUTO, "o", { DATA_MOUNT, DATA_REASON_FOUND, 0 } },
	{ AUTO, "xbo", { DATA_MOUNT, DATA_REASON_FOUND, 2 } },
	{ AUTO, "fuo", { DATA_MOUNT, DATA_REASON_FOUND, 2 } },
	{ AUTO, "oo", { DATA_MOUNT, DATA_REASON_FIRST_OF_MANY, 0 } },
	{ AUTO, "fobo", { DATA_MOUNT, DATA_REASON_FIRST_OF_MANY, 1 } },
	{ AUTO, "O", { DATA_USE_RAM, DATA_REASON_READ_ONLY, 0 } },
	/* A blank disk beside our write-protected one: set up nothing, the user means the other. */
	{ AUTO, "bO", { DATA_USE_RAM, DATA_REASON_READ_ONLY, 1 } },
	{ AUTO, "b", { DATA_SEED, DATA_REASON_NEW, 0 } },
	{ AUTO, "fb", { DATA_SEED, DATA_REASON_NEW, 1 } },
	{ AUTO, "bb", { DATA_SEED, DATA_REASON_NEW, 0 } },
	{ AUTO, "B", { DATA_USE_RAM, DATA_REASON_READ_ONLY, 0 } },
	{ AUTO, "s", { DATA_USE_RAM, DATA_REASON_TOO_SMALL, 0 } },
	{ AUTO, "f", { DATA_USE_RAM, DATA_REASON_FOREIGN, 0 } },
	{ AUTO, "F", { DATA_USE_RAM, DATA_REASON_FOREIGN, 0 } },
	{ AUTO, "uf", { DATA_USE_RAM, DATA_REASON_FOREIGN, 1 } },
	{ AUTO, "u", { DATA_USE_RAM, DATA_REASON_UNREADABLE, 0 } },
	{ CMDLINE_DATA_RAM, "o", { DATA_USE_RAM, DATA_REASON_RAM_ASKED, -1 } },
	{ CMDLINE_DATA_RAM, "b", { DATA_USE_RAM, DATA_REASON_RAM_ASKED, -1 } },
	{ ERASE, "", { DATA_USE_RAM, DATA_REASON_NONE, -1 } },
	{ ERASE, "x", { DATA_USE_RAM, DATA_REASON_NONE, -1 } },
	{ ERASE, "f", { DATA_SEED, DATA_REASON_ERASED, 0 } },
	{ ERASE, "xf", { DATA_SEED, DATA_REASON_ERASED, 1 } },
	{ ERASE, "o", { DATA_SEED, DATA_REASON_ERASED, 0 } },
	{ ERASE, "b", { DATA_SEED, DATA_REASON_ERASED, 0 } },
	{ ERASE, "u", { DATA_SEED, DATA_REASON_ERASED, 0 } },
	{ ERASE, "F", { DATA_USE_RAM, DATA_REASON_READ_ONLY, 0 } },
	{ ERASE, "s", { DATA_USE_RAM, DATA_REASON_TOO_SMALL, 0 } },
	{ ERASE, "of", { DATA_USE_RAM, DATA_REASON_WHICH, -1 } },
	{ ERASE, "ff", { DATA_USE_RAM, DATA_REASON_WHICH, -1 } },
};

static void plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct data_disk disks[DATA_DISKS_MAX];
		int count = make(cases[i].disks, disks);
		struct data_plan got = data_decide(cases[i].asked, disks, count, SEED);

		if (got.action != cases[i].plan.action || got.reason != cases[i].plan.reason ||
		    got.disk != cases[i].plan.disk)
			fail_msg("asked %d, disks %s: action %d, reason %d, disk %d",
				 cases[i].asked, cases[i].disks, got.action, got.reason, got.disk);
	}
}

/* Whatever is asked of whatever disks: never a write to a foreign one without the word erase, never
 * one to a write-protected or a system disk. */
static void never(void **state)
{
	static const char letters[] = "oObBsfFux";
	enum { L = sizeof(letters) - 1 };

	(void)state;
	for (int n = 0; n < 3 * L * L * L; n++) {
		char text[4] = { letters[n / 3 % L], letters[n / 3 / L % L], letters[n / 3 / L / L],
				 0 };
		enum cmdline_data asked = (enum cmdline_data)(n % 3);
		struct data_disk disks[DATA_DISKS_MAX];
		struct data_plan plan = data_decide(asked, disks, make(text, disks), SEED);

		if (plan.action == DATA_USE_RAM)
			continue;
		assert_false(disks[plan.disk].read_only);
		assert_true(disks[plan.disk].content != DATA_CONTENT_SYSTEM);
		assert_true(asked != CMDLINE_DATA_RAM);
		if (plan.action == DATA_SEED && asked == CMDLINE_DATA_AUTO)
			assert_int_equal(disks[plan.disk].content, DATA_CONTENT_BLANK);
		if (plan.action == DATA_MOUNT)
			assert_int_equal(disks[plan.disk].content, DATA_CONTENT_OURS);
	}
}

static void sentences(void **state)
{
	struct data_disk disks[DATA_DISKS_MAX];
	char text[400];

	(void)state;
	make("f", disks);
	for (int reason = 0; reason < DATA_REASONS; reason++) {
		struct data_plan plan = { DATA_USE_RAM, (enum data_reason)reason, 0 };
		bool about_ram = reason >= DATA_REASON_RAM_ASKED;

		data_explain(&plan, disks, text, sizeof(text));
		assert_true(strlen(text) < 300);
		assert_true((strstr(text, "keeps nothing after power off") != NULL) == about_ram);
	}
	data_explain(&(struct data_plan){ DATA_USE_RAM, DATA_REASON_FOREIGN, 0 }, disks, text,
		     sizeof(text));
	assert_non_null(strstr(text, "/dev/vda"));
	assert_non_null(strstr(text, "cuvette.data=erase"));
	data_explain(&(struct data_plan){ DATA_USE_RAM, DATA_REASON_NONE, -1 }, disks, text,
		     sizeof(text));
	assert_null(strstr(text, "/dev/"));
}

static void classes(void **state)
{
	uint8_t head[DATA_HEAD_BYTES] = { 0 };
	uint8_t *sb = head + 1024;
	struct data_super super = { 0 };

	(void)state;
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_FOREIGN);
	sb[0x38] = 0x53;
	sb[0x39] = 0xef;
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_FOREIGN);
	memcpy(sb + 0x78, "cuvette-dat", 11);
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_FOREIGN);
	memcpy(sb + 0x78, "cuvette-data2", 13);
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_FOREIGN);
	memcpy(sb + 0x78, "cuvette-data\0\0\0", 16);
	sb[0x18] = 2;
	sb[0x05] = 0x80;
	sb[0x150] = 1;
	sb[0x3a] = 1;
	memset(sb + 0x68, 7, DATA_UUID_BYTES);
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_OURS);
	assert_int_equal(super.block_bytes, 4096);
	assert_true(super.blocks == 0x100008000);
	assert_int_equal(super.uuid[15], 7);
	assert_false(super.has_errors);
	sb[0x3a] = 3;
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_OURS);
	assert_true(super.has_errors);
	sb[0x18] = 200;		/* a block size of nowhere: damage */
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_FOREIGN);
	memcpy(sb, "\xe2\xe1\xf5\xe0", 4);
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_SYSTEM);
	/* Begun by us: whatever stands behind the mark is unfinished. */
	memcpy(head, DATA_BEGUN, sizeof(DATA_BEGUN));
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_BLANK);
	head[sizeof(DATA_BEGUN) - 1] = 'x';
	assert_int_equal(data_classify(head, &super), DATA_CONTENT_SYSTEM);
}

static bool is_sampled(uint64_t size_bytes, uint64_t place, uint64_t length)
{
	uint64_t at;

	for (unsigned n = 0; data_sample_at(size_bytes, n, &at); n++)
		if (at < place + length && place < at + DATA_SAMPLE_BYTES)
			return true;
	return false;
}

/* What is left of a file system whose first MiB was wiped. */
static void samples(void **state)
{
	static const struct {
		uint64_t disk_mib, place, length;
	} seen[] = {
		{ 512, MIB + 1024, 1024 },		/* ext4 in a first partition */
		{ 512, MIB, 512 },			/* XFS, FAT, NTFS there */
		{ 512, MIB + 65536, 4096 },		/* Btrfs there */
		{ 512, 128 * MIB, 4096 },		/* ext4, 4 KiB blocks: group 1 */
		{ 512, 8 * MIB + 1024, 1024 },		/* ext4, 1 KiB blocks: group 1 */
		{ 16 * 1024, 384 * MIB, 4096 },
		{ 16 * 1024, 129 * MIB, 4096 },		/* the same in a first partition */
		{ 512, 64 * MIB, 4096 },		/* Btrfs */
		{ 1 << 20, 256 * 1024 * MIB, 4096 },
		{ 16 * 1024, 4 * 1024 * MIB, 512 },	/* XFS: four groups */
		{ 16 * 1024, 8 * 1024 * MIB, 512 },
		{ 16 * 1024, 12 * 1024 * MIB, 512 },
		{ 16 * 1024, 5 * 1024 * MIB, 64 * MIB }, /* anything longer than a 256th */
	};
	uint64_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		if (!is_sampled(seen[i].disk_mib * MIB, seen[i].place, seen[i].length))
			fail_msg("of a disk of %u MiB: nothing is read at %u KiB",
				 (unsigned)seen[i].disk_mib, (unsigned)(seen[i].place / 1024));
	assert_false(is_sampled(16 * 1024 * MIB, 5 * 1024 * MIB + MIB, MIB));
	for (uint64_t size = DATA_HEAD_BYTES; size < 64 * 1024 * MIB; size = size * 3 + 512)
		for (unsigned n = 0; data_sample_at(size, n, &at); n++)
			assert_true(at % DATA_SAMPLE_BYTES == 0 && at + DATA_SAMPLE_BYTES <= size);
}

static void zeros(void **state)
{
	uint8_t data[100] = { 0 };

	(void)state;
	assert_true(data_is_zero(data, 0));
	for (size_t i = 0; i < sizeof(data); i++) {
		assert_true(data_is_zero(data, i + 1));
		data[i] = 1;
		assert_false(data_is_zero(data, i + 1));
		data[i] = 0;
	}
}

static void names(void **state)
{
	(void)state;
	assert_true(data_name_before("vda", "vdb"));
	assert_true(data_name_before("vdz", "vdaa"));
	assert_false(data_name_before("vdaa", "vdz"));
	assert_false(data_name_before("vda", "vda"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(never),
		cmocka_unit_test(sentences),
		cmocka_unit_test(classes),
		cmocka_unit_test(samples),
		cmocka_unit_test(zeros),
		cmocka_unit_test(names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
