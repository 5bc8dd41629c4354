/* caps.h - capabilities by the names unit files use: capabilities(7) in small letters without CAP_.
 */
#pragma once

/* Sorted by number, NULL at the end: the index is the capability. */
extern const char *const caps_names[];
