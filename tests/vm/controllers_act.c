/* controllers_act.c - what controllers_guest.bash does in a container, one verb after the other,
 * and on the machine: `load FILE`, a module into the kernel; `programs CGROUP` and `pinned FILE`,
 * the ids of device programs; `pin FILE NAME`, one more name for a pinned one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char *answer(long got)
{
	if (got >= 0)
		return "done";
	return errno == EPERM ? "EPERM" : errno == ENOMEM ? "ENOMEM" : strerror(errno);
}

/* Each page of 2 MiB is a mapping of its own, and touched as soon as it is there. */
static void take_huge_pages(int count)
{
	int got = 0;

	for (; got < count; got++) {
		char *page = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

		if (page == MAP_FAILED)
			break;
		*page = 1;
	}
	printf("huge %d, then %s\n", got, got < count ? answer(-1) : "done");
}

static void open_node(const char *path)
{
	static const struct {
		const char *name;
		int flags;
	} ways[] = { { "read", O_RDONLY }, { "write", O_WRONLY }, { "both", O_RDWR } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		printf("%s %s ", ways[i].name,
		       answer(open(path, ways[i].flags | O_NONBLOCK | O_CLOEXEC)));
	printf("\n");
}

static void make_node(const char *type, const char *major, const char *minor)
{
	const mode_t kind = *type == 'b' ? S_IFBLK : S_IFCHR;

	printf("mknod %s\n", answer(mknod("/node", kind | 0600,
					  makedev((unsigned)atoi(major), (unsigned)atoi(minor)))));
	unlink("/node");
}

static void show_cpus(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			printf("cpu %d\n", i);
}

static void show_keyring(void)
{
	printf("keyring %ld\n",
	       syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	printf("load %s\n", answer(fd < 0 ? -1 : syscall(SYS_finit_module, fd, "", 0)));
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void show_programs(const char *cgroup)
{
	uint32_t ids[8] = { 0 };
	union bpf_attr attr = { .query = { .target_fd = (uint32_t)open(cgroup, O_RDONLY),
					   .attach_type = BPF_CGROUP_DEVICE,
					   .prog_ids = (uintptr_t)ids,
					   .prog_cnt = 8 } };

	if (bpf(BPF_PROG_QUERY, &attr) < 0)
		printf("query %s\n", answer(-1));
	for (size_t i = 0; i < attr.query.prog_cnt; i++)
		printf("program %u\n", ids[i]);
}

static int open_pinned(const char *path)
{
	union bpf_attr attr = { .pathname = (uintptr_t)path };

	return bpf(BPF_OBJ_GET, &attr);
}

static void show_pinned(const char *path)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = { .info = { .bpf_fd = (uint32_t)open_pinned(path),
					  .info_len = sizeof(info),
					  .info = (uintptr_t)&info } };

	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		printf("pinned %s\n", answer(-1));
	else
		printf("program %u\n", info.id);
}

static void pin(const char *from, const char *to)
{
	union bpf_attr attr = { .pathname = (uintptr_t)to, .bpf_fd = (uint32_t)open_pinned(from) };

	printf("pin %s\n", answer(bpf(BPF_OBJ_PIN, &attr)));
}

int main(int count, char **words)
{
	const char *verb = count > 1 ? words[1] : "";

	if (!strcmp(verb, "huge") && count == 3)
		take_huge_pages(atoi(words[2]));
	else if (!strcmp(verb, "open") && count == 3)
		open_node(words[2]);
	else if (!strcmp(verb, "mknod") && count == 5)
		make_node(words[2], words[3], words[4]);
	else if (!strcmp(verb, "cpus"))
		show_cpus();
	else if (!strcmp(verb, "keyring"))
		show_keyring();
	else if (!strcmp(verb, "load") && count == 3)
		load(words[2]);
	else if (!strcmp(verb, "programs") && count == 3)
		show_programs(words[2]);
	else if (!strcmp(verb, "pinned") && count == 3)
		show_pinned(words[2]);
	else if (!strcmp(verb, "pin") && count == 4)
		pin(words[2], words[3]);
	else if (!strcmp(verb, "sleep"))
		pause();
	else
		return 2;
	return 0;
}
