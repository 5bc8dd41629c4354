/* saying.c - see saying.h */
#include "net/saying.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

enum { READ_BYTES = 512, LAST_READS = 16 /* of one that is gone */ };

/* Its own log_init stands in front (lib/log.h). What it costs more than a line. */
static uint64_t say(const struct saying *s)
{
	static const struct {
		const char *start;
		void (*log)(const char *format, ...);
	} levels[] = {
		{ "err gated: ", log_err },
		{ "warn gated: ", log_warn },
		{ "info gated: ", log_info },
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (str_starts(s->line, levels[i].start)) {
			levels[i].log("gateway of network %s: %s", s->name,
				      s->line + strlen(levels[i].start));
			return levels[i].log == log_info ? 0 : SAYING_ALARM_MS;
		}
	log_warn("gateway of network %s: %s", s->name, s->line);
	return SAYING_ALARM_MS;
}

static void charge(struct saying *s)
{
	uint64_t now_ms = time_boot_ms();

	if (s->due_ms + SAYING_AHEAD_MS < now_ms)
		s->due_ms = now_ms - SAYING_AHEAD_MS;
	s->due_ms += SAYING_LINE_MS;
}

static void end_line(struct saying *s)
{
	charge(s);
	if (s->used == SAYING_LINE_BYTES)
		memcpy(s->line + s->used - 3, "...", 3);
	s->line[s->used] = '\0';
	if (s->used > 0)
		s->due_ms += say(s);
	s->used = 0;
}

/* As read(2): 0 = nobody can write to it any more. */
static ssize_t take(struct saying *s)
{
	char data[READ_BYTES];
	ssize_t n = read(s->source.fd, data, sizeof(data));

	/* One that does not end is paid for, too. */
	if (n > 0)
		charge(s);
	for (ssize_t i = 0; i < n; i++)
		if (data[i] == '\n' || data[i] == '\0')
			end_line(s);
		else if (s->used < SAYING_LINE_BYTES)
			s->line[s->used++] = data[i];
	return n;
}

static void on_said(struct loop_source *source, unsigned events)
{
	struct saying *s = owner_of(source, struct saying, source);
	uint64_t now_ms;

	(void)events;
	if (take(s) == 0) {
		loop_remove(source);
		return;
	}
	now_ms = time_boot_ms();
	if (s->due_ms <= now_ms)
		return;
	loop_remove(source);
	loop_timer_set(s->loop, &s->rest, s->due_ms - now_ms);
}

static void on_rested(struct loop_timer *timer)
{
	struct saying *s = owner_of(timer, struct saying, rest);
	struct err e;

	if (s->source.fd >= 0 && loop_add(s->loop, &s->source, LOOP_READ, &e))
		log_err("gateway of network %s: what it says is lost: %s", s->name, e.text);
}

void saying_init(struct saying *s, struct loop *loop, const char *name)
{
	*s = (struct saying){ .loop = loop, .name = name };
	s->source = (struct loop_source){ .fd = -1, .on_event = on_said };
	s->rest.on_time = on_rested;
}

int saying_open(struct saying *s, int *write_fd, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "make a pipe for what it says");
	s->source.fd = ends[0];
	*write_fd = ends[1];
	s->used = 0;
	on_rested(&s->rest);
	return 0;
}

void saying_close(struct saying *s)
{
	if (s->source.fd < 0)
		return;
	loop_timer_off(&s->rest);
	loop_remove(&s->source);
	for (int i = 0; i < LAST_READS && s->due_ms <= time_boot_ms() && take(s) > 0; i++)
		;
	if (s->used > 0)
		end_line(s);
	fd_close(&s->source.fd);
}
