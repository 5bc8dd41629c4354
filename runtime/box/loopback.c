/* loopback.c - see loopback.h */
#include "box/loopback.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "lib/fd.h"

int loopback_set_up(struct err *e)
{
	/* Of any family: netdevice(7) takes them all, and this one every kernel has. */
	AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "set the device lo up");
	return 0;
}
