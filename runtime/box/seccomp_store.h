/* seccomp_store.h - compiled seccomp programs on disk, by the hash of their profile: a profile is
 * compiled once per machine.
 *
 * Named by SHA-256 over the profile, the version of the compiling library and our generation
 * number. Looked up in /usr/lib/cuvette/seccomp (shipped with the system, holds Docker's default)
 * and in DIR/.seccomp (0700, ours), which takes what had to be compiled: the newest 64. A file
 * there counts only when it is root's own, writable by nobody else and whole. */
#pragma once

struct err;
struct oci_seccomp;
struct oci_spec;

/* The program as seccomp_install takes it. dir_fd -1: kept nowhere. A store that cannot be written
 * costs time and is no error. */
int seccomp_store_open(int dir_fd, const struct oci_seccomp *profile, struct err *e);

/* The program that a specification wants, its own or the default one: in *fd, -1 for none. */
int seccomp_store_open_for(int dir_fd, const struct oci_spec *spec, int *fd, struct err *e);

/* Writes the program into dir_fd under its name: what the system ships (prog/boxfilter.c). */
int seccomp_store_write(int dir_fd, const struct oci_seccomp *profile, struct err *e);
