/* peers_init.c - PID 1 of the guest of lib_peers.bash: modules, disks, root, then the story.
 *
 * vda = the read-only tree (peers_image), covered by a tmpfs so that the story can write anywhere;
 * vdb = the story's own files, at /payload. The new root is moved over the initramfs, so pivot_root
 * works in containers as on any machine. What the story leaves behind is reaped; when
 * /payload/story ends, the machine goes off. A story that has /payload/init wants to be PID 1
 * itself, to start a service manager. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static _Noreturn void fail(const char *what)
{
	printf("peers_init: %s: %s\n", what, strerror(errno));
	off();
}

static void mount_or_fail(const char *from, const char *to, const char *type, unsigned long flags,
			  const char *data)
{
	mkdir(to, 0755);
	if (mount(from, to, type, flags, data) < 0)
		fail(to);
}

static void load_modules(void)
{
	struct dirent **names;
	int count = scandir("/modules", &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[512];
		int fd;

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
			fail(path);
		close(fd);
	}
}

static void mount_root(void)
{
	mount_or_fail("dev", "/dev", "devtmpfs", 0, NULL);
	mount_or_fail("/dev/vda", "/lower", "erofs", MS_RDONLY, NULL);
	mount_or_fail("rw", "/rw", "tmpfs", 0, "mode=755");
	if (mkdir("/rw/upper", 0755) < 0 || mkdir("/rw/work", 0755) < 0)
		fail("/rw/upper");
	mount_or_fail("root", "/new", "overlay", 0,
		      "lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work");
	mount_or_fail("/dev/vdb", "/new/payload", "erofs", MS_RDONLY, NULL);
	mount_or_fail("proc", "/new/proc", "proc", 0, NULL);
	mount_or_fail("sys", "/new/sys", "sysfs", 0, NULL);
	mount_or_fail("dev", "/new/dev", "devtmpfs", 0, NULL);
	mount_or_fail("shm", "/new/dev/shm", "tmpfs", 0, "mode=1777");
	mount_or_fail("pts", "/new/dev/pts", "devpts", 0, "gid=5,mode=620,ptmxmode=666");
	mount_or_fail("mqueue", "/new/dev/mqueue", "mqueue", 0, NULL);
	mount_or_fail("run", "/new/run", "tmpfs", 0, "mode=755");
	mount_or_fail("tmp", "/new/tmp", "tmpfs", 0, "mode=1777");
	mount_or_fail("cgroup", "/new/sys/fs/cgroup", "cgroup2", 0, NULL);
	umount2("/dev", MNT_DETACH);
	if (chdir("/new") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		fail("the new root");
}

int main(void)
{
	char *const story[] = { "/bin/bash", "/payload/story", NULL };
	char *const own_init[] = { "/payload/init", NULL };
	pid_t child, ended;

	load_modules();
	mount_root();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LC_ALL", "C", 1);
	if (access(own_init[0], X_OK) == 0) {
		execv(own_init[0], own_init);
		fail(own_init[0]);
	}
	child = fork();
	if (child == 0) {
		setsid();
		execv(story[0], story);
		fail(story[0]);
	}
	do
		ended = waitpid(-1, NULL, 0);
	while (child > 0 && ended != child);
	off();
}
