/* newcomer.c - see newcomer.h */
#include "cli/newcomer.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/spec_names.h"
#include "oci/user_string.h"

static struct oci_process *read_process(const char *path, struct arena *a, struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	size_t size_bytes;

	if (fd < 0) {
		err_sys(e, "--process: open %s", path);
		return NULL;
	}
	text = fd_read_all(fd, OCI_SPEC_BYTES_MAX, &size_bytes, e);
	if (!text) {
		err_add(e, "--process %s", path);
		return NULL;
	}
	return oci_process_parse(a, "--process", text, size_bytes, e);
}

/* Puts NAME=VALUE in place of the variable's old value, or behind all others. */
static int set_env(struct oci_process *p, const char *pair, struct arena *a, struct err *e)
{
	size_t size = strcspn(pair, "=");

	if (!pair[size] || size == 0)
		return err_set(e, "--env: \"%.64s\" is not of the form NAME=VALUE", pair);
	for (size_t i = 0; p->env && p->env[i]; i++) {
		if (strncmp(p->env[i], pair, size + 1) == 0) {
			p->env[i] = pair;
			return 0;
		}
	}
	p->env = oci_strings_add(a, p->env, pair);
	return 0;
}

/* "CAP_CHOWN", "chown": as crun and runc take them, whatever their case. */
static int add_cap(struct oci_process *p, const char *name, struct err *e)
{
	char full[40] = "CAP_";
	unsigned number;
	uint64_t bit;

	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	if (!str_copy(full + 4, sizeof(full) - 4, name))
		return err_set(e, "--cap: there is no capability \"%.64s\"", name);
	for (char *c = full; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	if (!oci_cap_number(full, &number))
		return err_set(e, "--cap: there is no capability \"%.64s\"", name);
	bit = (uint64_t)1 << number;
	p->caps.bounding |= bit;
	p->caps.permitted |= bit;
	p->caps.effective |= bit;
	return 0;
}

/* Another user has the container's group when none is given, and none of its further groups. */
static int set_user(struct oci_user *user, const char *text, struct err *e)
{
	struct user_string given;

	if (user_string_parse(text, &given, e))
		return err_add(e, "--user");
	user->uid = given.uid;
	if (given.has_gid)
		user->gid = given.gid;
	user->groups = NULL;
	user->group_count = 0;
	return 0;
}

/* -g as runc has it: beside those that are there. */
static int add_groups(struct oci_user *user, const char **gids, struct arena *a, struct err *e)
{
	size_t count = 0, had = user->group_count;
	uint32_t *groups;

	while (gids && gids[count])
		count++;
	if (count == 0)
		return 0;
	groups = arena_array(a, had + count, sizeof(*groups));
	for (size_t i = 0; i < had + count; i++) {
		if (i < had)
			groups[i] = user->groups[i];
		else if (!str_to_u32(gids[i - had], &groups[i]) || groups[i] == UINT32_MAX)
			return err_set(
				e, "--additional-gids: \"%.64s\" is no group from 0 to 4294967294",
				gids[i - had]);
	}
	user->groups = groups;
	user->group_count = had + count;
	return 0;
}

static int apply(const struct newcomer_options *o, struct oci_process *p, struct arena *a,
		 struct err *e)
{
	if (o->cwd && o->cwd[0] != '/')
		return err_set(e, "--cwd: \"%.64s\" must be an absolute path", o->cwd);
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->user && set_user(&p->user, o->user, e))
		return -1;
	if (add_groups(&p->user, o->gids, a, e))
		return -1;
	for (size_t i = 0; o->env && o->env[i]; i++)
		if (set_env(p, o->env[i], a, e))
			return -1;
	for (size_t i = 0; o->caps && o->caps[i]; i++)
		if (add_cap(p, o->caps[i], e))
			return -1;
	p->terminal = o->tty;
	p->no_new_privs |= o->no_new_privs;
	return 0;
}

static struct oci_process *from_container(const struct newcomer_options *o,
					  const struct oci_spec *spec, const char *const *args,
					  struct arena *a, struct err *e)
{
	struct oci_process *p;
	size_t count = 0;

	p = arena_alloc(a, sizeof(*p));
	*p = spec->process;
	while (args[count])
		count++;
	p->args = oci_strings(a, args, count);
	for (count = 0; p->env && p->env[count];)
		count++;
	p->env = oci_strings(a, (const char *const *)p->env, count);
	return apply(o, p, a, e) ? NULL : p;
}

struct oci_process *newcomer_make(const struct newcomer_options *o, const struct oci_spec *spec,
				  const char *const *args, struct arena *a, struct err *e)
{
	struct oci_process *p;

	if (o->process_label && o->process_label[0]) {
		err_set(e, "--process-label: box sets no SELinux labels: leave it out "
			   "(podman: --security-opt label=disable)");
		return NULL;
	}
	p = o->process ? read_process(o->process, a, e) : from_container(o, spec, args, a, e);
	if (!p)
		return NULL;
	p->terminal |= o->tty;
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	return p;
}
