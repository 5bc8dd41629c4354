/* chroot_init.c - the peer of the Jupyter figure: PID 1 that starts the lab image by a plain
 * chroot.
 *
 * Same kernel, same verity-checked system image, same layers mounted in place; no supervisor, no
 * engine, no container. Reads the image's words from /lab.argv and /lab.env (one per line) of the
 * initramfs, waits until 127.0.0.1:8888/api answers 200, prints the boot clock, powers off. Under
 * `-icount shift=0` the clock counts instructions. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 64, LAYERS_MAX = 16, JOVYAN = 1000, USERS = 100 };

static void stop(const char *what)
{
	if (what)
		printf("PROBE failed: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void put(const char *source, const char *target, const char *type, unsigned long flags,
		const char *data)
{
	mkdir(target, 0755);
	if (mount(source, target, type, flags, data) < 0)
		stop(target);
}

/* Of the only CPU: the time since boot without idle and without waiting for a disk (proc_stat(5);
 * hundredths). */
static long busy_ms(void)
{
	long idle, waiting;
	double up;
	FILE *uptime = fopen("/proc/uptime", "re"), *stat = fopen("/proc/stat", "re");

	if (!uptime || !stat || fscanf(uptime, "%lf", &up) != 1 ||
	    fscanf(stat, "cpu %*d %*d %*d %ld %ld", &idle, &waiting) != 2)
		stop("/proc/stat");
	fclose(uptime);
	fclose(stat);
	return (long)(up * 1000) - (idle + waiting) * 10;
}

static char **words(const char *path)
{
	static char text[2][16384];
	static char *lists[2][WORDS_MAX];
	static int used;
	char **list = lists[used];
	char *at = text[used++];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int count = 0;

	if (fd < 0 || read(fd, at, sizeof(text[0]) - 1) < 0)
		stop(path);
	for (char *word = strtok(at, "\n"); word && count < WORDS_MAX - 1;
	     word = strtok(NULL, "\n"))
		list[count++] = word;
	return list;
}

static void mount_lab(void)
{
	char lower[1024] = "";
	char source[64];
	char target[32];

	for (int i = 0; i < LAYERS_MAX; i++) {
		char options[sizeof(lower)];

		snprintf(source, sizeof(source), "/system/images/lab/layers/%d.erofs", i);
		if (access(source, F_OK) < 0)
			break;
		snprintf(target, sizeof(target), "/layer%d", i);
		put(source, target, "erofs", MS_RDONLY, NULL);
		snprintf(options, sizeof(options), "%s%s%s", target, lower[0] ? ":" : "", lower);
		strcpy(lower, options);		/* the last layer is the uppermost */
	}
	put("tmpfs", "/rw", "tmpfs", 0, NULL);
	mkdir("/rw/upper", 0755);
	mkdir("/rw/work", 0755);
	snprintf(source, sizeof(source), "overlay");
	char options[sizeof(lower) + 64];

	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=/rw/upper,workdir=/rw/work",
		 lower);
	put(source, "/lab", "overlay", 0, options);
	put("proc", "/lab/proc", "proc", 0, NULL);
	put("sysfs", "/lab/sys", "sysfs", 0, NULL);
	put("/dev", "/lab/dev", NULL, MS_BIND, NULL);
	put("tmpfs", "/lab/dev/shm", "tmpfs", 0, NULL);
	put("tmpfs", "/lab/tmp", "tmpfs", 0, "mode=1777");
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		stop("lo");
	close(fd);
}

static void start_lab(char **argv, char **envp)
{
	if (fork())
		return;
	gid_t groups[] = { USERS };

	if (chroot("/lab") < 0 || chdir("/home/jovyan") < 0 || setgroups(1, groups) < 0 ||
	    setgid(USERS) < 0 || setuid(JOVYAN) < 0)
		stop("enter /lab");
	execvpe(argv[0], argv, envp);
	stop(argv[0]);
}

static int answers(void)
{
	static const char request[] =
		"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(8888),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char reply[16] = "";
	int fine = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		   write(fd, request, sizeof(request) - 1) > 0 &&
		   read(fd, reply, sizeof(reply) - 1) > 0 && strstr(reply, " 200") != NULL;

	close(fd);
	return fine;
}

int main(void)
{
	struct timespec pause_time = { .tv_nsec = 100 * 1000 * 1000 };
	long begin;

	put("proc", "/proc", "proc", 0, NULL);
	begin = busy_ms();
	put("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	put("/dev/dm-0", "/system", "erofs", MS_RDONLY, NULL);
	mount_lab();
	loopback_up();
	start_lab(words("/lab.argv"), words("/lab.env"));
	while (!answers())
		nanosleep(&pause_time, NULL);
	printf("PROBE init_busy_ms=%ld ready_busy_ms=%ld\n", begin, busy_ms());
	stop(NULL);
}
