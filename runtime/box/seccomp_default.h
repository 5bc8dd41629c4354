/* seccomp_default.h - Docker's default seccomp profile as a value: pure tables.
 *
 * A list of what is allowed; everything else gives EPERM. Calls that only make sense with a
 * capability are allowed when the container has it. */
#pragma once

#include <stdint.h>

struct arena;
struct oci_seccomp;

/* caps: the container's bounding set. Only the bits of seccomp_default_caps() make a difference. */
struct oci_seccomp *seccomp_default_profile(struct arena *a, uint64_t caps);
uint64_t seccomp_default_caps(void);
