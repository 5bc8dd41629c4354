/* tun_device.c - see tun_device.h */
#include "net/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/err.h"
#include "lib/fd.h"

int tun_device_create(struct err *e)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	AUTO_FD int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /dev/net/tun");
	memcpy(r.ifr_name, TUN_DEVICE_NAME, sizeof(TUN_DEVICE_NAME));
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return err_sys(e, "make the gateway's TUN device");
	/* No TUN_F_USO4 and 6: a container's UDP_SEGMENT send would come as one large datagram, and
	 * the gateway sends each datagram on as it came. So the kernel cuts it before it gets here.
	 */
	if (ioctl(fd, TUNSETOFFLOAD, tcp) < 0)
		return err_sys(e, "set the offloads of the gateway's TUN device");
	return take_fd(&fd);
}
