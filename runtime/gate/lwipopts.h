/* lwipopts.h - what lwIP is made of here: TCP, both families, one thread, no checksums, no copies.
 *
 * Included by lwIP's headers alone (opt.h looks for it by this name). What is not named has opt.h's
 * default. IP itself, ICMP, ND, ARP and reassembly are not compiled: see tools/deps/lwip. */
#pragma once

#define LWIP_HOOK_FILENAME "gate/lwip_hooks.h"

#define NO_SYS		       1
#define SYS_LIGHTWEIGHT_PROT   0
#define LWIP_TIMERS	       0 /* lwip_stack.c calls tcp_tmr */
#define LWIP_SINGLE_NETIF      1
#define LWIP_NETCONN	       0
#define LWIP_SOCKET	       0
#define LWIP_STATS	       0
#define LWIP_ARP	       0
#define LWIP_NETIF_HWADDRHINT  1 /* so that output knows its connection: send_segment */
#define LWIP_ICMP	       0
#define LWIP_RAW	       0
#define LWIP_UDP	       0
#define LWIP_TCP	       1
#define LWIP_IPV4	       1
#define LWIP_IPV6	       1
#define LWIP_ICMP6	       0
#define LWIP_IPV6_MLD	       0
#define LWIP_IPV6_SCOPES       0
#define LWIP_IPV6_AUTOCONFIG   0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_REASS	       0
#define LWIP_IPV6_FRAG	       0
#define LWIP_ND6_TCP_REACHABILITY_HINTS 0
#define IP_REASSEMBLY	       0
#define IP_FRAG		       0

/* From libc's heap: bounded by the flow table, not by pools that are there before anybody comes. */
#define MEM_LIBC_MALLOC	  1
#define MEMP_MEM_MALLOC	  1
#define MEM_ALIGNMENT	  16
#define MEM_SIZE	  (1 << 30)
#define MEMP_NUM_TCP_PCB  65535
#define MEMP_NUM_TCP_SEG  65535
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define PBUF_LINK_HLEN	  0
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1

/* The kernel makes and checks them, or leaves them out (virtio-net header). */
#define CHECKSUM_GEN_IP	     0
#define CHECKSUM_GEN_TCP     0
#define CHECKSUM_CHECK_IP    0
#define CHECKSUM_CHECK_TCP   0

/* The MSS that is told comes from the device's MTU (tcp_eff_send_mss); this is the limit. */
#define TCP_MSS			   65495
#define TCP_CALCULATE_EFF_SEND_MSS 1
#define TCP_OVERSIZE		   0 /* nothing is copied into a segment */
#define LWIP_WND_SCALE		   1
#define TCP_RCV_SCALE		   7
/* The greatest; tcp_window.c gives each connection its part of what the device can queue. */
#define TCP_WND			   (4 * 1024 * 1024)
#define TCP_SND_BUF		   (4 * 1024 * 1024)
#define TCP_SND_QUEUELEN	   4096
#define TCP_SNDLOWAT		   (TCP_SND_BUF / 2)
#define TCP_SNDQUEUELOWAT	   2048
#define TCP_WND_UPDATE_THRESHOLD   lwip_hook_update(pcb)
#define TCP_QUEUE_OOSEQ		   1
#define TCP_OOSEQ_MAX_BYTES	   (1024 * 1024)
#define TCP_OOSEQ_MAX_PBUFS	   1 /* in use at all; how many: */
#define TCP_OOSEQ_PBUFS_LIMIT(pcb) lwip_heap_early_max()
#define LWIP_TCP_SACK_OUT	   1
#define LWIP_TCP_TIMESTAMPS	   0
#define LWIP_TCP_KEEPALIVE	   1
#define TCP_LISTEN_BACKLOG	   0
/* The other end is a container of this machine: nothing of its old segments is on its way. */
#define TCP_TMR_INTERVAL	   100
#define TCP_MSL			   500UL
#define TCP_LAST_ACK_MS		   600000UL /* with an answer to each probe it is far away */
#define LWIP_TCP_RTO_TIME	   1000
#define TCP_SYNMAXRTX		   5
#define TCP_MAXRTX		   10
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
