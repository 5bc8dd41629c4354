#include "gate/gate_field.h"

#include <netinet/in.h>

#include "gate/address.h"
#include "lib/err.h"
#include "lib/msg.h"

int gate_field_address(struct msg *m, uint8_t family, struct address *a, struct err *e)
{
	const char *text = msg_get_str(m);

	*a = (struct address){ 0 };
	if (!*text || (address_parse(text, a) && a->family == family))
		return 0;
	return err_set(e, "'%s' is no IPv%d address", text, family == AF_INET ? 4 : 6);
}

int gate_field_subnet(struct msg *m, uint8_t family, struct subnet *s, struct err *e)
{
	const char *text = msg_get_str(m);

	*s = (struct subnet){ 0 };
	if (!*text || (subnet_parse(text, s) && (!family || s->address.family == family)))
		return 0;
	return err_set(e, "'%s' is no subnet", text);
}

int gate_field_names(struct msg *m, const char *names[MEMBER_NAMES_MAX], unsigned *count,
		     struct err *e)
{
	uint64_t said = msg_get_u64(m);
	unsigned i;

	if (said > MEMBER_NAMES_MAX)
		return err_set(e, "a container has at most %d names", MEMBER_NAMES_MAX);
	*count = (unsigned)said;
	for (i = 0; i < *count; i++)
		names[i] = msg_get_str(m);
	return 0;
}

int gate_field_ports(struct msg *m, struct port ports[MEMBER_PORTS_MAX], unsigned *count,
		     struct err *e)
{
	uint64_t said = msg_get_u64(m), value;
	unsigned i;

	if (said > MEMBER_PORTS_MAX)
		return err_set(e, "a container has at most %d ports", MEMBER_PORTS_MAX);
	*count = (unsigned)said;
	for (i = 0; i < *count; i++) {
		value = msg_get_u64(m);
		ports[i] = (struct port){ (uint8_t)(value >> 16), (uint16_t)value };
		if (!m->broken && ((value >> 16 != IPPROTO_TCP && value >> 16 != IPPROTO_UDP) ||
				   ports[i].number == 0))
			return err_set(e, "%#jx is no port of TCP or UDP", (uintmax_t)value);
	}
	return 0;
}
