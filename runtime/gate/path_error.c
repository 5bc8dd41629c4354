#include "gate/path_error.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>

#include "gate/packet.h"
#include "gate/tun.h"
#include "lib/array.h"

void path_error_listen(int fd, uint8_t family)
{
	int on = 1;

	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
}

static const struct sock_extended_err *extended(struct msghdr *m)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			return (const struct sock_extended_err *)CMSG_DATA(c);
	return NULL;
}

bool path_error_read(int fd, struct path_error *out)
{
	union {
		struct cmsghdr align;
		char bytes[512];
	} control;
	struct iovec data = { out->data, sizeof(out->data) };
	const struct sock_extended_err *ee;
	struct sockaddr_storage offender;
	struct msghdr m;
	uint16_t port;
	ssize_t n;

	for (;;) {
		m = (struct msghdr){ .msg_iov = &data,
				     .msg_iovlen = 1,
				     .msg_control = &control,
				     .msg_controllen = sizeof(control) };
		n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		ee = extended(&m);
		if (!ee ||
		    (ee->ee_origin != SO_EE_ORIGIN_ICMP && ee->ee_origin != SO_EE_ORIGIN_ICMP6))
			continue;
		out->type = ee->ee_type;
		out->code = ee->ee_code;
		out->value = ee->ee_errno == EMSGSIZE ? ee->ee_info : 0;
		out->data_bytes = n;
		memset(&offender, 0, sizeof(offender));
		memcpy(&offender, SO_EE_OFFENDER(ee),
		       ee->ee_origin == SO_EE_ORIGIN_ICMP ? sizeof(struct sockaddr_in)
							  : sizeof(struct sockaddr_in6));
		if (!address_of_socket(&offender, &out->offender, &port))
			out->offender = (struct address){ 0 };
		return true;
	}
}

bool path_error_of_errno(int number, uint8_t family, struct path_error *out)
{
	static const struct {
		int number;
		uint8_t type4, code4, type6, code6;
	} table[] = {
		{ ECONNREFUSED, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, ICMPV6_DEST_UNREACH,
		  ICMPV6_PORT_UNREACH },
		{ EHOSTUNREACH, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMPV6_DEST_UNREACH,
		  ICMPV6_ADDR_UNREACH },
		{ EHOSTDOWN, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMPV6_DEST_UNREACH,
		  ICMPV6_ADDR_UNREACH },
		{ ENETUNREACH, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, ICMPV6_DEST_UNREACH,
		  ICMPV6_NOROUTE },
		{ EADDRNOTAVAIL, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, ICMPV6_DEST_UNREACH,
		  ICMPV6_NOROUTE },
		{ EACCES, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, ICMPV6_DEST_UNREACH,
		  ICMPV6_ADM_PROHIBITED },
		{ EPERM, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, ICMPV6_DEST_UNREACH,
		  ICMPV6_ADM_PROHIBITED },
	};
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].number == number) {
			out->type = family == AF_INET ? table[i].type4 : table[i].type6;
			out->code = family == AF_INET ? table[i].code4 : table[i].code6;
			return true;
		}
	}
	return false;
}

static void send_error(struct tun *tun, const struct address *from, const struct packet *cause,
		       uint8_t type, uint8_t code, uint32_t value)
{
	uint8_t bytes[PACKET_ERROR_MAX];
	struct tun_offload offload = { 0 };
	struct iovec piece = { .iov_base = bytes };

	piece.iov_len = packet_build_error(bytes, &offload, from, cause, type, code, value);
	if (piece.iov_len > 0)
		tun_send(tun, &offload, &piece, 1);
}

void path_error_pass(struct tun *tun, const struct path_error *error,
		     const struct address *fallback, const struct packet *cause)
{
	const struct address *from = &error->offender;

	if (from->family != cause->from.family || address_is_loopback(from))
		from = fallback->family == cause->from.family ? fallback : &cause->to;
	send_error(tun, from, cause, error->type, error->code, error->value);
}

void path_error_refuse(struct tun *tun, const struct address *from, const struct packet *cause,
		       bool forbidden)
{
	if (from->family != cause->from.family)
		from = &cause->to;
	if (cause->from.family == AF_INET)
		send_error(tun, from, cause, ICMP_DEST_UNREACH,
			   forbidden ? ICMP_PKT_FILTERED : ICMP_PORT_UNREACH, 0);
	else
		send_error(tun, from, cause, ICMPV6_DEST_UNREACH,
			   forbidden ? ICMPV6_ADM_PROHIBITED : ICMPV6_PORT_UNREACH, 0);
}
