#include "lib/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/turn.h"

enum { BATCH_MAX = 64 }; /* x 12 bytes; what does not fit comes with the next wait */
/* How long a lane's turn is beside others and when it is alone. To look who has come costs a
 * microsecond; one packet of 64 KiB through a gateway takes 25 to 60. */
enum { TURN_NS = 40 * 1000, TURN_ALONE_NS = 500 * 1000 };
/* A wait awake costs at most SPIN_NS: two wake-ups of another process and its work between them, on
 * a slow day. It is tried when so many waits after loop_hurry have been short, one after the other;
 * those were asleep, and to be woken takes as long again. Each time in vain doubles their number:
 * on a busy machine the answer needs this CPU. */
enum { SPIN_NS = 100 * 1000, SHORT_NS = 2 * SPIN_NS, PROMPT_MIN = 8, PROMPT_MAX = 4096 };

/* What is ready and was not handled yet. */
struct batch {
	struct epoll_event events[BATCH_MAX];
	int at, count;
};

struct loop_lane {
	struct loop_source source; /* its own epoll instance, which the loop watches */
	struct turn turn;
	struct batch batch;
	struct loop_lane *next;
	bool is_ready;
};

struct loop {
	int epoll_fd;
	bool stop;
	struct loop_timer *timers; /* by due_ms, the next one first */
	struct loop_lane *lanes;
	struct turns turns;
	struct turn turn; /* of the sources without a lane */
	struct batch batch;
	bool hurries;
	unsigned prompt, prompt_wanted; /* short waits in a row */
	struct loop_source signals;
	void (*on_signal)(void *ctx, int number);
	void *signal_ctx;
};

struct loop *loop_create(struct err *e)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		abort();
	loop->signals.fd = -1;
	loop->prompt_wanted = PROMPT_MIN;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		err_sys(e, "epoll");
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	fd_close(&loop->signals.fd);
	fd_close(&loop->epoll_fd);
	free(loop);
}

static uint32_t to_epoll(unsigned events)
{
	return (events & LOOP_READ ? EPOLLIN : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u);
}

static unsigned from_epoll(uint32_t events)
{
	return (events & EPOLLIN ? LOOP_READ : 0u) | (events & EPOLLOUT ? LOOP_WRITE : 0u) |
	       (events & (EPOLLHUP | EPOLLERR) ? LOOP_HANGUP : 0u);
}

static int epoll_of(const struct loop *loop, const struct loop_source *source)
{
	return source->lane ? source->lane->source.fd : loop->epoll_fd;
}

int loop_add(struct loop *loop, struct loop_source *source, unsigned events, struct err *e)
{
	struct epoll_event event = { .events = to_epoll(events), .data.ptr = source };

	if (source->loop)
		return err_set(e, "watch fd %d: it is watched already", source->fd);
	if (epoll_ctl(epoll_of(loop, source), EPOLL_CTL_ADD, source->fd, &event) < 0)
		return err_sys(e, "watch fd %d", source->fd);
	source->loop = loop;
	return 0;
}

int loop_change(struct loop_source *source, unsigned events, struct err *e)
{
	struct epoll_event event = { .events = to_epoll(events), .data.ptr = source };

	if (!source->loop)
		return err_set(e, "watch fd %d: it is not watched", source->fd);
	if (epoll_ctl(epoll_of(source->loop, source), EPOLL_CTL_MOD, source->fd, &event) < 0)
		return err_sys(e, "watch fd %d", source->fd);
	return 0;
}

void loop_remove(struct loop_source *source)
{
	struct loop *loop = source->loop;
	struct batch *b;
	int i;

	if (!loop)
		return;
	if (epoll_ctl(epoll_of(loop, source), EPOLL_CTL_DEL, source->fd, NULL) < 0)
		log_err("loop: fd %d was closed before it was removed", source->fd);
	source->loop = NULL;
	/* Its events of this batch are void, also when it or another at its address is added
	 * again. */
	b = source->lane ? &source->lane->batch : &loop->batch;
	for (i = b->at; i < b->count; i++)
		if (b->events[i].data.ptr == source)
			b->events[i].data.ptr = NULL;
}

/* ---- lanes */

/* Never called: the loop knows its lanes by it. */
static void on_lane(struct loop_source *source, unsigned events)
{
	(void)source;
	(void)events;
}

struct loop_lane *loop_lane_create(struct loop *loop, struct err *e)
{
	struct loop_lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		abort();
	lane->source.on_event = on_lane;
	lane->source.fd = epoll_create1(EPOLL_CLOEXEC);
	if (lane->source.fd < 0) {
		free(lane);
		err_sys(e, "epoll of a lane");
		return NULL;
	}
	if (loop_add(loop, &lane->source, LOOP_READ, e) < 0) {
		fd_close(&lane->source.fd);
		free(lane);
		return NULL;
	}
	lane->next = loop->lanes;
	loop->lanes = lane;
	return lane;
}

void loop_lane_destroy(struct loop_lane *lane)
{
	struct loop_lane **at;

	if (!lane)
		return;
	for (at = &lane->source.loop->lanes; *at != lane; at = &(*at)->next)
		;
	*at = lane->next;
	loop_remove(&lane->source);
	fd_close(&lane->source.fd);
	free(lane);
}

bool loop_is_quiet(const struct loop *loop)
{
	return turns_are_one(&loop->turns, time_boot_ns());
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
	uint64_t now_ms = time_boot_ms();
	struct loop_timer **place = &loop->timers;

	loop_timer_off(timer);
	/* The clock was rounded down: one more, so that the timer is never early. */
	if (delay_ms > 0)
		delay_ms++;
	if (delay_ms == 0 || __builtin_add_overflow(now_ms, delay_ms, &timer->due_ms))
		timer->due_ms = delay_ms == 0 ? now_ms : UINT64_MAX;
	while (*place && (*place)->due_ms <= timer->due_ms)
		place = &(*place)->next;
	timer->loop = loop;
	timer->next = *place;
	*place = timer;
}

void loop_timer_off(struct loop_timer *timer)
{
	struct loop_timer **place;

	if (!timer->loop)
		return;
	for (place = &timer->loop->timers; *place; place = &(*place)->next) {
		if (*place == timer) {
			*place = timer->next;
			break;
		}
	}
	timer->loop = NULL;
}

static void read_signal(struct loop_source *source, unsigned events)
{
	struct loop *loop = owner_of(source, struct loop, signals);
	struct signalfd_siginfo info;

	(void)events;
	/* One per event: the callback may stop the loop, and what waits is reported again. */
	if (read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		loop->on_signal(loop->signal_ctx, (int)info.ssi_signo);
}

int loop_signals(struct loop *loop, const int *numbers, void (*on_signal)(void *ctx, int number),
		 void *ctx, struct err *e)
{
	sigset_t set;

	if (loop->on_signal)
		return err_set(e, "signals are watched already");
	sigemptyset(&set);
	for (; *numbers; numbers++)
		sigaddset(&set, *numbers);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "block signals");
	loop->signals = (struct loop_source){ .on_event = read_signal };
	loop->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signals.fd < 0)
		return err_sys(e, "signalfd");
	loop->on_signal = on_signal;
	loop->signal_ctx = ctx;
	return loop_add(loop, &loop->signals, LOOP_READ, e);
}

static int wait_ms(const struct loop *loop)
{
	uint64_t now_ms;

	if (!loop->timers)
		return -1;
	now_ms = time_boot_ms();
	if (loop->timers->due_ms <= now_ms)
		return 0;
	if (loop->timers->due_ms - now_ms > INT_MAX)
		return INT_MAX;
	return (int)(loop->timers->due_ms - now_ms);
}

void loop_hurry(struct loop *loop)
{
	loop->hurries = true;
}

bool loop_hurries(const struct loop *loop)
{
	return loop->hurries;
}

static int look(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[BATCH_MAX];
	int n = epoll_wait(loop->epoll_fd, events, BATCH_MAX, timeout_ms), i;
	struct batch *b = &loop->batch;
	struct loop_source *source;
	bool wanted = b->at == b->count;
	struct loop_lane *lane;

	if (wanted)
		b->at = b->count = 0;
	for (lane = loop->lanes; lane; lane = lane->next)
		lane->is_ready = false;
	for (i = 0; i < n; i++) {
		source = events[i].data.ptr;
		if (source->on_event == on_lane)
			owner_of(source, struct loop_lane, source)->is_ready = true;
		else if (wanted) /* else: what is still to be handled may be the same */
			b->events[b->count++] = events[i];
	}
	for (lane = loop->lanes; lane; lane = lane->next)
		if (!lane->is_ready)
			turn_leave(&lane->turn);
	if (b->count == 0)
		turn_leave(&loop->turn);
	return n;
}

static int wait_asleep(struct loop *loop)
{
	return look(loop, wait_ms(loop));
}

/* 0: in vain. */
static int wait_awake(struct loop *loop, uint64_t start_ns)
{
	int n;

	do {
		n = look(loop, 0);
	} while (n == 0 && time_boot_ns() - start_ns < SPIN_NS);
	if (n != 0)
		loop->prompt_wanted = PROMPT_MIN;
	else if (loop->prompt_wanted < PROMPT_MAX)
		loop->prompt_wanted *= 2;
	return n;
}

static int wait_hurried(struct loop *loop)
{
	uint64_t start_ns = time_boot_ns();
	int n = 0;

	loop->hurries = false;
	if (loop->prompt >= loop->prompt_wanted)
		n = wait_awake(loop, start_ns);
	if (n == 0)
		n = wait_asleep(loop);
	loop->prompt = time_boot_ns() - start_ns < SHORT_NS ? loop->prompt + 1 : 0;
	return n;
}

static void run_timers(struct loop *loop)
{
	uint64_t now_ms = loop->timers ? time_boot_ms() : 0;
	struct loop_timer *timer;

	/* The time is taken once: timers that set themselves again at once cannot starve the
	 * sources. */
	while (!loop->stop && (timer = loop->timers) && timer->due_ms <= now_ms) {
		loop_timer_off(timer);
		timer->on_time(timer);
	}
}

/* False: there is none left. */
static bool handle_one(struct batch *b)
{
	struct epoll_event *event;
	struct loop_source *source;

	while (b->at < b->count) {
		event = &b->events[b->at++];
		source = event->data.ptr;
		if (!source)
			continue;
		source->on_event(source, from_epoll(event->events));
		return true;
	}
	return false;
}

/* What its last turn left comes first: so each of its sources has its own. */
static void run_turn(struct loop *loop, struct loop_lane *lane, uint64_t start_ns)
{
	uint64_t length_ns = turns_are_one(&loop->turns, start_ns) ? TURN_ALONE_NS : TURN_NS;
	struct batch *b = &lane->batch;

	if (b->at == b->count) {
		b->at = 0;
		b->count = epoll_wait(lane->source.fd, b->events, BATCH_MAX, 0);
		if (b->count < 0)
			b->count = 0;
	}
	while (!loop->stop && handle_one(b) && time_boot_ns() - start_ns < length_ns)
		;
}

static struct loop_lane *next_lane(const struct loop *loop)
{
	struct loop_lane *lane, *next = NULL;

	for (lane = loop->lanes; lane; lane = lane->next)
		if (lane->is_ready &&
		    (!next || turn_is_before(&loop->turns, &lane->turn, &next->turn)))
			next = lane;
	return next;
}

/* The sources without a lane one after the other, until a lane is before them: that one has a turn.
 */
static void run_batch(struct loop *loop)
{
	struct loop_lane *lane = next_lane(loop);
	uint64_t start_ns = loop->lanes ? time_boot_ns() : 0, now_ns;

	while (!loop->stop && loop->batch.at < loop->batch.count &&
	       !(lane && turn_is_before(&loop->turns, &lane->turn, &loop->turn))) {
		turn_begin(&loop->turns, &loop->turn, start_ns);
		handle_one(&loop->batch);
		if (!loop->lanes)
			continue;
		now_ns = time_boot_ns();
		turn_end(&loop->turn, now_ns - start_ns);
		start_ns = now_ns;
	}
	if (loop->stop || !lane)
		return;
	turn_begin(&loop->turns, &lane->turn, start_ns);
	run_turn(loop, lane, start_ns);
	turn_end(&lane->turn, time_boot_ns() - start_ns);
}

int loop_run(struct loop *loop, struct err *e)
{
	int n;

	while (!loop->stop) {
		n = loop_hurries(loop) ? wait_hurried(loop) : wait_asleep(loop);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "epoll_wait");
		run_batch(loop);
		run_timers(loop);
	}
	loop->stop = false;
	loop->batch.at = loop->batch.count = 0;
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
