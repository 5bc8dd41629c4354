/* still.c - the program in the containers of `make bench-box`: called `true` it ends, else it
 * stays. */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;

	if (name && !strcmp(name, "/true"))
		return 0;
	for (;;)
		pause();
}
