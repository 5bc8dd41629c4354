#include "init/unit_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "init/caps.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

enum {
	WORDS_MAX = 40,
	LOG_BYTES_MIN = 4096,
	LOG_BYTES_MAX = 4 * 1024 * 1024,
	OPEN_FILES_MIN = 64,		/* what is passed must fit */
};

typedef int take_fn(struct unit_file *f, char **words, int count, struct err *e);

/* The index of word among names; an error that tells the nearest otherwise. */
static int pick(const char *word, const char *const *names, const char *what, struct err *e)
{
	const char *near;

	for (int i = 0; names[i]; i++)
		if (str_equal(word, names[i]))
			return i;
	near = str_nearest(word, names);
	return err_set(e, "%s %s is unknown%s%s", what, word, near ? "; the nearest is " : "",
		       near ? near : "");
}

static int need_absolute(const char *path, struct err *e)
{
	return path[0] == '/' ? 0 : err_set(e, "%s must be an absolute path", path);
}

static int take_exec(struct unit_file *f, char **words, int count, struct err *e)
{
	if (count > UNIT_EXEC_MAX)
		return err_set(e, "exec: more than %d words", UNIT_EXEC_MAX);
	for (int i = 0; i < count; i++)
		f->exec[i] = words[i];
	return need_absolute(words[0], e);
}

static int take_after(struct unit_file *f, char **words, int count, struct err *e)
{
	if (count > UNIT_AFTER_MAX)
		return err_set(e, "after: more than %d units", UNIT_AFTER_MAX);
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < i; j++)
			if (str_equal(words[i], words[j]))
				return err_set(e, "after: %s stands there twice", words[i]);
		f->after[f->after_count++] = words[i];
	}
	return 0;
}

static struct unit_passed *add_passed(struct unit_file *f, const char *name, const char *path,
				      struct err *e)
{
	struct unit_passed *p = &f->passed[f->passed_count];

	if (f->passed_count == UNIT_PASSED_MAX) {
		err_set(e, "more than %d sockets and files", UNIT_PASSED_MAX);
		return NULL;
	}
	if (!str_is_name(name) || str_equal(name, "notify")) {
		err_set(e, "%s cannot be the name of a socket or file", name);
		return NULL;
	}
	for (int i = 0; i < f->passed_count; i++) {
		if (str_equal(name, f->passed[i].name)) {
			err_set(e, "the name %s is given twice", name);
			return NULL;
		}
	}
	if (need_absolute(path, e))
		return NULL;
	f->passed_count++;
	*p = (struct unit_passed){ .name = name, .path = path };
	return p;
}

static int take_mode(const char *word, mode_t *mode, struct err *e)
{
	size_t size = strspn(word, "01234567");

	if (size != strlen(word) || size < 3 || size > 4 || (size == 4 && word[0] != '0'))
		return err_set(e, "mode %s must be three octal digits", word);
	*mode = 0;
	for (; *word; word++)
		*mode = *mode << 3 | (mode_t)(*word - '0');
	return 0;
}

static int take_socket(struct unit_file *f, char **words, int count, struct err *e)
{
	static const char *const types[] = { "seqpacket", "stream", NULL };
	struct unit_passed *p = add_passed(f, words[0], words[1], e);
	int type = p ? pick(words[2], types, "socket type", e) : -1;

	(void)count;
	if (type < 0)
		return -1;
	p->is_socket = true;
	p->socket_type = type == 0 ? SOCK_SEQPACKET : SOCK_STREAM;
	p->socket_user = words[4];
	p->socket_group = words[5];
	return take_mode(words[3], &p->socket_mode, e);
}

static int take_file(struct unit_file *f, char **words, int count, struct err *e)
{
	static const char *const ways[] = { "r", "w", "rw", "a", NULL };
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_APPEND };
	struct unit_passed *p = add_passed(f, words[0], words[1], e);
	int way = p ? pick(words[2], ways, "way to open a file", e) : -1;

	if (way < 0)
		return -1;
	if (count == 4 && !str_equal(words[3], "optional"))
		return err_set(e, "%s is unknown; only `optional` may stand here", words[3]);
	p->open_flags = flags[way];
	p->optional = count == 4;
	return 0;
}

static int take_ready(struct unit_file *f, char **words, int count, struct err *e)
{
	static const char *const kinds[] = { "none", "notify", "exit", NULL };
	int kind = pick(words[0], kinds, "ready", e);

	(void)count;
	if (kind >= 0)
		f->ready = (enum unit_ready)kind;
	return kind < 0 ? -1 : 0;
}

static int take_restart(struct unit_file *f, char **words, int count, struct err *e)
{
	static const char *const rules[] = { "always", "failure", "never", NULL };
	int rule = pick(words[0], rules, "restart", e);

	(void)count;
	if (rule >= 0)
		f->restart = (enum unit_restart)rule;
	return rule < 0 ? -1 : 0;
}

static int take_stop_ms(struct unit_file *f, char **words, int count, struct err *e)
{
	uint32_t ms;

	(void)count;
	if (!str_to_u32(words[0], &ms) || ms == 0 || ms > UNIT_STOP_MS_MAX)
		return err_set(e, "stop-ms must be a number from 1 to %d", UNIT_STOP_MS_MAX);
	f->stop_ms = ms;
	return 0;
}

static int take_shutdown_signal(struct unit_file *f, char **words, int count, struct err *e)
{
	static const char *const names[] = { "TERM", "PWR", NULL };
	int name = pick(words[0], names, "shutdown-signal", e);

	(void)count;
	if (name >= 0)
		f->shutdown_signal = name == 0 ? SIGTERM : SIGPWR;
	return name < 0 ? -1 : 0;
}

static int take_log_bytes(struct unit_file *f, char **words, int count, struct err *e)
{
	(void)count;
	if (!str_to_bytes(words[0], &f->log_bytes) || f->log_bytes < LOG_BYTES_MIN ||
	    f->log_bytes > LOG_BYTES_MAX)
		return err_set(e, "log-bytes must be from 4k to 4m");
	return 0;
}

static int take_open_files(struct unit_file *f, char **words, int count, struct err *e)
{
	uint32_t files;

	(void)count;
	if (!str_to_u32(words[0], &files) || files < OPEN_FILES_MIN || files > UNIT_OPEN_FILES_MAX)
		return err_set(e, "open-files must be a number from %d to %d", OPEN_FILES_MIN,
			       UNIT_OPEN_FILES_MAX);
	f->open_files = files;
	return 0;
}

static int take_nice(struct unit_file *f, char **words, int count, struct err *e)
{
	const char *digits = words[0][0] == '-' ? words[0] + 1 : words[0];
	uint32_t value;

	(void)count;
	if (!str_to_u32(digits, &value) || value > (digits == words[0] ? 19 : 20))
		return err_set(e, "nice must be a number from -20 to 19");
	f->nice = digits == words[0] ? (int)value : -(int)value;
	return 0;
}

static int take_user(struct unit_file *f, char **words, int count, struct err *e)
{
	(void)count;
	f->user = words[0];
	return str_is_name(words[0]) ? 0 : err_set(e, "%s cannot be the name of a user", words[0]);
}

static int take_caps(struct unit_file *f, char **words, int count, struct err *e)
{
	f->has_caps = true;
	for (int i = 0; i < count; i++) {
		int cap = pick(words[i], caps_names, "capability", e);

		if (cap < 0)
			return -1;
		f->caps |= UINT64_C(1) << cap;
	}
	return 0;
}

static int take_env(struct unit_file *f, char **words, int count, struct err *e)
{
	(void)count;
	if (f->env_count == UNIT_ENV_MAX)
		return err_set(e, "more than %d env lines", UNIT_ENV_MAX);
	if (!strchr(words[0], '=') || words[0][0] == '=' || str_starts(words[0], "CUVETTE_FDS="))
		return err_set(e, "env %s must be KEY=VALUE, and not of CUVETTE_FDS", words[0]);
	f->env[f->env_count++] = words[0];
	return 0;
}

static int take_may(struct unit_file *f, char **words, int count, struct err *e)
{
	static const char *const rights[] = { "poweroff", NULL };

	(void)count;
	f->may_poweroff = true;
	return pick(words[0], rights, "may", e) < 0 ? -1 : 0;
}

static int take_when(struct unit_file *f, char **words, int count, struct err *e)
{
	(void)count;
	f->when = words[0];
	return need_absolute(words[0], e);
}

/* Sorted. */
static const struct key {
	const char *name;
	int words_min, words_max;
	bool repeats;
	take_fn *take;
} keys[] = {
	{ "after", 1, WORDS_MAX, false, take_after },
	{ "caps", 1, WORDS_MAX, false, take_caps },
	{ "env", 1, 1, true, take_env },
	{ "exec", 1, WORDS_MAX, false, take_exec },
	{ "file", 3, 4, true, take_file },
	{ "log-bytes", 1, 1, false, take_log_bytes },
	{ "may", 1, 1, false, take_may },
	{ "nice", 1, 1, false, take_nice },
	{ "open-files", 1, 1, false, take_open_files },
	{ "ready", 1, 1, false, take_ready },
	{ "restart", 1, 1, false, take_restart },
	{ "shutdown-signal", 1, 1, false, take_shutdown_signal },
	{ "socket", 6, 6, true, take_socket },
	{ "stop-ms", 1, 1, false, take_stop_ms },
	{ "user", 1, 1, false, take_user },
	{ "when", 1, 1, false, take_when },
};
enum { KEYS = ARRAY_SIZE(keys) };

/* seen: a bit per key. */
static int take_line(struct unit_file *f, char *line, unsigned line_number, unsigned *seen,
		     struct err *e)
{
	const char *names[KEYS + 1] = { NULL };
	char *words[WORDS_MAX];
	int count, at;

	line += strspn(line, " \t");
	count = *line == '#' ? 0 : str_split_words(line, words, WORDS_MAX);
	if (count < 0)
		return err_set(e, "more than %d words, or a quote that is not closed", WORDS_MAX);
	if (count == 0)
		return 0;
	for (int i = 0; i < KEYS; i++)
		names[i] = keys[i].name;
	at = pick(words[0], names, "key", e);
	if (at < 0)
		return -1;
	if ((*seen & 1u << at) && !keys[at].repeats)
		return err_set(e, "%s stands there twice", keys[at].name);
	*seen |= 1u << at;
	if (count - 1 < keys[at].words_min || count - 1 > keys[at].words_max)
		return err_set(e, "%s takes %d%s words, not %d", keys[at].name, keys[at].words_min,
			       keys[at].words_max > keys[at].words_min ? " or more" : "",
			       count - 1);
	if (str_equal(words[0], "after"))
		f->after_line = (int)line_number;
	return keys[at].take(f, words + 1, count - 1, e);
}

int unit_file_parse(struct unit_file *f, const char *name, const char *text, struct err *e)
{
	unsigned line_number = 0, seen = 0;
	bool restart_given;
	char *line, *rest;

	memset(f, 0, sizeof(*f));
	f->stop_ms = UNIT_STOP_MS_DEFAULT;
	f->log_bytes = UNIT_LOG_BYTES_DEFAULT;
	f->shutdown_signal = SIGTERM;
	if (!str_copy(f->text, sizeof(f->text), text))
		return err_set(e, "%s: larger than %d bytes", name, UNIT_FILE_BYTES_MAX - 1);
	rest = f->text;
	while ((line = strsep(&rest, "\n")))
		if (take_line(f, line, ++line_number, &seen, e))
			return err_add(e, "%s:%u", name, line_number);
	if (!f->exec[0])
		return err_set(e, "%s: no `exec PATH`: nothing to start", name);
	restart_given = false;
	for (int i = 0; i < KEYS; i++)
		restart_given |= (seen & 1u << i) && keys[i].take == take_restart;
	if (f->ready == UNIT_READY_EXIT && !restart_given)
		f->restart = UNIT_RESTART_FAILURE;
	if (f->ready == UNIT_READY_EXIT && f->restart == UNIT_RESTART_ALWAYS)
		return err_set(e, "%s: `ready exit` with `restart always` would run it for ever",
			       name);
	return 0;
}
