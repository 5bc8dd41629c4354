/* swapper - the adversary of tests/system/box_mounts.sh: exchanges two names as fast as it can.
 *
 *   swapper A B [A B]...    until it is killed; both names of a pair must exist */
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
				    RENAME_EXCHANGE) < 0) {
				perror(argv[i]);
				return 1;
			}
}
