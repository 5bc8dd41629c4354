#include <netinet/in.h>
#include <string.h>

#include "gate/packet.h"
#include "gate/tun.h"

enum { HOPS = 64, IP4_DONT_FRAGMENT = 0x4000, ERROR_PACKET_4 = 576, ERROR_PACKET_6 = 1280 };

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

static uint32_t sum_of(const uint8_t *at, size_t size_bytes)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < size_bytes; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t packet_pseudo_sum(const struct address *from, const struct address *to, uint8_t protocol,
			   size_t transport_bytes)
{
	size_t size = address_size(from);

	return folded(sum_of(from->bytes, size) + sum_of(to->bytes, size) + protocol +
		      (uint32_t)(transport_bytes >> 16) + (uint32_t)(transport_bytes & 0xffff));
}

size_t packet_build_ip(uint8_t *at, const struct address *from, const struct address *to,
		       uint8_t protocol, size_t transport_bytes)
{
	if (from->family == AF_INET) {
		memset(at, 0, 20);
		at[0] = 0x45;
		put16(at + 2, (uint16_t)(20 + transport_bytes));
		/* The id may be 0 where DF is set (RFC 6864). A datagram may be fragmented. */
		if (protocol == IPPROTO_TCP)
			put16(at + 6, IP4_DONT_FRAGMENT);
		at[8] = HOPS;
		at[9] = protocol;
		memcpy(at + 12, from->bytes, 4);
		memcpy(at + 16, to->bytes, 4);
		put16(at + 10, (uint16_t)~folded(sum_of(at, 20)));
		return 20;
	}
	memset(at, 0, 8);
	at[0] = 0x60;
	put16(at + 4, (uint16_t)transport_bytes);
	at[6] = protocol;
	at[7] = HOPS;
	memcpy(at + 8, from->bytes, 16);
	memcpy(at + 24, to->bytes, 16);
	return 40;
}

void packet_set_length(uint8_t *packet, size_t ip_bytes)
{
	if (packet[0] >> 4 == 4)
		put16(packet + 2, (uint16_t)ip_bytes);
	else
		put16(packet + 4, (uint16_t)(ip_bytes - 40));
}

/* More than this no packet of the TUN device carries. */
static bool fits(const struct address *from, size_t transport_bytes)
{
	return transport_bytes <= 65535 - (from->family == AF_INET ? 20 : 40);
}

static void offload_checksum(struct tun_offload *o, const struct address *from, size_t start,
			     uint16_t field)
{
	memset(o, 0, sizeof(*o));
	o->family = from->family;
	o->checksum_start = (uint16_t)start;
	o->checksum_offset = field;
}

size_t packet_build_udp(uint8_t headers[PACKET_HEADERS_MAX], struct tun_offload *offload,
			const struct address *from, uint16_t from_port, const struct address *to,
			uint16_t to_port, size_t payload_bytes)
{
	size_t transport = 8 + payload_bytes, ip;

	if (!fits(from, transport))
		return 0;
	ip = packet_build_ip(headers, from, to, IPPROTO_UDP, transport);
	put16(headers + ip, from_port);
	put16(headers + ip + 2, to_port);
	put16(headers + ip + 4, (uint16_t)transport);
	put16(headers + ip + 6, packet_pseudo_sum(from, to, IPPROTO_UDP, transport));
	offload_checksum(offload, from, ip, 6);
	return ip + 8;
}

/* ICMPv4's checksum has no pseudo header: the kernel starts from 0. */
static size_t build_icmp(uint8_t *at, struct tun_offload *offload, const struct address *from,
			 const struct address *to, size_t transport)
{
	uint8_t protocol = from->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	size_t ip = packet_build_ip(at, from, to, protocol, transport);

	memset(at + ip, 0, 8);
	if (protocol == IPPROTO_ICMPV6)
		put16(at + ip + 2, packet_pseudo_sum(from, to, protocol, transport));
	offload_checksum(offload, from, ip, 2);
	return ip;
}

size_t packet_build_echo(uint8_t headers[PACKET_HEADERS_MAX], struct tun_offload *offload,
			 const struct address *from, const struct address *to, uint8_t type,
			 uint16_t id, uint16_t sequence, size_t payload_bytes)
{
	size_t ip;

	if (!fits(from, 8 + payload_bytes))
		return 0;
	ip = build_icmp(headers, offload, from, to, 8 + payload_bytes);
	headers[ip] = type;
	put16(headers + ip + 4, id);
	put16(headers + ip + 6, sequence);
	return ip + 8;
}

/* No error about an error, a later fragment, or what was sent to or by many (RFC 1122, 3.2.2). */
static bool may_complain(const struct packet *cause)
{
	const uint8_t *from = cause->from.bytes, *to = cause->to.bytes;

	if (cause->fragment_at > 0)
		return false;
	if (cause->from.family == AF_INET) {
		if (cause->protocol == IPPROTO_ICMP && cause->icmp_type != 8)
			return false;
		return from[0] != 0 && from[0] != 127 && from[0] < 224 && to[0] < 224;
	}
	if (cause->protocol == IPPROTO_ICMPV6 && cause->icmp_type < 128)
		return false;
	return from[0] != 0xff && to[0] != 0xff && !(from[0] == 0 && sum_of(from, 16) == 0);
}

size_t packet_build_error(uint8_t packet[PACKET_ERROR_MAX], struct tun_offload *offload,
			  const struct address *from, const struct packet *cause, uint8_t type,
			  uint8_t code, uint32_t value)
{
	size_t most = from->family == AF_INET ? ERROR_PACKET_4 - 28 : ERROR_PACKET_6 - 48;
	size_t quoted = cause->ip_bytes < most ? cause->ip_bytes : most, ip;

	if (from->family != cause->from.family || !may_complain(cause))
		return 0;
	ip = build_icmp(packet, offload, from, &cause->from, 8 + quoted);
	packet[ip] = type;
	packet[ip + 1] = code;
	put32(packet + ip + 4, value);
	memcpy(packet + ip + 8, cause->ip, quoted);
	return ip + 8 + quoted;
}

size_t packet_build_reset(uint8_t headers[PACKET_HEADERS_MAX], struct tun_offload *offload,
			  const struct packet *cause)
{
	uint32_t length;
	uint8_t *tcp;
	size_t ip;

	if (cause->protocol != IPPROTO_TCP || cause->fragment || cause->tcp_flags & PACKET_RESET)
		return 0;
	ip = packet_build_ip(headers, &cause->to, &cause->from, IPPROTO_TCP, 20);
	tcp = headers + ip;
	memset(tcp, 0, 20);
	put16(tcp, cause->to_port);
	put16(tcp + 2, cause->from_port);
	tcp[12] = 5 << 4;
	tcp[13] = PACKET_RESET;
	if (cause->tcp_flags & PACKET_ACKED) {
		put32(tcp + 4, cause->tcp_ack);
	} else {
		length = (uint32_t)cause->payload_bytes + !!(cause->tcp_flags & PACKET_SYN) +
			 !!(cause->tcp_flags & PACKET_FIN);
		put32(tcp + 8, cause->tcp_seq + length);
		tcp[13] |= PACKET_ACKED;
	}
	put16(tcp + 16, packet_pseudo_sum(&cause->to, &cause->from, IPPROTO_TCP, 20));
	offload_checksum(offload, &cause->from, ip, 16);
	return ip + 20;
}
