#include "gate/dns_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool dns_name_read(const uint8_t *message, size_t size_bytes, size_t *at, struct dns_name *name)
{
	/* A pointer must lead to before the run of labels that it ends, so each jump lowers
	 * `limit` and the walk ends. No name needs more jumps than it has labels: else many
	 * names at the end of one chain of 8,000 pointers would cost milliseconds. */
	size_t from = *at, limit = *at, end = 0, out = 0;
	int jumps = DNS_NAME_MAX / 2;
	uint8_t length;

	for (;;) {
		if (from >= size_bytes)
			return false;
		length = message[from];
		if (length >= 0xc0) {
			if (from + 1 >= size_bytes || jumps-- == 0)
				return false;
			if (!end)
				end = from + 2;
			from = (size_t)(length & 0x3f) << 8 | message[from + 1];
			if (from >= limit)
				return false;
			limit = from;
			continue;
		}
		if (length > DNS_LABEL_MAX || out + 1 + length > DNS_NAME_MAX ||
		    from + 1 + length > size_bytes)
			return false;
		memcpy(name->wire + out, message + from, 1 + length);
		out += 1 + length;
		from += 1 + length;
		if (length == 0)
			break;
	}
	name->size = out;
	*at = end ? end : from;
	return true;
}

bool dns_name_parse(const char *text, struct dns_name *name)
{
	const char *dot;
	size_t out = 0, length;

	name->size = 0;
	if (*text == '.' && !text[1])
		text++;
	while (*text) {
		dot = strchrnul(text, '.');
		length = dot - text;
		if (length == 0 || length > DNS_LABEL_MAX || out + 1 + length + 1 > DNS_NAME_MAX)
			return false;
		name->wire[out++] = length;
		for (; text < dot; text++) {
			if (!isgraph((unsigned char)*text))
				return false;
			name->wire[out++] = *text;
		}
		text = *dot ? dot + 1 : dot;
	}
	name->wire[out++] = 0;
	name->size = out;
	return true;
}

const char *dns_name_print(const struct dns_name *name, char text[DNS_NAME_TEXT_BYTES])
{
	size_t at = 0, out = 0, end;

	while (at < name->size && name->wire[at]) {
		end = at + 1 + name->wire[at];
		if (at)
			text[out++] = '.';
		for (at++; at < end; at++) {
			if (isalnum(name->wire[at]) || name->wire[at] == '-' ||
			    name->wire[at] == '_' || name->wire[at] == '*')
				text[out++] = name->wire[at];
			else
				out += sprintf(text + out, "\\%03u", name->wire[at]);
		}
	}
	if (out == 0)
		text[out++] = '.';
	text[out] = '\0';
	return text;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	size_t i;

	if (a->size != b->size)
		return false;
	/* The length bytes are below 64, so they have no case to lose. */
	for (i = 0; i < a->size; i++)
		if (lower(a->wire[i]) != lower(b->wire[i]))
			return false;
	return true;
}

void dns_name_lower(struct dns_name *name)
{
	size_t i;

	for (i = 0; i < name->size; i++)
		name->wire[i] = lower(name->wire[i]);
}

/* FNV-1a with a seed in front, then the finisher of MurmurHash3, so that low bits can be used. */
uint32_t dns_name_hash(const uint8_t *wire, size_t size_bytes, uint32_t seed)
{
	uint32_t hash = 2166136261u ^ seed;
	size_t i;

	for (i = 0; i < size_bytes; i++)
		hash = (hash ^ lower(wire[i])) * 16777619u;
	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	return hash ^ hash >> 16;
}

int dns_name_labels(const struct dns_name *name)
{
	size_t at;
	int count = 0;

	for (at = 0; at < name->size && name->wire[at]; at += 1 + name->wire[at])
		count++;
	return count;
}

/* Where zone begins in name, or -1. */
static int zone_at(const struct dns_name *name, const struct dns_name *zone)
{
	struct dns_name tail;
	size_t at;

	for (at = 0; at < name->size; at += 1 + name->wire[at]) {
		tail.size = name->size - at;
		if (tail.size <= zone->size) {
			memcpy(tail.wire, name->wire + at, tail.size);
			return dns_name_equal(&tail, zone) ? (int)at : -1;
		}
	}
	return -1;
}

bool dns_name_within(const struct dns_name *name, const struct dns_name *zone)
{
	return zone_at(name, zone) >= 0;
}

bool dns_name_skip(struct dns_name *name, int labels)
{
	size_t at = 0;

	for (; labels > 0; labels--) {
		if (at >= name->size || !name->wire[at])
			return false;
		at += 1 + name->wire[at];
	}
	memmove(name->wire, name->wire + at, name->size - at);
	name->size -= at;
	return true;
}

bool dns_name_cut(struct dns_name *name, const struct dns_name *zone)
{
	int at = zone_at(name, zone);

	if (at < 0)
		return false;
	name->wire[at] = 0;
	name->size = at + 1;
	return true;
}

bool dns_name_join(struct dns_name *front, const struct dns_name *back)
{
	size_t keep = front->size - 1;

	if (keep + back->size > DNS_NAME_MAX)
		return false;
	memcpy(front->wire + keep, back->wire, back->size);
	front->size = keep + back->size;
	return true;
}

void dns_name_label(const struct dns_name *name, char label[DNS_LABEL_MAX + 1])
{
	size_t i, length = name->size ? name->wire[0] : 0;

	for (i = 0; i < length; i++)
		label[i] = lower(name->wire[1 + i]);
	label[length] = '\0';
}
