#include "gate/payer.h"

#include "gate/rate.h"
#include "lib/time.h"
#include "wire/stats.h"

void payer_count_out(const struct payer *p, size_t ip_bytes)
{
	if (!p->stats)
		return;
	p->stats->packets_out++;
	p->stats->bytes_out += ip_bytes;
}

bool payer_admit_out(const struct payer *p, size_t ip_bytes)
{
	payer_count_out(p, ip_bytes);
	if (!p->rate_out || rate_admit(p->rate_out, ip_bytes, time_boot_ns()))
		return true;
	payer_drop(p);
	return false;
}

void payer_drop(const struct payer *p)
{
	if (p->stats)
		p->stats->dropped++;
}
