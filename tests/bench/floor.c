/* floor.c - the least that a container costs: the lower bound of `make bench-box`.
 *
 *   floor run ROOT PROGRAM     clone into six namespaces, six mounts, pivot_root, exec, wait
 *   floor exec PID PROGRAM     joins the namespaces of PID, fork, exec, wait */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
	perror(what);
	_exit(111);
}

static void mount_one(const char *type, const char *to, unsigned long flags, const char *data)
{
	if (mount(type, to, type, flags, data) < 0)
		fail(to);
}

static void enter_root(const char *root)
{
	const unsigned long quiet = MS_NOSUID | MS_NOEXEC | MS_NODEV;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
		fail(root);
	mount_one("proc", "proc", quiet, NULL);
	mount_one("tmpfs", "dev", MS_NOSUID, "mode=755,size=64k");
	if (mkdir("dev/pts", 0755) < 0 || mkdir("dev/shm", 0755) < 0 ||
	    mkdir("dev/mqueue", 0755) < 0)
		fail("dev");
	mount_one("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC,
		  "newinstance,ptmxmode=0666,mode=0620");
	mount_one("tmpfs", "dev/shm", quiet, "mode=1777,size=64m");
	mount_one("mqueue", "dev/mqueue", quiet, NULL);
	mount_one("sysfs", "sys", quiet | MS_RDONLY, NULL);
	for (int minor = 3; minor <= 9; minor++) {
		char path[] = "dev/node0";

		path[8] = (char)('0' + minor);
		if (minor != 4 && minor != 6 &&
		    mknod(path, S_IFCHR | 0666, (dev_t)(1 << 8 | minor)) < 0)
			fail(path);
	}
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail("pivot_root");
}

static int wait_for(pid_t child)
{
	int status;

	if (child < 0)
		fail("clone");
	if (waitpid(child, &status, 0) < 0)
		fail("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const char *root, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (child == 0) {
		enter_root(root);
		execv(argv[0], argv);
		fail(argv[0]);
	}
	return wait_for(child);
}

static int join(pid_t pid, char **argv)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	pid_t child;

	if (fd < 0 || setns(fd, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
					CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
		fail("setns");
	close(fd);
	child = fork();
	if (child == 0) {
		execv(argv[0], argv);
		fail(argv[0]);
	}
	return wait_for(child);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "run"))
		return run(argv[2], argv + 3);
	if (argc > 3 && !strcmp(argv[1], "exec"))
		return join(atoi(argv[2]), argv + 3);
	fprintf(stderr, "usage: floor run ROOT PROGRAM | exec PID PROGRAM\n");
	return 2;
}
