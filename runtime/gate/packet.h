/* packet.h - IPv4 and IPv6 packets with TCP, UDP or ICMP inside: strict reading and building.
 *
 * Pure. Reading never touches a byte behind the end, keeps pointers into the caller's bytes and
 * checks no checksum: what comes from the TUN device has been made or checked by the kernel, or its
 * sender harms himself alone. Building leaves TCP's, UDP's and ICMP's checksum to the kernel: the
 * field holds the pseudo header's sum, struct tun_offload says where it lies (virtio 1.2, 5.1.6.2).
 * Source: RFC 791, 8200, 9293, 768, 792, 4443. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/address.h"

struct tun_offload;

enum {
	PACKET_HEADERS_MAX = 60 + 60,	/* IPv6 or IPv4, and TCP with options */
	PACKET_ERROR_MAX = 40 + 8 + 1232, /* an ICMP error is not larger than 1280 */
	PACKET_EXTENSIONS_MAX = 8,	/* IPv6 extension headers that are walked over */
};

enum {
	PACKET_FIN = 1,
	PACKET_SYN = 2,
	PACKET_RESET = 4,
	PACKET_PUSH = 8,
	PACKET_ACKED = 16,
	PACKET_URGENT = 32
};

struct packet {
	struct address from, to;
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _ICMP, _ICMPV6, or another: then no more is read */
	uint8_t hops;	  /* time to live */
	const uint8_t *ip;
	size_t ip_bytes;     /* the whole packet: what its own header says */
	size_t header_bytes; /* IP header with options or extension headers */
	const uint8_t *payload;
	size_t payload_bytes; /* behind the transport header */

	bool fragment; /* one of several: ports are not read; `transport` is what it carries */
	bool fragment_more;
	uint32_t fragment_at, fragment_id;
	const uint8_t *transport;
	size_t transport_bytes;

	uint16_t from_port, to_port; /* TCP, UDP */
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_mss; /* the SYN's option, or 0 */
	uint8_t tcp_flags;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_sequence; /* of an echo */
};

enum packet_fault {
	PACKET_GOOD,
	PACKET_SHORT,	  /* a header or length goes beyond the end */
	PACKET_MALFORMED, /* a field that no stack sends */
	PACKET_FOREIGN,	  /* neither IPv4 nor IPv6 */
};

enum packet_fault packet_parse(struct packet *p, const uint8_t *bytes, size_t size_bytes);

/* The headers of a UDP datagram into `headers`: returns their size, 0 when payload_bytes is more
 * than a packet holds. The payload follows as a second piece (tun_send). */
size_t packet_build_udp(uint8_t headers[PACKET_HEADERS_MAX], struct tun_offload *offload,
			const struct address *from, uint16_t from_port, const struct address *to,
			uint16_t to_port, size_t payload_bytes);
/* An echo reply, or request, with type and id given; the data follows as a second piece. */
size_t packet_build_echo(uint8_t headers[PACKET_HEADERS_MAX], struct tun_offload *offload,
			 const struct address *from, const struct address *to, uint8_t type,
			 uint16_t id, uint16_t sequence, size_t payload_bytes);
/* An ICMP error about `cause`, sent by `from`, with as much of it as fits. `value`: the MTU, or 0.
 * 0: there must be none (about an ICMP error, a later fragment, to or from no single host). */
size_t packet_build_error(uint8_t packet[PACKET_ERROR_MAX], struct tun_offload *offload,
			  const struct address *from, const struct packet *cause, uint8_t type,
			  uint8_t code, uint32_t value);
/* The answer of a closed port to a TCP segment (RFC 9293, 3.5.2); 0 when there must be none. */
size_t packet_build_reset(uint8_t headers[PACKET_HEADERS_MAX], struct tun_offload *offload,
			  const struct packet *cause);
/* The IP header alone, of 20 or 40 bytes: returns its size. */
size_t packet_build_ip(uint8_t *at, const struct address *from, const struct address *to,
		       uint8_t protocol, size_t transport_bytes);
/* Writes the whole packet's length into its IP header. */
void packet_set_length(uint8_t *packet, size_t ip_bytes);
/* The pseudo header's sum, as the checksum field holds it for NEEDS_CSUM. */
uint16_t packet_pseudo_sum(const struct address *from, const struct address *to, uint8_t protocol,
			   size_t transport_bytes);
