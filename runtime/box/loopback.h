/* loopback.h - the device lo of a new network namespace, which the kernel makes without setting it
 * up (netdevice(7)). */
#pragma once

struct err;

/* Of the calling process's own namespace; takes CAP_NET_ADMIN in it. */
int loopback_set_up(struct err *e);
