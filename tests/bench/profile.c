/* profile.c - prints linux.seccomp of a config.json with Docker's default profile, the same text
 * for all runtimes of `make bench-box`, for Docker's 14 capabilities. */
#include <stdio.h>

#include "box/seccomp_default.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "oci/spec_seccomp.h"

#define DOCKER_CAPS 0xa80425fb	/* CHOWN .. AUDIT_WRITE, capabilities(7) */

int main(void)
{
	struct arena *a = arena_create(1 << 20);
	struct json_writer w;
	struct buf out;

	buf_init(&out, 1 << 20);
	json_writer_init(&w, &out);
	oci_seccomp_write(seccomp_default_profile(a, DOCKER_CAPS), &w);
	if (out.overflow || out.size_bytes == 0)
		return 1;
	fwrite(out.data, 1, out.size_bytes, stdout);
	return 0;
}
