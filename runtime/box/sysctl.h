/* sysctl.h - the container's kernel parameters, each of a namespace of its own (plan.c checks). */
#pragma once

struct box_plan;
struct err;

/* Inside, before the root is entered. Through a procfs of its own that is mounted nowhere: what the
 * image or a volume put at /proc does not matter (CVE-2025-52881). */
int sysctl_set(const struct box_plan *plan, struct err *e);
