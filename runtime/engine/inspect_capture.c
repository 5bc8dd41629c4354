/* inspect_capture.c - a container's packets into a file, as the administrator asks: see inspect.h.
 *
 *   gated --pipe--> capture_file --> captures/CONTAINER.NETWORK.pcap */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/attachment.h"
#include "engine/capture_file.h"
#include "engine/container.h"
#include "engine/inspect_client.h"
#include "engine/netd.h"
#include "engine/network.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"
#include "wire/wire.h"

enum { PATH_BYTES = 256, SENTENCE_BYTES = 512 };

static const char FOLDER[] = "captures";

static void file_name(const struct inspect_client *c, char name[PATH_BYTES])
{
	snprintf(name, PATH_BYTES, "%s.%s.pcap", c->container, c->network);
}

/* The gateway lets go of the pipe, and the file sees its end. */
static void let_go(struct inspect_client *c)
{
	struct err e;

	if (netd_is_there(c->inspect->setup.net) &&
	    netd_capture(c->inspect->setup.net, c->network, c->container, -1, NULL, NULL, &e) < 0)
		log_warn("end the capture of %s: %s", c->container, e.text);
}

void inspect_capture_stop(struct inspect_client *c)
{
	if (!c->file)
		return;
	capture_file_destroy(c->file);
	c->file = NULL;
	let_go(c);
}

static void on_time(void *ctx)
{
	let_go(ctx);
}

static void on_end(void *ctx, const struct capture_file_end *end)
{
	struct inspect_client *c = ctx;
	char name[PATH_BYTES], text[SENTENCE_BYTES];

	file_name(c, name);
	if (end->failure || end->bytes == 0)
		snprintf(text, sizeof(text), "%s",
			 end->failure ? end->failure :
					"its gateway sent nothing: the log says why");
	else
		snprintf(text, sizeof(text),
			 "%" PRIu64 " packets, %" PRIu64 " bytes in %s/%s: %s", end->packets,
			 end->bytes, FOLDER, name, end->why);
	log_info("capture of %s on %s: %s", c->container, c->network, text);
	inspect_capture_stop(c);
	if (end->failure || end->bytes == 0) {
		inspect_client_fail(c, text);
		return;
	}
	c->asks = INSPECT_NOTHING;
	inspect_client_say(c, WIRE_CONTROL_LINE, text);
	inspect_client_say(c, WIRE_CONTROL_DONE, NULL);
}

static int make(struct inspect_client *c, uint64_t seconds, uint64_t bytes, struct err *e)
{
	const struct inspect_setup *s = &c->inspect->setup;
	AUTO_FD int dir_fd = -1, write_fd = -1;
	char name[PATH_BYTES];
	const struct capture_file_setup setup = {
		.loop = s->loop,
		.name = name,
		.seconds = seconds,
		.bytes_max = bytes,
		.on_time = on_time,
		.done = on_end,
		.ctx = c,
	};
	struct capture_file_setup with_folder = setup;

	if (s->state_fd < 0)
		return err_set(e, "the engine has no folder of its own to write into");
	if (fs_make_dir_at(s->state_fd, FOLDER, 0700, e) < 0)
		return -1;
	with_folder.dir_fd = dir_fd = fs_open_dir_at(s->state_fd, FOLDER, e);
	if (dir_fd < 0)
		return -1;
	file_name(c, name);
	c->file = capture_file_create(&with_folder, &write_fd, e);
	if (!c->file)
		return -1;
	c->asks = INSPECT_CAPTURE;
	if (netd_capture(s->net, c->network, c->container, write_fd, NULL, NULL, e) == 0)
		return 0;
	capture_file_destroy(c->file);
	c->file = NULL;
	return -1;
}

static bool is_captured(const struct inspect_client *c)
{
	for (size_t k = 0; k < INSPECT_CLIENTS_MAX; k++) {
		const struct inspect_client *other = &c->inspect->clients[k];

		if (other != c && other->file && str_equal(other->container, c->container) &&
		    str_equal(other->network, c->network))
			return true;
	}
	return false;
}

static const struct attachments *find(const struct inspect_client *c)
{
	const struct inspect_setup *s = &c->inspect->setup;

	for (size_t k = 0; k < s->count; k++)
		if (str_equal(s->containers[k].doc.name, c->container))
			return s->containers[k].attachments;
	return NULL;
}

static int begin(struct inspect_client *c, uint64_t seconds, uint64_t bytes, struct err *e)
{
	const struct attachments *all = find(c);
	const struct attachment *a;

	if (!all)
		return err_set(e, "%s: there is no such container on a network of its own",
			       c->container);
	a = *c->network ? attachments_on(all, c->network) : attachments_default(all);
	if (!a)
		return err_set(e, "container %s is not on network %s", c->container, c->network);
	str_copy(c->network, sizeof(c->network), a->network->doc.name);
	if (seconds < 1 || seconds > INSPECT_SECONDS_MAX || bytes < 1 || bytes > INSPECT_BYTES_MAX)
		return err_set(e, "a capture takes 1 to %d seconds and at most %d MiB",
			       INSPECT_SECONDS_MAX, INSPECT_BYTES_MAX >> 20);
	if (is_captured(c))
		return err_set(e, "it is being captured there already");
	return make(c, seconds, bytes, e);
}

int inspect_capture_begin(struct inspect_client *c, struct msg *m, struct err *e)
{
	const char *container = msg_get_str(m), *network = msg_get_str(m);
	uint64_t seconds = msg_get_u64(m), bytes = msg_get_u64(m);

	if (msg_end(m, e) < 0)
		return -1;
	/* Names that do not fit are nobody's. */
	if (!str_copy(c->container, sizeof(c->container), container) ||
	    !str_copy(c->network, sizeof(c->network), network))
		inspect_client_fail(c, "there is no container or network of that name");
	else if (begin(c, seconds, bytes, e) < 0)
		inspect_client_fail(c, e->text);
	return 0;
}
