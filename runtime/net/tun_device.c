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

/* Which CPUs work on what the gateway writes; else it does itself all that the containers' TCP does
 * with it (Documentation/networking/scaling.rst, RPS). For devices that are made from now on here.
 * The kernel refuses a mask with CPUs that it does not have: from many to few. */
static void spread_new_devices(void)
{
	char mask[16];

	for (uint32_t cpus = UINT32_MAX; cpus > 1; cpus >>= 1) {
		snprintf(mask, sizeof(mask), "%x", cpus);
		if (net_ns_sysctl(RPS_SETTING, mask, NULL) == 0)
			return;
	}
}

int tun_device_create(struct err *e)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	AUTO_FD int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /dev/net/tun");
	memcpy(r.ifr_name, TUN_DEVICE_NAME, sizeof(TUN_DEVICE_NAME));
	spread_new_devices();
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return err_sys(e, "make the gateway's TUN device");
	/* Not those of members: what they send is in no order then, or on one CPU. */
	net_ns_sysctl(RPS_SETTING, "0", NULL);
	/* No TUN_F_USO4 and 6: a container's UDP_SEGMENT send would come as one large datagram, and
	 * the gateway sends each datagram on as it came. So the kernel cuts it before it gets here.
	 */
	if (ioctl(fd, TUNSETOFFLOAD, tcp) < 0)
		return err_sys(e, "set the offloads of the gateway's TUN device");
	return take_fd(&fd);
}
