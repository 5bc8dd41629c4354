/* path_error.h - what the network said about datagrams that a socket of ours sent, passed on to the
 * container as the ICMP error that it would have got itself.
 *
 * From the socket's error queue (IP_RECVERR in ip(7), IPV6_RECVERR; linux/errqueue.h). The error
 * comes from whom it came from, but for the machine's own loopback, which no container knows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/address.h"

struct packet;
struct tun;

struct path_error {
	uint8_t type, code;		/* ICMP's or ICMPv6's, by the socket's family */
	uint32_t value;			/* the MTU of a packet that was too big, or 0 */
	struct address offender;	/* family 0: not known */
	uint8_t data[64];		/* the beginning of what had been sent */
	size_t data_bytes;
};

void path_error_listen(int fd, uint8_t family);
/* False: the queue is empty. Errors of this machine itself are skipped. */
bool path_error_read(int fd, struct path_error *out);
/* What connect(2) or send(2) said, as an ICMP error; false when it means nothing to the
 * container. */
bool path_error_of_errno(int number, uint8_t family, struct path_error *out);

/* About cause, to who sent it. */
void path_error_pass(struct tun *tun, const struct path_error *error,
		     const struct address *fallback, const struct packet *cause);
/* Port unreachable, or administratively prohibited, from `from`. */
void path_error_refuse(struct tun *tun, const struct address *from, const struct packet *cause,
		       bool forbidden);
