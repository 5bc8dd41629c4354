/* self.h - this program's own file, safe from the containers that it makes (CVE-2019-5736).
 *
 * Until its exec the container's first process is this program: /proc/PID/exe inside leads to our
 * file on the host. When that file lies on a mount that can be written, the program executes itself
 * again through a read-only copy of the mount that hangs nowhere, or from a sealed memfd where the
 * kernel refuses that. */
#pragma once

struct err;

/* At the start of a main. Returns when nothing is to be done (any more). What the caller left
 * closed of 0, 1 and 2 is /dev/null then, so that nothing of ours takes its place. */
int self_protect(char *const argv[], char *const envp[], struct err *e);
