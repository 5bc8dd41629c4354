/* load.h - everything the engine reads at its start, each file once, and what follows from it: a
 * plan and a document per place of a container. Inside runtime/engine only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/config.h"
#include "engine/document.h"
#include "engine/engine.h"
#include "engine/network.h"
#include "engine/place.h"
#include "engine/plan.h"
#include "engine/token.h"

struct arena;
struct attachments;
struct compose_project;
struct err;
struct report;
struct subnet;

struct load_wanted {
	struct plan plan;
	struct document doc;		/* the remembered one, or a new one */
	const struct compose_service *service;
	struct place place;
	bool is_main;
};

struct load {
	struct engine_files files;
	struct config config;
	bool off;			/* the kernel command line says cuvette.lab=off */
	char token[TOKEN_TEXT_BYTES];	/* when none was given */
	bool token_is_new;
	const struct compose_project *project;
	int documents_fd;		/* -1 = none; owned */
	struct document *documents;	/* as they were at the start */
	size_t document_count;
	/* Those of one service in a row; in a batch: the main service's first alone. */
	struct load_wanted *wanted;
	size_t wanted_count;
	struct networks networks;
	int networks_fd;		/* their documents; as documents_fd */
	struct attachments *attachments;	/* as wanted */
};

/* load->files is filled in; the rest is zeroed. */
int load_read(struct load *load, struct arena *arena, const struct report *report, struct err *e);
/* The subnets that the machine is in now: at most ROUTES_MAX; their count. */
size_t load_routes(const struct load *load, struct subnet *subnets);
void load_finish(struct load *load);		/* zeroed is fine */
