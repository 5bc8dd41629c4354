/* failure.c - see failure.h */
#include "cli/failure.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/globals.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"

enum { LINE_BYTES_MAX = 8 * ERR_TEXT_MAX };

static void write_json(struct buf *out, const char *sentence, const char *time)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	json_key(&w, "level");
	json_put_str(&w, "error");
	json_key(&w, "msg");
	json_put_str(&w, sentence);
	json_key(&w, "time");
	json_put_str(&w, time);
	json_end_object(&w);
}

static void write_text(struct buf *out, const char *sentence, const char *time)
{
	struct json_writer w;

	buf_add_format(out, "time=\"%s\" level=error msg=", time);
	json_writer_init(&w, out);
	json_put_str(&w, sentence);	/* logfmt quotes as JSON does */
}

static int open_log(const struct globals *g)
{
	return open(g->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

int failure_try(struct globals *g, struct err *e)
{
	if (!g->log)
		return 0;
	AUTO_FD int fd = open_log(g);

	if (fd >= 0)
		return 0;
	err_sys(e, "box: --log=%.256s: name a file that can be written", g->log);
	g->log = NULL;
	return -1;
}

void failure_tell(const struct globals *g, const struct err *why)
{
	char now[TIME_RFC3339_BYTES];
	struct buf line;
	struct err e;

	log_err("%s", why->text);
	if (!g->log)
		return;
	time_rfc3339_now(now);
	buf_init(&line, LINE_BYTES_MAX);
	if (g->log_json)
		write_json(&line, why->text, now);
	else
		write_text(&line, why->text, now);
	buf_add_str(&line, "\n");
	{
		/* One write: lines of several commands in one file stay whole. */
		AUTO_FD int fd = open_log(g);

		if (fd < 0)
			log_err("--log %s cannot be opened: %m", g->log);
		else if (fd_write_all(fd, line.data, line.size_bytes, &e))
			log_err("--log %s: %s", g->log, e.text);
	}
	buf_finish(&line);
}
