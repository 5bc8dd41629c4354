/* cgroup_stats.c - see cgroup_stats.h: reading. cgroup_stats_write.c writes. */
#include "box/cgroup_stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box/cgroup_values.h"
#include "lib/arena.h"
#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"

enum {
	FILE_BYTES_MAX = 256 << 10,	/* io.stat has a line for each disk */
	HUGEPAGES_MAX = 16,		/* sizes; x86 has two */
};

static size_t count_lines(const char *text)
{
	size_t count = 1;

	while ((text = strchr(text, '\n'))) {
		count++;
		text++;
	}
	return count;
}

bool cgroup_counters_parse(struct cgroup_counters *c, struct arena *a, const char *text)
{
	char *copy = arena_str(a, text), *save = NULL;

	*c = (struct cgroup_counters){
		.items = arena_array(a, count_lines(text), sizeof(*c->items)),
	};
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct cgroup_counter *item = &c->items[c->count];
		char *number = strchr(line, ' ');

		if (!number || number == line)
			return false;
		*number++ = '\0';
		item->name = line;
		if (!str_to_u64(number, &item->value))
			return false;
		c->count++;
	}
	return true;
}

uint64_t cgroup_counter(const struct cgroup_counters *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_equal(c->items[i].name, name))
			return c->items[i].value;
	return 0;
}

/* Digits up to the end or one of `ends`; moves on behind them. */
static bool take_number(const char **text, const char *ends, uint64_t *value)
{
	size_t digits = strspn(*text, "0123456789");
	char number[24];

	if (digits >= sizeof(number) || ((*text)[digits] && !strchr(ends, (*text)[digits])))
		return false;
	memcpy(number, *text, digits);
	number[digits] = '\0';
	*text += digits;
	return str_to_u64(number, value);
}

/* "12.34": two digits behind the point, always. */
static bool take_hundredths(const char **text, uint64_t *value)
{
	uint64_t whole, part;
	const char *point;

	if (!take_number(text, ".", &whole) || **text != '.')
		return false;
	point = ++*text;
	if (!take_number(text, " \n", &part) || *text != point + 2 || whole > 1000)
		return false;
	*value = whole * 100 + part;
	return true;
}

static bool skip(const char **text, const char *word)
{
	if (!str_starts(*text, word))
		return false;
	*text += strlen(word);
	return true;
}

static bool take_pressure(const char **text, struct cgroup_pressure_line *line)
{
	if (!skip(text, " avg10=") || !take_hundredths(text, &line->avg10) ||
	    !skip(text, " avg60=") || !take_hundredths(text, &line->avg60) ||
	    !skip(text, " avg300=") || !take_hundredths(text, &line->avg300) ||
	    !skip(text, " total=") || !take_number(text, "\n", &line->total_us))
		return false;
	*text += **text == '\n';
	return true;
}

bool cgroup_pressure_parse(struct cgroup_pressure *p, const char *text)
{
	*p = (struct cgroup_pressure){ 0 };
	if (!skip(&text, "some") || !take_pressure(&text, &p->some))
		return false;
	/* The processor's has one line before 5.13. */
	if (skip(&text, "full") && !take_pressure(&text, &p->full))
		return false;
	p->given = !*text;
	return p->given;
}

static uint64_t *io_field(struct cgroup_io *io, const char *name, size_t length)
{
	const struct {
		const char *name;
		uint64_t *value;
	} fields[] = {
		{ "rbytes", &io->read_bytes },	  { "wbytes", &io->write_bytes },
		{ "dbytes", &io->discard_bytes }, { "rios", &io->reads },
		{ "wios", &io->writes },	  { "dios", &io->discards },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0)
			return fields[i].value;
	return NULL;
}

/* "8:0 rbytes=1 wbytes=2 ... NAME=VALUE", with names that a policy adds (cost.usage=...). */
static bool take_io(const char **text, struct cgroup_io *io)
{
	uint64_t major, minor;

	if (!take_number(text, ":", &major) || !skip(text, ":") ||
	    !take_number(text, " \n", &minor) || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	io->major = (uint32_t)major;
	io->minor = (uint32_t)minor;
	while (skip(text, " ")) {
		size_t length = strcspn(*text, "= \n");
		uint64_t *value = io_field(io, *text, length);

		*text += length;
		if (value && (!skip(text, "=") || !take_number(text, " \n", value)))
			return false;
		*text += strcspn(*text, " \n");
	}
	*text += **text == '\n';
	return true;
}

bool cgroup_ios_parse(struct cgroup_ios *io, struct arena *a, const char *text)
{
	*io = (struct cgroup_ios){ .items = arena_array(a, count_lines(text), sizeof(*io->items)) };
	for (; *text; io->count++)
		if (!take_io(&text, &io->items[io->count]))
			return false;
	return true;
}

/* "" for a file that is not there, or that the kernel does not fill (pressure turned off). */
static const char *read_file(int cgroup_fd, const char *name, struct arena *a, struct err *e)
{
	size_t size_bytes;
	struct err why;
	AUTO_FREE char *text = fs_read_at(cgroup_fd, name, FILE_BYTES_MAX, &size_bytes, &why);

	if (text)
		return arena_str(a, text);
	if (why.number == ENOENT || why.number == EOPNOTSUPP)
		return "";
	err_set(e, "cgroup: read %s: %s", name, why.text);
	return NULL;
}

static int bad_file(const char *name, struct err *e)
{
	return err_set(e, "cgroup: %s is not in the kernel's form", name);
}

static int read_counters(int cgroup_fd, const char *name, struct arena *a,
			 struct cgroup_counters *c, struct err *e)
{
	const char *text = read_file(cgroup_fd, name, a, e);

	if (!text)
		return -1;
	return cgroup_counters_parse(c, a, text) ? 0 : bad_file(name, e);
}

static int read_pressure(int cgroup_fd, const char *name, struct arena *a,
			 struct cgroup_pressure *p, struct err *e)
{
	const char *text = read_file(cgroup_fd, name, a, e);

	if (!text)
		return -1;
	return !*text || cgroup_pressure_parse(p, text) ? 0 : bad_file(name, e);
}

static int read_number(int cgroup_fd, const char *name, struct arena *a, uint64_t *value,
		       struct err *e)
{
	const char *text = read_file(cgroup_fd, name, a, e);

	if (!text)
		return -1;
	if (str_starts(text, "max\n"))
		*value = UINT64_MAX;
	else if (*text && !take_number(&text, "\n", value))
		return bad_file(name, e);
	return 0;
}

static int read_io(int cgroup_fd, struct arena *a, struct cgroup_ios *io, struct err *e)
{
	const char *text = read_file(cgroup_fd, "io.stat", a, e);

	if (!text)
		return -1;
	return cgroup_ios_parse(io, a, text) ? 0 : bad_file("io.stat", e);
}

static int read_hugepage(int cgroup_fd, const char *size, struct arena *a,
			 struct cgroup_hugepages *h, struct err *e)
{
	struct cgroup_counters events;

	h->size = size;
	if (read_number(cgroup_fd, arena_format(a, "hugetlb.%s.current", size), a,
			&h->current_bytes, e) ||
	    read_counters(cgroup_fd, arena_format(a, "hugetlb.%s.events", size), a, &events, e))
		return -1;
	h->limit_hits = cgroup_counter(&events, "max");
	return 0;
}

/* Only the names of the files say which sizes the machine has. */
static int read_hugepages(int cgroup_fd, struct arena *a, struct cgroup_stats *s, struct err *e)
{
	static const char prefix[] = "hugetlb.", suffix[] = ".events";
	const char *controllers = read_file(cgroup_fd, "cgroup.controllers", a, e);
	int fd, failed = 0;
	DIR *dir;

	if (!controllers)
		return -1;
	if (!(cgroup_controllers_parse(controllers) & 1u << CGROUP_HUGETLB))
		return 0;
	fd = openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return err_sys(e, "cgroup: list it");
	}
	s->hugepages = arena_array(a, HUGEPAGES_MAX, sizeof(*s->hugepages));
	for (struct dirent *entry; !failed && (entry = readdir(dir));) {
		const char *size = entry->d_name + sizeof(prefix) - 1;

		if (s->hugepage_count < HUGEPAGES_MAX && str_starts(entry->d_name, prefix) &&
		    str_ends(size, suffix))
			failed = read_hugepage(
				cgroup_fd, arena_strn(a, size, strlen(size) - sizeof(suffix) + 1),
				a, &s->hugepages[s->hugepage_count++], e);
	}
	closedir(dir);
	return failed;
}

static int read_memory(int fd, struct arena *a, struct cgroup_stats *s, struct err *e)
{
	return read_counters(fd, "memory.stat", a, &s->memory, e) ||
			       read_counters(fd, "memory.events", a, &s->memory_events, e) ||
			       read_number(fd, "memory.current", a, &s->ram.current_bytes, e) ||
			       read_number(fd, "memory.max", a, &s->ram.max_bytes, e) ||
			       read_number(fd, "memory.peak", a, &s->ram.peak_bytes, e) ||
			       read_number(fd, "memory.swap.current", a, &s->swap.current_bytes,
					   e) ||
			       read_number(fd, "memory.swap.max", a, &s->swap.max_bytes, e) ||
			       read_number(fd, "memory.swap.peak", a, &s->swap.peak_bytes, e) ||
			       read_pressure(fd, "memory.pressure", a, &s->memory_pressure, e)
		       ? -1
		       : 0;
}

int cgroup_stats_read(struct cgroup_stats *s, int cgroup_fd, struct arena *a, struct err *e)
{
	*s = (struct cgroup_stats){ 0 };
	if (read_counters(cgroup_fd, "cpu.stat", a, &s->cpu, e) ||
	    read_pressure(cgroup_fd, "cpu.pressure", a, &s->cpu_pressure, e) ||
	    read_memory(cgroup_fd, a, s, e) || read_io(cgroup_fd, a, &s->io, e) ||
	    read_pressure(cgroup_fd, "io.pressure", a, &s->io_pressure, e) ||
	    read_number(cgroup_fd, "pids.current", a, &s->pids, e) ||
	    read_number(cgroup_fd, "pids.max", a, &s->pids_max, e) ||
	    read_hugepages(cgroup_fd, a, s, e))
		return -1;
	return 0;
}
