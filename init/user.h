/* user.h - uids and gids by name from our own /etc/passwd and /etc/group (passwd(5), group(5)):
 * plain lines, without the C library's name services, which load code and allocate. */
#pragma once

#include <sys/types.h>

struct err;

int user_find(const char *name, uid_t *uid, gid_t *gid, struct err *e);
int user_find_group(const char *name, gid_t *gid, struct err *e);
