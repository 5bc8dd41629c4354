/* resolv_conf.c - see resolv_conf.h */
#include "net/resolv_conf.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word of at..end; 0 bytes = none. */
static const char *word(const char *at, const char *end, size_t *size_bytes)
{
	const char *start;

	while (at < end && is_blank(*at))
		at++;
	start = at;
	while (at < end && !is_blank(*at))
		at++;
	*size_bytes = (size_t)(at - start);
	return start;
}

static void take_line(const char *at, const char *end, struct resolv_conf *r)
{
	static const char key[] = "nameserver";
	char text[ADDRESS_TEXT_MAX];
	struct address a;
	size_t size;

	if (end > at && end[-1] == '\r')
		end--;
	at = word(at, end, &size);
	if (size != sizeof(key) - 1 || memcmp(at, key, size) != 0)
		return;
	at = word(at + size, end, &size);
	if (size == 0 || size >= sizeof(text) || memchr(at, '\0', size))
		return;
	memcpy(text, at, size);
	text[size] = '\0';
	if (!address_parse(text, &a))
		return;
	for (size_t i = 0; i < r->count; i++)
		if (address_equal(&r->servers[i], &a))
			return;
	if (r->count < RESOLV_CONF_SERVERS_MAX)
		r->servers[r->count++] = a;
}

void resolv_conf_parse(const char *text, size_t size_bytes, struct resolv_conf *r)
{
	const char *end = text + size_bytes;

	*r = (struct resolv_conf){ 0 };
	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));

		if (!line_end)
			line_end = end;
		take_line(text, line_end, r);
		text = line_end < end ? line_end + 1 : end;
	}
}
