/* test_network.c - networks, ports and names in a compose file: what each key becomes, and the
 * sentence for each mistake. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compose/compose.h"
#include "lib/arena.h"
#include "lib/err.h"

static const char whole[] =
	"services:\n"
	"  web:\n"
	"    image: i\n"
	"    networks:\n"
	"      back: {aliases: [db, cache.local], ipv4_address: 172.28.5.9, priority: 5}\n"
	"      front: {mac_address: '02:42:ac:11:00:02', gw_priority: 1}\n"
	"      out: {priority: 7}\n"
	"    ports: [80, '8080:80', '127.0.0.1:8000-8003:80-83/udp',\n"
	"            {target: 443, published: '8443', host_ip: '::1', protocol: tcp, mode: host}]\n"
	"    expose: [3000, 4000-4005/udp]\n"
	"    dns: [192.0.2.53, '2001:db8::53']\n"
	"    dns_search: example.org\n"
	"    dns_opt: ['ndots:2']\n"
	"    extra_hosts: ['a=10.0.0.1', 'b:[::2]', 'host.docker.internal:host-gateway']\n"
	"    labels: {cuvette.egress: 'allow 10.0.0.0/8 443 tcp; deny 10.1.0.0/16', cuvette.rate: "
	"100mbit}\n"
	"    container_name: the_web\n"
	"    links: ['other', 'other:o.local']\n"
	"    sysctls: {net.core.somaxconn: 1024}\n"
	"  side: {image: i, network_mode: 'container:the_web', extra_hosts: {c: 10.0.0.3, d: "
	"[10.0.0.4, 'fd00::4']}}\n"
	"  other: {image: i, networks: [out]}\n"
	"  plain: {image: i}\n"
	"  old: {image: i, network_mode: bridge}\n"
	"  machine: {image: i, networks: [theirs]}\n"
	"networks:\n"
	"  front: {internal: true, attachable: true, external: false, enable_ipv4: true, labels: "
	"[a=b], enable_ipv6: true}\n"
	"  back:\n"
	"    name: backbone\n"
	"    driver: bridge\n"
	"    ipam: {driver: default, config: [{subnet: 172.28.0.0/16, gateway: 172.28.0.7, "
	"ip_range: 172.28.5.0/24}, {subnet: 'fd00:1::/64'}]}\n"
	"    driver_opts: {cuvette.dns-log: true, com.docker.network.driver.mtu: 9000}\n"
	"  theirs: {driver: host}\n"
	"  out:\n";

static const struct compose_service *service(const struct compose_project *p, const char *name)
{
	for (size_t i = 0; i < p->service_count; i++)
		if (strcmp(p->services[i].name, name) == 0)
			return &p->services[i];
	fail_msg("no service %s", name);
	return NULL;
}

static void is_address(const struct address *a, const char *wanted)
{
	char text[ADDRESS_TEXT_MAX];

	address_print(a, text);
	assert_string_equal(text, wanted);
}

static void check_ports(const struct compose_service_network *n)
{
	assert_int_equal(n->exposed_count, 2);
	assert_int_equal(n->exposed[0].container_last, 3000);
	assert_int_equal(n->exposed[1].container_last, 4005);
	assert_int_equal(n->exposed[1].protocol, IPPROTO_UDP);
	assert_int_equal(n->port_count, 4);
	assert_int_equal(n->ports[0].host_first, 0);
	assert_int_equal(n->ports[0].container_first, 80);
	assert_int_equal(n->ports[1].host_first, 8080);
	assert_string_equal(n->ports[2].host_address, "127.0.0.1");
	assert_int_equal(port_map_count(&n->ports[2]), 4);
	assert_int_equal(n->ports[2].protocol, IPPROTO_UDP);
	assert_string_equal(n->ports[3].host_address, "::1");
	assert_int_equal(n->ports[3].host_first, 8443);
	assert_int_equal(n->ports[3].container_first, 443);
}

static void check_web(const struct compose_service_network *n)
{
	assert_int_equal(n->mode, COMPOSE_NETWORK_OWN);
	assert_int_equal(n->attachment_count, 3);
	assert_string_equal(n->attachments[0].network, "out");
	assert_string_equal(n->attachments[1].network, "back");
	assert_string_equal(n->attachments[1].aliases[1], "cache.local");
	assert_null(n->attachments[1].aliases[2]);
	is_address(&n->attachments[1].address4, "172.28.5.9");
	assert_int_equal(n->attachments[1].line, 5);
	assert_string_equal(n->attachments[2].network, "front");
	assert_string_equal(n->attachments[2].mac, "02:42:ac:11:00:02");
	assert_int_equal(n->attachments[2].gateway_priority, 1);
	assert_int_equal(n->resolver_count, 2);
	is_address(&n->resolvers[1], "2001:db8::53");
	assert_string_equal(n->search[0], "example.org");
	assert_string_equal(n->options[0], "ndots:2");
	assert_int_equal(n->host_count, 3);
	is_address(&n->hosts[0].address, "10.0.0.1");
	is_address(&n->hosts[1].address, "::2");
	assert_string_equal(n->hosts[2].name, "host.docker.internal");
	assert_int_equal(n->hosts[2].address.family, AF_UNSPEC);
	assert_string_equal(n->policy,
			    "allow 10.0.0.0/8 443 tcp\ndeny 10.1.0.0/16\nrate 100000000\n");
	check_ports(n);
	assert_int_equal(n->link_count, 2);
	assert_null(n->links[0].alias);
	assert_string_equal(n->links[1].service, "other");
	assert_string_equal(n->links[1].alias, "o.local");
}

static void check_networks(const struct compose_project *p)
{
	const struct compose_network *back = compose_network(p, "back");

	assert_int_equal(p->network_count, 6);
	assert_true(compose_network(p, "front")->internal && compose_network(p, "front")->ipv6);
	assert_string_equal(back->name, "backbone");
	is_address(&back->subnet4.address, "172.28.0.0");
	assert_int_equal(back->range4.prefix, 24);
	is_address(&back->gateway4, "172.28.0.7");
	is_address(&back->subnet6.address, "fd00:1::");
	assert_int_equal(back->gateway6.family, AF_UNSPEC);
	assert_int_equal(back->mtu, 9000);
	assert_string_equal(back->policy, "dns-log\n");
	assert_int_equal(compose_network(p, "default")->subnet4.address.family, AF_UNSPEC);
	is_address(&compose_network(p, "bridge")->subnet4.address, "172.17.0.0");
	assert_null(compose_network(p, "nobody"));
}

static void every_key_arrives(void **state)
{
	struct arena *arena = arena_create(1 << 20);
	struct err e = { .text = "" };
	struct compose_project *p =
		compose_read("compose.yaml", whole, strlen(whole), NULL, arena, &e);
	const struct compose_service_network *n;

	(void)state;
	if (!p)
		fail_msg("%s", e.text);
	check_web(&service(p, "web")->network);
	assert_string_equal(service(p, "web")->container_name, "the_web");
	assert_string_equal(service(p, "web")->sysctls[0].key, "net.core.somaxconn");
	assert_string_equal(service(p, "web")->sysctls[0].value, "1024");
	check_networks(p);
	assert_int_equal(service(p, "side")->network.mode, COMPOSE_NETWORK_SHARED);
	assert_string_equal(service(p, "side")->network.shared, "web");
	n = &service(p, "side")->network;
	assert_int_equal(n->host_count, 3);
	is_address(&n->hosts[0].address, "10.0.0.3");
	assert_string_equal(n->hosts[2].name, "d");
	is_address(&n->hosts[2].address, "fd00::4");
	assert_string_equal(service(p, "plain")->network.attachments[0].network, "default");
	assert_string_equal(service(p, "old")->network.attachments[0].network, "bridge");
	assert_int_equal(service(p, "machine")->network.mode, COMPOSE_NETWORK_HOST);
	arena_destroy(arena);
}

/* S(x): x as the keys of service a, from line 3 on. N(x): x as network n, on line 2. */
#define S(keys) "services:\n  a:\n    {image: i, " keys "}\n"
#define N(keys) "services: {a: {image: i, networks: [n]}}\nnetworks: {n: {" keys "}}\n"
#define POOL(keys) N("ipam: {config: [{" keys "}]}")
#define AT "compose.yaml:3: service a: "
#define IN "compose.yaml:2: network n: "
#define OF "compose.yaml:2: service a: "

static const struct {
	const char *text, *error;
} mistakes[] = {
	{ S("network_mode: bridges"), AT "network_mode: \"bridges\" is not known: write bridge" },
	{ S("network_mode: 'service:'"), AT "network_mode: \"\" is not a service's name" },
	{ S("network_mode: 'service:b'"), OF "network_mode: there is no other service \"b\"" },
	{ S("network_mode: 'container:a'"), OF "network_mode: there is no other service \"a\"" },
	{ S("network_mode: host, networks: [default]"),
	  OF "network_mode and networks cannot be combined" },
	{ S("network_mode: bridge, networks: [default]"),
	  OF "network_mode and networks cannot be combined" },
	{ S("network_mode: host, ports: [80]"), OF "ports need a network of its own" },
	{ S("network_mode: none, ports: [80]"), OF "ports need a network, and it has none: take" },
	{ S("network_mode: none, dns: 192.0.2.1"),
	  OF "mac_address, dns, sysctls and cuvette.* need" },
	{ S("networks: [m]"), "compose.yaml:3: service a: network \"m\" is not declared" },
	{ S("networks: [default, default]"), AT "networks: network default is there twice" },
	{ S("networks: 5"), AT "networks: must be a list or a map" },
	{ S("networks: {n: {alias: [a]}}"), "compose.yaml:3: unknown key \"alias\" in service a; "
					    "did you mean \"aliases\"?" },
	{ S("networks: {n: {aliases: [a b]}}"), AT "aliases: \"a b\" is not a host name" },
	{ S("networks: {n: {ipv4_address: '::1'}}"), AT "ipv4_address: \"::1\" is not an IPv4" },
	{ S("networks: {n: {mac_address: '01:00:00:00:00:01'}}"), AT "mac_address: \"01:00" },
	{ S("networks: {n: {priority: high}}"), AT "priority: must be a whole number" },
	{ S("networks: {n: {link_local_ips: []}}"),
	  "compose.yaml:3: key \"link_local_ips\" in service a is not supported" },
	{ S("ports: [0]"), AT },
	{ S("ports: ['70000:80']"), AT },
	{ S("ports: ['8080:80', '8080:81']"), AT "ports: port 8080 is published twice" },
	{ S("ports: ['1-65535:1-65535']"), AT "ports: has more than 1024 ports: publish fewer" },
	{ S("ports: [{published: 80}]"), AT "ports: a port in the long form needs a target" },
	{ S("ports: [{target: 80, protocol: sctp}]"), AT },
	{ S("ports: [{target: 80, protcol: tcp}]"),
	  "compose.yaml:3: unknown key \"protcol\" in service "
	  "a; did you mean \"protocol\"?" },
	{ S("ports: 80"), AT "ports: must be a list" },
	{ S("expose: ['80:80']"), AT },
	{ S("dns: one"), AT "dns: \"one\" is not an address: write numbers, as 192.168.1.9" },
	{ S("dns: 0.0.0.0"), AT "dns: \"0.0.0.0\" is nobody's address: write the server's" },
	{ S("dns: ['192.0.2.1', '::']"), AT "dns: \"::\" is nobody's address: write the server's" },
	{ S("dns: ['1.0.0.1','1.0.0.2','1.0.0.3','1.0.0.4','1.0.0.5']"),
	  AT "dns: has more than 4 resolvers" },
	{ S("dns_search: 'a..b'"), AT "dns_search: \"a..b\" is not a domain" },
	{ S("dns_opt: \"x\\ny\""), AT "dns_opt: \"x\ny\" is not an option" },
	{ S("extra_hosts: [a]"), AT "extra_hosts: \"a\": write NAME=ADDRESS" },
	{ S("extra_hosts: ['a:b']"), AT "extra_hosts: \"b\" is not an address" },
	{ S("extra_hosts: {\"a\\nb\": 10.0.0.1}"), AT },
	{ S("extra_hosts: {a: [10.0.0.1, b]}"), AT "a: \"b\" is not an address" },
	{ S("extra_hosts: {a: [[10.0.0.1]]}"), AT "a: must be a string" },
	{ S("labels: {cuvette.egres: x}"), AT "cuvette.egres: \"cuvette.egres\" is not known" },
	{ S("labels: {cuvette.egress: 'permit all'}"),
	  AT "cuvette.egress: \"permit all\": a line is allow, deny or" },
	{ S("labels: {cuvette.egress: 'allow 10.0.0.0/33 443'}"),
	  AT "cuvette.egress: \"allow 10.0.0.0/33 443\": 10.0.0.0/33 is no subnet" },
	{ S("labels: {cuvette.egress: \"allow 10.0.0.0/8\\nallow example.org http\"}"),
	  AT "cuvette.egress: \"allow example.org http\": http is neither a port nor" },
	{ S("labels: {cuvette.egress: 'deny *.'}"),
	  AT "cuvette.egress: \"deny *.\": *. is no subnet" },
	{ S("labels: {cuvette.egress: 'allow-host 0'}"),
	  AT "cuvette.egress: \"allow-host 0\": 0 is no" },
	{ S("labels: {cuvette.egress: 'allow-host'}"),
	  AT "cuvette.egress: \"allow-host\": a line is allow, deny or allow-host and what" },
	{ S("labels: [cuvette.dns-log]"),
	  AT "labels: must be true or false: write cuvette.dns-log: true" },
	{ S("labels: {cuvette.rate: 9999gbit}"), AT "cuvette.rate: \"9999gbit\" is not a rate" },
	{ S("labels: {cuvette.dns-allowed-only: some}"),
	  AT "cuvette.dns-allowed-only: must be true or false" },
	{ S("labels: {cuvette.rate: fast}"), AT "cuvette.rate: \"fast\" is not a rate" },
	{ S("labels: {cuvette.rate: 10}"), AT "cuvette.rate: \"10\" is not a rate" },
	{ N("driver: overlay"), IN "driver: \"overlay\" is not known: write bridge, host or none" },
	{ N("external: true"), IN "external: there are no networks here but those of this file" },
	{ N("enable_ipv4: false"), IN "enable_ipv4: a network without IPv4 is not supported" },
	{ N("attachable: perhaps"), IN "attachable: " },
	{ S("container_name: a b"), AT "container_name: \"a b\" is not a name" },
	{ S("links: [b]"), AT "links: there is no other service \"b\"" },
	{ S("links: [a]"), AT "links: there is no other service \"a\"" },
	{ S("links: ['b:c d']"), AT "links: \"b:c d\": write SERVICE or SERVICE:ALIAS" },
	{ S("links: b"), AT "links: must be a list" },
	{ S("sysctls: {kernel.shmmax: '1'}"),
	  AT "kernel.shmmax: \"kernel.shmmax\": only net.* is" },
	{ S("sysctls: [net.core.somaxconn]"), AT "sysctls: \"net.core.somaxconn\": only net.* is" },
	{ S("network_mode: host, sysctls: {net.core.somaxconn: 9}"),
	  OF "mac_address, dns, sysctls and" },
	{ "services: {a: {image: i, container_name: b}, b: {image: i}}",
	  "compose.yaml:1: service a: container_name b: service b has it" },
	{ "services: {a: {image: i, container_name: c}, b: {image: i, container_name: c}}",
	  "compose.yaml:1: service a: container_name c: service b has it" },
	{ "services: {a: {image: i, links: [b], networks: [n]}, b: {image: i}}\nnetworks: {n: }",
	  "compose.yaml:1: service a: links: that service is on none of its networks" },
	{ N("internl: true"), "compose.yaml:2: unknown key \"internl\" in network n; did you mean "
			      "\"internal\"?" },
	{ N("driver: host, internal: true"), IN "n: driver host and none have no subnet" },
	{ N("name: 'a b'"), IN "name: \"a b\" is not a network name" },
	{ N("driver_opts: {x: y}"), IN "x: is not known" },
	{ N("driver_opts: {com.docker.network.driver.mtu: 9}"),
	  IN "com.docker.network.driver.mtu: must be a number from 68 to 65535" },
	{ N("ipam: {driver: x}"), IN "driver: \"x\" is not known" },
	{ POOL("gateway: 10.0.0.1"), IN "config: needs the key subnet" },
	{ POOL("subnet: 10.0.0.1/8"), IN "subnet: \"10.0.0.1/8\" is not a subnet" },
	{ POOL("subnet: 10.0.0.0/31"), IN "subnet: \"10.0.0.0/31\" is not a subnet" },
	{ POOL("subnet: 10.0.0.0"), IN "subnet: \"10.0.0.0\" is not a subnet" },
	{ POOL("subnet: 127.1.0.0/16"), IN "config: the subnet lies where no network can be" },
	{ POOL("subnet: 'fe80::/64'"), IN "config: the subnet lies where no network can be" },
	{ POOL("subnet: 10.0.0.0/24, gateway: 10.0.1.1"), IN "config: gateway is not an address" },
	{ POOL("subnet: 10.0.0.0/24, gateway: 10.0.0.0"), IN "config: gateway is not an address" },
	{ POOL("subnet: 10.0.0.0/24, ip_range: 10.0.0.0/16"), IN "config: ip_range is not inside" },
	{ POOL("subnet: 10.0.0.0/24}, {subnet: 10.1.0.0/24"),
	  IN "config: a network has one subnet of" },
	{ N("enable_ipv6: false, ipam: {config: [{subnet: 'fd00::/64'}]}"),
	  IN "n: an IPv6 subnet and enable_ipv6: false" },
	{ "services: {a: {image: i}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8}]}},\n"
	  " m: {ipam: {config: [{subnet: 10.1.0.0/16}]}}}",
	  "compose.yaml:3: network m: its subnet overlaps network n's" },
	{ "services: {a: {image: i}}\nnetworks: {n: {}, m: {name: n}}",
	  "compose.yaml:2: network m: network n has the same name" },
	{ "services: {a: {image: i,\n networks: {n: {ipv4_address: 10.0.0.2}}}}\nnetworks: {n: }",
	  "compose.yaml:2: service a: an address of its own needs a network with a subnet" },
	{ "services: {a: {image: i,\n networks: {n: {ipv4_address: 10.1.0.2}}}}\n"
	  "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/16}]}}}",
	  "compose.yaml:2: service a: its address is not one of a machine in" },
	{ "services: {a: {image: i,\n networks: {n: {ipv4_address: 10.0.0.7}}}}\n"
	  "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/16, gateway: 10.0.0.7}]}}}",
	  "compose.yaml:2: service a: its address 10.0.0.7 is the gateway's of network n: choose" },
	/* Unless it is named, it is the first of the subnet. */
	{ "services: {a: {image: i,\n networks: {n: {ipv4_address: 10.0.0.1}}}}\n"
	  "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/16}]}}}",
	  "compose.yaml:2: service a: its address 10.0.0.1 is the gateway's of network n: choose" },
	{ "services: {a: {image: i,\n networks: {n: {ipv6_address: 'fd00:1::1'}}}}\n"
	  "networks: {n: {ipam: {config: [{subnet: 'fd00:1::/64'}]}}}",
	  "compose.yaml:2: service a: its address fd00:1::1 is the gateway's of network n: "
	  "choose" },
	{ "services:\n  a: {image: i, networks: {n: {ipv4_address: 10.0.0.7}}}\n"
	  "  b: {image: i, networks: {n: {ipv4_address: 10.0.0.7}}}\n"
	  "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/16}]}}}",
	  "compose.yaml:2: service a: service b has the same address on network n" },
	{ "services:\n  a: {image: i, networks: {n: {mac_address: '02:42:ac:11:00:0f'}}}\n"
	  "  b: {image: i, networks: {n: {mac_address: '02:42:AC:11:00:0F'}}}\nnetworks: {n: }",
	  "compose.yaml:2: service a: service b has the same MAC address on network n" },
	/* The service's is that of its first network, unless that one has its own. */
	{ "services:\n  a: {image: i, mac_address: '02:42:ac:11:00:02'}\n"
	  "  b: {image: i, mac_address: '02:42:ac:11:00:02'}",
	  "compose.yaml:2: service a: service b has the same MAC address on network default" },
	{ "services:\n  a: {image: i, mac_address: '02:42:ac:11:00:02', networks: [n, m]}\n"
	  "  b: {image: i, networks: {n: {mac_address: '02:42:ac:11:00:02'}}}\n"
	  "networks: {n: , m: }",
	  "compose.yaml:2: service a: service b has the same MAC address on network n" },
	{ "services: {a: {image: i, network_mode: 'service:b'}, b: {image: i,\n"
	  " network_mode: 'service:a'}}",
	  "compose.yaml:1: service a: network_mode: that service shares the network" },
	{ "services: {a: {image: i, ports: ['8080:80', '9000-9009:9000-9009']},\n"
	  " b: {image: i, ports: ['8081:80', '9009:80']}}",
	  "compose.yaml:2: service b: port 9009 is published by service a, too: give one of them" },
	{ "services: {a: {image: i, ports: ['127.0.0.1:53:53/udp']},\n"
	  " b: {image: i, ports: ['53:53/udp']}}",
	  "compose.yaml:2: service b: port 53 is published by service a, too" },
	{ "services: {a: {image: i, networks: [n, m]}}\nnetworks: {n: {driver: none}, m: }",
	  "compose.yaml:1: service a: a network of driver host or none is its only one" },
};

/* Docker's own compose takes them, so people write them. */
static const char *const taken[] = {
	/* One MAC address on two networks, and one that the service has and its network does not.
	 */
	"services: {a: {image: i, mac_address: '02:42:ac:11:00:02', networks: [n, m]},\n"
	" b: {image: i, networks: {m: {mac_address: '02:42:ac:11:00:02'}}},\n"
	" c: {image: i, mac_address: '02:42:ac:11:00:02',\n"
	"  networks: {n: {mac_address: '02:42:ac:11:00:03'}}},\n d: {image: i}}\nnetworks: {n: , "
	"m: }",
	S("networks: [default]"),
	"services: {a: {image: i, networks: [default, back]}, b: {image: i}}\nnetworks: {back: }",
	"services: {a: {image: i, networks: {default: {aliases: [x]}, n: }}}\nnetworks: {n: }",
	"services: {a: {image: i, networks: [default]}}\nnetworks: {default: {internal: true}}",
	"services: {a: {image: i, ports: ['53:53/udp', '53:53']}, b: {image: i, ports: [53]}}",
	"services: {a: {image: i, ports: ['127.0.0.1:80:80']},\n"
	" b: {image: i, ports: ['127.0.0.2:80:80', '8080-8090:80']},\n"
	" c: {image: i, ports: ['8080:80']}}",
	/* The gateway is elsewhere. */
	"services: {a: {image: i, ports: [80], networks: {n: {ipv4_address: 10.0.0.1}}}}\n"
	"networks: {n: {ipam: {config: [{subnet: 10.0.0.0/16, gateway: 10.0.0.2}]}}}",
};

static void common_forms_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct arena *arena = arena_create(1 << 20);
		struct err e;
		struct compose_project *p =
			compose_read("compose.yaml", taken[i], strlen(taken[i]), NULL, arena, &e);

		if (!p)
			fail_msg("%s\n%s", taken[i], e.text);
		if (p->services[0].network.port_count == 0)
			assert_non_null(compose_network(p, "default"));
		arena_destroy(arena);
	}
}

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct arena *arena = arena_create(1 << 20);
		struct err e = { .text = "" };
		const char *text = mistakes[i].text;

		if (compose_read("compose.yaml", text, strlen(text), NULL, arena, &e))
			fail_msg("taken: %s", text);
		if (strncmp(e.text, mistakes[i].error, strlen(mistakes[i].error)) != 0)
			fail_msg("%s\nwanted \"%s\"\ngot    \"%s\"", text, mistakes[i].error,
				 e.text);
		arena_destroy(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(common_forms_are_taken),
		cmocka_unit_test(mistakes_are_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
