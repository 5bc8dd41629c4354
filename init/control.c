#include "init/control.h"

#include "lib/msg.h"

void control_put_unit(struct msg *m, const struct control_unit *u)
{
	msg_init(m, CONTROL_UNIT);
	msg_put_str(m, u->name);
	msg_put_str(m, u->state);
	msg_put_str(m, u->last_exit);
	msg_put_str(m, u->why);
	msg_put_u64(m, u->pid);
	msg_put_u64(m, u->since_ns);
	msg_put_u64(m, u->restarts);
}

int control_get_unit(struct msg *m, struct control_unit *u, struct err *e)
{
	u->name = msg_get_str(m);
	u->state = msg_get_str(m);
	u->last_exit = msg_get_str(m);
	u->why = msg_get_str(m);
	u->pid = msg_get_u64(m);
	u->since_ns = msg_get_u64(m);
	u->restarts = msg_get_u64(m);
	return msg_end(m, e);
}
