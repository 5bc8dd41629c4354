/* document.c - see document.h. */
#include "engine/document.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/plan.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

enum { SCHEMA = 1, FILE_BYTES_MAX = 65536, FILE_NAME_BYTES = DOCUMENT_NAME_BYTES + 16 };

static int read_word(const struct json *root, const char *key, char *target, size_t target_bytes,
		     struct err *e)
{
	const char *text;

	if (json_get_str(root, key, &text, e) < 0)
		return -1;
	return str_copy(target, target_bytes, text) ? 0 : err_set(e, "%s is too long", key);
}

/* Of a release before replicas: a service was one container of its name; nor were there the others
 * in one of before them. */
static int read_service(struct document *d, const struct json *root, struct err *e)
{
	const char *service = d->name, *health = "";

	if (json_opt_str(root, "service", &service, e) < 0 ||
	    json_opt_str(root, "health", &health, e) < 0 ||
	    json_opt_bool(root, "follows", &d->follows, e) < 0)
		return -1;
	if (!str_copy(d->service, sizeof(d->service), service) ||
	    !str_copy(d->health, sizeof(d->health), health))
		return err_set(e, "service or health is too long");
	return 0;
}

static int read_address(const struct json *item, const char *key, int family,
			struct address *address, struct err *e)
{
	const char *text = "";

	if (json_opt_str(item, key, &text, e) < 0)
		return -1;
	if (*text && (!address_parse(text, address) || address->family != family))
		return err_set(e, "networks: %s is not an address", key);
	return 0;
}

static int read_addresses(struct document *d, const struct json *root, struct err *e)
{
	struct json list = json_member(root, "networks");
	size_t count = json_count(&list);

	if (json_kind(&list) == JSON_NONE)
		return 0;	/* of a release before networks */
	if (json_kind(&list) != JSON_ARRAY || count > DOCUMENT_ADDRESSES_MAX)
		return err_set(e, "networks must be a list of at most %d", DOCUMENT_ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct document_address *a = &d->addresses[i];
		struct json item = json_at(&list, i);

		if (read_word(&item, "network", a->network, sizeof(a->network), e) < 0 ||
		    read_address(&item, "address4", AF_INET, &a->address4, e) < 0 ||
		    read_address(&item, "address6", AF_INET6, &a->address6, e) < 0)
			return -1;
	}
	d->address_count = count;
	return 0;
}

static int read_ports(struct document *d, const struct json *root, struct err *e)
{
	struct json list = json_member(root, "ports");
	size_t count = json_count(&list);

	if (json_kind(&list) == JSON_NONE)
		return 0;	/* of a release that did not remember them */
	if (json_kind(&list) != JSON_ARRAY || count > DOCUMENT_PORTS_MAX)
		return err_set(e, "ports must be a list of at most %d", DOCUMENT_PORTS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct document_port *p = &d->ports[i];
		struct json item = json_at(&list, i);
		uint64_t port;

		if (read_word(&item, "key", p->key, sizeof(p->key), e) < 0 ||
		    json_get_u64(&item, "port", &port, e) < 0)
			return -1;
		if (port == 0 || port > UINT16_MAX)
			return err_set(e, "ports: a port is 1 to %d", UINT16_MAX);
		p->port = (uint16_t)port;
	}
	d->port_count = count;
	return 0;
}

static int read_root(struct document *d, const struct json *root, struct err *e)
{
	uint64_t schema, slot;

	if (json_get_u64(root, "schema", &schema, e) < 0)
		return -1;
	if (schema != SCHEMA)
		return err_set(e, "schema %llu is not known to this release",
			       (unsigned long long)schema);
	if (read_word(root, "name", d->name, sizeof(d->name), e) < 0 ||
	    read_word(root, "image", d->image, sizeof(d->image), e) < 0 ||
	    read_word(root, "image_digest", d->image_digest, sizeof(d->image_digest), e) < 0 ||
	    read_word(root, "revision", d->revision, sizeof(d->revision), e) < 0 ||
	    read_word(root, "state", d->state, sizeof(d->state), e) < 0 ||
	    json_get_u64(root, "slot", &slot, e) < 0 ||
	    json_get_u64(root, "restarts", &d->restarts, e) < 0 ||
	    json_get_u64(root, "exit_status", &d->exit_status, e) < 0 ||
	    json_get_u64(root, "oom_kills", &d->oom_kills, e) < 0 ||
	    read_service(d, root, e) < 0 || read_addresses(d, root, e) < 0 ||
	    read_ports(d, root, e) < 0)
		return -1;
	if (!str_is_name(d->name))
		return err_set(e, "name is not a name");
	if (slot >= PLAN_SLOTS_MAX)
		return err_set(e, "slot must be below %d", PLAN_SLOTS_MAX);
	d->slot = (uint32_t)slot;
	return 0;
}

int document_parse(struct document *d, const char *file_name, const char *text, size_t size_bytes,
		   struct err *e)
{
	struct json_doc *doc = json_parse(file_name, text, size_bytes, e);
	char wanted[FILE_NAME_BYTES];
	struct json root;
	int status;

	*d = (struct document){ .slot = 0 };
	if (!doc)
		return -1;
	root = json_root(doc);
	status = json_kind(&root) == JSON_OBJECT ? read_root(d, &root, e)
						 : err_set(e, "must be an object");
	json_destroy(doc);
	if (status < 0)
		return -1;
	snprintf(wanted, sizeof(wanted), "%s.json", d->name);
	return str_equal(wanted, file_name) ? 0 : err_set(e, "is the document of %s", d->name);
}

static void put_word(struct json_writer *w, const char *key, const char *value)
{
	json_key(w, key);
	json_put_str(w, value);
}

static void put_number(struct json_writer *w, const char *key, uint64_t value)
{
	json_key(w, key);
	json_put_u64(w, value);
}

static void put_bool(struct json_writer *w, const char *key, bool value)
{
	json_key(w, key);
	json_put_bool(w, value);
}

static void put_address(struct json_writer *w, const char *key, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (!a->family)
		return;
	address_print(a, text);
	put_word(w, key, text);
}

static void put_addresses(struct json_writer *w, const struct document *d)
{
	json_key(w, "networks");
	json_begin_array(w);
	for (size_t i = 0; i < d->address_count; i++) {
		json_begin_object(w);
		put_word(w, "network", d->addresses[i].network);
		put_address(w, "address4", &d->addresses[i].address4);
		put_address(w, "address6", &d->addresses[i].address6);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_ports(struct json_writer *w, const struct document *d)
{
	if (!d->port_count)
		return;
	json_key(w, "ports");
	json_begin_array(w);
	for (size_t i = 0; i < d->port_count; i++) {
		json_begin_object(w);
		put_word(w, "key", d->ports[i].key);
		put_number(w, "port", d->ports[i].port);
		json_end_object(w);
	}
	json_end_array(w);
}

int document_write(int dir_fd, const struct document *d, struct err *e)
{
	char changed[TIME_RFC3339_BYTES], file_name[FILE_NAME_BYTES];
	struct json_writer w;
	struct buf out;
	int status;

	time_rfc3339_now(changed);
	buf_init(&out, FILE_BYTES_MAX);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	put_number(&w, "schema", SCHEMA);
	put_word(&w, "name", d->name);
	put_word(&w, "service", d->service);
	put_word(&w, "image", d->image);
	put_word(&w, "image_digest", d->image_digest);
	put_word(&w, "revision", d->revision);
	put_word(&w, "state", d->state);
	put_word(&w, "health", d->health);
	put_number(&w, "slot", d->slot);
	put_number(&w, "restarts", d->restarts);
	put_number(&w, "exit_status", d->exit_status);
	put_number(&w, "oom_kills", d->oom_kills);
	put_bool(&w, "follows", d->follows);
	put_addresses(&w, d);
	put_ports(&w, d);
	put_word(&w, "changed", changed);
	json_end_object(&w);
	snprintf(file_name, sizeof(file_name), "%s.json", d->name);
	status = fs_write_atomic_at(dir_fd, file_name, out.data, out.size_bytes, 0600, e);
	buf_finish(&out);
	return status;
}

int document_remove(int dir_fd, const char *name, struct err *e)
{
	char file_name[FILE_NAME_BYTES];

	snprintf(file_name, sizeof(file_name), "%s.json", name);
	if (unlinkat(dir_fd, file_name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove %s", file_name);
	return 0;
}

static void set_aside(int dir_fd, const char *file_name, const char *why)
{
	char bad[FILE_NAME_BYTES + 8];

	snprintf(bad, sizeof(bad), "%.*s.bad", FILE_NAME_BYTES, file_name);
	log_warn("document %s cannot be used (%s): set aside as %s, the container counts as new",
		 file_name, why, bad);
	if (renameat(dir_fd, file_name, dir_fd, bad) < 0)
		log_warn("document %s cannot be renamed: %s", file_name, strerror(errno));
}

static bool read_one(int dir_fd, const char *file_name, struct document *d)
{
	struct err e;
	size_t size;
	AUTO_FREE char *text = fs_read_at(dir_fd, file_name, FILE_BYTES_MAX, &size, &e);

	if (text && document_parse(d, file_name, text, size, &e) == 0)
		return true;
	set_aside(dir_fd, file_name, e.text);
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct document *)a)->name, ((const struct document *)b)->name);
}

/* Two containers with one range of ids could signal each other and read each other's files. Which
 * of the two documents is wrong nobody can tell: the file stays for who wants to look. */
static size_t refuse_shared_slots(struct document *documents, size_t count)
{
	const struct document *owners[PLAN_SLOTS_MAX] = { NULL };
	size_t kept = 0;

	qsort(documents, count, sizeof(*documents), compare_names);
	for (size_t i = 0; i < count; i++) {
		const struct document *owner = owners[documents[i].slot];

		if (owner) {
			log_warn(
				"document %s.json is not believed: its slot %u is that of %s.json; "
				"the container counts as new",
				documents[i].name, documents[i].slot, owner->name);
			continue;
		}
		documents[kept] = documents[i];
		owners[documents[kept].slot] = &documents[kept];
		kept++;
	}
	return kept;
}

size_t document_read_all(int dir_fd, struct document *documents, size_t max)
{
	AUTO_FD int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	size_t count = 0;

	if (!list) {
		log_warn("the documents cannot be read: %s", strerror(errno));
		return 0;
	}
	take_fd(&list_fd);
	while ((entry = readdir(list))) {
		/* What ends otherwise is a temporary of a power cut, or was set aside. */
		if (!str_ends(entry->d_name, ".json") || strlen(entry->d_name) >= FILE_NAME_BYTES)
			continue;
		if (count == max) {
			log_warn("more than %zu documents: %s is not read", max, entry->d_name);
			continue;
		}
		count += read_one(dir_fd, entry->d_name, &documents[count]);
	}
	closedir(list);
	return refuse_shared_slots(documents, count);
}
