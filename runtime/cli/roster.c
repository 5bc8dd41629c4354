/* roster.c - see roster.h */
#include "cli/roster.h"

#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box/container_dir.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A hidden folder is not a container's: `.seccomp` is the store of compiled profiles. */
static bool is_container(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) &&
	       container_id_is_valid(entry->d_name);
}

int roster_read(struct roster *r, int root_fd, struct arena *a, struct err *e)
{
	AUTO_FD int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	size_t room = 16;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return err_sys(e, "open the folder of containers");
	take_fd(&fd);
	*r = (struct roster){ .ids = arena_array(a, room, sizeof(*r->ids)) };
	while ((entry = readdir(dir))) {
		if (!is_container(entry))
			continue;
		if (r->count + 1 == room) {
			const char **more = arena_array(a, room * 2, sizeof(*more));

			memcpy(more, r->ids, r->count * sizeof(*more));
			r->ids = more;
			room *= 2;
		}
		r->ids[r->count++] = arena_str(a, entry->d_name);
	}
	closedir(dir);
	qsort(r->ids, r->count, sizeof(*r->ids), compare);
	return 0;
}

int roster_select(struct roster *r, const char *expression, struct err *e)
{
	size_t kept = 0;
	regex_t regex;

	if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB))
		return err_set(e, "\"%.64s\" is no regular expression", expression);
	for (size_t i = 0; i < r->count; i++)
		if (regexec(&regex, r->ids[i], 0, NULL, 0) == 0)
			r->ids[kept++] = r->ids[i];
	r->ids[kept] = NULL;
	r->count = kept;
	regfree(&regex);
	return 0;
}

static bool has_cgroup(int root_fd, const char *id, const char *cgroup, struct arena *a)
{
	struct container_facts facts = { 0 };
	struct container_dir dir;
	bool has;

	if (container_dir_open(&dir, root_fd, id, CONTAINER_LOCK_NONE, NULL))
		return false;
	has = container_dir_facts(&dir, a, &facts, NULL) > 0 && facts.cgroup &&
	      strcmp(facts.cgroup, cgroup) == 0;
	container_dir_close(&dir);
	return has;
}

const char *roster_cgroup_owner(int root_fd, const char *cgroup, const char *id, struct arena *a)
{
	struct roster r;

	if (roster_read(&r, root_fd, a, NULL))
		return NULL;
	for (size_t i = 0; i < r.count; i++)
		if (strcmp(r.ids[i], id) != 0 && has_cgroup(root_fd, r.ids[i], cgroup, a))
			return r.ids[i];
	return NULL;
}
