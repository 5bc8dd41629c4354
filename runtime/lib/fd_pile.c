/* fd_pile.c - see fd_pile.h */
#include "lib/fd_pile.h"

#include <sys/syscall.h>
#include <unistd.h>

void fd_pile_add(struct fd_pile *p, int fd)
{
	int i;

	if (fd < 0)
		return;
	fd_pile_make_room(p, 1);
	for (i = p->count++; i > 0 && p->fds[i - 1] > fd; i--)
		p->fds[i] = p->fds[i - 1];
	p->fds[i] = fd;
}

void fd_pile_make_room(struct fd_pile *p, int count)
{
	if (p->count + count > FD_PILE_MAX)
		fd_pile_close(p);
}

/* By runs: fds that are opened one after the other are neighbours. */
void fd_pile_close(struct fd_pile *p)
{
	for (int first = 0, next; first < p->count; first = next) {
		for (next = first + 1; next < p->count; next++)
			if (p->fds[next] != p->fds[next - 1] + 1)
				break;
		syscall(SYS_close_range, (unsigned)p->fds[first], (unsigned)p->fds[next - 1], 0);
	}
	p->count = 0;
}
