/* spec_user.c - who a container's process is: `user` and `capabilities` of config.json's process.
 */
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/json.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/spec_parts.h"
#include "oci/spec_put.h"
#include "oci/spec_read.h"

static const char *const user_keys[] = { "additionalGids", "gid", "uid", "umask", NULL };
static const char *const cap_keys[] = { "ambient",     "bounding",  "effective",
					"inheritable", "permitted", NULL };

/* The last number means "none" to the kernel. */
static int check_id(const struct spec_reader *r, const struct json *item, uint64_t *id,
		    struct err *e)
{
	if (json_as_u64(item, id, NULL) || *id >= UINT32_MAX)
		return spec_bad(r, item, e, "must be a whole number from 0 to %u: it is the id of "
					    "a user or group", UINT32_MAX - 1);
	return 0;
}

static int read_id(const struct spec_reader *r, const struct json *object, const char *key,
		   uint32_t *out, struct err *e)
{
	struct json item = json_member(object, key);
	uint64_t id;

	if (!spec_given(object, key))
		return json_get_u64(object, key, &id, e);
	if (check_id(r, &item, &id, e))
		return -1;
	*out = (uint32_t)id;
	return 0;
}

static int read_groups(const struct spec_reader *r, const struct json *user_object,
		       struct oci_user *user, struct err *e)
{
	struct json groups;
	int found = spec_array(r, user_object, "additionalGids", &groups, e);

	if (found <= 0)
		return found;
	user->group_count = json_count(&groups);
	user->groups = arena_array(r->arena, user->group_count + 1, sizeof(*user->groups));
	for (size_t i = 0; i < user->group_count; i++) {
		struct json item = json_at(&groups, i);
		uint64_t gid;

		if (check_id(r, &item, &gid, e))
			return -1;
		user->groups[i] = (uint32_t)gid;
	}
	return 0;
}

static int read_user(const struct spec_reader *r, const struct json *process, struct oci_user *user,
		     struct err *e)
{
	struct json object;
	uint32_t umask = UINT32_MAX;
	int found = spec_object(r, process, "user", &object, e);

	if (found < 0)
		return -1;
	user->umask = -1;
	if (!found)
		return 0;
	/* `username` is Windows' (config.md "User"): not known here. */
	if (spec_keys(r, &object, user_keys, e) ||
	    read_id(r, &object, "uid", &user->uid, e) ||
	    read_id(r, &object, "gid", &user->gid, e) ||
	    spec_u32(r, &object, "umask", false, &umask, e))
		return -1;
	if (spec_given(&object, "umask")) {
		struct json item = json_member(&object, "umask");

		if (umask > 0777)
			return spec_bad(r, &item, e, "must be at most 511 (octal 777)");
		user->umask = (int)umask;
	}
	return read_groups(r, &object, user, e);
}

static int read_cap_set(const struct spec_reader *r, const struct json *caps, const char *key,
			uint64_t *mask, struct err *e)
{
	struct json array;
	int found = spec_array(r, caps, key, &array, e);

	if (found <= 0)
		return found;
	for (size_t i = 0; i < json_count(&array); i++) {
		struct json item = json_at(&array, i);
		const char *name;
		unsigned number;

		if (json_as_str(&item, &name, e))
			return -1;
		if (oci_cap_number(name, &number))
			*mask |= 1ull << number;
		else if (r->bundle)
			spec_warn(r, &item, "no capability is called \"%s\", it is left out", name);
		else
			return spec_bad(r, &item, e, "no capability is called \"%s\"", name);
	}
	return 0;
}

/* capabilities(7): the kernel refuses these late and without saying which. A bundle's process goes
 * without them: what cannot be granted must be warned of and should not fail (config.md "Linux
 * Process"). */
static int check_caps(const struct spec_reader *r, const struct json *object, struct oci_caps *caps,
		      struct err *e)
{
	uint64_t raisable = caps->permitted & caps->inheritable;

	if (caps->effective & ~caps->permitted) {
		if (!r->bundle)
			return spec_bad(r, object, e, "effective must be a subset of permitted");
		spec_warn(r, object, "effective is cut to what permitted has");
		caps->effective &= caps->permitted;
	}
	if (caps->ambient & ~raisable) {
		if (!r->bundle)
			return spec_bad(r, object, e,
					"ambient must be a subset of permitted and of inheritable");
		spec_warn(r, object, "ambient is cut to what permitted and inheritable have");
		caps->ambient &= raisable;
	}
	return 0;
}

static int read_caps(const struct spec_reader *r, const struct json *process, struct oci_caps *caps,
		     struct err *e)
{
	struct json object;
	int found = spec_object(r, process, "capabilities", &object, e);

	if (found <= 0)
		return found;
	if (spec_keys(r, &object, cap_keys, e) ||
	    read_cap_set(r, &object, "bounding", &caps->bounding, e) ||
	    read_cap_set(r, &object, "effective", &caps->effective, e) ||
	    read_cap_set(r, &object, "permitted", &caps->permitted, e) ||
	    read_cap_set(r, &object, "inheritable", &caps->inheritable, e) ||
	    read_cap_set(r, &object, "ambient", &caps->ambient, e))
		return -1;
	return check_caps(r, &object, caps, e);
}

int spec_user_read(const struct spec_reader *r, const struct json *process, struct oci_process *p,
		   struct err *e)
{
	return read_user(r, process, &p->user, e) || read_caps(r, process, &p->caps, e) ? -1 : 0;
}

static void put_caps(struct json_writer *w, const char *key, uint64_t mask)
{
	json_key(w, key);
	json_begin_array(w);
	for (unsigned i = 0; i < OCI_CAPS; i++)
		if (mask & 1ull << i)
			json_put_str(w, oci_cap_name(i));
	json_end_array(w);
}

static void write_user(const struct oci_user *user, struct json_writer *w)
{
	json_key(w, "user");
	json_begin_object(w);
	spec_put_u64(w, "uid", user->uid);
	spec_put_u64(w, "gid", user->gid);
	if (user->umask >= 0)
		spec_put_i64(w, "umask", user->umask);
	if (user->group_count) {
		json_key(w, "additionalGids");
		json_begin_array(w);
		for (size_t i = 0; i < user->group_count; i++)
			json_put_u64(w, user->groups[i]);
		json_end_array(w);
	}
	json_end_object(w);
}

void spec_user_write(const struct oci_process *p, struct json_writer *w)
{
	write_user(&p->user, w);
	json_key(w, "capabilities");
	json_begin_object(w);
	put_caps(w, "bounding", p->caps.bounding);
	put_caps(w, "effective", p->caps.effective);
	put_caps(w, "permitted", p->caps.permitted);
	put_caps(w, "inheritable", p->caps.inheritable);
	put_caps(w, "ambient", p->caps.ambient);
	json_end_object(w);
}
