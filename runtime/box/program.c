/* program.c - see program.h */
#include "box/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/home.h"
#include "lib/err.h"
#include "lib/str.h"
#include "oci/spec.h"

/* What execvp(3) would take when PATH is not given. */
static const char path_default[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* On the heap, where nobody touches more than the string: on the stack the whole of it is. */
static char *path_buffer(void)
{
	char *buffer = malloc(PATH_MAX);

	if (!buffer)
		abort();
	return buffer;
}

static const char *environment_path(const struct oci_process *p)
{
	for (size_t i = 0; p->env && p->env[i]; i++)
		if (str_starts(p->env[i], "PATH="))
			return p->env[i] + strlen("PATH=");
	return path_default;
}

static int check(const char *path)
{
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, 0) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static int find(const char *name, const char *path, char *found, size_t found_bytes)
{
	int why = ENOENT;

	for (const char *dir = path;; dir = strchr(dir, ':') + 1) {
		int size = (int)strcspn(dir, ":");

		/* An empty entry is the working directory, see environ(7). */
		if (snprintf(found, found_bytes, "%.*s%s%s", size, dir, size ? "/" : "", name) <
		    (int)found_bytes) {
			int error = check(found);

			if (error == 0)
				return 0;
			if (error == EACCES)
				why = EACCES;
		}
		if (!dir[size])
			return why;
	}
}

static int fail(const char *name, const char *why, int number, struct err *e)
{
	err_set(e, "exec: \"%s\": %s", name, why);
	e->number = number;
	return -1;
}

void program_environment(const struct oci_process *p, struct program *program)
{
	static const char *const none[] = { NULL };
	const char **given = p->env ? p->env : (const char **)none;
	size_t count = 0, prefix = strlen("HOME=");
	char *home;

	program->env = given;
	for (; given[count]; count++)
		if (str_starts(given[count], "HOME="))
			return;
	home = path_buffer();
	memcpy(home, "HOME=", prefix);
	home_find(p->user.uid, home + prefix, PATH_MAX - prefix);
	program->env = calloc(count + 2, sizeof(*program->env));
	if (!program->env)
		abort();
	memcpy(program->env, given, count * sizeof(*given));
	program->env[count] = home;
}

static int refuse(const char *name, int error, struct err *e)
{
	char *text;

	if (error == ENOENT) {
		text = path_buffer();
		snprintf(text, PATH_MAX, "stat %.256s: no such file or directory", name);
		return fail(name, text, ENOENT, e);
	}
	return fail(name,
		    error == EACCES   ? "permission denied"
		    : error == EISDIR ? "is a directory"
				      : strerror(error),
		    error, e);
}

int program_find(const struct oci_process *p, struct program *program, struct err *e)
{
	const char *name = p->args[0];
	char *found;
	int error;

	program->path = name;
	if (strchr(name, '/')) {
		error = check(name);
		return error ? refuse(name, error, e) : 0;
	}
	program->path = found = path_buffer();
	error = find(name, environment_path(p), found, PATH_MAX);
	if (error == ENOENT)
		return fail(name, "executable file not found in $PATH", ENOENT, e);
	return error ? refuse(name, error, e) : 0;
}

int program_find_to_exec(const struct oci_process *p, struct program *program, struct err *e)
{
	program->path = p->args[0];
	return strchr(p->args[0], '/') ? 0 : program_find(p, program, e);
}

int program_exec(const struct oci_process *p, const struct program *program, struct err *e)
{
	const char *name = p->args[0];
	int number, error;

	execve(program->path, (char *const *)p->args, (char *const *)program->env);
	number = errno;
	error = check(program->path);
	if (error && error != ENOSYS && error != EPERM)
		return refuse(name, error, e);
	return fail(name,
		    number == ENOEXEC  ? "exec format error"
		    : number == ENOENT ? "no such file or directory (its interpreter is missing)"
				       : strerror(number),
		    number, e);
}
