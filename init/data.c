#include "init/data.h"

#include <stdio.h>
#include <string.h>

#include "lib/array.h"
#include "lib/str.h"

#define LABEL "cuvette-data"

enum {
	SUPER_AT = 1024,
	EXT4_MAGIC = 0xef53,
	EXT4_STATE_ERROR = 2,
	EXT4_LOG_BLOCK_MAX = 6,		/* 64 KiB */
	SAMPLES_EVEN = 256,		/* on a disk with heads: some 2 s, at its first boot only */
};

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Where file systems keep what they cannot do without, as far as that does not depend on the disk's
 * size; most also for a first partition at 1 MiB, which a wiped partition table leaves behind. */
static const uint64_t sample_places[] = {
	/* the first partition: ext4, XFS, FAT, NTFS; Btrfs 64 KiB into it */
	MIB,
	MIB + 64 * KIB,
	/* ext4's copies of the superblock: groups 1, 3, 5, 7, 9 (ext4(5), sparse_super) with blocks
	 * of 4 KiB, of 2 KiB, of 1 KiB */
	128 * MIB,
	384 * MIB,
	640 * MIB,
	896 * MIB,
	1152 * MIB,
	129 * MIB,
	385 * MIB,
	641 * MIB,
	897 * MIB,
	1153 * MIB,
	32 * MIB,
	96 * MIB,
	160 * MIB,
	33 * MIB,
	97 * MIB,
	8 * MIB,
	24 * MIB,
	40 * MIB,
	9 * MIB,
	25 * MIB,
	/* Btrfs' copies (btrfs(5)) */
	64 * MIB,
	65 * MIB,
	256 * GIB,
	/* LUKS2's second header and the data behind; a common EFI partition's end; NTFS' file table
	 */
	4 * MIB,
	16 * MIB,
	17 * MIB,
	513 * MIB,
	3 * GIB,
	3 * GIB + MIB,
};
enum { SAMPLE_PLACES = ARRAY_SIZE(sample_places) };

#define EROFS_MAGIC UINT32_C(0xe0f5e1e2)

/* Both file systems are little-endian on disk. */
static uint32_t get_u16(const uint8_t *at)
{
	return (uint32_t)(at[0] | at[1] << 8);
}

static uint32_t get_u32(const uint8_t *at)
{
	return get_u16(at) | get_u16(at + 2) << 16;
}

enum data_content data_classify(const uint8_t head[DATA_HEAD_BYTES], struct data_super *super)
{
	const uint8_t *sb = head + SUPER_AT; /* offsets: Documentation/filesystems/ext4/super.rst */
	uint32_t log_block = get_u32(sb + 0x18);

	if (memcmp(head, DATA_BEGUN, sizeof(DATA_BEGUN)) == 0)
		return DATA_CONTENT_BLANK;
	if (get_u32(sb) == EROFS_MAGIC)
		return DATA_CONTENT_SYSTEM;
	if (get_u16(sb + 0x38) != EXT4_MAGIC || strncmp((const char *)sb + 0x78, LABEL, 16) ||
	    log_block > EXT4_LOG_BLOCK_MAX)
		return DATA_CONTENT_FOREIGN;
	super->blocks = get_u32(sb + 0x04) | (uint64_t)get_u32(sb + 0x150) << 32;
	super->block_bytes = UINT32_C(1024) << log_block;
	super->has_errors = get_u16(sb + 0x3a) & EXT4_STATE_ERROR;
	memcpy(super->uuid, sb + 0x68, DATA_UUID_BYTES);
	return DATA_CONTENT_OURS;
}

bool data_sample_at(uint64_t size_bytes, unsigned n, uint64_t *at)
{
	uint64_t last = size_bytes < DATA_SAMPLE_BYTES ? 0 : size_bytes - DATA_SAMPLE_BYTES;

	if (n >= SAMPLE_PLACES + SAMPLES_EVEN)
		return false;
	if (n < SAMPLE_PLACES)
		*at = sample_places[n];
	else
		*at = size_bytes / SAMPLES_EVEN * (n - SAMPLE_PLACES);
	*at = (*at < last ? *at : last) / DATA_SAMPLE_BYTES * DATA_SAMPLE_BYTES;
	return true;
}

/* By words: the first boot looks at every byte of the seed, and musl's memcmp goes byte by byte. */
bool data_is_zero(const uint8_t *data, size_t size)
{
	uint64_t words[4];

	for (; size >= sizeof(words); data += sizeof(words), size -= sizeof(words)) {
		memcpy(words, data, sizeof(words));
		if (words[0] | words[1] | words[2] | words[3])
			return false;
	}
	while (size-- > 0)
		if (*data++)
			return false;
	return true;
}

static int find(enum data_content content, const struct data_disk *disks, int count, int from)
{
	while (from < count && disks[from].content != content)
		from++;
	return from < count ? from : -1;
}

static struct data_plan to_ram(enum data_reason reason, int disk)
{
	return (struct data_plan){ DATA_USE_RAM, reason, disk };
}

static struct data_plan seed(enum data_reason reason, const struct data_disk *disks, int disk,
			     uint64_t seed_bytes)
{
	if (disks[disk].read_only)
		return to_ram(DATA_REASON_READ_ONLY, disk);
	if (disks[disk].size_bytes < seed_bytes)
		return to_ram(DATA_REASON_TOO_SMALL, disk);
	return (struct data_plan){ DATA_SEED, reason, disk };
}

static struct data_plan decide_erase(const struct data_disk *disks, int count, uint64_t seed_bytes)
{
	int only = -1;

	for (int i = 0; i < count; i++) {
		if (disks[i].content == DATA_CONTENT_SYSTEM)
			continue;
		if (only >= 0)
			return to_ram(DATA_REASON_WHICH, -1);
		only = i;
	}
	return only < 0 ? to_ram(DATA_REASON_NONE, -1)
			: seed(DATA_REASON_ERASED, disks, only, seed_bytes);
}

struct data_plan data_decide(enum cmdline_data asked, const struct data_disk *disks, int count,
			     uint64_t seed_bytes)
{
	int ours = find(DATA_CONTENT_OURS, disks, count, 0);
	int blank = find(DATA_CONTENT_BLANK, disks, count, 0);
	int foreign = find(DATA_CONTENT_FOREIGN, disks, count, 0);
	int unreadable = find(DATA_CONTENT_UNREADABLE, disks, count, 0);

	if (asked == CMDLINE_DATA_RAM)
		return to_ram(DATA_REASON_RAM_ASKED, -1);
	if (asked == CMDLINE_DATA_ERASE)
		return decide_erase(disks, count, seed_bytes);
	if (ours >= 0 && disks[ours].read_only)
		return to_ram(DATA_REASON_READ_ONLY, ours);
	if (ours >= 0) {
		bool many = find(DATA_CONTENT_OURS, disks, count, ours + 1) >= 0;

		return (struct data_plan){ DATA_MOUNT,
					   many ? DATA_REASON_FIRST_OF_MANY : DATA_REASON_FOUND,
					   ours };
	}
	if (blank >= 0)
		return seed(DATA_REASON_NEW, disks, blank, seed_bytes);
	if (foreign >= 0)
		return to_ram(DATA_REASON_FOREIGN, foreign);
	return unreadable >= 0 ? to_ram(DATA_REASON_UNREADABLE, unreadable)
			       : to_ram(DATA_REASON_NONE, -1);
}

#define RAM "runs from memory and keeps nothing after power off"

void data_explain(const struct data_plan *plan, const struct data_disk *disks, char *text,
		  size_t text_bytes)
{
	static const struct {
		const char *before, *after; /* of the disk's name */
	} words[] = {
		[DATA_REASON_FOUND] = { "data disk ", "" },
		[DATA_REASON_FIRST_OF_MANY] = {
			"data disk ", " is the first of several with our label: the others stay "
			"untouched; attach only one to be sure" },
		[DATA_REASON_NEW] = { "data disk ", " was blank and is now set up" },
		[DATA_REASON_ERASED] = {
			"data disk ", " was erased as asked: take cuvette.data=erase away for the "
			"next start" },
		[DATA_REASON_RAM_ASKED] = {
			"this machine " RAM ", as cuvette.data=ram asks", "" },
		[DATA_REASON_NONE] = {
			"no data disk: this machine " RAM "; attach an empty disk to keep work",
			"" },
		[DATA_REASON_FOREIGN] = {
			"disk ", " holds something that is not ours and stays untouched: this "
			"machine " RAM "; to erase all of that disk and use it, start once with "
			"cuvette.data=erase" },
		[DATA_REASON_READ_ONLY] = {
			"data disk ", " is write-protected: this machine " RAM
			"; attach the disk writable" },
		[DATA_REASON_TOO_SMALL] = {
			"disk ", " is too small to keep data: this machine " RAM
			"; attach a larger empty disk" },
		[DATA_REASON_WHICH] = {
			"cuvette.data=erase, but more than one disk could be meant: nothing is "
			"erased, and this machine " RAM "; attach only the disk to be erased",
			"" },
		[DATA_REASON_UNREADABLE] = {
			"disk ", " cannot be read: this machine " RAM "; replace that disk" },
	};
	bool named = words[plan->reason].after[0] || plan->reason == DATA_REASON_FOUND;

	_Static_assert(ARRAY_SIZE(words) == DATA_REASONS, "a new reason wants a sentence");
	snprintf(text, text_bytes, "%s%s%s%s", words[plan->reason].before, named ? "/dev/" : "",
		 named ? disks[plan->disk].name : "", words[plan->reason].after);
}

bool data_name_before(const char *a, const char *b)
{
	size_t a_size = strlen(a), b_size = strlen(b);

	return a_size != b_size ? a_size < b_size : strcmp(a, b) < 0;
}
