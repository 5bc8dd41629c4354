/* names.h - the three files by which a container knows names: resolv.conf, hosts, hostname.
 *
 * Without a text of its own resolv.conf is the appliance's, which the DHCP client rewrites in
 * place: a bind of it follows every later lease. What is the container's own is written anew at
 * each start, below /run/box/NAME. All belong to users that a container does not have, and are
 * mounted read-only: it cannot write them. */
#pragma once

struct err;

enum { NAMES_HOSTS_MAX = 16384 };	/* 256 lines of 64 bytes: on the stack once */

#define NAMES_DRIVER "names"	/* of a volume whose name is one of the three files */

struct names_text {
	const char *hostname;	/* NULL = the box has the machine's */
	const char *resolver;	/* all of resolv.conf; "" = the appliance's */
	const char *hosts;	/* lines behind localhost's; "" = hostname at 127.0.1.1 */
};

/* An O_PATH fd of the file. state_fd: the box's folder. */
int names_open(const char *file, int state_fd, const struct names_text *text, struct err *e);
