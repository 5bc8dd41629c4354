#include "init/crash.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/array.h"

static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };

/* A signal handler has no other way to reach its facts. Written once, before the handlers are
 * there. */
static const char *self_path;
static pid_t *const *self_children;

/* Async-signal-safe decimal. */
static char *put_number(char *end, unsigned number)
{
	*--end = '\0';
	do
		*--end = (char)('0' + number % 10);
	while (number /= 10);
	return end;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	static const char words[] =
		"err init: fault in PID 1, it starts itself again; please report it; signal ";
	char numbers[CRASH_CHILDREN + 1][12];
	char *text = put_number(numbers[CRASH_CHILDREN] + 12, (unsigned)number);
	char *argv[CRASH_CHILDREN + 3] = { (char *)"init", (char *)"--again" };
	sigset_t faults_too;

	(void)context;
	/* Sent by a process (kill -SEGV 1), not by the processor; abort(3) is our own and ends in a
	 * fault anyway. */
	if (info->si_code <= 0 && !(number == SIGABRT && info->si_pid == getpid()))
		return;
	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0 ||
	    write(STDERR_FILENO, text, strlen(text)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
		text = NULL;		/* nobody listens: go on */
	for (int i = 0; i < CRASH_CHILDREN; i++)
		argv[i + 2] = put_number(numbers[i] + 12, (unsigned)*self_children[i]);
	/* A fault that comes at once again shall not turn into a spin. */
	nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	sigemptyset(&faults_too);
	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
		sigaddset(&faults_too, faults[i]);
	sigprocmask(SIG_UNBLOCK, &faults_too, NULL);	/* the mask survives execve(2) */
	execve(self_path, argv, (char *[]){ NULL });
	for (;;)
		pause();		/* not reaping is bad, a panic is worse */
}

void crash_guard(const char *path, pid_t *const children[CRASH_CHILDREN])
{
	static char stack[16384];	/* a fault may well be a stack that ran out */
	stack_t on_stack = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	self_path = path;
	self_children = children;
	sigaltstack(&on_stack, NULL);
	sigfillset(&action.sa_mask);
	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
		sigaction(faults[i], &action, NULL);
}
