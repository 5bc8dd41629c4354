/* policy_line.c - see policy_line.h. */
#include "wire/policy_line.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/array.h"
#include "lib/err.h"
#include "lib/str.h"

enum { WORDS_MAX = 4, LABEL_MAX = 63 };

static bool read_ports(const char *word, struct policy_line *l)
{
	char text[12], *dash;
	uint32_t a, b;

	if (!str_copy(text, sizeof(text), word))
		return false;
	dash = strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (!str_to_u32(text, &a) || !str_to_u32(dash ? dash + 1 : text, &b) || a == 0 ||
	    b > UINT16_MAX || a > b)
		return false;
	l->port = (uint16_t)a;
	l->port_last = (uint16_t)b;
	return true;
}

static uint8_t protocol_of(const char *word)
{
	return str_equal(word, "tcp")  ? IPPROTO_TCP :
	       str_equal(word, "udp")  ? IPPROTO_UDP :
	       str_equal(word, "icmp") ? IPPROTO_ICMP :
					 0;
}

/* [PORT[-PORT]] [PROTOCOL] */
static int read_reach(char **words, int count, struct policy_line *l, struct err *e)
{
	int at = 0;

	l->port_last = UINT16_MAX;
	if (at < count && isdigit((unsigned char)words[at][0])) {
		if (!read_ports(words[at], l))
			return err_set(e, "%s is no port and no range of ports (1-65535)",
				       words[at]);
		at++;
	}
	if (at < count) {
		l->protocol = protocol_of(words[at]);
		at += l->protocol != 0;
	}
	if (at < count)
		return err_set(e, "%s is neither a port nor tcp, udp or icmp", words[at]);
	if (l->protocol == IPPROTO_ICMP && l->port)
		return err_set(e, "icmp has no ports");
	return 0;
}

/* A last label of digits makes it a broken address and not a name (RFC 1123 2.1). */
static bool looks_numeric(const char *text)
{
	const char *label = strrchr(text, '.');

	label = label ? label + 1 : text;
	return label[strspn(label, "0123456789")] == '\0';
}

/* Labels of printable bytes: what stands in the DNS under a name is not only host names. */
static bool is_name(const char *text)
{
	size_t label = 0, size = strlen(text);

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '.' ? label == 0
				   : !isgraph((unsigned char)text[i]) || text[i] == '*')
			return false;
		label = text[i] == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0 && size <= POLICY_LINE_NAME_BYTES - 3;
}

static int read_where(struct policy_line *l, const char *word, struct err *e)
{
	const char *name = word + (str_starts(word, "*.") ? 2 : 0);

	l->where = str_equal(word, "*")		    ? POLICY_LINE_ANY :
		   subnet_parse(word, &l->subnet) ? POLICY_LINE_SUBNET :
						    POLICY_LINE_NAME;
	if (l->where != POLICY_LINE_NAME)
		return 0;
	if (strpbrk(word, "/:") || looks_numeric(word))
		return err_set(e, "%s is no subnet (as 10.1.0.0/16, host bits zero)", word);
	l->below = name != word;
	if (!is_name(name) || !str_copy(l->name, sizeof(l->name), name))
		return err_set(e, "%s is neither a subnet nor a name", word);
	return 0;
}

static int read_rule(struct policy_line *l, char **words, int count, struct err *e)
{
	if (count < 2)
		return err_set(e, "%s wants a subnet or a name", words[0]);
	return read_where(l, words[1], e) < 0 ? -1 : read_reach(words + 2, count - 2, l, e);
}

static int read_host(struct policy_line *l, char **words, int count, struct err *e)
{
	if (count < 2)
		return err_set(e, "allow-host wants a port");
	if (read_reach(words + 1, count - 1, l, e) < 0)
		return -1;
	if (l->port == 0 || l->protocol == IPPROTO_ICMP)
		return err_set(e, "allow-host wants a port of tcp or udp");
	return 0;
}

static int read_rate(struct policy_line *l, char **words, int count, struct err *e)
{
	static const char suffixes[] = "kmg";
	uint64_t factor = 1, value;
	const char *suffix;
	size_t length;

	if (count != 2)
		return err_set(e, "rate wants bits per second, as 10m");
	length = strlen(words[1]);
	suffix = length > 0 ? strchr(suffixes, words[1][length - 1]) : NULL;
	if (suffix) {
		words[1][length - 1] = '\0';
		for (; suffix >= suffixes; suffix--)
			factor *= 1000;
	}
	/* 8 bits are one byte per second; 2^40 / s is beyond any link of ours. */
	if (!str_to_u64(words[1], &value) || value > (1ull << 40) / factor || value * factor < 8)
		return err_set(e, "%s is no number of bits per second", words[1]);
	l->rate_bits = value * factor;
	return 0;
}

static int read_resolver(struct policy_line *l, char **words, int count, struct err *e)
{
	if (count != 2)
		return err_set(e, "resolver wants one address");
	return address_parse(words[1], &l->resolver) ?
		       0 :
		       err_set(e, "%s is no address", words[1]);
}

static int read_alone(struct policy_line *l, char **words, int count, struct err *e)
{
	(void)l;
	return count == 1 ? 0 : err_set(e, "%s stands alone on its line", words[0]);
}

static const struct {
	const char *word;
	enum policy_line_word means;
	int (*read)(struct policy_line *l, char **words, int count, struct err *e);
} kinds[] = {
	{ "allow", POLICY_LINE_ALLOW, read_rule },
	{ "allow-host", POLICY_LINE_ALLOW_HOST, read_host },
	{ "deny", POLICY_LINE_DENY, read_rule },
	{ "dns-allowed-only", POLICY_LINE_DNS_ALLOWED_ONLY, read_alone },
	{ "dns-log", POLICY_LINE_DNS_LOG, read_alone },
	{ "rate", POLICY_LINE_RATE, read_rate },
	{ "resolver", POLICY_LINE_RESOLVER, read_resolver },
};

int policy_line_read(const char *text, size_t size_bytes, struct policy_line *line, struct err *e)
{
	char copy[POLICY_LINE_BYTES], *words[WORDS_MAX];
	int count;

	*line = (struct policy_line){ 0 };
	if (size_bytes >= sizeof(copy))
		return err_set(e, "longer than %d bytes", POLICY_LINE_BYTES - 1);
	memcpy(copy, text, size_bytes);
	copy[size_bytes] = '\0';
	copy[strcspn(copy, "#")] = '\0';
	count = str_split_words(copy, words, WORDS_MAX);
	if (count < 0)
		return err_set(e, "more than %d words, or a quote that does not end", WORDS_MAX);
	for (size_t i = 0; count > 0 && i < ARRAY_SIZE(kinds); i++) {
		if (str_equal(words[0], kinds[i].word)) {
			line->word = kinds[i].means;
			return kinds[i].read(line, words, count, e);
		}
	}
	return count == 0 ? 0 :
			    err_set(e,
				    "%s is none of allow, deny, allow-host, rate, dns-log, "
				    "dns-allowed-only, resolver",
				    words[0]);
}
