/* cgroup_path.h - a specification's cgroupsPath as a path below the cgroup2 mount: pure.
 *
 * Source: runtime-spec config-linux.md, "Cgroups Path"; systemd.slice(5) for names of slices. */
#pragma once

#include <stdbool.h>

struct err;

enum { CGROUP_PATH_MAX = 1024 };	/* a path of 16 levels of full names is nobody's */

/* "/a/b" and "a/b" become "/a/b"; "a-b.slice:prefix:name", as programs for systemd write it, the
 * place where systemd would put it: "/a.slice/a-b.slice/prefix-name.scope" (no slice given:
 * system.slice); NULL or "" becomes "/ID". The root cgroup, `..`, and names that the kernel refuses
 * are errors. */
int cgroup_path_make(char path[CGROUP_PATH_MAX], const char *cgroups_path, const char *id,
		     struct err *e);

/* The place in cgroup v2 that /proc/PID/cgroup says; false: none, removed, or outside of our cgroup
 * namespace. */
bool cgroup_path_of_process(char path[CGROUP_PATH_MAX], const char *text);
