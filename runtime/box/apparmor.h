/* apparmor.h - the AppArmor profile that a process is under from its next exec on.
 *
 * Knows nothing of profiles but their names: whoever asks for one loads it into the kernel. Only
 * the process itself can change its own, through a file of a procfs that no image and no volume can
 * have replaced (CVE-2019-16884, CVE-2025-52881): opened before the root is entered, or by the
 * maker.
 *
 * Source: the kernel's admin-guide/LSM/apparmor.rst, Documentation of /proc/PID/attr in proc(5);
 * runtime-spec config.md "Linux Process". */
#pragma once

struct err;
struct oci_process;

/* By the process itself, with a procfs of its own. *fd is -1 when no profile is asked for. */
int apparmor_open_own(const struct oci_process *p, int *fd, struct err *e);
/* By its maker, who names it; the fd is for that process alone. */
int apparmor_open_of(long pid, const struct oci_process *p, int *fd, struct err *e);

/* The process itself, before a filter that could forbid it. Closes *fd; -1 is fine. */
int apparmor_set(int *fd, const struct oci_process *p, struct err *e);
