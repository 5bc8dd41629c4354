/* line_pace.c - a line of a given rate behind a card of QEMU, for tests/vm/line.sh.
 *
 *   line_pace MBIT TAP FILE PROGRAM [WORD...]
 *
 * Runs the program with one end of a pair of sockets as fd 9 (QEMU's -netdev
 * dgram,local.type=fd,local.str=9). What comes out of it is handed to the TAP device one frame
 * after the other, each when the line has had the time for it; there and back nothing waits. The
 * socket holds two frames: what waits for the line waits in the guest.
 *
 * FILE gets a line for each connection to port 5300, when it ends:
 *   ahead p50=N p99=N max=N count=N	frames to port 5301 that left the guest between an answer
 * and the next request */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	GUEST_FD = 9,
	SAMPLES_MAX = 1000000,
	FRAME_MAX = 65536,
	ROOM = 1 << 20 /* towards the guest */
};

struct shared {
	_Atomic unsigned bulk;	  /* frames that the line has begun with */
	_Atomic unsigned answered; /* `bulk` when the last answer went in */
};

static unsigned samples[SAMPLES_MAX];
static unsigned sample_count;
static bool first = true; /* the next request is: no answer came before it */

static void fail(const char *what)
{
	fprintf(stderr, "line_pace: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int ascending(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static void say(int file)
{
	if (sample_count == 0)
		return;
	qsort(samples, sample_count, sizeof(samples[0]), ascending);
	dprintf(file, "ahead p50=%u p99=%u max=%u count=%u\n", samples[sample_count / 2],
		samples[sample_count * 99 / 100], samples[sample_count - 1], sample_count);
	sample_count = 0;
}

/* The TCP header of a frame, which has `port` at `offset`: 0 from, 2 to; or NULL */
static const uint8_t *tcp_of(const uint8_t *frame, size_t size, unsigned offset, unsigned port)
{
	if (size < 54 || frame[12] != 8 || frame[13] != 0 || frame[23] != 6)
		return NULL;
	const uint8_t *tcp = frame + 14 + (frame[14] & 15) * 4;

	if (tcp + 20 > frame + size || (unsigned)(tcp[offset] << 8 | tcp[offset + 1]) != port)
		return NULL;
	return tcp;
}

/* More than a header: no bare acknowledgement */
static bool carries(const uint8_t *frame, const uint8_t *tcp)
{
	unsigned total = frame[16] << 8 | frame[17];

	return frame + 14 + total > tcp + (tcp[12] >> 4) * 4;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void out(int line, int tap, int file, double mbit, struct shared *shared)
{
	static uint8_t frame[FRAME_MAX];
	uint64_t due = 0;

	for (;;) {
		ssize_t n = recv(line, frame, sizeof(frame), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			n = recv(line, frame, sizeof(frame), 0);
			if (now_ns() > due)
				due = now_ns();
		}
		if (n <= 0)
			break;
		const uint8_t *tcp = tcp_of(frame, (size_t)n, 2, 5300);

		if (tcp_of(frame, (size_t)n, 2, 5301)) {
			shared->bulk++;
		} else if (tcp && tcp[13] & (TH_FIN | TH_RST)) {
			say(file);
			first = true;
		} else if (tcp && carries(frame, tcp) && sample_count < SAMPLES_MAX) {
			if (!first)
				samples[sample_count++] = shared->bulk - shared->answered;
			first = false;
		}
		/* preamble, check sum and gap, as on Ethernet */
		due += (uint64_t)((double)((n < 60 ? 60 : n) + 24) * 8e3 / mbit);
		struct timespec at = { (time_t)(due / 1000000000u), (long)(due % 1000000000u) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		if (write(tap, frame, (size_t)n) < 0 && errno != EIO)
			fail("tap");
	}
	exit(0);
}

static _Noreturn void in(int line, int tap, struct shared *shared)
{
	static uint8_t frame[FRAME_MAX];
	ssize_t n;

	while ((n = read(tap, frame, sizeof(frame))) > 0) {
		const uint8_t *tcp = tcp_of(frame, (size_t)n, 0, 5300);

		if (tcp && carries(frame, tcp))
			shared->answered = shared->bulk;
		if (send(line, frame, (size_t)n, MSG_NOSIGNAL) < 0)
			break;
	}
	exit(0);
}

int main(int argc, char **argv)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sched_param urgent = { .sched_priority = 1 }; /* the line does not wait for a CPU */
	int pair[2], least = 1 /* raised to 4.5 KiB */, room = ROOM,
		     tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (argc < 5)
		return 2;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[2]);
	if (shared == MAP_FAILED || tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0)
		fail("tap");
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)) < 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) < 0)
		fail("socketpair");
	pid_t parent = getpid();
	int file = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (file < 0)
		fail(argv[3]);
	for (int i = 0; i < 2; i++)
		if (fork() == 0) {
			close(pair[1]);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				return 1;
			sched_setscheduler(0, SCHED_FIFO, &urgent);
			prctl(PR_SET_TIMERSLACK, 1);
			i ? in(pair[0], tap, shared)
			  : out(pair[0], tap, file, atof(argv[1]), shared);
		}
	if (dup2(pair[1], GUEST_FD) < 0)
		fail("dup2");
	execvp(argv[4], argv + 4);
	fail(argv[4]);
}
