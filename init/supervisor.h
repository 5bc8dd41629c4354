/* supervisor.h - all units together: loads their files, starts them in order, stops them in
 * reverse.
 *
 * One function moves things on, whenever a unit changed: whoever may start now is started, and
 * while the machine stops, whoever may stop now is stopped. A unit that never gets ready (its file
 * is wrong, it gave up) holds nobody up: those that come after it start, and the log says so. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "init/order.h"
#include "init/unit.h"

struct err;

enum {
	SUPERVISOR_UNITS_MAX = ORDER_MAX,
	SUPERVISOR_STOP_MS = 20000, /* then the rest is killed; init waits 5 s longer */
};

struct supervisor {
	struct unit_host host;
	struct unit *units[SUPERVISOR_UNITS_MAX];	/* sorted by name */
	struct order order;
	int count;
	bool stopping;
	bool advancing, again;		/* an advance runs; a unit changed during it */
	bool said_ready;
	uint64_t since_ns;		/* of svd itself, boot clock */
	struct loop_timer stop_timer;
	void (*ask_init)(int signal);	/* power off, reboot: PID 1 decides when */
};

/* Reads every *.unit of the directory. What is wrong with one costs that one only. */
int supervisor_load(struct supervisor *s, const char *unit_dir, struct err *e);

void supervisor_start(struct supervisor *s);
/* Ends the loop when nothing runs any longer. */
void supervisor_stop(struct supervisor *s);

struct unit *supervisor_find(struct supervisor *s, const char *name);
/* The nearest unit name for a typing error, or NULL. */
const char *supervisor_nearest(struct supervisor *s, const char *name);
void supervisor_finish(struct supervisor *s);
