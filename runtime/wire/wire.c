#include "wire/wire.h"

static const struct wire_row {
	const char *name;
	enum wire_program from, to;
	int fds_max;
} rows[WIRE_TYPES] = {
#define WIRE_ROW(name, from, to, fds) [WIRE_##name] = { #name, WIRE_##from, WIRE_##to, fds },
	WIRE_MESSAGES(WIRE_ROW)
#undef WIRE_ROW
};

const char *wire_name(uint32_t type)
{
	return type > WIRE_NONE && type < WIRE_TYPES ? rows[type].name : "unknown";
}

bool wire_allowed(uint32_t type, enum wire_program from, enum wire_program to, int fd_count)
{
	if (type <= WIRE_NONE || type >= WIRE_TYPES)
		return false;
	return rows[type].from == from && rows[type].to == to && fd_count >= 0 &&
	       fd_count <= rows[type].fds_max;
}
