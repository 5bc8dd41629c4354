/* spec_seccomp.h - a seccomp profile as a value: from linux.seccomp of config.json, or built by
 * code.
 *
 * box/seccomp.c compiles it; this knows names only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct json;
struct json_writer;
struct spec_reader;

enum oci_seccomp_action {
	OCI_SECCOMP_ALLOW, OCI_SECCOMP_ERRNO, OCI_SECCOMP_KILL_PROCESS, OCI_SECCOMP_KILL_THREAD,
	OCI_SECCOMP_LOG, OCI_SECCOMP_NOTIFY, OCI_SECCOMP_TRACE, OCI_SECCOMP_TRAP,
	OCI_SECCOMP_ACTIONS
};

enum oci_seccomp_op {
	OCI_SECCOMP_NE,
	OCI_SECCOMP_LT,
	OCI_SECCOMP_LE,
	OCI_SECCOMP_EQ,
	OCI_SECCOMP_GE,
	OCI_SECCOMP_GT,
	OCI_SECCOMP_MASKED_EQ,
	OCI_SECCOMP_OPS
};

struct oci_seccomp_arg {
	unsigned index;			/* 0 .. 5 */
	enum oci_seccomp_op op;
	uint64_t value, value_two;	/* MASKED_EQ: (argument & value) == value_two */
};

struct oci_seccomp_rule {
	const char **names;		/* NULL-terminated */
	enum oci_seccomp_action action;
	uint32_t errno_ret;
	const struct oci_seccomp_arg *args;
	size_t arg_count;		/* all must match */
};

struct oci_seccomp {
	unsigned flags;			/* SECCOMP_FILTER_FLAG_* */
	const char *listener_path;	/* absolute socket that gets the notify fd, or NULL */
	const char *listener_metadata;	/* passed on as it stands, or NULL */
	enum oci_seccomp_action default_action;
	uint32_t default_errno;
	struct oci_seccomp_rule *rules;
	size_t rule_count;
};

int oci_seccomp_read(const struct spec_reader *r, const struct json *object, struct oci_seccomp *s,
		     struct err *e);
void oci_seccomp_write(const struct oci_seccomp *s, struct json_writer *w);
