/* gate_field.h - fields of netd's messages (wire/gate_messages.h), read strictly.
 *
 * One that makes no sense is an error with its sentence: the message is skipped. Whether the
 * message could be read at all is msg_end's to say, so what a broken one yields here is nothing. */
#pragma once

#include <stdint.h>

#include "gate/gate_member.h"
#include "gate/port.h"

struct address;
struct err;
struct msg;
struct subnet;

/* "" is none. */
int gate_field_address(struct msg *m, uint8_t family, struct address *a, struct err *e);
/* family 0: any. */
int gate_field_subnet(struct msg *m, uint8_t family, struct subnet *s, struct err *e);
/* They live as long as the message. */
int gate_field_names(struct msg *m, const char *names[MEMBER_NAMES_MAX], unsigned *count,
		     struct err *e);
int gate_field_ports(struct msg *m, struct port ports[MEMBER_PORTS_MAX], unsigned *count,
		     struct err *e);
