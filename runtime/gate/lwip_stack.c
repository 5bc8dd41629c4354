#include "gate/lwip_stack.h"

#include <lwip/ip.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "gate/frame.h"
#include "gate/lwip_hooks.h"
#include "gate/packet.h"
#include "gate/siphash.h"
#include "gate/tun.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/time.h"

_Static_assert(LWIP_WINDOW_MAX == TCP_WND, "the greatest window is lwIP's");

/* A packet's transport part is at most 65535 - 20; headers of a segment: no options. */
enum { SEGMENT_BYTES_MAX = 65535 - 40 - 20, PIECES_MAX = 14, CWND_FIRST_BYTES = 1024 * 1024 };
enum { WIRE_BYTES_MIN = 48 }; /* as Linux (tcp_min_snd_mss): an MSS of 1 would cost 48 times more */
enum { STEP_BYTES_MIN = 4 * 1460, STEP_BYTES_MAX = 60 * 1024 };
enum { EXT_CONN = 0 }; /* index of pcb->ext_args */

struct lwip_stack {
	struct loop *loop;
	struct loop_timer timer;
	struct tun *tun;
	struct tcp_pcb *listener;
	struct netif netif;
	struct siphash_key secret;
	struct lwip_conn *current; /* whose packet lwIP sees now */
	struct lwip_conn *called;  /* whose event is being handled; NULL when it went in it */
	bool busy;		   /* connections are there: the timer runs */
	bool moved;		   /* a packet came: an acknowledgement may wait */
	bool odd;
};

/* lwIP's own state is global: its callbacks without an argument find ours here. */
static struct lwip_stack *stack;

static struct lwip_conn *conn_of(struct tcp_pcb *pcb)
{
	return tcp_ext_arg_get(pcb, EXT_CONN);
}

/* ---- what lwIP asks of its surroundings */

void lwip_port_failed(const char *sentence)
{
	log_err("lwIP is in a state that cannot be: %s", sentence);
	abort();
}

uint32_t lwip_port_random(void)
{
	uint32_t value = 0;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		abort();
	return value;
}

struct tcp_pcb *lwip_hook_find(void)
{
	return stack->current ? stack->current->pcb : NULL;
}

/* Whole pieces of the wire only: a small rest waits for the window. */
u16_t lwip_hook_split(const struct tcp_pcb *pcb, u32_t room_bytes)
{
	const struct lwip_conn *c = conn_of((struct tcp_pcb *)pcb);
	u32_t most = room_bytes < SEGMENT_BYTES_MAX ? room_bytes : SEGMENT_BYTES_MAX;

	if (!c || c->wire_bytes == 0)
		return 0;
	return (u16_t)(most - most % c->wire_bytes);
}

/* How far the window's edge moves if it does. Never more than the window: it would stay shut. And
 * what is left of it takes a piece of the wire: less would be used by a timer only. */
u32_t lwip_hook_update(const struct tcp_pcb *pcb)
{
	const struct lwip_conn *c = conn_of((struct tcp_pcb *)pcb);
	u32_t most = c && c->in_steps ? c->window_bytes / 8 * 7 : 0;

	if (most > 0 && most + c->wire_bytes > c->window_bytes)
		most = c->window_bytes > c->wire_bytes ? c->window_bytes - c->wire_bytes : 0;
	if (most < STEP_BYTES_MIN)
		return STEP_BYTES_MIN;
	return most < STEP_BYTES_MAX ? most : STEP_BYTES_MAX;
}

/* RFC 6528: a clock of 4 microseconds and a keyed hash of the ends. */
u32_t lwip_hook_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
		    u16_t remote_port)
{
	struct {
		ip_addr_t local, remote;
		u16_t local_port, remote_port;
	} ends;

	memset(&ends, 0, sizeof(ends));
	ip_addr_copy(ends.local, *local);
	ip_addr_copy(ends.remote, *remote);
	ends.local_port = local_port;
	ends.remote_port = remote_port;
	return (u32_t)(siphash(&stack->secret, &ends, sizeof(ends)) + time_boot_ns() / 4096);
}

void tcp_timer_needed(void)
{
	if (stack->busy)
		return;
	stack->busy = true;
	if (stack->loop)
		loop_timer_set(stack->loop, &stack->timer, TCP_TMR_INTERVAL);
}

struct netif *ip4_route(const ip4_addr_t *to)
{
	(void)to;
	return &stack->netif;
}

struct netif *ip6_route(const ip6_addr_t *from, const ip6_addr_t *to)
{
	(void)from;
	(void)to;
	return &stack->netif;
}

u16_t nd6_get_destination_mtu(const ip6_addr_t *to, struct netif *netif)
{
	(void)to;
	return netif->mtu;
}

/* Never asked: each connection has both its addresses. */
const ip_addr_t *ip6_select_source_address(struct netif *netif, const ip6_addr_t *to)
{
	(void)netif;
	(void)to;
	return NULL;
}

struct netif *netif_get_by_index(u8_t index)
{
	(void)index;
	return &stack->netif;
}

/* Never asked either: tcp_input is what we call. */
err_t ip4_input(struct pbuf *p, struct netif *netif)
{
	(void)netif;
	pbuf_free(p);
	return ERR_IF;
}

err_t ip6_input(struct pbuf *p, struct netif *netif)
{
	return ip4_input(p, netif);
}

/* ---- output */

/* p begins at the TCP header; the device gets IP's in front, and the pseudo header's sum. */
static err_t send_segment(struct pbuf *p, const struct address *from, const struct address *to,
			  const struct netif *netif)
{
	/* lwIP hangs a part of the connection to the interface while it sends for it. */
	struct tcp_pcb *pcb =
		netif->hints ? owner_of(netif->hints, struct tcp_pcb, netif_hints) : NULL;
	const struct lwip_conn *c = pcb ? conn_of(pcb) : NULL;
	struct tun_offload offload = { .family = from->family, .protocol = IPPROTO_TCP };
	struct tcp_hdr *tcp = p->payload;
	size_t header = TCPH_HDRLEN_BYTES(tcp), size;
	struct iovec pieces[PIECES_MAX];
	uint8_t ip[PACKET_HEADERS_MAX];
	int count = 1;

	size = packet_build_ip(ip, from, to, IPPROTO_TCP, p->tot_len);
	tcp->chksum = lwip_htons(packet_pseudo_sum(from, to, IPPROTO_TCP, p->tot_len));
	offload.checksum_start = (uint16_t)size;
	offload.checksum_offset = offsetof(struct tcp_hdr, chksum);
	if (c && c->wire_bytes > 0 && p->tot_len > header + c->wire_bytes) {
		offload.segment_bytes = c->wire_bytes;
		offload.headers_bytes = (uint16_t)(size + header);
	}
	pieces[0] = (struct iovec){ ip, size };
	for (; p; p = p->next) {
		if (p->len == 0)
			continue;
		if (count == PIECES_MAX)
			return ERR_BUF;
		pieces[count++] = (struct iovec){ p->payload, p->len };
	}
	/* What the device does not take is lost on the wire: it is sent again. */
	tun_send(stack->tun, &offload, pieces, count);
	return ERR_OK;
}

err_t ip4_output_if(struct pbuf *p, const ip4_addr_t *from, const ip4_addr_t *to, u8_t ttl,
		    u8_t tos, u8_t protocol, struct netif *netif)
{
	struct address a = address_of_bytes(&from->addr, 4), b = address_of_bytes(&to->addr, 4);

	(void)ttl;
	(void)tos;
	(void)protocol;
	return send_segment(p, &a, &b, netif);
}

err_t ip6_output_if(struct pbuf *p, const ip6_addr_t *from, const ip6_addr_t *to, u8_t hops,
		    u8_t tc, u8_t next, struct netif *netif)
{
	struct address a = address_of_bytes(from->addr, 16), b = address_of_bytes(to->addr, 16);

	(void)hops;
	(void)tc;
	(void)next;
	return send_segment(p, &a, &b, netif);
}

/* ---- events */

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
	struct lwip_conn *c = arg;

	(void)pcb;
	(void)error;
	stack->called = c;
	if (p)
		c->events->received(c, (struct lwip_bytes *)p);
	else
		c->events->ended(c);
	return stack->called ? ERR_OK : ERR_ABRT;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t size_bytes)
{
	struct lwip_conn *c = arg;

	(void)pcb;
	stack->called = c;
	c->events->sent(c, size_bytes);
	return stack->called ? ERR_OK : ERR_ABRT;
}

static err_t on_accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
	struct lwip_conn *c = pcb ? conn_of(pcb) : NULL;

	(void)arg;
	if (!c || error != ERR_OK)
		return ERR_VAL;
	/* At a device's largest MTU one packet is all that a segment may be. */
	c->wire_bytes = pcb->mss < SEGMENT_BYTES_MAX ? pcb->mss : SEGMENT_BYTES_MAX;
	if (c->wire_bytes < WIRE_BYTES_MIN)
		c->wire_bytes = WIRE_BYTES_MIN;
	c->segment_bytes = (uint16_t)(SEGMENT_BYTES_MAX - SEGMENT_BYTES_MAX % c->wire_bytes);
	pcb->mss = c->segment_bytes;
	/* A wire of memory has no congestion; what the ring cannot take is seen as loss. */
	pcb->cwnd = CWND_FIRST_BYTES;
	tcp_nagle_disable(pcb);
	stack->called = c;
	c->events->opened(c);
	return stack->called ? ERR_OK : ERR_ABRT;
}

static void on_destroyed(u8_t id, void *arg)
{
	struct lwip_conn *c = arg;

	(void)id;
	if (!c)
		return;
	c->pcb = NULL;
	if (stack->called == c)
		stack->called = NULL;
	if (stack->current == c)
		stack->current = NULL;
	c->events->gone(c);
}

static err_t on_opening(u8_t id, struct tcp_pcb_listen *listener, struct tcp_pcb *pcb)
{
	static const struct tcp_ext_arg_callbacks callbacks = { .destroy = on_destroyed };
	struct lwip_conn *c = stack->current;

	(void)id;
	(void)listener;
	if (!c || c->pcb)
		return ERR_VAL;
	c->pcb = pcb;
	if (c->window_bytes == 0 || c->window_bytes > LWIP_WINDOW_FIRST)
		c->window_bytes = LWIP_WINDOW_FIRST;
	/* With the options read lwIP has set its greatest; the answer announces it as it is here.
	 */
	pcb->rcv_wnd = pcb->rcv_ann_wnd = c->granted_bytes = c->window_bytes;
	tcp_ext_arg_set(pcb, EXT_CONN, c);
	tcp_ext_arg_set_callbacks(pcb, EXT_CONN, &callbacks);
	tcp_arg(pcb, c);
	tcp_recv(pcb, on_received);
	tcp_sent(pcb, on_sent);
	return ERR_OK;
}

/* Those that wait for an acknowledgement since before this tick are not about to fill their window.
 */
static void end_steps(void)
{
	struct lwip_conn *c;

	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
		c = pcb->flags & TF_ACK_DELAY ? conn_of(pcb) : NULL;
		if (c)
			c->in_steps = false;
	}
}

void lwip_stack_tick(struct lwip_stack *s)
{
	if (s->moved) {
		end_steps();
		tcp_fasttmr();
	}
	s->moved = false;
	s->odd = !s->odd;
	if (s->odd)
		tcp_slowtmr();
}

static void on_time(struct loop_timer *timer)
{
	struct lwip_stack *s = owner_of(timer, struct lwip_stack, timer);

	lwip_stack_tick(s);
	s->busy = tcp_active_pcbs || tcp_tw_pcbs;
	if (s->busy)
		loop_timer_set(s->loop, &s->timer, TCP_TMR_INTERVAL);
}

struct lwip_stack *lwip_stack_create(struct loop *loop, struct tun *tun, uint16_t mtu)
{
	static const struct tcp_ext_arg_callbacks callbacks = { .passive_open = on_opening };
	struct lwip_stack *s = calloc(1, sizeof(*s));
	struct tcp_pcb *pcb;

	if (!s || stack || getrandom(&s->secret, sizeof(s->secret), 0) != sizeof(s->secret))
		abort();
	stack = s;
	s->loop = loop;
	s->tun = tun;
	s->timer.on_time = on_time;
	s->netif.mtu = mtu;
	tcp_init();
	pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (!pcb)
		abort();
	tcp_ext_arg_set_callbacks(pcb, EXT_CONN, &callbacks);
	s->listener = tcp_listen(pcb);
	if (!s->listener)
		abort();
	tcp_accept(s->listener, on_accepted);
	return s;
}

void lwip_stack_destroy(struct lwip_stack *s)
{
	if (!s)
		return;
	while (tcp_active_pcbs)
		tcp_abort(tcp_active_pcbs);
	while (tcp_tw_pcbs)
		tcp_abort(tcp_tw_pcbs);
	tcp_close(s->listener);
	loop_timer_off(&s->timer);
	free(s);
	stack = NULL;
}

/* ---- input */

static void frame_gone(struct pbuf *p)
{
	/* The pbuf stands at the beginning of frame->private, which is the frame's. */
	frame_drop((struct frame *)p);
}

static struct pbuf *pbuf_of(const struct packet *p, struct frame *f)
{
	u16_t size = (u16_t)p->transport_bytes;
	struct pbuf_custom *custom;
	struct pbuf *b;

	_Static_assert(sizeof(*custom) <= FRAME_PRIVATE_BYTES, "it lives in the frame");
	if (!f) {
		/* Lost as on a wire: what is left is for connections and what they send. */
		if (p->payload_bytes > 0 && lwip_heap_scarce())
			return NULL;
		b = pbuf_alloc(PBUF_RAW, size, PBUF_RAM);
		if (b)
			pbuf_take(b, p->transport, size);
		return b;
	}
	custom = (struct pbuf_custom *)f->private;
	custom->custom_free_function = frame_gone;
	frame_keep(f);
	return pbuf_alloced_custom(PBUF_RAW, size, PBUF_REF, custom,
				   (void *)(uintptr_t)p->transport, size);
}

static void address_into(const struct address *a, ip_addr_t *out)
{
	memset(out, 0, sizeof(*out));
	IP_SET_TYPE(out, a->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6);
	memcpy(&out->u_addr, a->bytes, address_size(a));
}

int lwip_stack_input(struct lwip_stack *s, struct lwip_conn *c, const struct packet *p,
		     struct frame *f)
{
	struct pbuf *b = pbuf_of(p, f);
	bool opened;

	if (!b)
		return c->pcb ? 0 : -1;
	address_into(&p->from, &ip_data.current_iphdr_src);
	address_into(&p->to, &ip_data.current_iphdr_dest);
	ip_data.current_netif = ip_data.current_input_netif = &s->netif;
	s->current = c;
	s->moved = true;
	tcp_input(b, &s->netif);
	/* No longer the current one: it is gone, and has said so. */
	opened = !s->current || c->pcb;
	if (s->current && c->waits_for_room && lwip_conn_takes(c) > 0)
		c->events->room(c);
	s->current = NULL;
	return opened ? 0 : -1;
}

/* ---- a connection */

static bool is_open(const struct tcp_pcb *pcb)
{
	return pcb && (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT);
}

size_t lwip_conn_room(const struct lwip_conn *c)
{
	const struct tcp_pcb *pcb = c->pcb;

	/* A write takes at most a header and a piece for each of two segments. */
	if (!is_open(pcb) || pcb->snd_queuelen > TCP_SND_QUEUELEN - 8)
		return 0;
	return tcp_sndbuf(pcb);
}

/* Silly windows are avoided as by any sender (RFC 9293, 3.8.6.2.1): with bytes under way, less than
 * half of what could go at once waits for the next acknowledgement. */
size_t lwip_conn_takes(struct lwip_conn *c)
{
	const struct tcp_pcb *pcb = c->pcb;
	size_t room = lwip_conn_room(c), window, least;
	uint32_t written;

	c->waits_for_room = false;
	if (room == 0)
		return 0;
	written = pcb->snd_lbb - pcb->lastack;
	window = pcb->snd_wnd > written ? pcb->snd_wnd - written : 0;
	least = pcb->snd_wnd_max < c->segment_bytes ? pcb->snd_wnd_max : c->segment_bytes;
	if (window == 0 || (written > 0 && window < least / 2)) {
		c->waits_for_room = true;
		return 0;
	}
	return room < window ? room : window;
}

bool lwip_conn_is_shut(const struct lwip_conn *c)
{
	const struct tcp_pcb *pcb = c->pcb;

	return is_open(pcb) && pcb->snd_wnd == 0 && pcb->snd_lbb == pcb->lastack;
}

int lwip_conn_write(struct lwip_conn *c, const void *data, size_t size_bytes, bool more)
{
	return tcp_write(c->pcb, data, (u16_t)size_bytes, more ? TCP_WRITE_FLAG_MORE : 0) == ERR_OK
		       ? 0
		       : -1;
}

void lwip_conn_flush(struct lwip_conn *c)
{
	if (c->pcb)
		tcp_output(c->pcb);
}

static void open_window(struct lwip_conn *c, size_t size_bytes)
{
	u16_t part;

	for (; c->pcb && size_bytes > 0; size_bytes -= part) {
		part = (u16_t)(size_bytes < 65535 ? size_bytes : 65535);
		c->granted_bytes += part;
		tcp_recved(c->pcb, part);
	}
}

void lwip_conn_consumed(struct lwip_conn *c, size_t size_bytes)
{
	c->granted_bytes -= (uint32_t)size_bytes;
	if (c->granted_bytes < c->window_bytes)
		open_window(c, c->window_bytes - c->granted_bytes);
}

void lwip_conn_window(struct lwip_conn *c, uint32_t size_bytes)
{
	const struct tcp_pcb *pcb = c->pcb;

	if (!pcb)
		return;
	c->window_bytes = size_bytes < TCP_WND_MAX(pcb) ? size_bytes : TCP_WND_MAX(pcb);
	if (c->granted_bytes < c->window_bytes)
		open_window(c, c->window_bytes - c->granted_bytes);
}

void lwip_conn_steps(struct lwip_conn *c, bool on)
{
	c->in_steps = on;
}

void lwip_conn_shut(struct lwip_conn *c)
{
	/* A lack of memory is tried again by tcp_slowtmr (TF_CLOSEPEND). */
	if (is_open(c->pcb))
		tcp_shutdown(c->pcb, 0, 1);
}

void lwip_conn_abort(struct lwip_conn *c)
{
	if (c->pcb)
		tcp_abort(c->pcb);
}

bool lwip_conn_waits(const struct lwip_conn *c)
{
	const struct tcp_pcb *pcb = c->pcb;

	return pcb && pcb->state == TIME_WAIT;
}

/* As Linux does when it has no memory for what was announced (icsk_ack.pending, ICSK_ACK_NOMEM):
 * what is sent again is a probe then, and its sender does not give up. */
void lwip_conn_refuse(struct lwip_conn *c)
{
	struct tcp_pcb *pcb = c->pcb;

	if (!pcb)
		return;
	c->in_steps = false;
	pcb->rcv_ann_wnd = 0;
	pcb->rcv_ann_right_edge = pcb->rcv_nxt;
	tcp_ack_now(pcb);
	tcp_output(pcb);
}

bool lwip_conn_is_next(const struct lwip_conn *c, uint32_t seq)
{
	const struct tcp_pcb *pcb = c->pcb;

	return pcb && seq == pcb->rcv_nxt;
}

bool lwip_conn_has(const struct lwip_conn *c, uint32_t end)
{
	const struct tcp_pcb *pcb = c->pcb;

	return pcb && (int32_t)(end - pcb->rcv_nxt) <= 0;
}

/* RFC 9293 3.8.4: the byte before the next one, or none in its place. */
bool lwip_conn_is_asked(const struct lwip_conn *c, uint32_t seq)
{
	const struct tcp_pcb *pcb = c->pcb;

	return pcb && seq == pcb->rcv_nxt - 1;
}
