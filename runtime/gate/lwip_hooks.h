/* lwip_hooks.h - the questions that the patched lwIP asks of lwip_stack.c, and both of lwip_heap.c.
 * Included by lwIP's sources (LWIP_HOOK_FILENAME), lwip_stack.c and lwip_bytes.c alone. */
#pragma once

#include <lwip/ip_addr.h>

struct tcp_pcb;

struct tcp_pcb *lwip_hook_find(void);
u16_t lwip_hook_split(const struct tcp_pcb *pcb, u32_t room_bytes);
u32_t lwip_hook_update(const struct tcp_pcb *pcb);
u16_t lwip_heap_early_max(void);
int lwip_heap_scarce(void);
u32_t lwip_hook_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
		    u16_t remote_port);

#define LWIP_HOOK_TCP_FIND_PCB()	 lwip_hook_find()
#define LWIP_HOOK_TCP_SPLIT(pcb, room)	 lwip_hook_split(pcb, room)
#define LWIP_HOOK_TCP_ISN(l, lp, r, rp)	 lwip_hook_isn(l, lp, r, rp)
