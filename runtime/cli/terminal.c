/* terminal.c - see terminal.h */
#include "cli/terminal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "oci/spec_types.h"

static void stop_master(struct terminal *t)
{
	loop_remove(&t->master);
	loop_remove(&t->input);
}

/* What the master is to tell us: output always, room for input when we have some or could get it
 * from a file at once. */
static void watch_master(struct terminal *t)
{
	bool has_input = t->waiting_bytes > 0 || (t->input_is_file && !t->input_ended);
	struct err e;

	if (loop_change(&t->master, LOOP_READ | (has_input ? LOOP_WRITE : 0u), &e))
		log_warn("terminal: %s", e.text);
}

static void read_input(struct terminal *t)
{
	ssize_t n = read(STDIN_FILENO, t->waiting, sizeof(t->waiting));

	if (n > 0)
		t->waiting_bytes = (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		t->input_ended = true;
}

static void on_input(struct loop_source *source, unsigned events)
{
	struct terminal *t = owner_of(source, struct terminal, input);

	(void)events;
	read_input(t);
	/* No more before this is inside: the container may read slowly. */
	if (t->waiting_bytes > 0 || t->input_ended)
		loop_remove(source);
	watch_master(t);
}

static void give_input(struct terminal *t)
{
	struct err e;
	ssize_t n;

	if (t->waiting_bytes == 0 && t->input_is_file && !t->input_ended)
		read_input(t);
	if (t->waiting_bytes > 0) {
		n = write(t->master.fd, t->waiting, t->waiting_bytes);
		if (n < 0)
			return;
		t->waiting_bytes -= (size_t)n;
		memmove(t->waiting, t->waiting + n, t->waiting_bytes);
	}
	if (t->waiting_bytes == 0 && !t->input_is_file && !t->input_ended && !t->input.loop &&
	    loop_add(t->loop, &t->input, LOOP_READ, &e))
		log_warn("terminal: %s", e.text);
	watch_master(t);
}

/* False: nothing is there (any more). */
static bool pass_output(struct terminal *t)
{
	char bytes[TERMINAL_BYTES];
	struct err e;
	ssize_t n = read(t->master.fd, bytes, sizeof(bytes));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	/* Whoever reads us may have gone: the container goes on without. */
	fd_write_all(STDOUT_FILENO, bytes, (size_t)n, &e);
	return true;
}

static void on_master(struct loop_source *source, unsigned events)
{
	struct terminal *t = owner_of(source, struct terminal, master);

	if (events & LOOP_READ)
		pass_output(t);
	else if (events & LOOP_HANGUP)
		stop_master(t);	/* nobody inside has it open; the end of the process follows */
	if ((events & LOOP_WRITE) && t->master.loop)
		give_input(t);
}

void terminal_give_size(struct oci_process *p)
{
	struct winsize size;

	if (p->console_rows > 0 || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	p->console_rows = size.ws_row;
	p->console_columns = size.ws_col;
}

static int make_raw(struct terminal *t, struct err *e)
{
	struct termios raw;

	t->was_raw = true;
	if (tcgetattr(STDIN_FILENO, &t->before) < 0)
		return 0;	/* stdin is no terminal */
	raw = t->before;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return err_sys(e, "make the terminal raw");
	t->was_raw = false;
	return 0;
}

int terminal_open(struct terminal *t, struct loop *loop, int console_fd, struct err *e)
{
	*t = (struct terminal){ .loop = loop, .was_raw = true };
	t->input = (struct loop_source){ .fd = STDIN_FILENO, .on_event = on_input };
	t->master = (struct loop_source){ .fd = console_fd, .on_event = on_master };
	if (fd_set_nonblock(console_fd, e) || loop_add(loop, &t->master, LOOP_READ, e))
		return -1;
	if (loop_add(loop, &t->input, LOOP_READ, e)) {
		if (e && e->number != EPERM)
			return -1;
		t->input_is_file = true;
		watch_master(t);
	}
	terminal_resize(t);
	return make_raw(t, e);
}

void terminal_resize(struct terminal *t)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
		ioctl(t->master.fd, TIOCSWINSZ, &size);
}

void terminal_finish(struct terminal *t)
{
	while (pass_output(t))
		;
	stop_master(t);
	if (!t->was_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
	t->was_raw = true;
}
