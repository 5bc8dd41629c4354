/* tun_device.c - see tun_device.h */
#include "net/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "net/net_ns.h"

#define RPS_SETTING "core/rps_default_mask"	/* since 6.3 of each namespace */

/* The kernel refuses a mask with CPUs that it does not have: from many to few. */
void tun_device_spread(bool is_spread)
{
	char mask[16];

	if (!is_spread)
		net_ns_sysctl(RPS_SETTING, "0", NULL);
	for (uint32_t cpus = UINT32_MAX; is_spread && cpus > 1; cpus >>= 1) {
		snprintf(mask, sizeof(mask), "%x", cpus);
		if (net_ns_sysctl(RPS_SETTING, mask, NULL) == 0)
			return;
	}
}

int tun_device_create(const char *name, unsigned *index, struct err *e)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	AUTO_FD int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /dev/net/tun");
	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return err_sys(e, "make the gateway's TUN device %s", name);
	/* No TUN_F_USO4 and 6: a container's UDP_SEGMENT send would come as one large datagram, and
	 * the gateway sends each datagram on as it came. So the kernel cuts it before it gets here.
	 */
	if (ioctl(fd, TUNSETOFFLOAD, tcp) < 0)
		return err_sys(e, "set the offloads of the gateway's TUN device");
	*index = if_nametoindex(name);
	return *index ? take_fd(&fd) : err_sys(e, "find %s", name);
}
