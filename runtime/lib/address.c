#include "lib/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/array.h"
#include "lib/str.h"

size_t address_size(const struct address *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

struct address address_of_bytes(const void *bytes, size_t size_bytes)
{
	struct address a = { 0 };

	if (size_bytes != 4 && size_bytes != 16)
		return a;
	a.family = size_bytes == 4 ? AF_INET : AF_INET6;
	memcpy(a.bytes, bytes, size_bytes);
	return a;
}

bool address_parse(const char *text, struct address *out)
{
	*out = (struct address){ 0 };
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		out->family = AF_INET;
	else if (inet_pton(AF_INET6, text, out->bytes) == 1)
		out->family = AF_INET6;
	else
		*out = (struct address){ 0 };
	return out->family != AF_UNSPEC;
}

const char *address_print(const struct address *a, char text[ADDRESS_TEXT_MAX])
{
	text[0] = '\0';
	if (a->family)
		inet_ntop(a->family, a->bytes, text, ADDRESS_TEXT_MAX);
	return text;
}

const char *subnet_print(const struct subnet *s, char text[SUBNET_TEXT_MAX])
{
	address_print(&s->address, text);
	if (s->address.family)
		snprintf(text + strlen(text), 5, "/%u", s->prefix);
	return text;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool address_is_loopback(const struct address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (a->family == AF_INET)
		return a->bytes[0] == 127;
	return a->family == AF_INET6 && memcmp(a->bytes, one, sizeof(one)) == 0;
}

struct address address_unmapped(const struct address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family != AF_INET6 || memcmp(a->bytes, mapped, sizeof(mapped)) != 0)
		return *a;
	return address_of_bytes(a->bytes + sizeof(mapped), 4);
}

bool address_of_socket(const struct sockaddr_storage *s, struct address *a, uint16_t *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)s;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)s;

	*a = (struct address){ 0 };
	if (s->ss_family == AF_INET) {
		*a = address_of_bytes(&v4->sin_addr, 4);
		*port = ntohs(v4->sin_port);
	} else if (s->ss_family == AF_INET6) {
		*a = address_of_bytes(&v6->sin6_addr, 16);
		*port = ntohs(v6->sin6_port);
	}
	return a->family != AF_UNSPEC;
}

socklen_t address_to_socket(const struct address *a, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = a->family;
	if (a->family == AF_INET) {
		memcpy(&v4->sin_addr, a->bytes, 4);
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (a->family == AF_INET6) {
		memcpy(&v6->sin6_addr, a->bytes, 16);
		v6->sin6_port = htons(port);
		return sizeof(*v6);
	}
	return 0;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

bool subnet_contains(const struct subnet *s, const struct address *a)
{
	return s->address.family != AF_UNSPEC && s->address.family == a->family &&
	       same_prefix(s->address.bytes, a->bytes, s->prefix);
}

bool subnet_equal(const struct subnet *a, const struct subnet *b)
{
	return a->prefix == b->prefix && address_equal(&a->address, &b->address);
}

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
	return subnet_contains(a, &b->address) || subnet_contains(b, &a->address);
}

/* Are all bits behind the prefix like this one? */
static bool host_bits_are(const struct subnet *s, const struct address *a, bool set)
{
	size_t bits = address_size(a) * 8;

	for (size_t i = s->prefix; i < bits; i++)
		if (!(a->bytes[i / 8] & (0x80 >> (i % 8))) == set)
			return false;
	return true;
}

bool subnet_is_host(const struct subnet *s, const struct address *a)
{
	return subnet_contains(s, a) && !host_bits_are(s, a, false) &&
	       (a->family != AF_INET || !host_bits_are(s, a, true));
}

bool subnet_is_reserved(const struct subnet *s)
{
	static const char *const reserved[] = { "0.0.0.0/8",   "127.0.0.0/8", "169.254.0.0/16",
						"224.0.0.0/3", "::/8",	      "fe80::/10",
						"ff00::/8" };

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		struct subnet r;

		if (subnet_parse(reserved[i], &r) && subnet_overlaps(&r, s))
			return true;
	}
	return false;
}

struct address subnet_first_host(const struct subnet *s)
{
	struct address a = s->address;
	size_t size = address_size(&a);

	if (s->prefix < size * 8)
		a.bytes[size - 1] |= 1;
	return a;
}

static bool has_host_bits(const struct subnet *s)
{
	return !host_bits_are(s, &s->address, false);
}

static bool read_subnet(const char *text, struct subnet *out)
{
	const char *slash = strchr(text, '/');
	char address[ADDRESS_TEXT_MAX];
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	uint32_t prefix, bits;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!address_parse(address, &out->address))
		return false;
	prefix = bits = (uint32_t)address_size(&out->address) * 8;
	if (slash && (!str_to_u32(slash + 1, &prefix) || prefix > bits))
		return false;
	out->prefix = (uint8_t)prefix;
	return !has_host_bits(out);
}

bool subnet_parse(const char *text, struct subnet *out)
{
	*out = (struct subnet){ 0 };
	if (read_subnet(text, out))
		return true;
	*out = (struct subnet){ 0 };
	return false;
}
