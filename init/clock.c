#include "init/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "init/listing.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"

int64_t clock_floor(int64_t now_s, int64_t epoch_s, int64_t saved_s, enum clock_source *source)
{
	int64_t best_s = now_s;

	*source = CLOCK_FROM_MACHINE;
	if (epoch_s >= 0 && epoch_s > best_s) {
		best_s = epoch_s;
		*source = CLOCK_FROM_BUILD;
	}
	if (saved_s >= 0 && saved_s > best_s && saved_s < CLOCK_BELIEVABLE_S) {
		best_s = saved_s;
		*source = CLOCK_FROM_SAVED;
	}
	return best_s;
}

static int64_t read_seconds(const char *path)
{
	char text[24];
	int64_t seconds = 0;

	return listing_read(path, text, sizeof(text)) && str_to_i64(text, &seconds) ? seconds : -1;
}

void clock_raise(void)
{
	static const char *const from[] = {
		[CLOCK_FROM_MACHINE] = "the machine's clock",
		[CLOCK_FROM_BUILD] = "this system's build time",
		[CLOCK_FROM_SAVED] = "the time of the last run",
	};
	int64_t now_s = time_wall_s();
	enum clock_source source;
	struct timespec to = { .tv_sec = clock_floor(now_s, read_seconds(CLOCK_EPOCH),
						     read_seconds(CLOCK_SAVED), &source) };
	struct tm tm;

	if (source == CLOCK_FROM_MACHINE)
		return;
	if (clock_settime(CLOCK_REALTIME, &to)) {
		log_warn("the clock is behind %s and cannot be set: dates will be wrong",
			 from[source]);
		return;
	}
	gmtime_r(&to.tv_sec, &tm);
	log_warn("the machine's clock was behind and now starts at %04d-%02d-%02d %02d:%02d UTC "
		 "(%s): "
		 "dates are wrong until a time server answers; set the machine's clock",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, from[source]);
}

void clock_save(void)
{
	char text[24];
	int size = snprintf(text, sizeof(text), "%" PRId64 "\n", time_wall_s());
	AUTO_FD int fd = open(CLOCK_SAVED ".new",
			      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	/* A full or read-only disk keeps the older time: a floor that is too low is still a floor.
	 */
	if (fd < 0 || fd_write_all(fd, text, (size_t)size, NULL) || fsync(fd) ||
	    rename(CLOCK_SAVED ".new", CLOCK_SAVED))
		unlink(CLOCK_SAVED ".new");
}
