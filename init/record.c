#include "init/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"

void record_format(const struct record *r, char text[RECORD_BYTES_MAX])
{
	snprintf(text, RECORD_BYTES_MAX, "%s %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %d\n",
		 unit_fsm_state_name(r->state), (int)r->pid, r->start_ticks, r->since_ns,
		 r->restarts, r->announced);
}

int record_parse(const char *text, struct record *r, struct err *e)
{
	char copy[RECORD_BYTES_MAX];
	char *words[7];
	uint32_t pid;
	uint64_t announced;

	if (!str_copy(copy, sizeof(copy), text))
		return err_set(e, "too long");
	copy[strcspn(copy, "\n")] = '\0';
	if (str_split_words(copy, words, 7) != 6 || !unit_fsm_state_by_name(words[0], &r->state) ||
	    !str_to_u32(words[1], &pid) || !str_to_u64(words[2], &r->start_ticks) ||
	    !str_to_u64(words[3], &r->since_ns) || !str_to_u64(words[4], &r->restarts) ||
	    !str_to_u64(words[5], &announced) || announced > 1 || pid > INT32_MAX)
		return err_set(e, "not of the form STATE PID START SINCE RESTARTS ANNOUNCED");
	r->pid = (pid_t)pid;
	r->announced = announced == 1;
	return 0;
}

static void name_of(const char *unit, char name[96])
{
	snprintf(name, 96, "%s.state", unit);
}

int record_save(const struct record *r, int dir_fd, const char *unit, struct err *e)
{
	char name[96], text[RECORD_BYTES_MAX];

	name_of(unit, name);
	record_format(r, text);
	return fs_write_atomic_at(dir_fd, name, text, strlen(text), 0600, e);
}

int record_load(struct record *r, int dir_fd, const char *unit, struct err *e)
{
	char name[96];
	size_t size;
	AUTO_FREE char *text = NULL;

	name_of(unit, name);
	text = fs_read_at(dir_fd, name, RECORD_BYTES_MAX, &size, e);
	if (!text)
		return -1;
	return record_parse(text, r, e) ? err_add(e, "%s", name) : 0;
}
