#include "gate/dns_log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/address.h"
#include "gate/dns_message.h"
#include "gate/dns_name.h"
#include "gate/dns_records.h"
#include "lib/log.h"
#include "lib/loop.h"

enum { ADDRESSES_MAX = 8 };

struct dns_log {
	struct loop *loop;
	struct loop_timer timer;
	uint64_t interval_ms, lost;
	bool is_due;	/* how many is to be said before anything else */
};

static bool say_lost(struct dns_log *l)
{
	if (l->lost > 0 && !log_offer("dns lost=%" PRIu64 ": so many lines of the log of questions "
				      "had no room", l->lost))
		return false;
	l->lost = 0;
	l->is_due = false;
	return true;
}

static void on_time(struct loop_timer *timer)
{
	struct dns_log *l = owner_of(timer, struct dns_log, timer);

	l->is_due = true;
	if (!say_lost(l))
		loop_timer_set(l->loop, timer, l->interval_ms);
}

struct dns_log *dns_log_create(struct loop *loop, uint64_t interval_ms)
{
	struct dns_log *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->loop = loop;
	l->interval_ms = interval_ms;
	l->timer.on_time = on_time;
	return l;
}

void dns_log_destroy(struct dns_log *l)
{
	if (!l)
		return;
	loop_timer_off(&l->timer);
	say_lost(l);
	free(l);
}

static void lose(struct dns_log *l)
{
	if (l->lost++ == 0)
		loop_timer_set(l->loop, &l->timer, l->interval_ms);
}

void dns_log_question(struct dns_log *l, const char *container, const struct dns_question *q,
		      const char *by, const struct dns_reply *reply)
{
	char name[DNS_NAME_TEXT_BYTES], type[16], address[ADDRESS_TEXT_MAX];
	char list[sizeof(" address=") + ADDRESSES_MAX * ADDRESS_TEXT_MAX] = "";
	struct dns_record r;
	struct address a;
	size_t at = 0, used = 0;
	int count = 0;

	if (l->is_due && !say_lost(l)) {
		lose(l);
		return;
	}
	while (count < ADDRESSES_MAX && used < sizeof(list) &&
	       dns_records_next(&reply->records, &at, &r)) {
		if (r.section != DNS_ANSWER ||
		    (r.type != DNS_TYPE_A && r.type != DNS_TYPE_AAAA))
			continue;
		a = address_of_bytes(r.data, r.data_bytes);
		address_print(&a, address);
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 count++ ? "," : " address=", address);
	}
	/* The name last: it is the asker's, and as long as it likes. */
	if (!log_offer("dns container=%s type=%s by=%s answer=%s%s question=%s",
		       container ? container : "-", dns_type_print(q->type, type), by,
		       dns_rcode_print(reply->rcode), list, dns_name_print(&q->name, name)))
		lose(l);
}
