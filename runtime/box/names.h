/* names.h - the three files by which a container knows names: resolv.conf, hosts, hostname.
 *
 * resolv.conf is the appliance's own, which the DHCP client rewrites in place: a bind of it follows
 * every later lease. The other two are written anew at each start, below /run/box/NAME. All belong
 * to users that a container does not have, and are mounted read-only: it cannot write them. */
#pragma once

struct err;

#define NAMES_DRIVER "names"	/* of a volume whose name is one of the three files */

/* An O_PATH fd of the file. state_fd: the box's folder; hostname NULL = the box has the machine's.
 */
int names_open(const char *file, int state_fd, const char *hostname,
	       struct err *e);
