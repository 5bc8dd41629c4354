/* spec_devices.c - device nodes, the rules of access to devices, and network devices of
 * config.json's linux (config-linux.md "Devices", "Allowed Device list", "Network Devices"). */
#include <ctype.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

enum {
	MAJOR_MAX = (1 << 12) - 1,	/* linux/kdev_t.h: a dev_t has 12 and 20 bits */
	MINOR_MAX = (1 << 20) - 1,
	MODE_DEFAULT = 0666,
	NET_DEVICES_MAX = 256,		/* each is compared with all others */
};

static const char *const device_keys[] = { "fileMode", "gid",  "major", "minor",
					   "path",     "type", "uid",	NULL };
static const char *const rule_keys[] = { "access", "allow", "major", "minor", "type", NULL };
static const char *const net_keys[] = { "name", NULL };

/* mknod(1): u is an unbuffered character device, on Linux the same as c. */
static const struct spec_word device_types[] = {
	{ "c", 'c' }, { "b", 'b' }, { "p", 'p' }, { "u", 'c' }, { "", 0 },
};
static const struct spec_word rule_types[] = {
	{ "a", 'a' }, { "b", 'b' }, { "c", 'c' }, { "", 0 },
};

static int read_mode(const struct spec_reader *r, const struct json *item, struct oci_device *d,
		     struct err *e)
{
	struct json at = json_member(item, "fileMode");
	int64_t mode = MODE_DEFAULT;

	/* Some engines pass st_mode on as it is, with the kind of file. */
	if (spec_number(r, item, "fileMode", 0, UINT32_MAX, &mode, e) < 0)
		return -1;
	if (mode & ~(int64_t)(07777 | S_IFMT))
		return spec_bad(r, &at, e, "must be at most 4095 (octal 7777)");
	d->mode = (unsigned)mode & 07777;
	return 0;
}

static int read_device(const struct spec_reader *r, const struct json *item, void *out,
		       struct err *e)
{
	struct oci_device *d = out;
	struct json at = json_member(item, "path");
	int64_t type = 0, major = 0, minor = 0;
	int has_major, has_minor;

	if (spec_keys(r, item, device_keys, e) || spec_required(r, item, "path", &d->path, e) ||
	    spec_word(r, item, "type", device_types, &type, e) || read_mode(r, item, d, e) ||
	    spec_u32(r, item, "uid", false, &d->uid, e) ||
	    spec_u32(r, item, "gid", false, &d->gid, e))
		return -1;
	if (!spec_is_absolute(d->path))
		return spec_bad(r, &at, e, "must be an absolute path without `..`");
	d->type = (char)type;
	if (type == 'p')
		return 0;
	has_major = spec_number(r, item, "major", 0, MAJOR_MAX, &major, e);
	has_minor = has_major < 0 ? -1 : spec_number(r, item, "minor", 0, MINOR_MAX, &minor, e);
	if (has_minor < 0)
		return -1;
	if (!has_major || !has_minor)
		return spec_bad(r, item, e, "major and minor are missing");
	d->major = (uint32_t)major;
	d->minor = (uint32_t)minor;
	return 0;
}

static int read_access(const struct spec_reader *r, const struct json *item, unsigned *access,
		       struct err *e)
{
	struct json at = json_member(item, "access");
	const char *text = NULL;

	if (json_opt_str(item, "access", &text, e))
		return -1;
	for (const char *p = text; p && *p; p++)
		switch (*p) {
		case 'r': *access |= OCI_ACCESS_READ; break;
		case 'w': *access |= OCI_ACCESS_WRITE; break;
		case 'm': *access |= OCI_ACCESS_MKNOD; break;
		default: return spec_bad(r, &at, e, "must be made of r, w and m");
		}
	if (!*access)
		*access = OCI_ACCESS_READ | OCI_ACCESS_WRITE | OCI_ACCESS_MKNOD;
	return 0;
}

static int read_rule(const struct spec_reader *r, const struct json *item, void *out, struct err *e)
{
	struct oci_device_rule *rule = out;
	int64_t type = 'a';

	rule->major = rule->minor = -1;
	if (spec_keys(r, item, rule_keys, e))
		return -1;
	if (!spec_given(item, "allow"))
		return spec_bad(r, item, e, "allow is missing");
	if (json_opt_bool(item, "allow", &rule->allow, e) ||
	    (spec_given(item, "type") && spec_word(r, item, "type", rule_types, &type, e)) ||
	    spec_number(r, item, "major", -1, UINT32_MAX, &rule->major, e) < 0 ||
	    spec_number(r, item, "minor", -1, UINT32_MAX, &rule->minor, e) < 0 ||
	    read_access(r, item, &rule->access, e))
		return -1;
	rule->type = (char)type;
	return 0;
}

int spec_devices_read_rules(const struct spec_reader *r, const struct json *resources,
			    struct oci_resources *o, struct err *e)
{
	void *items = NULL;

	if (spec_list(r, resources, "devices", sizeof(*o->devices), read_rule, &items,
		      &o->device_count, e) < 0)
		return -1;
	o->devices = items;
	return 0;
}

/* As dev_valid_name of the kernel's net/core/dev.c. */
static bool is_interface_name(const char *name)
{
	if (!*name || strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
			return false;
	return true;
}

static int read_net_device(const struct spec_reader *r, const struct json *item, const char *name,
			   struct oci_spec *s, struct err *e)
{
	struct oci_net_device *d = &s->net_devices[s->net_device_count];

	if (spec_keys(r, item, net_keys, e) || spec_string(r, item, "name", &d->name, e))
		return -1;
	d->host_name = arena_str(r->arena, name);
	if (d->name && !*d->name)
		d->name = NULL;
	if (!is_interface_name(name) || (d->name && !is_interface_name(d->name)))
		return spec_bad(r, item, e,
				"an interface's name has 1 to 15 bytes without /, : and blanks");
	for (size_t i = 0; i < s->net_device_count; i++) {
		const struct oci_net_device *o = &s->net_devices[i];

		if (strcmp(o->name ? o->name : o->host_name, d->name ? d->name : name) == 0)
			return spec_bad(r, item, e, "two devices get the same name");
	}
	s->net_device_count++;
	return 0;
}

static int read_net_devices(const struct spec_reader *r, const struct json *linux_object,
			    struct oci_spec *s, struct err *e)
{
	struct json map;
	int found = spec_object(r, linux_object, "netDevices", &map, e);

	if (found <= 0 || !json_count(&map))
		return found < 0 ? -1 : 0;
	if (!(s->namespaces & 1u << OCI_NS_NETWORK) && !s->namespace_paths[OCI_NS_NETWORK])
		return spec_bad(r, &map, e, "needs a network namespace in .linux.namespaces");
	if (json_count(&map) > NET_DEVICES_MAX)
		return spec_bad(r, &map, e, "more than %d devices", NET_DEVICES_MAX);
	s->net_devices = arena_array(r->arena, json_count(&map), sizeof(*s->net_devices));
	for (size_t i = 0; i < json_count(&map); i++) {
		const char *name;
		struct json item = json_member_at(&map, i, &name);

		if (read_net_device(r, &item, name, s, e))
			return -1;
	}
	return 0;
}

int spec_devices_read(const struct spec_reader *r, const struct json *linux_object,
		      struct oci_spec *s, struct err *e)
{
	void *items = NULL;

	if (spec_list(r, linux_object, "devices", sizeof(*s->devices), read_device, &items,
		      &s->device_count, e) < 0)
		return -1;
	s->devices = items;
	return read_net_devices(r, linux_object, s, e);
}

static void write_device(const struct oci_device *d, struct json_writer *w)
{
	json_begin_object(w);
	spec_put_str(w, "type", spec_word_name(device_types, d->type));
	spec_put_str(w, "path", d->path);
	if (d->type != 'p') {
		spec_put_u64(w, "major", d->major);
		spec_put_u64(w, "minor", d->minor);
	}
	spec_put_u64(w, "fileMode", d->mode);
	spec_put_u64(w, "uid", d->uid);
	spec_put_u64(w, "gid", d->gid);
	json_end_object(w);
}

void spec_devices_write(const struct oci_spec *s, struct json_writer *w)
{
	if (s->device_count) {
		json_key(w, "devices");
		json_begin_array(w);
		for (size_t i = 0; i < s->device_count; i++)
			write_device(&s->devices[i], w);
		json_end_array(w);
	}
	if (s->net_device_count) {
		json_key(w, "netDevices");
		json_begin_object(w);
		for (size_t i = 0; i < s->net_device_count; i++) {
			json_key(w, s->net_devices[i].host_name);
			json_begin_object(w);
			spec_put_str(w, "name", s->net_devices[i].name);
			json_end_object(w);
		}
		json_end_object(w);
	}
}

static void write_rule(const struct oci_device_rule *rule, struct json_writer *w)
{
	char access[4], *p = access;

	if (rule->access & OCI_ACCESS_READ)
		*p++ = 'r';
	if (rule->access & OCI_ACCESS_WRITE)
		*p++ = 'w';
	if (rule->access & OCI_ACCESS_MKNOD)
		*p++ = 'm';
	*p = '\0';
	json_begin_object(w);
	spec_put_bool(w, "allow", rule->allow);
	spec_put_str(w, "type", spec_word_name(rule_types, rule->type));
	if (rule->major >= 0)
		spec_put_i64(w, "major", rule->major);
	if (rule->minor >= 0)
		spec_put_i64(w, "minor", rule->minor);
	spec_put_str(w, "access", access);
	json_end_object(w);
}

void spec_devices_write_rules(const struct oci_resources *o, struct json_writer *w)
{
	if (!o->device_count)
		return;
	json_key(w, "devices");
	json_begin_array(w);
	for (size_t i = 0; i < o->device_count; i++)
		write_rule(&o->devices[i], w);
	json_end_array(w);
}
