/* mounts.h - the file systems every boot has, at fixed places in our own verified tree.
 *
 * Every tmpfs has a bound, so a full one stays a local accident: /run (records, logs, sockets),
 * /tmp, /dev/shm (for our own daemons; containers have their own). */
#pragma once

#include <stdbool.h>

/* Users with a place of their own; the numbers of /etc/passwd, uid and gid alike. */
enum { MOUNTS_ENGINE_ID = 101, MOUNTS_DHCP_ID = 102 };

/* Logs what fails and goes on: a machine with half its mounts can still say what is wrong. */
void mounts_make(void);

/* mount(2); makes the mount point when it is missing and says so when it fails. */
bool mounts_one(const char *source, const char *target, const char *type, unsigned long flags,
		const char *options);

/* A directory with exactly this mode and owner; existing is fine. */
void mounts_place(const char *path, unsigned mode, unsigned uid, unsigned gid);

/* A file with exactly this mode and owner, with this text when it is new. */
void mounts_file(const char *path, unsigned mode, unsigned uid, unsigned gid, const char *text);

/* Pure: the mount point and the type of one line of /proc/self/mountinfo (proc(5)), octal escapes
 * undone. False when the line has another form or the point does not fit. */
bool mounts_parse_line(const char *line, char *point, unsigned point_bytes, char *type,
		       unsigned type_bytes);

/* Unmounts what keeps data, newest first; what is busy becomes read-only. Returns how many stayed
 * writable. */
int mounts_undo(void);
