#include "init/boot.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"

void boot_mark(const char *stage, uint64_t at_ns)
{
	char line[BOOT_NAME_MAX + 24];
	int size =
		snprintf(line, sizeof(line), "%.*s %" PRIu64 "\n", BOOT_NAME_MAX - 1, stage, at_ns);
	AUTO_FD int fd =
		open(BOOT_RECORD, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd >= 0 && write(fd, line, (size_t)size) < 0)
		return;
}

/* Takes the next line apart; false when it is not `NAME NANOSECONDS`. */
static bool take_line(const char *line, size_t size, struct boot_stage *stage)
{
	char copy[BOOT_NAME_MAX + 24];
	char end = 0;

	if (size >= sizeof(copy))
		return false;
	memcpy(copy, line, size);
	copy[size] = '\0';
	return sscanf(copy, "%47s %" SCNu64 "%c", stage->name, &stage->at_ns, &end) == 2;
}

int boot_parse(const char *text, struct boot_stage stages[BOOT_STAGES_MAX])
{
	int count = 0;

	while (*text && count < BOOT_STAGES_MAX) {
		size_t size = strcspn(text, "\n");
		struct boot_stage stage;
		int at = count;

		if (take_line(text, size, &stage)) {
			while (at > 0 && stages[at - 1].at_ns > stage.at_ns) {
				stages[at] = stages[at - 1];
				at--;
			}
			stages[at] = stage;
			count++;
		}
		text += size + (text[size] == '\n');
	}
	return count;
}
