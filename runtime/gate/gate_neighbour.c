#include "gate/gate_neighbour.h"

#include <netinet/in.h>
#include <string.h>

#include "gate/gate_field.h"
#include "lib/err.h"
#include "lib/msg.h"

/* Text lives in the message, and all of it is there before any of it is looked at. */
static int check_name(const char *what, const char *name, struct err *e)
{
	if (*name && strlen(name) < MEMBER_NAME_BYTES)
		return 0;
	return err_set(e, "a %s's name has 1 to %d bytes", what, MEMBER_NAME_BYTES - 1);
}

int gate_neighbour_read(struct gate_neighbour *n, struct msg *m, struct err *e)
{
	*n = (struct gate_neighbour){ .network = msg_get_str(m) };
	if (gate_field_subnet(m, AF_INET, &n->subnet4, e) < 0 ||
	    gate_field_subnet(m, AF_INET6, &n->subnet6, e) < 0 || msg_end(m, e) < 0)
		return -1;
	return check_name("network", n->network, e);
}

int gate_peer_read(struct gate_peer *p, struct msg *m, struct err *e)
{
	*p = (struct gate_peer){ .network = msg_get_str(m) };
	p->container = msg_get_str(m);
	if (gate_field_address(m, AF_INET, &p->address4, e) < 0 ||
	    gate_field_address(m, AF_INET6, &p->address6, e) < 0 ||
	    gate_field_names(m, p->names, &p->name_count, e) < 0 ||
	    gate_field_ports(m, p->ports, &p->port_count, e) < 0 || msg_end(m, e) < 0 ||
	    check_name("network", p->network, e) < 0)
		return -1;
	return check_name("container", p->container, e);
}
