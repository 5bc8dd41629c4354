/* outward.h - the way out of a network: the part that joins the TUN device with TCP, UDP, ICMP and
 * DNS, and gives each new flow its ruling.
 *
 *   tun -> input -> tcp, udp, icmp -> egress_decide: allowed, refused, the machine's own loopback
 *                                  -> the gateway's address: DNS and echo; all else is closed
 *   published UDP ports come in here too: their packets go through the device
 *
 * It starts when the device comes with GATE_NETWORK. Packets of an address that no member has are
 * dropped. Counts a member's TCP packets. */
#pragma once

struct gate;
struct outward;

struct outward *outward_create(struct gate *g);
/* NULL is fine. Ends all flows; after the gate. */
void outward_destroy(struct outward *o);
