/* probe.c - the init of the boot bench, the same for every kernel: prints the time stamp counter as
 * it stood when PID 1 began, and what memory the kernel had left, then resets the machine.
 *
 * Under QEMU's `-icount shift=0` the counter is the number of instructions since reset. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

static long field_kib(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

int main(void)
{
	uint64_t tsc = __rdtsc();
	char text[4096];
	ssize_t size;
	int fd;

	mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		perror("mount /proc");
	fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	size = read(fd, text, sizeof(text) - 1);
	text[size > 0 ? size : 0] = 0;
	printf("PROBE tsc=%llu free_kib=%ld slab_kib=%ld\n", (unsigned long long)tsc,
	       field_kib(text, "MemFree:"), field_kib(text, "Slab:"));
	fflush(stdout);
	reboot(RB_AUTOBOOT);	/* not off: a machine without ACPI cannot; a reset ends QEMU */
	for (;;)
		pause();
}
