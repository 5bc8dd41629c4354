/* cgroup_path.c - see cgroup_path.h */
#include "box/cgroup_path.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/str.h"

#define WHERE ".linux.cgroupsPath"

static int too_long(struct err *e)
{
	return err_set(e, WHERE ": must be shorter than %d bytes", CGROUP_PATH_MAX);
}

static int append(char *path, const char *name, size_t length, struct err *e)
{
	size_t used = strlen(path);

	if (used + 1 + length >= CGROUP_PATH_MAX)
		return too_long(e);
	path[used] = '/';
	memcpy(path + used + 1, name, length);
	path[used + 1 + length] = '\0';
	return 0;
}

/* One level after the other, so that `//`, `/./` and a slash at the end make no difference. */
static int append_plain(char *path, const char *text, struct err *e)
{
	while (*(text += strspn(text, "/"))) {
		size_t length = strcspn(text, "/");

		if (length == 2 && text[0] == '.' && text[1] == '.')
			return err_set(e, WHERE ": must not contain `..`");
		if (length > NAME_MAX)
			return err_set(e, WHERE ": a name in it has more than %d bytes", NAME_MAX);
		if (memchr(text, '\n', length))
			return err_set(e, WHERE ": the kernel takes no line end in a name");
		if (!(length == 1 && text[0] == '.') && append(path, text, length, e))
			return -1;
		text += length;
	}
	return 0;
}

/* "a-b.slice" lies in "a.slice": every dash is a level (systemd.slice(5)). */
static int append_slice(char *path, const char *slice, size_t length, struct err *e)
{
	static const char suffix[] = ".slice";
	size_t stem = length - (sizeof(suffix) - 1);
	char name[CGROUP_PATH_MAX];

	if (length <= sizeof(suffix) - 1 || memcmp(slice + stem, suffix, sizeof(suffix) - 1) != 0 ||
	    memchr(slice, '/', length))
		return err_set(e, WHERE ": \"%.*s\" is no name of a slice, like machine.slice",
			       (int)length, slice);
	if (stem == 1 && slice[0] == '-')
		return 0;	/* the root slice */
	if (length >= sizeof(name))
		return too_long(e);
	for (size_t end = 0; end <= stem; end++) {
		if (end < stem && slice[end] != '-')
			continue;
		if (end == 0 || slice[end - 1] == '-')
			return err_set(e, WHERE ": a slice's name has one dash between its parts");
		memcpy(name, slice, end);
		memcpy(name + end, suffix, sizeof(suffix));
		if (append_plain(path, name, e))
			return -1;
	}
	return 0;
}

/* SLICE:PREFIX:NAME; a NAME that is a slice itself stays as it is. */
static int append_systemd(char *path, const char *text, struct err *e)
{
	const char *prefix = strchr(text, ':') + 1, *name = strchr(prefix, ':') + 1;
	int prefix_length = (int)(name - 1 - prefix);
	char unit[CGROUP_PATH_MAX];
	int length;

	if (!*name || strchr(prefix, '/'))
		return err_set(e, WHERE ": must be SLICE:PREFIX:NAME, without slashes");
	if (str_ends(name, ".slice"))
		length = snprintf(unit, sizeof(unit), "%s", name);
	else
		length = snprintf(unit, sizeof(unit), "%.*s%s%s.scope", prefix_length, prefix,
				  prefix_length ? "-" : "", name);
	if (length >= (int)sizeof(unit))
		return too_long(e);
	if (prefix == text + 1 ? append_plain(path, "system.slice", e)
			       : append_slice(path, text, (size_t)(prefix - 1 - text), e))
		return -1;
	return append_plain(path, unit, e);
}

static bool is_systemd_form(const char *text)
{
	const char *first = strchr(text, ':'), *second = first ? strchr(first + 1, ':') : NULL;

	return text[0] != '/' && second && !strchr(second + 1, ':');
}

int cgroup_path_make(char path[CGROUP_PATH_MAX], const char *cgroups_path, const char *id,
		     struct err *e)
{
	int failed;

	path[0] = '\0';
	if (!cgroups_path || !*cgroups_path)
		failed = append_plain(path, id, e);
	else if (is_systemd_form(cgroups_path))
		failed = append_systemd(path, cgroups_path, e);
	else
		failed = append_plain(path, cgroups_path, e);
	if (!failed && !path[0])
		failed = err_set(e, WHERE ": a container cannot live in the root cgroup");
	return failed;
}

bool cgroup_path_of_process(char path[CGROUP_PATH_MAX], const char *text)
{
	static const char unified[] = "0::/";

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += line != text || *line == '\n';
		if (!str_starts(line, unified))
			continue;
		line += sizeof(unified) - 2;
		size_t length = strcspn(line, "\n");

		/* "/../" leads out of our own cgroup namespace. */
		if (length >= CGROUP_PATH_MAX || memmem(line, length, "/..", 3))
			return false;
		memcpy(path, line, length);
		path[length] = '\0';
		return !str_ends(path, " (deleted)");
	}
	return false;
}
