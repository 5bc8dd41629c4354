/* boxfilter - compiles Docker's default seccomp profile for the read-only system, at build time.
 *
 * usage: boxfilter DIR
 *   writes DIR/HASH, which goes to /usr/lib/cuvette/seccomp (rootfs/manifest): boxd and box find it
 *   there and start without the compiler (box/seccomp_store.h). Not part of the system itself. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "box/seccomp_default.h"
#include "box/seccomp_store.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/log.h"
#include "oci/spec_names.h"

enum { ARENA_BYTES_MAX = 1 << 20 };

int main(int argc, char **argv)
{
	struct arena *a = arena_create(ARENA_BYTES_MAX);
	uint64_t caps = oci_default_caps() & seccomp_default_caps();
	struct err e;
	int dir_fd;

	log_init("boxfilter", LOG_LEVEL_INFO);
	if (argc != 2)
		die("usage: boxfilter DIR");
	dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		die("open %s: %s", argv[1], strerror(errno));
	if (seccomp_store_write(dir_fd, seccomp_default_profile(a, caps), &e))
		die("%s: %s", argv[1], e.text);
	return 0;
}
