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

enum { BATCH_MAX = 64 }; /* x 12 bytes; what does not fit comes with the next wait */
/* A wait awake costs at most SPIN_NS: two wake-ups of another process and its work between them. It
 * is tried when so many waits after loop_hurry have been that short, one after the other; each time
 * in vain doubles their number: on a busy machine the answer needs this CPU. */
enum { SPIN_NS = 50000, PROMPT_MIN = 8, PROMPT_MAX = 4096 };

struct loop {
	int epoll_fd;
	bool stop;
	struct loop_timer *timers; /* by due_ms, the next one first */
	struct epoll_event batch[BATCH_MAX];
	int batch_at, batch_count;
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

int loop_add(struct loop *loop, struct loop_source *source, unsigned events, struct err *e)
{
	struct epoll_event event = { .events = to_epoll(events), .data.ptr = source };

	if (source->loop)
		return err_set(e, "watch fd %d: it is watched already", source->fd);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0)
		return err_sys(e, "watch fd %d", source->fd);
	source->loop = loop;
	return 0;
}

int loop_change(struct loop_source *source, unsigned events, struct err *e)
{
	struct epoll_event event = { .events = to_epoll(events), .data.ptr = source };

	if (!source->loop)
		return err_set(e, "watch fd %d: it is not watched", source->fd);
	if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0)
		return err_sys(e, "watch fd %d", source->fd);
	return 0;
}

void loop_remove(struct loop_source *source)
{
	struct loop *loop = source->loop;
	int i;

	if (!loop)
		return;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL) < 0)
		log_err("loop: fd %d was closed before it was removed", source->fd);
	source->loop = NULL;
	/* Its events of this batch are void, also when it or another at its address is added
	 * again. */
	for (i = loop->batch_at; i < loop->batch_count; i++)
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].data.ptr = NULL;
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

static int wait_asleep(struct loop *loop)
{
	return epoll_wait(loop->epoll_fd, loop->batch, BATCH_MAX, wait_ms(loop));
}

/* 0: in vain. */
static int wait_awake(struct loop *loop, uint64_t start_ns)
{
	int n;

	do {
		n = epoll_wait(loop->epoll_fd, loop->batch, BATCH_MAX, 0);
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
	loop->prompt = time_boot_ns() - start_ns < SPIN_NS ? loop->prompt + 1 : 0;
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

static void run_batch(struct loop *loop)
{
	struct loop_source *source;
	struct epoll_event *event;

	for (loop->batch_at = 0; !loop->stop && loop->batch_at < loop->batch_count;) {
		event = &loop->batch[loop->batch_at++];
		source = event->data.ptr;
		if (source)
			source->on_event(source, from_epoll(event->events));
	}
	loop->batch_count = 0;
}

int loop_run(struct loop *loop, struct err *e)
{
	int n;

	while (!loop->stop) {
		n = loop->hurries ? wait_hurried(loop) : wait_asleep(loop);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "epoll_wait");
		loop->batch_count = n > 0 ? n : 0;
		run_batch(loop);
		run_timers(loop);
	}
	loop->stop = false;
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
