/* swapper - the adversary of tests/system/box_mounts.sh: exchanges two names as fast as it can.
 *
 *   swapper A B [A B]...    until it is killed
 *
 * A name that is not there at the moment is tried again: whoever is attacked may be making it
 * anew. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

int main(int argc, char **argv)
{
	for (;;)
		for (int i = 1; i + 1 < argc; i += 2)
			if (syscall(SYS_renameat2, AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1],
				    RENAME_EXCHANGE) < 0 &&
			    errno != ENOENT) {
				perror(argv[i]);
				return 1;
			}
}
