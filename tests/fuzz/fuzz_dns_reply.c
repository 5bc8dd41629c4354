/* fuzz_dns_reply.c - any bytes as a resolver's answer, to the question and with the id that stand
 * in them (else nothing would get past these). What is taken is written for a client, read again as
 * the same records, and kept within the bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/dns_cache.h"
#include "gate/dns_message.h"
#include "gate/dns_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[DNS_MESSAGE_MAX];

static void check_same(const struct dns_reply *a, const struct dns_reply *b)
{
	struct dns_record x, y;
	size_t at_a = 0, at_b = 0;

	for (;;) {
		bool more = dns_records_next(&a->records, &at_a, &x);

		if (more != dns_records_next(&b->records, &at_b, &y))
			abort();
		if (!more)
			return;
		/* Names in the data may have got another one's case by compression. */
		if (x.section != y.section || x.type != y.type || x.ttl != y.ttl ||
		    !dns_name_equal(&x.name, &y.name) || x.data_bytes != y.data_bytes)
			abort();
		if (!dns_form_of(x.type) && memcmp(x.data, y.data, x.data_bytes) != 0)
			abort();
	}
}

static void check_written(const struct dns_reply *reply, const struct dns_query *query)
{
	struct dns_reply again;
	size_t size;

	size = dns_reply_write(reply, query, 0, out, DNS_UDP_LEAST);
	if (size > DNS_UDP_LEAST)
		abort();
	size = dns_reply_write(reply, query, 0, out, sizeof(out));
	dns_reply_init(&again);
	if (!dns_reply_read(out, size, &query->question, query->id, &again))
		abort();
	if (!again.truncated)
		check_same(reply, &again);
	dns_reply_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_cache *cache;
	struct dns_query query = { 0 };
	struct dns_reply reply;
	uint32_t age;
	size_t at = 12;

	if (!cache)
		cache = dns_cache_create(1);
	if (size < 12)
		return 0;
	query.id = data[0] << 8 | data[1];
	if (!dns_name_read(data, size, &at, &query.question.name) || size - at < 4)
		return 0;
	query.question.type = data[at] << 8 | data[at + 1];
	query.question.class = data[at + 2] << 8 | data[at + 3];
	dns_reply_init(&reply);
	if (dns_reply_read(data, size, &query.question, query.id, &reply)) {
		check_written(&reply, &query);
		dns_cache_put(cache, &query.question, 0, &reply, 1000);
		if (!dns_cache_get(cache, &query.question, 0, 1000, &age) !=
		    (dns_reply_ttl(&reply) == 0 ||
		     reply.records.size_bytes > DNS_CACHE_REPLY_MAX))
			abort();
		if (dns_cache_bytes(cache) > DNS_CACHE_BYTES_MAX ||
		    dns_cache_entries(cache) > DNS_CACHE_ENTRIES_MAX)
			abort();
	} else if (reply.records.size_bytes) {
		abort();
	}
	dns_reply_finish(&reply);
	return 0;
}
