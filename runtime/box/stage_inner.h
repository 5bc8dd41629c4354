/* stage_inner.h - the first process of a container, up to its exec; see stage.h
 *
 * Runs our code with the container's namespaces and ids. Nothing of the image runs before the last
 * line (hooks startContainer apart, which the specification wants): what the image can influence
 * here is what lies in its file system, and that is met by fds, inside its root, without magic
 * links. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct mount_sources;
struct stage_job;

struct stage_inner {
	const struct stage_job *job;
	struct mount_sources *sources;
	int link_fd;		/* -1: the stage waits on the same memory (ns_clone_beside) */
	struct err *failure;	/* its place for the sentence then */
	const volatile int *maker;	/* 0 when that has died */
	int console_fd;		/* where the terminal's master goes, -1 = no terminal */
	int listener_fd;	/* connected socket for seccomp notify, -1 = none */
	pid_t pid;		/* our own as the stage sees it; it says so with GO */
	bool at_once;		/* no stop at the gate */
	int profile_fd;		/* its own: apparmor.h */
};

void stage_inner(struct stage_inner *in) __attribute__((noreturn));
