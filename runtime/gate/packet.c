#include "gate/packet.h"

#include <netinet/in.h>
#include <string.h>

/* Extension headers by number (RFC 8200, 4.1); the others end the walk. */
enum {
	EXTENSION_HOPS = 0,
	EXTENSION_ROUTING = 43,
	EXTENSION_FRAGMENT = 44,
	EXTENSION_OPTIONS = 60
};
enum { TCP_OPTION_END = 0, TCP_OPTION_NONE = 1, TCP_OPTION_MSS = 2 };

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static enum packet_fault parse_ip4(struct packet *p, const uint8_t *at, size_t size_bytes)
{
	uint16_t fragment;

	if (size_bytes < 20)
		return PACKET_SHORT;
	p->header_bytes = (size_t)(at[0] & 15) * 4;
	p->ip_bytes = get16(at + 2);
	if (p->header_bytes < 20 || p->ip_bytes < p->header_bytes)
		return PACKET_MALFORMED;
	if (p->ip_bytes > size_bytes)
		return PACKET_SHORT;
	fragment = get16(at + 6);
	p->fragment_id = get16(at + 4);
	p->fragment_at = (uint32_t)(fragment & 0x1fff) * 8;
	p->fragment_more = fragment & 0x2000;
	p->fragment = p->fragment_more || p->fragment_at > 0;
	p->hops = at[8];
	p->protocol = at[9];
	p->from = address_of_bytes(at + 12, 4);
	p->to = address_of_bytes(at + 16, 4);
	return PACKET_GOOD;
}

/* Walks the extension headers; leaves protocol, header_bytes and the fragment fields. */
static enum packet_fault walk_extensions(struct packet *p, const uint8_t *at)
{
	uint8_t next = at[6];
	size_t offset = 40, length;
	int i;

	for (i = 0; i < PACKET_EXTENSIONS_MAX; i++) {
		if (next != EXTENSION_HOPS && next != EXTENSION_ROUTING &&
		    next != EXTENSION_FRAGMENT && next != EXTENSION_OPTIONS)
			break;
		if (p->ip_bytes - offset < 8)
			return PACKET_SHORT;
		if (next == EXTENSION_FRAGMENT) {
			p->fragment_at = get16(at + offset + 2) & 0xfff8;
			p->fragment_more = at[offset + 3] & 1;
			p->fragment_id = get32(at + offset + 4);
			/* An "atomic" fragment is a whole packet (RFC 6946). */
			p->fragment = p->fragment_more || p->fragment_at > 0;
			length = 8;
		} else {
			length = 8 + (size_t)at[offset + 1] * 8;
		}
		if (p->ip_bytes - offset < length)
			return PACKET_SHORT;
		next = at[offset];
		offset += length;
		if (p->fragment)
			break;
	}
	if (i == PACKET_EXTENSIONS_MAX)
		return PACKET_MALFORMED;
	p->protocol = next;
	p->header_bytes = offset;
	return PACKET_GOOD;
}

static enum packet_fault parse_ip6(struct packet *p, const uint8_t *at, size_t size_bytes)
{
	if (size_bytes < 40)
		return PACKET_SHORT;
	p->ip_bytes = 40 + (size_t)get16(at + 4);
	if (p->ip_bytes > size_bytes)
		return PACKET_SHORT;
	p->hops = at[7];
	p->from = address_of_bytes(at + 8, 16);
	p->to = address_of_bytes(at + 24, 16);
	return walk_extensions(p, at);
}

static uint16_t mss_of(const uint8_t *options, size_t size_bytes)
{
	size_t at = 0;

	while (at < size_bytes && options[at] != TCP_OPTION_END) {
		if (options[at] == TCP_OPTION_NONE) {
			at++;
			continue;
		}
		if (size_bytes - at < 2 || options[at + 1] < 2 || options[at + 1] > size_bytes - at)
			return 0;
		if (options[at] == TCP_OPTION_MSS)
			return options[at + 1] == 4 ? get16(options + at + 2) : 0;
		at += options[at + 1];
	}
	return 0;
}

static enum packet_fault parse_tcp(struct packet *p)
{
	const uint8_t *at = p->transport;
	size_t header;

	if (p->transport_bytes < 20)
		return PACKET_SHORT;
	header = (size_t)(at[12] >> 4) * 4;
	if (header < 20)
		return PACKET_MALFORMED;
	if (header > p->transport_bytes)
		return PACKET_SHORT;
	p->from_port = get16(at);
	p->to_port = get16(at + 2);
	p->tcp_seq = get32(at + 4);
	p->tcp_ack = get32(at + 8);
	p->tcp_flags = at[13] & 63;
	if (p->tcp_flags & PACKET_SYN)
		p->tcp_mss = mss_of(at + 20, header - 20);
	p->payload = at + header;
	p->payload_bytes = p->transport_bytes - header;
	return p->from_port && p->to_port ? PACKET_GOOD : PACKET_MALFORMED;
}

static enum packet_fault parse_udp(struct packet *p)
{
	const uint8_t *at = p->transport;
	size_t length;

	if (p->transport_bytes < 8)
		return PACKET_SHORT;
	length = get16(at + 4);
	if (length < 8 || length > p->transport_bytes)
		return PACKET_MALFORMED;
	p->from_port = get16(at);
	p->to_port = get16(at + 2);
	p->payload = at + 8;
	p->payload_bytes = length - 8;
	return p->to_port ? PACKET_GOOD : PACKET_MALFORMED;
}

static enum packet_fault parse_icmp(struct packet *p)
{
	const uint8_t *at = p->transport;

	if (p->transport_bytes < 8)
		return PACKET_SHORT;
	p->icmp_type = at[0];
	p->icmp_code = at[1];
	p->icmp_id = get16(at + 4);
	p->icmp_sequence = get16(at + 6);
	p->payload = at + 8;
	p->payload_bytes = p->transport_bytes - 8;
	return PACKET_GOOD;
}

enum packet_fault packet_parse(struct packet *p, const uint8_t *bytes, size_t size_bytes)
{
	enum packet_fault fault;

	memset(p, 0, sizeof(*p));
	if (size_bytes == 0)
		return PACKET_SHORT;
	p->ip = bytes;
	if (bytes[0] >> 4 == 4)
		fault = parse_ip4(p, bytes, size_bytes);
	else if (bytes[0] >> 4 == 6)
		fault = parse_ip6(p, bytes, size_bytes);
	else
		return PACKET_FOREIGN;
	if (fault != PACKET_GOOD)
		return fault;
	p->transport = bytes + p->header_bytes;
	p->transport_bytes = p->ip_bytes - p->header_bytes;
	p->payload = p->transport;
	p->payload_bytes = p->transport_bytes;
	if (p->fragment)
		return p->transport_bytes > 0 ? PACKET_GOOD : PACKET_MALFORMED;
	if (p->protocol == IPPROTO_TCP)
		return parse_tcp(p);
	if (p->protocol == IPPROTO_UDP)
		return parse_udp(p);
	if (p->protocol == (p->from.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return parse_icmp(p);
	return PACKET_GOOD;
}
