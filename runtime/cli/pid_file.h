/* pid_file.h - the file of --pid-file: a decimal number, put in place whole, so that whoever waits
 * for the file never reads half of it. */
#pragma once

#include <sys/types.h>

struct err;

/* path NULL: nothing. */
int pid_file_write(const char *path, pid_t pid, struct err *e);
