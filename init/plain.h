/* plain.h - foreign text for a terminal: nothing in it that a terminal obeys. Pure. */
#pragma once

#include <stddef.h>

/* In place: controls (C0, DEL, C1) and what is no UTF-8 become question marks, byte by byte. Tabs
 * and ends of lines stay. */
void plain_make(char *text, size_t size_bytes);
