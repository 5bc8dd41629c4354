/* network_document.c - see network_document.h. */
#include "engine/network_document.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/str.h"

enum { SCHEMA = 1, FILE_BYTES_MAX = 4096, FILE_NAME_BYTES = NETWORK_NAME_BYTES + 16 };

static int read_subnet(const struct json *root, const char *key, int family, struct subnet *s,
		       struct err *e)
{
	const char *text = "";

	if (json_opt_str(root, key, &text, e) < 0)
		return -1;
	if (*text && (!subnet_parse(text, s) || s->address.family != family ||
		      s->prefix > address_size(&s->address) * 8 - 2))
		return err_set(e, "%s is not a subnet", key);
	return 0;
}

static int read_root(struct network_document *d, const struct json *root, struct err *e)
{
	const char *name;
	uint64_t schema;

	if (json_get_u64(root, "schema", &schema, e) < 0 ||
	    json_get_str(root, "name", &name, e) < 0)
		return -1;
	if (schema != SCHEMA)
		return err_set(e, "schema %llu is not known to this release",
			       (unsigned long long)schema);
	if (!str_is_name(name) || !str_copy(d->name, sizeof(d->name), name))
		return err_set(e, "name is not a name");
	return read_subnet(root, "subnet4", AF_INET, &d->subnet4, e) < 0 ||
			       read_subnet(root, "subnet6", AF_INET6, &d->subnet6, e) < 0 ?
		       -1 :
		       0;
}

int network_document_parse(struct network_document *d, const char *file_name, const char *text,
			   size_t size_bytes, struct err *e)
{
	struct json_doc *doc = json_parse(file_name, text, size_bytes, e);
	char wanted[FILE_NAME_BYTES];
	struct json root;
	int status;

	*d = (struct network_document){ .name = "" };
	if (!doc)
		return -1;
	root = json_root(doc);
	status = json_kind(&root) == JSON_OBJECT ? read_root(d, &root, e) :
						   err_set(e, "must be an object");
	json_destroy(doc);
	if (status < 0)
		return -1;
	snprintf(wanted, sizeof(wanted), "%s.json", d->name);
	return str_equal(wanted, file_name) ? 0 : err_set(e, "is the document of %s", d->name);
}

static void put_subnet(struct json_writer *w, const char *key, const struct subnet *s)
{
	char text[SUBNET_TEXT_MAX];

	if (!s->address.family)
		return;
	json_key(w, key);
	json_put_str(w, subnet_print(s, text));
}

int network_document_write(int dir_fd, const struct network_document *d, struct err *e)
{
	char file_name[FILE_NAME_BYTES];
	struct json_writer w;
	struct buf out;
	int status;

	buf_init(&out, FILE_BYTES_MAX);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_key(&w, "schema");
	json_put_u64(&w, SCHEMA);
	json_key(&w, "name");
	json_put_str(&w, d->name);
	put_subnet(&w, "subnet4", &d->subnet4);
	put_subnet(&w, "subnet6", &d->subnet6);
	json_end_object(&w);
	snprintf(file_name, sizeof(file_name), "%s.json", d->name);
	status = fs_write_atomic_at(dir_fd, file_name, out.data, out.size_bytes, 0600, e);
	buf_finish(&out);
	return status;
}

static bool read_one(int dir_fd, const char *file_name, struct network_document *d)
{
	char bad[FILE_NAME_BYTES + 8];
	size_t size;
	struct err e;
	AUTO_FREE char *text = fs_read_at(dir_fd, file_name, FILE_BYTES_MAX, &size, &e);

	if (text && network_document_parse(d, file_name, text, size, &e) == 0)
		return true;
	snprintf(bad, sizeof(bad), "%.*s.bad", FILE_NAME_BYTES, file_name);
	log_warn("network document %s cannot be used (%s): set aside as %s", file_name, e.text,
		 bad);
	if (renameat(dir_fd, file_name, dir_fd, bad) < 0)
		log_warn("network document %s cannot be renamed: %s", file_name, strerror(errno));
	return false;
}

size_t network_document_read_all(int dir_fd, struct network_document *documents, size_t max)
{
	AUTO_FD int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	size_t count = 0;

	if (!list) {
		log_warn("the networks' documents cannot be read: %s", strerror(errno));
		return 0;
	}
	take_fd(&list_fd);
	while ((entry = readdir(list)) && count < max)
		if (str_ends(entry->d_name, ".json") && strlen(entry->d_name) < FILE_NAME_BYTES)
			count += read_one(dir_fd, entry->d_name, &documents[count]);
	closedir(list);
	return count;
}
