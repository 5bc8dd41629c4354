/* spec_names.h - the words of config.json: capabilities, rlimits, namespaces, and tables of words
 * for the smaller enumerations. */
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

/* "createRuntime" for OCI_HOOK_CREATE_RUNTIME */
const char *oci_hook_name(unsigned kind);

/* A table ends with the name "". When a value has several names, the first is written. The name
 * stands in the table itself, so that no start has to relocate it. */
struct spec_word {
	char name[40];
	int64_t value;
};
extern const struct spec_word spec_propagations[];	/* MS_SHARED, with MS_REC */
extern const struct spec_word spec_domains[];		/* PER_* */
extern const struct spec_word spec_memory_modes[];	/* MPOL_* */
extern const struct spec_word spec_memory_flags[];	/* MPOL_F_* */
extern const struct spec_word spec_seccomp_actions[];	/* OCI_SECCOMP_ALLOW .. */
extern const struct spec_word spec_seccomp_ops[];	/* OCI_SECCOMP_NE .. */
extern const struct spec_word spec_seccomp_flags[];	/* SECCOMP_FILTER_FLAG_* */
extern const struct spec_word spec_seccomp_archs[];	/* values mean nothing */

const struct spec_word *spec_word_find(const struct spec_word *words, const char *name);
const char *spec_word_name(const struct spec_word *words, int64_t value);
