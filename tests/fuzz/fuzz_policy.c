/* fuzz_policy.c - any text as a policy; what is taken decides, about addresses that the text's own
 * bytes make, without ever opening what cannot be opened. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/address.h"
#include "gate/egress.h"
#include "gate/policy.h"
#include "lib/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const never[] = { "127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1",
				     "224.0.0.1", "ff02::1", "255.255.255.255" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct egress *g;
	struct address a;
	struct policy *p;
	char text[4096];
	struct err e;
	size_t i;

	if (!g)
		g = egress_create();
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	err_clear(&e);
	p = policy_create(text, &e);
	if (!p) {
		if (!e.text[0])
			abort();
		return 0;
	}
	for (i = 0; i < sizeof(never) / sizeof(*never); i++) {
		address_parse(never[i], &a);
		policy_learn(p, text, &a, UINT64_MAX);
		policy_learn(p, "example.org", &a, UINT64_MAX);
		if (egress_decide(g, p, IPPROTO_TCP, &a, 80) == EGRESS_ALLOW)
			abort();
	}
	if (policy_rate_bits(p) > 1ull << 40)
		abort();
	policy_destroy(p);
	return 0;
}
