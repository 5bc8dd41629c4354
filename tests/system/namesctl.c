/* namesctl.c - the gateway's names, datagrams and policy without netd: DNS, UDP, ICMP, TCP behind a
 * TUN device of another network namespace. For tests/system/gate_names.sh.
 *
 *   namesctl NETNS-FILE
 *
 * Makes tun0 there, prints "ready", then takes a line at a time and answers "done" or what failed:
 */
/* clang-format off */
/*   network open|internal [POLICY]     172.31.0.0/16, fd31::/64, gateways .1 and ::1, search "lab"
 *   resolvers [ADDRESS...]
 *   forbidden [SUBNET...]
 *   member NAME[,NAME|,tcp/PORT...] ADDRESS4 ADDRESS6 [POLICY]   its key is its first name
 *   leave NAME
 *   publish ADDRESS PORT CONTAINER-PORT NAME           UDP
 *   withdraw
 *   stats NAME                                         "stats bytes_out=1 ..." */
/* clang-format on */
#include <err.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gate/dns.h"
#include "gate/dns_member.h"
#include "gate/dns_tcp.h"
#include "gate/dns_udp.h"
#include "gate/egress.h"
#include "gate/flow.h"
#include "gate/frame.h"
#include "gate/icmp.h"
#include "gate/input.h"
#include "gate/packet.h"
#include "gate/policy.h"
#include "gate/port.h"
#include "gate/rate.h"
#include "gate/tcp.h"
#include "gate/tun.h"
#include "gate/udp.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/str.h"
#include "lib/time.h"
#include "wire/stats.h"

enum { FRAMES_MAX = 256, MEMBERS = 16, WORDS = 32, DNS_PORT = 53 };

struct member {
	char name[64];
	struct address four, six;
	struct policy *policy;
	struct stats stats;
	struct rate rate_out, rate_in;
	struct flow_account account;
};

static struct member members[MEMBERS];
static struct address gateways[2];
static struct subnet subnets[2];
static struct policy *policy;
static struct egress *egress;
static struct dns *dns;
static struct dns_udp *dns_udp;
static struct dns_tcp *dns_tcp;
static struct tcp *tcp;
static struct udp *udp;
static struct icmp *icmp;
static struct udp_published *published;
static uint16_t published_port;
static struct udp_service dns_service = { .on_datagram = dns_udp_datagram };

static struct member *member_by_name(const char *name)
{
	int i;

	for (i = 0; name && i < MEMBERS; i++)
		if (members[i].name[0] && str_equal(members[i].name, name))
			return &members[i];
	return NULL;
}

static struct member *member_by_address(const struct address *a)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		if (members[i].name[0] &&
		    (address_equal(&members[i].four, a) || address_equal(&members[i].six, a)))
			return &members[i];
	return NULL;
}

/* ---- what the parts ask */

static bool is_gateway(const struct address *a)
{
	return address_equal(a, &gateways[0]) || address_equal(a, &gateways[1]);
}

static struct address loopback(uint8_t family)
{
	struct address a;

	address_parse(family == AF_INET ? "127.0.0.1" : "::1", &a);
	return a;
}

static struct payer payer_of(struct member *m)
{
	return (struct payer){ &m->account, &m->stats, &m->rate_out, &m->rate_in };
}

static void decide_tcp(void *ctx, const struct packet *p, struct tcp_ruling *r)
{
	struct member *m = member_by_address(&p->from);

	(void)ctx;
	*r = (struct tcp_ruling){ .verdict = TCP_IGNORE };
	if (!m)
		return;
	r->payer = payer_of(m);
	r->address = p->to;
	r->port = p->to_port;
	r->verdict = TCP_CONNECT;
	if (is_gateway(&p->to) && p->to_port == DNS_PORT) {
		r->verdict = TCP_SERVE;
		r->service = dns_tcp_service(dns_tcp);
		return;
	}
	switch (egress_decide(egress, m->policy, IPPROTO_TCP, &p->to, p->to_port)) {
	case EGRESS_ALLOW: break;
	case EGRESS_HOST: r->address = loopback(p->to.family); break;
	case EGRESS_REFUSE:
		m->stats.refused++;
		r->verdict = TCP_REFUSE;
		break;
	}
}

static void decide_udp(void *ctx, const struct packet *p, struct udp_ruling *r)
{
	struct member *m = member_by_address(&p->from);

	(void)ctx;
	if (!m)
		return;
	*r = (struct udp_ruling){ .verdict = UDP_CONNECT,
				  .address = p->to,
				  .port = p->to_port,
				  .payer = payer_of(m) };
	if (is_gateway(&p->to) && p->to_port == DNS_PORT) {
		r->verdict = UDP_SERVE;
		r->service = &dns_service;
		return;
	}
	switch (egress_decide(egress, m->policy, IPPROTO_UDP, &p->to, p->to_port)) {
	case EGRESS_ALLOW: break;
	case EGRESS_HOST: r->address = loopback(p->to.family); break;
	case EGRESS_REFUSE:
		m->stats.refused++;
		r->verdict = is_gateway(&p->to) ? UDP_REFUSE : UDP_FORBID;
		break;
	}
}

static void decide_icmp(void *ctx, const struct packet *p, struct icmp_ruling *r)
{
	struct member *m = member_by_address(&p->from);

	(void)ctx;
	if (!m)
		return;
	*r = (struct icmp_ruling){ .verdict = ICMP_CONNECT,
				   .address = p->to,
				   .payer = payer_of(m) };
	if (is_gateway(&p->to)) {
		r->verdict = ICMP_ANSWER;
	} else if (egress_decide(egress, m->policy, p->protocol, &p->to, 0) != EGRESS_ALLOW) {
		m->stats.refused++;
		r->verdict = ICMP_FORBID;
	}
}

static void pick(void *ctx, void *publication, const struct address *client, struct udp_ruling *r)
{
	struct member *m = publication;

	(void)ctx;
	*r = (struct udp_ruling){ .verdict = UDP_CONNECT,
				  .address = client->family == AF_INET ? m->four : m->six,
				  .port = published_port,
				  .payer = { .account = &m->account, .stats = &m->stats } };
}

static const char *who_tcp(void *ctx, const struct address *from)
{
	struct member *m = member_by_address(from);

	(void)ctx;
	return m ? m->name : NULL;
}

static const char *who_udp(void *ctx, const struct packet *p)
{
	return who_tcp(ctx, &p->from);
}

static void on_address(void *ctx, const char *container, const char *name, const struct address *a,
		       uint64_t until_ms)
{
	struct member *m = member_by_name(container);

	(void)ctx;
	policy_learn(policy, name, a, until_ms);
	if (m)
		policy_learn(m->policy, name, a, until_ms);
}

static void on_question(void *ctx, const char *container, bool forwarded)
{
	struct member *m = member_by_name(container);

	(void)ctx;
	if (m && forwarded)
		m->stats.dns_forwarded++;
	else if (m)
		m->stats.dns_questions++;
}

static bool may_ask(void *ctx, const char *container, const struct address *resolver)
{
	struct member *m = member_by_name(container);

	(void)ctx;
	return egress_decide(egress, m ? m->policy : NULL, IPPROTO_UDP, resolver, DNS_PORT) ==
	       EGRESS_ALLOW;
}

static bool logs(void *ctx, const char *container)
{
	struct member *m = member_by_name(container);

	(void)ctx;
	return policy_logs_dns(policy) || (m && policy_logs_dns(m->policy));
}

static void on_tcp(void *ctx, const struct packet *p, struct frame *f)
{
	(void)ctx;
	tcp_input_packet(tcp, p, f);
}

static void on_udp(void *ctx, const struct packet *p, struct frame *f)
{
	(void)ctx;
	udp_input_packet(udp, p, f);
}

static void on_icmp(void *ctx, const struct packet *p, struct frame *f)
{
	(void)ctx;
	icmp_input_packet(icmp, p, f);
}

/* ---- what the test says */

/* The rest of the line from word `at` on is one policy. */
static struct policy *read_policy(char **words, int count, int at, struct err *e)
{
	char text[1024] = "";

	for (; at < count; at++) {
		strcat(text, words[at]);
		strcat(text, " ");
	}
	return policy_create(text, e);
}

static int set_network(char **words, int count, struct err *e)
{
	struct policy *p = read_policy(words, count, 2, e);
	bool internal = str_equal(words[1], "internal");

	if (!p)
		return -1;
	egress_set_network(egress, internal, subnets, 2, gateways, 2, p);
	dns_set_network(dns, internal, "lab", gateways, 2, subnets, 2);
	policy_destroy(policy);
	policy = p;
	return 0;
}

static int leave(char **words, int count, struct err *e)
{
	struct member *m = count > 1 ? member_by_name(words[1]) : NULL;

	if (!m)
		return err_set(e, "no such member");
	udp_forget_account(udp, &m->account);
	icmp_forget_account(icmp, &m->account);
	tcp_forget_account(tcp, &m->account);
	dns_remove_member(dns, m->name);
	policy_destroy(m->policy);
	memset(m, 0, sizeof(*m));
	return 0;
}

static int join(char **words, int count, struct err *e)
{
	const char *names[WORDS];
	const struct address *resolvers;
	struct address a[2];
	struct port ports[WORDS];
	struct dns_member said = {
		.addresses = a, .address_count = 2, .names = names, .ports = ports
	};
	struct member *m = members;
	char *name, *rest = words[1];

	if (count < 4 || !address_parse(words[2], &a[0]) || !address_parse(words[3], &a[1]))
		return err_set(e, "member NAMES ADDRESS4 ADDRESS6");
	while ((name = strsep(&rest, ",")) && said.name_count + said.port_count < WORDS)
		if (str_starts(name, "tcp/") || str_starts(name, "udp/"))
			ports[said.port_count++] = (struct port){
				*name == 't' ? IPPROTO_TCP : IPPROTO_UDP, (uint16_t)atoi(name + 4)
			};
		else
			names[said.name_count++] = name;
	said.container = names[0];
	if (member_by_name(names[0]))
		leave((char *[]){ NULL, (char *)names[0] }, 2, e);
	while (m->name[0])
		m++;
	m->policy = read_policy(words, count, 4, e);
	if (!m->policy || dns_set_member(dns, &said, e) < 0)
		return -1;
	str_copy(m->name, sizeof(m->name), names[0]);
	m->four = a[0];
	m->six = a[1];
	dns_set_member_resolvers(dns, m->name, resolvers, policy_resolvers(m->policy, &resolvers));
	rate_init(&m->rate_out, policy_rate_bits(m->policy), time_boot_ns());
	rate_init(&m->rate_in, policy_rate_bits(m->policy), time_boot_ns());
	return 0;
}

static int publish(char **words, int count, struct err *e)
{
	struct sockaddr_storage to;
	struct address a;
	socklen_t size;
	int fd;

	if (count < 5 || !address_parse(words[1], &a) || !member_by_name(words[4]))
		return err_set(e, "publish ADDRESS PORT CONTAINER-PORT NAME");
	size = address_to_socket(&a, atoi(words[2]), &to);
	fd = socket(a.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, size) < 0)
		return err_sys(e, "bind");
	published_port = atoi(words[3]);
	published = udp_publish(udp, fd, member_by_name(words[4]), e);
	return published ? 0 : -1;
}

static int stats(char **words, int count, struct err *e)
{
	struct member *m = count > 1 ? member_by_name(words[1]) : NULL;

	if (!m)
		return err_set(e, "no such member");
	printf("stats");
#define STATS_PRINT(name, means) printf(" " #name "=%llu", (unsigned long long)m->stats.name);
	STATS_LIST(STATS_PRINT)
#undef STATS_PRINT
	printf("\n");
	return 0;
}

static int obey(char **words, int count, struct err *e)
{
	struct address list[WORDS];
	struct subnet nets[WORDS];
	int i;

	for (i = 1; i < count; i++) {
		address_parse(words[i], &list[i]);
		subnet_parse(words[i], &nets[i]);
	}
	if (str_equal(words[0], "resolvers")) {
		dns_set_resolvers(dns, list + 1, count - 1);
		return 0;
	}
	if (str_equal(words[0], "forbidden")) {
		egress_set_forbidden(egress, nets + 1, count - 1);
		return 0;
	}
	if (str_equal(words[0], "withdraw")) {
		udp_withdraw(published);
		published = NULL;
		return 0;
	}
	return str_equal(words[0], "network")	? set_network(words, count, e)
	       : str_equal(words[0], "member")	? join(words, count, e)
	       : str_equal(words[0], "leave")	? leave(words, count, e)
	       : str_equal(words[0], "publish") ? publish(words, count, e)
	       : str_equal(words[0], "stats")	? stats(words, count, e)
						: err_set(e, "no such word: %s", words[0]);
}

static void on_line(struct loop_source *source, unsigned events)
{
	char *words[WORDS];
	char line[1024];
	struct err e;
	ssize_t n;
	int count;

	(void)events;
	/* The test waits for each answer: a read is a line. */
	n = read(source->fd, line, sizeof(line) - 1);
	if (n <= 0) {
		loop_stop(source->loop);
		return;
	}
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	count = str_split_words(line, words, WORDS);
	err_set(&e, "too many words");
	puts(count > 0 && obey(words, count, &e) == 0 ? "done" : e.text);
	fflush(stdout);
}

static int open_tun(const char *netns)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(netns, O_RDONLY | O_CLOEXEC);
	int fd;

	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		err(1, "enter %s", netns);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	strcpy(r.ifr_name, "tun0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		err(1, "make tun0");
	if (setns(home, CLONE_NEWNET) < 0)
		err(1, "come back");
	close(home);
	close(there);
	return fd;
}

static void make_parts(struct loop *loop, const char *netns)
{
	static const struct dns_hooks hooks = { .on_address = on_address,
						.on_question = on_question,
						.may_ask = may_ask,
						.logs = logs };
	struct frame_pool *pool = frame_pool_create(FRAMES_MAX);
	struct input_setup inputs = { .loop = loop, .pool = pool, .tcp = on_tcp, .udp = on_udp,
				      .icmp = on_icmp };
	struct udp_setup u = { .loop = loop, .gateway4 = gateways[0], .gateway6 = gateways[1],
			       .decide = decide_udp, .pick = pick };
	struct icmp_setup i = { .loop = loop, .gateway4 = gateways[0], .gateway6 = gateways[1],
				.decide = decide_icmp };
	struct tcp_setup t = { .loop = loop, .gateway4 = gateways[0], .gateway6 = gateways[1],
			       .decide = decide_tcp, .mtu = 1500 };
	struct err e;

	t.flows = u.flows = i.flows = flow_table_create(0);
	t.tun = u.tun = i.tun = tun_create(loop, pool, input_frame, input_create(&inputs));
	if (tun_add(t.tun, open_tun(netns), NULL, &e) < 0)
		errx(1, "%s", e.text);
	tcp = tcp_create(&t);
	udp = udp_create(&u);
	icmp = icmp_create(&i);
	egress = egress_create();
	dns = dns_create(loop, &hooks);
	dns_udp = dns_udp_create(dns, udp, who_udp, NULL);
	dns_tcp = dns_tcp_create(loop, dns, who_tcp, NULL);
	dns_service.ctx = dns_udp;
}

int main(int argc, char **argv)
{
	struct loop_source lines = { .fd = 0, .on_event = on_line };
	char *words[] = { "network", "open" };
	struct rlimit files;
	struct err e;
	struct loop *loop = loop_create(&e);

	if (argc != 2)
		errx(2, "usage: namesctl NETNS-FILE");
	log_init("namesctl", LOG_LEVEL_INFO);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	address_parse("172.31.0.1", &gateways[0]);
	address_parse("fd31::1", &gateways[1]);
	subnet_parse("172.31.0.0/16", &subnets[0]);
	subnet_parse("fd31::/64", &subnets[1]);
	make_parts(loop, argv[1]);
	if (set_network(words, 2, &e) < 0 || loop_add(loop, &lines, LOOP_READ, &e) < 0)
		errx(1, "%s", e.text);
	puts("ready");
	fflush(stdout);
	if (loop_run(loop, &e) < 0)
		errx(1, "%s", e.text);
	dns_tcp_destroy(dns_tcp);
	dns_udp_destroy(dns_udp);
	dns_destroy(dns);
	icmp_destroy(icmp);
	udp_destroy(udp);
	return 0;
}
