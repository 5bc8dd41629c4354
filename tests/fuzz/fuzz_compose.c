/* fuzz_compose.c - any bytes as a compose file: refused with a sentence, or a project whose parts
 * hold together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compose/compose.h"
#include "compose/interpolate.h"
#include "lib/arena.h"
#include "lib/err.h"

enum { ARENA_BYTES_MAX = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct compose_var vars[] = {
	{ "JUPYTER_TOKEN", "0123456789abcdef" },
	{ "NB_UID", "1000" },
	{ "A", "x: y\n- z" },
	{ "E", "" },
	{ NULL, NULL },
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What ends in a file of the container, in a policy or in a message holds no line of its own. */
static void is_one_line(const char *text)
{
	require(*text && !strpbrk(text, "\n \t"));
}

static void check_network(const struct compose_project *project, const struct compose_service *s)
{
	const struct compose_service_network *n = &s->network;

	require((n->mode == COMPOSE_NETWORK_OWN) == (n->attachment_count > 0));
	require(n->mode == COMPOSE_NETWORK_OWN || n->port_count == 0);
	for (size_t i = 0; i < n->attachment_count; i++) {
		const struct compose_network *net =
			compose_network(project, n->attachments[i].network);

		require(net && net->driver == COMPOSE_DRIVER_BRIDGE);
		require(!n->attachments[i].address4.family ||
			subnet_is_host(&net->subnet4, &n->attachments[i].address4));
		for (size_t k = 0; n->attachments[i].aliases[k]; k++)
			is_one_line(n->attachments[i].aliases[k]);
	}
	for (size_t i = 0; i < n->port_count; i++)
		require(n->ports[i].container_first && port_map_count(&n->ports[i]) <= 1024);
	for (size_t i = 0; i < n->host_count; i++)
		is_one_line(n->hosts[i].name);
	for (size_t i = 0; n->search && n->search[i]; i++)
		is_one_line(n->search[i]);
}

static void check_service(const struct compose_project *project, const struct compose_service *s)
{
	require(s->name && s->image && *s->image && s->line > 0);
	for (size_t i = 0; i < s->mount_count; i++) {
		require(s->mounts[i].target[0] == '/' && !strstr(s->mounts[i].target, "/../"));
		require(compose_volume(project, s->mounts[i].volume) != NULL);
	}
	for (size_t i = 0; s->environment && s->environment[i]; i++) {
		const char *equals = strchr(s->environment[i], '=');

		require(equals && equals > s->environment[i]);
		/* Each name once. */
		for (size_t k = 0; k < i; k++)
			require(strncmp(s->environment[k], s->environment[i],
					(size_t)(equals - s->environment[i]) + 1) != 0);
	}
	for (size_t i = 0; i < s->rlimit_count; i++)
		require(s->rlimits[i].soft <= s->rlimits[i].hard);
	for (size_t i = 0; i < s->tmpfs_count; i++)
		require(s->tmpfs[i].target[0] == '/');
	require(!s->has_cuvette || s->ready_url);
	check_network(project, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(ARENA_BYTES_MAX);
	struct err e = { .text = "" };
	const struct compose_project *project;

	project = compose_read("compose.yaml", (const char *)data, size, vars, arena, &e);
	/* A sentence exactly when it fails. */
	require((project == NULL) == (e.text[0] != '\0'));
	for (size_t i = 0; project && i < project->service_count; i++)
		check_service(project, &project->services[i]);
	require(!project || project->service_count > 0);
	arena_destroy(arena);
	return 0;
}
