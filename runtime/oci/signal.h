/* signal.h - a signal as a command line or an API gives it: "KILL", "SIGKILL", "kill", "9",
 * "RTMIN+3" (signal(7); names as kill(1) takes them). */
#pragma once

struct err;

enum { SIGNAL_MAX = 64 };	/* the kernel's _NSIG */

/* 1 .. SIGNAL_MAX; also "0", with which kill(2) only looks. */
int signal_parse(const char *text, int *number, struct err *e);

/* "SIGKILL"; NULL for a number without a name (real-time signals, and what is out of range). */
const char *signal_name(int number);
