#include "gate/carriers.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gate/carrier.h"
#include "gate/relay.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/msg.h"

enum { CHANNEL_FD = 3, CARRIER_NICE = -4 };

enum slot_state { SLOT_FREE, SLOT_CARRIED, SLOT_WANTED, SLOT_DROPPED };

struct slot {
	enum slot_state state;
	bool untold;		/* of WANTED, DROPPED */
	struct relay *relay;	/* NULL: dropped */
	uint64_t counted[2];	/* of its carrier's */
};

struct carrier_process {
	struct loop_source channel; /* fd -1: it is gone */
	struct carrier_count *counts;
	struct slot slots[CARRIER_SLOTS];
	unsigned used;
};

struct carriers {
	unsigned count;
	struct carrier_process processes[CARRIERS_MAX];
};

/* With `state`; EAGAIN when the carrier has not read what it was told before. */
static int tell(struct carrier_process *p, const struct slot *s, enum carrier_message type,
		uint64_t state, const int *fds, struct err *e)
{
	struct msg m;

	msg_init(&m, type);
	msg_put_u64(&m, (uint64_t)(s - p->slots));
	msg_put_u64(&m, state);
	if (fds) {
		msg_put_fd(&m, fds[0]);
		msg_put_fd(&m, fds[1]);
	}
	return msg_send(p->channel.fd, &m, e);
}

static void count(struct carrier_process *p, struct slot *s)
{
	const struct carrier_count *there = &p->counts[s - p->slots];
	int i;

	for (i = 0; i < 2; i++) {
		uint64_t bytes = __atomic_load_n(&there->bytes[i], __ATOMIC_RELAXED);

		/* What moved after it was dropped is nobody's, the next one's least of all. */
		if (s->relay)
			*s->relay->ways[i].counter += bytes - s->counted[i];
		s->counted[i] = bytes;
	}
}

static struct relay *free_slot(struct carrier_process *p, struct slot *s)
{
	struct relay *r = s->relay;

	count(p, s);
	*s = (struct slot){ .counted = { s->counted[0], s->counted[1] } };
	p->used--;
	return r;
}

/* The bytes that it held are lost, and both ends learn it. */
static void on_gone(struct carrier_process *p, const char *why)
{
	unsigned i;

	log_err("a carrier of published connections is gone (%s); the %u that it had are reset",
		why, p->used);
	loop_remove(&p->channel);
	fd_close(&p->channel.fd);
	for (i = 0; i < CARRIER_SLOTS; i++) {
		struct relay *r = p->slots[i].state == SLOT_FREE ? NULL
								 : free_slot(p, &p->slots[i]);

		if (r)
			relay_finish(r, true);
	}
}

static void take_back(struct relay *r, const struct relay_state *state)
{
	struct err e;

	if (relay_resume(r, state, &e) == 0)
		return;
	log_warn("published connection: %s", e.text);
	r->on_end(r);
}

static int obey(struct carrier_process *p, struct msg *m, struct err *e)
{
	uint64_t number = msg_get_u64(m), bits = msg_get_u64(m);
	struct slot *s = number < CARRIER_SLOTS ? &p->slots[number] : NULL;
	const struct relay_state state = relay_state_of(bits);
	/* What is at its end is over, and would stay here without one. */
	bool makes_sense = m->type == CARRIER_OVER ||
			   (m->type == CARRIER_BACK && !(state.done[0] && state.done[1]));
	struct relay *r;

	if (msg_end(m, e) < 0)
		return -1;
	if (!s || s->state == SLOT_FREE || m->fd_count > 0 || !makes_sense)
		return err_set(e, "it said %u of slot %ju", m->type, (uintmax_t)number);
	r = free_slot(p, s);
	if (!r)
		return 0;
	if (m->type == CARRIER_BACK)
		take_back(r, &state);
	else
		relay_finish(r, bits != 0);
	return 0;
}

static int tell_state(struct carrier_process *p, struct slot *s, struct err *e)
{
	int result = tell(p, s, s->state == SLOT_DROPPED ? CARRIER_DROP : CARRIER_WANTED, 0, NULL,
			  e);

	s->untold = result < 0;
	return result;
}

/* False: it is gone. */
static bool tell_all(struct carrier_process *p, struct err *e)
{
	unsigned i;

	for (i = 0; i < CARRIER_SLOTS; i++)
		if (p->slots[i].untold && tell_state(p, &p->slots[i], e) < 0)
			return e->number == EAGAIN;
	return loop_change(&p->channel, LOOP_READ, e) == 0;
}

/* Or later, when there is room for it. That it is gone is found there too: here its other
 * connections may not end, since whoever calls goes through them. */
static void set_state(struct carrier_process *p, struct slot *s, enum slot_state state)
{
	struct err e;

	s->state = state;
	if (tell_state(p, s, &e) < 0)
		loop_change(&p->channel, LOOP_READ | LOOP_WRITE, &e);
}

static void on_channel(struct loop_source *source, unsigned events)
{
	struct carrier_process *p = owner_of(source, struct carrier_process, channel);
	struct err e = { .text = "it ended" };
	struct msg m;
	int result;

	if (events & LOOP_WRITE && !tell_all(p, &e)) {
		on_gone(p, e.text);
		return;
	}
	result = msg_receive(source->fd, &m, &e);
	if (result < 0 && e.number == EAGAIN)
		return;
	if (result <= 0 || obey(p, &m, &e) < 0)
		on_gone(p, e.text);
	msg_finish(&m);
}

typedef void slot_fn(struct carrier_process *p, struct slot *s);

static void each_slot(struct carriers *cs, slot_fn *act)
{
	unsigned i, k;

	for (i = 0; cs && i < cs->count; i++)
		for (k = 0; k < CARRIER_SLOTS && cs->processes[i].used > 0; k++)
			if (cs->processes[i].slots[k].state != SLOT_FREE)
				act(&cs->processes[i], &cs->processes[i].slots[k]);
}

void carriers_count(struct carriers *cs)
{
	each_slot(cs, count);
}

static void want_limited(struct carrier_process *p, struct slot *s)
{
	if (s->state == SLOT_CARRIED && relay_is_limited(s->relay))
		set_state(p, s, SLOT_WANTED);
}

void carriers_rates_changed(struct carriers *cs)
{
	each_slot(cs, want_limited);
}

/* Who has least to do, and has a slot. */
static struct carrier_process *pick(struct carriers *cs)
{
	struct carrier_process *best = NULL;
	unsigned i;

	for (i = 0; i < cs->count; i++) {
		struct carrier_process *p = &cs->processes[i];

		if (p->channel.fd >= 0 && p->used < CARRIER_SLOTS &&
		    (!best || p->used < best->used))
			best = p;
	}
	return best;
}

void carriers_take(struct carriers *cs, struct relay *r)
{
	struct carrier_process *p = cs && !relay_is_limited(r) ? pick(cs) : NULL;
	const int fds[] = { r->ends[0].source.fd, r->ends[1].source.fd };
	const struct relay_state state = relay_state_now(r);
	struct slot *s;
	struct err e;

	if (!p)
		return;
	s = p->slots;
	while (s->state != SLOT_FREE)
		s++;
	/* From then on all that is set at the sockets is the carrier's. */
	if (tell(p, s, CARRIER_CARRY, relay_state_bits(&state), fds, &e) < 0)
		return;
	relay_release(r);
	s->state = SLOT_CARRIED;
	s->relay = r;
	p->used++;
}

static void drop(struct carrier_process *p, struct slot *s)
{
	count(p, s);
	s->relay = NULL;
	set_state(p, s, SLOT_DROPPED);
}

void carriers_drop(struct carriers *cs, const struct relay *r)
{
	unsigned i, k;

	for (i = 0; r->released && i < cs->count; i++)
		for (k = 0; k < CARRIER_SLOTS; k++)
			if (cs->processes[i].slots[k].relay == r)
				drop(&cs->processes[i], &cs->processes[i].slots[k]);
}

static unsigned cpus(unsigned most)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set) < most ? (unsigned)CPU_COUNT(&set) : most;
}

/* Wakes up without interrupting whoever woke it: more waits for it then (sched(7): SCHED_BATCH, for
 * which musl has no call). But among eight who send and eight who read on two CPUs it needs more
 * than an equal share: with less all buffers are full, and cold. The gateway has more than that
 * (netd's unit); one that was started without stays as it is. */
static void be_patient(void)
{
	const struct sched_param none = { 0 };

	setpriority(PRIO_PROCESS, 0, CARRIER_NICE);
	syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &none);
}

_Noreturn static void be_carrier(int channel_fd, struct carrier_count *counts,
				 void (*enter_jail)(void))
{
	struct err e;

	/* Whatever has become of it by then. If the gateway has gone already, the channel says so
	 * before a foreign byte has come. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		die("end with the gateway: %m");
	prctl(PR_SET_NAME, "gate-carrier", 0, 0, 0);
	log_init("gate-carrier", LOG_LEVEL_INFO);
	be_patient();
	/* Everything else is the gateway's. */
	if (channel_fd != CHANNEL_FD && dup2(channel_fd, CHANNEL_FD) < 0)
		die("channel: %m");
	syscall(SYS_close_range, CHANNEL_FD + 1, ~0u, 0);
	if (carrier_run(CHANNEL_FD, counts, enter_jail, &e) < 0)
		die("%s", e.text);
	_exit(0);
}

static int make(struct carrier_process *p, void (*enter_jail)(void), struct err *e)
{
	const size_t size = CARRIER_SLOTS * sizeof(*p->counts);
	int pair[2];
	pid_t pid;

	p->counts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->counts == MAP_FAILED)
		return err_sys(e, "memory for a carrier");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		munmap(p->counts, size);
		return err_sys(e, "channel of a carrier");
	}
	pid = fork();
	if (pid == 0)
		be_carrier(pair[1], p->counts, enter_jail);
	fd_close(&pair[1]);
	p->channel.fd = pair[0];
	if (pid > 0 && fd_set_nonblock(pair[0], e) == 0)
		return 0;
	if (pid < 0)
		err_sys(e, "start a carrier");
	fd_close(&p->channel.fd);
	munmap(p->counts, size);
	return -1;
}

struct carriers *carriers_create(unsigned most, void (*enter_jail)(void))
{
	struct carriers *cs = calloc(1, sizeof(*cs));
	unsigned count = cpus(most);
	struct err e;

	if (!cs)
		abort();
	for (; cs->count < count; cs->count++) {
		if (make(&cs->processes[cs->count], enter_jail, &e) < 0) {
			log_warn("published ports: %s; the gateway carries by itself", e.text);
			break;
		}
	}
	return cs;
}

void carriers_serve(struct carriers *cs, struct loop *loop)
{
	unsigned i;
	struct err e;

	for (i = 0; i < cs->count; i++) {
		cs->processes[i].channel.on_event = on_channel;
		if (loop_add(loop, &cs->processes[i].channel, LOOP_READ, &e) < 0)
			on_gone(&cs->processes[i], e.text);
	}
}

void carriers_destroy(struct carriers *cs)
{
	unsigned i;

	if (!cs)
		return;
	for (i = 0; i < cs->count; i++) {
		loop_remove(&cs->processes[i].channel);
		fd_close(&cs->processes[i].channel.fd);
		munmap(cs->processes[i].counts, CARRIER_SLOTS * sizeof(struct carrier_count));
	}
	free(cs);
}
