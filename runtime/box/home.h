/* home.h - HOME of a user as the container's /etc/passwd has it: what crun and runc add to an
 * environment without one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Inside, with the container's root as working directory. "/" when the file does not tell: missing,
 * no regular file, the user beyond its first HOME_FILE_MAX bytes. */
void home_find(uint32_t uid, char *home, size_t home_bytes);
