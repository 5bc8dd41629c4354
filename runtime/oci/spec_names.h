/* spec_names.h - the words of config.json: capabilities, rlimits, namespaces. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Docker's 14: what a container has when nothing is added or dropped. */
uint64_t oci_default_caps(void);

/* "CAP_CHOWN" <-> 0. Case counts. NULL for a number that has no name. */
bool oci_cap_number(const char *name, unsigned *number);
const char *oci_cap_name(unsigned number);

/* "RLIMIT_NOFILE" <-> RLIMIT_NOFILE */
bool oci_rlimit_number(const char *name, int *resource);
const char *oci_rlimit_name(int resource);

/* "pid" <-> OCI_NS_PID */
bool oci_namespace_number(const char *name, unsigned *number);
const char *oci_namespace_name(unsigned number);
