/* user_string.c - see user_string.h */
#include "oci/user_string.h"

#include "lib/err.h"

/* The id at *text, which is moved behind it. A leading zero could mean octal: refused. */
static bool take_id(const char **text, uint32_t *id)
{
	const char *p = *text;
	uint64_t value = 0;

	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (uint64_t)(*p - '0');
		/* The last id means "none" to chown(2) and setuid(2). */
		if (value >= UINT32_MAX)
			return false;
	}
	*text = p;
	*id = (uint32_t)value;
	return true;
}

int user_string_parse(const char *text, struct user_string *user, struct err *e)
{
	const char *p = text;

	*user = (struct user_string){ .uid = UINT32_MAX, .gid = UINT32_MAX };
	if (!take_id(&p, &user->uid))
		goto bad;
	if (*p == ':') {
		p++;
		if (!take_id(&p, &user->gid))
			goto bad;
		user->has_gid = true;
	}
	if (*p == '\0')
		return 0;
bad:
	/* Whoever overlooks the failure gets ids that the kernel refuses. */
	*user = (struct user_string){ .uid = UINT32_MAX, .gid = UINT32_MAX };
	return err_set(e, "user \"%.64s\": must be UID or UID:GID, numbers from 0 to %u", text,
		       UINT32_MAX - 1);
}
