/* docker_lane.h - the way from 127.0.0.11:53 of a container to its network's gateway.
 *
 * A socket there would be in the way of who serves DNS in the container: with one bound, 0.0.0.0:53
 * is refused (UDP, unless both ask for SO_REUSEADDR; TCP, always while one listens). So there is
 * none: a question takes the container's device in place of its loopback, its router has it go on
 * to the gateway as any packet of this member, and the gateway answers from that address. In the
 * container, before its `lookup local`:
 *
 *   11  to 127.0.0.11 ipproto tcp sport 1-32767 dport 53 lookup local
 *   11  to 127.0.0.11 sport 1-1023 dport 53 lookup local
 *   12  to 127.0.0.11 dport 53 lookup 102     table 102: 127.0.0.11 via GATEWAY dev eth0 src
 * ADDRESS
 *
 * and route_localnet of its device (ip-sysctl.rst), without which no answer from there is let in.
 *
 * A gateway that was taken over has no way to a loopback address: the router knows none but to
 * members' own. Of which loopback address comes by this device the kernel asks the same rules with
 * the ports exchanged (fib_validate_source), so it is 127.0.0.11:53 alone, and, by those of
 * priority 11, no client of a service: TCP, it reaches the ports alone that the namespace gives to
 * clients (ip_local_port_range, as it is now), UDP from 1024 on (resolvers choose one themselves).
 *
 * Only on the network that /etc/resolv.conf names, and of IPv4. All of it but the rules goes with
 * the device; without the route a question finds the loopback again, where nobody is. */
#pragma once

struct err;
struct plug;
struct router;
struct rtnetlink_batch;

/* The router has no way of its own for it: it goes where all goes. */
void docker_lane_pass(struct rtnetlink_batch *b);
/* fd: rtnetlink in the container's namespace; index: its device there. Without rules: an error, and
 * nothing has changed. */
int docker_lane_lead(int fd, const struct plug *p, const struct router *r, unsigned index,
		     struct err *e);
