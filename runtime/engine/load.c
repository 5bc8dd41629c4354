/* load.c - see load.h. */
#include "engine/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compose/compose.h"
#include "compose/interpolate.h"
#include "compose/yaml.h"
#include "engine/attachment.h"
#include "engine/batch.h"
#include "engine/cmdline.h"
#include "engine/image.h"
#include "engine/report.h"
#include "engine/routes.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"

enum { CMDLINE_BYTES_MAX = 65536 };

static int read_config(struct load *load, struct arena *arena, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t size;

	config_init(&load->config);
	if (load->files.config_fd < 0)
		return 0;
	text = fd_read_all(load->files.config_fd, CONFIG_BYTES_MAX, &size, e);
	if (!text)
		return err_add(e, "config");
	return config_read(&load->config, text, size, arena, e);
}

static int read_cmdline(struct load *load, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t size;

	if (load->files.cmdline_fd < 0)
		return 0;
	text = fd_read_all(load->files.cmdline_fd, CMDLINE_BYTES_MAX, &size, e);
	if (!text)
		return err_add(e, "kernel command line");
	load->off = cmdline_has(text, "cuvette.lab=off");
	return 0;
}

static const char *no_state(struct load *load, struct err *e)
{
	load->documents_fd = -1;
	if (load->files.state_fd < 0)
		return "there is no place for it";
	if (fs_make_dir_at(load->files.state_fd, "containers", 0700, e) < 0)
		return e->text;
	load->documents_fd = fs_open_dir_at(load->files.state_fd, "containers", e);
	return load->documents_fd < 0 ? e->text : NULL;
}

static void read_documents(struct load *load, struct arena *arena, const struct report *report)
{
	struct err e;
	const char *why = no_state(load, &e);

	load->documents = arena_array(arena, PLAN_SLOTS_MAX, sizeof(*load->documents));
	if (why)
		report_error(report,
			     "the engine's state cannot be kept (%s): it goes on from memory", why);
	else
		load->document_count =
			document_read_all(load->documents_fd, load->documents, PLAN_SLOTS_MAX);
}

static void choose_token(struct load *load, const struct report *report)
{
	struct err e;

	if (load->config.token)
		return;
	if (load->files.state_fd < 0 ||
	    !token_recall(load->files.state_fd, load->files.boot_id, load->token)) {
		token_make(load->token);
		load->token_is_new = true;
		if (load->files.state_fd >= 0 &&
		    token_keep(load->files.state_fd, load->files.boot_id, load->token, &e) < 0)
			report_error(report,
				     "the notebook's token cannot be kept (%s): free some space "
				     "under /data",
				     e.text);
	}
	load->config.token = load->token;
}

static int read_compose(struct load *load, struct arena *arena, struct err *e)
{
	const struct compose_var vars[] = {
		{ "JUPYTER_TOKEN", load->config.token },
		{ "NB_UID", arena_format(arena, "%llu", (unsigned long long)load->config.nb_uid) },
		{ "NB_GID", arena_format(arena, "%llu", (unsigned long long)load->config.nb_gid) },
		{ NULL, NULL },
	};
	AUTO_FREE char *text = NULL;
	size_t size;

	if (load->files.compose_fd < 0)
		return err_set(e, "the compose file is missing");
	text = fd_read_all(load->files.compose_fd, YAML_BYTES_MAX, &size, e);
	if (!text)
		return err_add(e, "compose.yaml");
	load->project = compose_read("compose.yaml", text, size, vars, arena, e);
	return load->project ? 0 : -1;
}

/* The one that people open: with an address, else the first. */
static const struct compose_service *main_service(const struct compose_project *project)
{
	for (size_t i = 0; i < project->service_count; i++)
		if (project->services[i].has_cuvette)
			return &project->services[i];
	return &project->services[0];
}

static bool slot_is_taken(const struct load *load, uint32_t slot)
{
	for (size_t i = 0; i < load->document_count; i++)
		if (load->documents[i].slot == slot)
			return true;
	for (size_t i = 0; i < load->wanted_count; i++)
		if (load->wanted[i].doc.slot == slot)
			return true;
	return false;
}

static int choose_document(struct load *load, const char *name, const char *service,
			   struct document *doc, struct err *e)
{
	for (size_t i = 0; i < load->document_count; i++) {
		if (str_equal(load->documents[i].name, name)) {
			*doc = load->documents[i];
			/* Another token than the one it may run with: what is known of its settings
			 * is void. */
			if (load->token_is_new)
				load->documents[i].revision[0] = '\0';
			return 0;
		}
	}
	*doc = (struct document){ .slot = 0 };
	str_copy(doc->name, sizeof(doc->name), name);
	str_copy(doc->service, sizeof(doc->service), service);
	while (doc->slot < PLAN_SLOTS_MAX && slot_is_taken(load, doc->slot))
		doc->slot++;
	if (doc->slot == PLAN_SLOTS_MAX)
		return err_set(e,
			       "container %s: all %d ranges of ids are taken: remove a container "
			       "first",
			       name, PLAN_SLOTS_MAX);
	return 0;
}

static int add_wanted(struct load *load, const struct compose_service *service, bool is_main,
		      struct err *e)
{
	struct place places[PLAN_SLOTS_MAX];
	int count = places_find(service, load->documents, load->document_count, places,
				PLAN_SLOTS_MAX - load->wanted_count, e);

	if (count > 1 && load->config.batch)
		count = 1;
	for (int i = 0; i < count; i++) {
		struct load_wanted *wanted = &load->wanted[load->wanted_count];

		wanted->service = service;
		wanted->is_main = is_main;
		wanted->place = places[i];
		if (choose_document(load, places[i].name, service->name, &wanted->doc, e) < 0)
			return -1;
		load->wanted_count++;
	}
	return count < 0 ? -1 : 0;
}

static const struct attachments *find_attachments(const struct load *load, const char *service)
{
	for (size_t i = 0; i < load->wanted_count; i++)
		if (str_equal(load->wanted[i].service->name, service) &&
		    !load->wanted[i].place.closed)
			return &load->attachments[i];
	return NULL;
}

static int make_plan(struct load *load, struct load_wanted *wanted, struct arena *arena,
		     struct err *e)
{
	const struct compose_service_network *n = &wanted->service->network;
	const char *batch = load->config.batch;
	struct image image;
	struct plan_request request = {
		.project = load->project,
		.service = wanted->service,
		.name = wanted->doc.name,
		.image = &image,
		.command = batch ? batch_command(batch, arena) : NULL,
		.mem_limit_bytes = wanted->is_main ? load->config.mem_limit_bytes : 0,
		.slot = wanted->doc.slot,
		.all = load->attachments,
		.all_count = load->wanted_count,
	};

	if (n->mode == COMPOSE_NETWORK_OWN)
		request.attachments = &load->attachments[wanted - load->wanted];
	else if (n->mode == COMPOSE_NETWORK_SHARED)
		request.attachments = find_attachments(load, n->shared);
	if (request.attachments && !request.attachments->count)
		request.attachments = NULL;	/* that service has no network */
	if (image_read(&image, load->files.images_fd, wanted->service->image, arena, e) < 0)
		return -1;
	exposed_collect(&load->attachments[wanted - load->wanted].exposed, n, &image);
	return plan_make(&wanted->plan, &request, arena, e);
}

size_t load_routes(const struct load *load, struct subnet *subnets)
{
	static size_t (*const readers[])(const char *, struct subnet *,
					 size_t) = { routes_read4, routes_read6 };
	const int fds[] = { load->files.routes4_fd, load->files.routes6_fd };
	size_t count = 0, size;

	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *text =
			fds[i] < 0 || lseek(fds[i], 0, SEEK_SET) < 0 ?
				NULL :
				fd_read_all(fds[i], ROUTES_BYTES_MAX, &size, NULL);

		if (text)
			count = readers[i](text, subnets, count);
	}
	return count;
}

static void open_networks(struct load *load)
{
	struct err e;

	load->networks_fd = -1;
	if (load->documents_fd >= 0 &&
	    fs_make_dir_at(load->files.state_fd, "networks", 0700, &e) == 0)
		load->networks_fd = fs_open_dir_at(load->files.state_fd, "networks", &e);
	if (load->documents_fd >= 0 && load->networks_fd < 0)
		log_warn("the networks' documents cannot be kept: %s", e.text);
}

static void keep_addresses(struct document *doc, const struct attachments *a)
{
	_Static_assert((int)ATTACHMENTS_MAX <= (int)DOCUMENT_ADDRESSES_MAX, "all are kept");
	doc->address_count = a->count;
	for (size_t i = 0; i < a->count; i++) {
		str_copy(doc->addresses[i].network, sizeof(doc->addresses[i].network),
			 a->items[i].network->doc.name);
		doc->addresses[i].address4 = a->items[i].address4;
		doc->addresses[i].address6 = a->items[i].address6;
	}
}

static void choose_networks(struct load *load, struct arena *arena)
{
	const struct compose_service **services =
		arena_array(arena, load->wanted_count, sizeof(*services));
	const struct document **documents =
		arena_array(arena, load->wanted_count, sizeof(*documents));
	struct subnet *machine = arena_array(arena, ROUTES_MAX, sizeof(*machine));

	open_networks(load);
	networks_load(&load->networks, load->project, load->networks_fd, machine,
		      load_routes(load, machine), !load->config.batch, arena);
	load->attachments = arena_array(arena, load->wanted_count, sizeof(*load->attachments));
	for (size_t i = 0; i < load->wanted_count; i++) {
		services[i] = load->wanted[i].service;
		documents[i] = &load->wanted[i].doc;
	}
	attachments_choose(load->attachments, services, documents, load->wanted_count,
			   &load->networks, arena);
	for (size_t i = 0; i < load->wanted_count; i++)
		keep_addresses(&load->wanted[i].doc, &load->attachments[i]);
}

/* The main service first: on a new machine it gets slot 0, whose ids the launcher's shared folder
 * expects. */
static int choose_wanted(struct load *load, struct arena *arena, struct err *e)
{
	const struct compose_project *project = load->project;
	const struct compose_service *first = main_service(project);

	load->wanted = arena_array(arena, PLAN_SLOTS_MAX, sizeof(*load->wanted));
	if (add_wanted(load, first, true, e) < 0)
		return -1;
	for (size_t i = 0; i < project->service_count && !load->config.batch; i++)
		if (&project->services[i] != first &&
		    add_wanted(load, &project->services[i], false, e) < 0)
			return -1;
	choose_networks(load, arena);
	for (size_t i = 0; i < load->wanted_count; i++)
		if (make_plan(load, &load->wanted[i], arena, e) < 0)
			return -1;
	return 0;
}

int load_read(struct load *load, struct arena *arena, const struct report *report, struct err *e)
{
	load->documents_fd = load->networks_fd = -1;
	if (read_cmdline(load, e) < 0 || read_config(load, arena, e) < 0)
		return -1;
	read_documents(load, arena, report);
	if (load->off)
		return 0;
	choose_token(load, report);
	if (read_compose(load, arena, e) < 0)
		return -1;
	return choose_wanted(load, arena, e);
}

void load_finish(struct load *load)
{
	if (!load->documents)
		return;
	fd_close(&load->documents_fd);
	fd_close(&load->networks_fd);
}
