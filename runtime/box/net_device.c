/* net_device.c - see net_device.h */
#include "box/net_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "oci/spec.h"

enum {
	ADDRESSES_MAX = 32,   /* of one device; more are an error */
	ADDRESS_BYTES = 16,   /* of the longest, IPv6 */
	ANSWER_BYTES = 32768, /* netlink(7): a dump's messages come in parts of at most this */
};

struct address {
	unsigned char family, prefix_bits;
	bool has_local, has_broadcast;
	unsigned char local[ADDRESS_BYTES], peer[ADDRESS_BYTES], broadcast[ADDRESS_BYTES];
};

struct request {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	} body;
	char attributes[256];
};

static void begin(struct request *r, uint16_t type, uint16_t flags, size_t body_bytes)
{
	memset(r, 0, sizeof(*r));
	r->head.nlmsg_type = type;
	r->head.nlmsg_flags = NLM_F_REQUEST | flags;
	r->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_bytes);
}

static void put(struct request *r, uint16_t type, const void *data, size_t size_bytes)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(size_bytes);
	memcpy(RTA_DATA(a), data, size_bytes);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static int open_rtnetlink(struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? err_sys(e, "open rtnetlink") : fd;
}

/* One request and its acknowledgement. */
static int change(int fd, struct request *r, const char *what, struct err *e)
{
	char answer[1024];
	const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
	ssize_t size;

	r->head.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, r, r->head.nlmsg_len, 0) < 0)
		return err_sys(e, "%s", what);
	size = recv(fd, answer, sizeof(answer), 0);
	if (size < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) ||
	    head->nlmsg_type != NLMSG_ERROR)
		return err_sys(e, "%s: rtnetlink's answer", what);
	errno = -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
	return errno ? err_sys(e, "%s", what) : 0;
}

static bool copy_bytes(unsigned char *to, const struct rtattr *a)
{
	size_t size = RTA_PAYLOAD(a);

	if (size > ADDRESS_BYTES)
		return false;
	memcpy(to, RTA_DATA(a), size);
	return true;
}

static void read_address(struct nlmsghdr *head, struct address *to)
{
	const struct ifaddrmsg *m = NLMSG_DATA(head);
	int left = (int)IFA_PAYLOAD(head);

	*to = (struct address){ .family = m->ifa_family, .prefix_bits = m->ifa_prefixlen };
	for (struct rtattr *a = IFA_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFA_LOCAL)
			to->has_local = copy_bytes(to->local, a);
		else if (a->rta_type == IFA_ADDRESS)
			copy_bytes(to->peer, a);
		else if (a->rta_type == IFA_BROADCAST)
			to->has_broadcast = copy_bytes(to->broadcast, a);
	}
}

/* The permanent ones of global scope; the others come back by themselves or are nobody's. */
static bool is_kept(const struct ifaddrmsg *m, unsigned index)
{
	return m->ifa_index == index && m->ifa_flags & IFA_F_PERMANENT &&
	       m->ifa_scope == RT_SCOPE_UNIVERSE;
}

static int read_addresses(int fd, unsigned index, struct address *list, size_t *count,
			  struct err *e)
{
	char answer[ANSWER_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct request r;

	*count = 0;
	begin(&r, RTM_GETADDR, NLM_F_DUMP, sizeof(r.body.address));
	if (send(fd, &r, r.head.nlmsg_len, 0) < 0)
		return err_sys(e, "ask for its addresses");
	for (;;) {
		ssize_t size = recv(fd, answer, sizeof(answer), 0);

		if (size < 0)
			return err_sys(e, "read its addresses");
		for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, (size_t)size);
		     h = NLMSG_NEXT(h, size)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type != RTM_NEWADDR || !is_kept(NLMSG_DATA(h), index))
				continue;
			if (*count == ADDRESSES_MAX)
				return err_set(e, "has more than %d addresses", ADDRESSES_MAX);
			read_address(h, &list[(*count)++]);
		}
	}
}

static int add_address(int fd, unsigned index, const struct address *a, struct err *e)
{
	size_t size = a->family == AF_INET6 ? 16 : 4;
	struct request r;

	begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(r.body.address));
	r.body.address = (struct ifaddrmsg){ .ifa_family = a->family,
					     .ifa_prefixlen = a->prefix_bits,
					     .ifa_scope = RT_SCOPE_UNIVERSE,
					     .ifa_index = index };
	if (a->has_local)
		put(&r, IFA_LOCAL, a->local, size);
	put(&r, IFA_ADDRESS, a->peer, size);
	if (a->has_broadcast)
		put(&r, IFA_BROADCAST, a->broadcast, size);
	return change(fd, &r, "give it an address again", e);
}

static int move_link(int fd, unsigned index, int net_ns_fd, const char *name, struct err *e)
{
	struct request r;

	begin(&r, RTM_SETLINK, 0, sizeof(r.body.link));
	r.body.link.ifi_index = (int)index;
	put(&r, IFLA_NET_NS_FD, &net_ns_fd, sizeof(net_ns_fd));
	/* Both at once: it is never there under its old name. */
	put(&r, IFLA_IFNAME, name, strlen(name) + 1);
	return change(fd, &r, "move it", e);
}

static int set_up_link(int fd, unsigned index, struct err *e)
{
	struct request r;

	begin(&r, RTM_SETLINK, 0, sizeof(r.body.link));
	r.body.link.ifi_index = (int)index;
	r.body.link.ifi_flags = r.body.link.ifi_change = IFF_UP;
	return change(fd, &r, "set it up", e);
}

struct moved {
	const char *name;
	struct address addresses[ADDRESSES_MAX];
	size_t count;
};

static int move_out(int fd, const struct oci_net_device *d, int net_ns_fd, struct moved *m,
		    struct err *e)
{
	unsigned index = if_nametoindex(d->host_name);

	m->name = d->name ? d->name : d->host_name;
	if (index == 0)
		return err_set(e, "there is no such device");
	if (read_addresses(fd, index, m->addresses, &m->count, e))
		return -1;
	return move_link(fd, index, net_ns_fd, m->name, e);
}

static int settle(int fd, const struct moved *m, struct err *e)
{
	unsigned index = if_nametoindex(m->name);

	for (size_t i = 0; i < m->count; i++)
		if (add_address(fd, index, &m->addresses[i], e))
			return -1;
	return set_up_link(fd, index, e);
}

/* In a process of its own, which ends in the container's namespace: one device after the other,
 * first out of here, then there. */
static int move_all(const struct oci_spec *spec, int net_ns_fd, int own_ns_fd, struct err *e)
{
	AUTO_FD int here_fd = open_rtnetlink(e);
	struct moved m;

	for (size_t i = 0; here_fd >= 0 && i < spec->net_device_count; i++) {
		const struct oci_net_device *d = &spec->net_devices[i];
		AUTO_FD int there_fd = -1;

		if (setns(own_ns_fd, CLONE_NEWNET) < 0)
			return err_sys(e, "return to the machine's network");
		if (move_out(here_fd, d, net_ns_fd, &m, e))
			return err_add(e, ".linux.netDevices.%s", d->host_name);
		if (setns(net_ns_fd, CLONE_NEWNET) < 0)
			return err_sys(e, "enter the container's network");
		there_fd = open_rtnetlink(e);
		if (there_fd < 0 || settle(there_fd, &m, e))
			return err_add(e, ".linux.netDevices.%s", d->host_name);
	}
	return here_fd < 0 ? -1 : 0;
}

int net_device_move(const struct oci_spec *spec, int net_ns_fd, struct err *e)
{
	volatile int failed = -1;
	AUTO_FD int own_ns_fd = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	pid_t pid = own_ns_fd < 0 ? -1 : vfork();

	if (pid < 0)
		return err_sys(e, "move network devices");
	if (pid == 0) {
		failed = move_all(spec, net_ns_fd, own_ns_fd, e);
		_exit(0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return failed;
}
