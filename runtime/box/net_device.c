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
#include "lib/rtnetlink.h"
#include "oci/spec.h"

enum {
	ADDRESSES_MAX = 32, /* of one device; more are an error */
	ADDRESS_BYTES = 16, /* of the longest, IPv6 */
};

struct address {
	unsigned char family, prefix_bits;
	bool has_local, has_broadcast;
	unsigned char local[ADDRESS_BYTES], peer[ADDRESS_BYTES], broadcast[ADDRESS_BYTES];
};

static bool copy_bytes(unsigned char *to, const struct rtnetlink_attribute *a)
{
	if (a->size_bytes > ADDRESS_BYTES)
		return false;
	memcpy(to, a->data, a->size_bytes);
	return true;
}

/* The permanent ones of global scope; the others come back by themselves or are nobody's. */
static bool is_kept(const struct ifaddrmsg *m, unsigned index)
{
	return m->ifa_index == index && m->ifa_flags & IFA_F_PERMANENT &&
	       m->ifa_scope == RT_SCOPE_UNIVERSE;
}

struct moved {
	const char *name;
	unsigned index;
	struct address addresses[ADDRESSES_MAX];
	size_t count;
};

static int take_address(void *ctx, const struct rtnetlink_message *message, struct err *e)
{
	struct moved *to = ctx;
	struct rtnetlink_reader attributes;
	struct rtnetlink_attribute a;
	struct ifaddrmsg m;
	struct address *address;

	if (message->type != RTM_NEWADDR ||
	    !rtnetlink_body(message, &m, sizeof(m), &attributes) || !is_kept(&m, to->index))
		return 0;
	if (to->count == ADDRESSES_MAX)
		return err_set(e, "has more than %d addresses", ADDRESSES_MAX);
	address = &to->addresses[to->count++];
	*address = (struct address){ .family = m.ifa_family, .prefix_bits = m.ifa_prefixlen };
	while (rtnetlink_next_attribute(&attributes, &a)) {
		if (a.type == IFA_LOCAL)
			address->has_local = copy_bytes(address->local, &a);
		else if (a.type == IFA_ADDRESS)
			copy_bytes(address->peer, &a);
		else if (a.type == IFA_BROADCAST)
			address->has_broadcast = copy_bytes(address->broadcast, &a);
	}
	return 0;
}

static int read_addresses(int fd, struct moved *to, struct err *e)
{
	const struct ifaddrmsg all = { 0 };
	struct rtnetlink_batch b;

	to->count = 0;
	rtnetlink_init(&b);
	rtnetlink_begin(&b, "read its addresses", RTM_GETADDR, NLM_F_DUMP, &all, sizeof(all));
	return rtnetlink_ask(fd, &b, take_address, to, e);
}

static void add_address(struct rtnetlink_batch *b, unsigned index, const struct address *a)
{
	const struct ifaddrmsg m = { .ifa_family = a->family,
				     .ifa_prefixlen = a->prefix_bits,
				     .ifa_scope = RT_SCOPE_UNIVERSE,
				     .ifa_index = index };
	size_t size = a->family == AF_INET6 ? 16 : 4;

	rtnetlink_begin(b, "give it an address again", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &m,
			sizeof(m));
	if (a->has_local)
		rtnetlink_put(b, IFA_LOCAL, a->local, size);
	rtnetlink_put(b, IFA_ADDRESS, a->peer, size);
	if (a->has_broadcast)
		rtnetlink_put(b, IFA_BROADCAST, a->broadcast, size);
}

static int move_link(int fd, unsigned index, int net_ns_fd, const char *name, struct err *e)
{
	const struct ifinfomsg m = { .ifi_index = (int)index };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	rtnetlink_begin(&b, "move it", RTM_SETLINK, 0, &m, sizeof(m));
	rtnetlink_put_u32(&b, IFLA_NET_NS_FD, (uint32_t)net_ns_fd);
	/* Both at once: it is never there under its old name. */
	rtnetlink_put_str(&b, IFLA_IFNAME, name);
	return rtnetlink_send(fd, &b, e);
}

static int move_out(int fd, const struct oci_net_device *d, int net_ns_fd, struct moved *m,
		    struct err *e)
{
	m->index = if_nametoindex(d->host_name);
	m->name = d->name ? d->name : d->host_name;
	if (m->index == 0)
		return err_set(e, "there is no such device");
	if (read_addresses(fd, m, e))
		return -1;
	return move_link(fd, m->index, net_ns_fd, m->name, e);
}

static int settle(int fd, const struct moved *m, struct err *e)
{
	unsigned index = if_nametoindex(m->name);
	const struct ifinfomsg up = { .ifi_index = (int)index,
				      .ifi_flags = IFF_UP,
				      .ifi_change = IFF_UP };
	struct rtnetlink_batch b;

	rtnetlink_init(&b);
	for (size_t i = 0; i < m->count; i++)
		add_address(&b, index, &m->addresses[i]);
	rtnetlink_begin(&b, "set it up", RTM_SETLINK, 0, &up, sizeof(up));
	return rtnetlink_send(fd, &b, e);
}

/* In a process of its own, which ends in the container's namespace: one device after the other,
 * first out of here, then there. */
static int move_all(const struct oci_spec *spec, int net_ns_fd, int own_ns_fd, struct err *e)
{
	AUTO_FD int here_fd = rtnetlink_open(e);
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
		there_fd = rtnetlink_open(e);
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
