/* cmdline.h - a word of the kernel command line. Pure. */
#pragma once

#include <stdbool.h>

/* Is this whole word there, before a "--"? */
bool cmdline_has(const char *text, const char *word);
