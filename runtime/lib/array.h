/* array.h - how many elements a table has. A leaf: it includes nothing of ours. */
#pragma once

/* Of an array and not of a pointer: there the compiler warns (-Wsizeof-pointer-div). */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
