/* caps.h - capability sets of the calling process (capabilities(7)), by the kernel's own calls. */
#pragma once

#include <stdint.h>

struct err;
struct oci_caps;

/* Drops everything outside `keep` from the bounding set; needs CAP_SETPCAP in the
 * user namespace. */
int caps_bound(uint64_t keep, struct err *e);

int caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable, struct err *e);
int caps_raise_ambient(uint64_t mask, struct err *e);

/* What this process may use. */
uint64_t caps_permitted(void);
