/* listing.h - the names in a directory, without allocation (readdir(3) allocates): getdents64(2) as
 * it is. */
#pragma once

#include <stdbool.h>

/* Calls back for every name but "." and ".."; a false ends the listing. A missing directory has no
 * names. */
void listing_each(const char *path, bool (*on_name)(void *ctx, const char *name), void *ctx);

/* One short file of sysfs or procfs: its text without the newline at the end; false when it cannot
 * be read. */
bool listing_read(const char *path, char *text, unsigned size_bytes);
