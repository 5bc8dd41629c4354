/* command_exec.c - box exec ID PROGRAM [ARGUMENT...]: one more process in a running container. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/console.h"
#include "box/enter.h"
#include "box/scope.h"
#include "box/seccomp_store.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/foreground.h"
#include "cli/launch.h"
#include "cli/newcomer.h"
#include "cli/option.h"
#include "cli/pid_file.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "oci/spec.h"
#include "oci/state.h"

struct exec_options {
	struct newcomer_options process;
	const char *cgroup, *console_socket, *pid_file, *pidfd_socket;
	uint64_t preserve_fds;
	bool detach, ignore_paused, no_subreaper;
};

#define AT(member) offsetof(struct exec_options, member)

static const struct option options[] = {
	{ "additional-gids", 'g', OPTION_LIST, AT(process.gids), "GID", "one more group" },
	{ "apparmor", 0, OPTION_TEXT, AT(process.apparmor), "PROFILE",
	  "under this AppArmor profile" },
	{ "cap", 'c', OPTION_LIST, AT(process.caps), "CAP", "one more capability" },
	{ "cgroup", 0, OPTION_TEXT, AT(cgroup), "PATH", "a cgroup below the container's" },
	{ "console-socket", 0, OPTION_TEXT, AT(console_socket), "SOCKET",
	  "gets the terminal's master" },
	{ "cwd", 0, OPTION_TEXT, AT(process.cwd), "DIR", "working directory" },
	{ "detach", 'd', OPTION_FLAG, AT(detach), NULL, "in the background" },
	{ "env", 'e', OPTION_LIST, AT(process.env), "NAME=VALUE", "one more variable" },
	{ "ignore-paused", 0, OPTION_FLAG, AT(ignore_paused), NULL,
	  "also in a paused container: it runs after resume" },
	{ "no-new-privs", 0, OPTION_FLAG, AT(process.no_new_privs), NULL,
	  "no program makes it mightier" },
	{ "no-subreaper", 0, OPTION_FLAG, AT(no_subreaper), NULL, "taken: box is none" },
	{ "pid-file", 0, OPTION_TEXT, AT(pid_file), "FILE", "gets the process's number" },
	{ "pidfd-socket", 0, OPTION_TEXT, AT(pidfd_socket), "SOCKET",
	  "gets a pidfd of the process before it runs" },
	{ "preserve-fds", 0, OPTION_COUNT, AT(preserve_fds), "N",
	  "the first N descriptors behind standard error go in" },
	{ "process", 'p', OPTION_TEXT, AT(process.process), "FILE",
	  "a JSON document like .process of config.json" },
	{ "process-label", 0, OPTION_TEXT, AT(process.process_label), "LABEL",
	  "refused: box sets no SELinux labels" },
	{ "tty", 't', OPTION_FLAG, AT(process.tty), NULL, "with a terminal" },
	{ "user", 'u', OPTION_TEXT, AT(process.user), "UID[:GID]", "as this user" },
	{ 0 },
};

/* One call of exec. */
struct entry {
	const struct exec_options *options;
	struct target target;
	const struct oci_spec *spec;
	struct oci_state state;
	struct enter_job job;
	struct stage_result result;
	int pidfd_socket_fd;
};

static int check_status(const struct entry *n, struct err *e)
{
	const char *id = n->target.dir.id;

	switch (n->target.status) {
	case TARGET_PAUSED:
		if (n->options->ignore_paused)
			return 0;
		return err_set(e, "cannot exec in container %s: it is paused; resume it or use "
				  "--ignore-paused",
			       id);
	case TARGET_CREATED:
	case TARGET_RUNNING: return 0;
	case TARGET_CREATING:
	case TARGET_STOPPED:
	case TARGET_STATUSES: break;
	}
	return err_set(e, "cannot exec in container %s: container not running, it is %s", id,
		       target_status_name(n->target.status));
}

static int come_near(const struct target *t, struct err *e)
{
	AUTO_FD int mount_fd = cgroup_open_mount(e);

	return mount_fd < 0 ? -1 : scope_come_near(mount_fd, t->facts.cgroup, e);
}

static int open_cgroup(struct entry *n, struct err *e)
{
	const char *below = n->options->cgroup;
	AUTO_FD int fd = -1;

	if (!n->target.facts.cgroup)
		return below ? err_set(e, "--cgroup: container %s has no cgroup", n->target.dir.id)
			     : 0;
	if (n->target.facts.scope_user && come_near(&n->target, e))
		return -1;
	fd = target_cgroup_open(&n->target, e);
	if (fd >= 0 && below) {
		n->job.cgroup_is_fixed = true;
		n->job.cgroup_fd = fs_open_in_root(fd, below, O_RDONLY | O_DIRECTORY, 0, e);
		return n->job.cgroup_fd < 0 ? err_add(e, "--cgroup") : 0;
	}
	n->job.cgroup_fd = take_fd(&fd);
	return n->job.cgroup_fd < 0 ? -1 : 0;
}

static int open_console(struct entry *n, struct err *e)
{
	const char *path = n->options->console_socket;
	bool terminal = n->job.process->terminal;

	if (path && !terminal)
		return err_set(e, "--console-socket: the process has no terminal: use --tty");
	if (terminal && !path && n->options->detach)
		return err_set(e, "a process in the background needs --console-socket for its "
				  "terminal");
	if (!path)
		return 0;
	n->job.console_fd = console_connect(path, e);
	return n->job.console_fd < 0 ? err_add(e, "--console-socket") : 0;
}

static int open_pidfd_socket(struct entry *n, struct err *e)
{
	const char *path = n->options->pidfd_socket;

	if (!path)
		return 0;
	n->pidfd_socket_fd = fd_connect_unix(path, FD_CONNECT_WAIT_MS, e);
	return n->pidfd_socket_fd < 0 ? err_add(e, "--pidfd-socket") : 0;
}

/* The message is runc's: the name of its way in, and the pidfd (libcontainer/init_linux.go). */
static int send_pidfd(const struct entry *n, struct err *e)
{
	static const char text[] = "setns";

	if (n->pidfd_socket_fd < 0)
		return 0;
	if (fd_send_over(n->pidfd_socket_fd, n->result.pidfd, text, strlen(text), e))
		return err_add(e, "--pidfd-socket");
	return 0;
}

/* Before the program runs: where file or socket do not take it, it does not. */
static int on_pid(void *ctx, pid_t pid, pid_t pid_here, struct err *e)
{
	const struct entry *n = ctx;

	(void)pid_here;
	if (!n->options->detach)
		foreground_begin();
	return pid_file_write(n->options->pid_file, pid, e) ? -1 : send_pidfd(n, e);
}

static int prepare(struct entry *n, const struct command_call *call, struct err *e)
{
	char **words = call->arguments;
	struct oci_process *process;

	if (launch_preserved_fds(n->options->preserve_fds, &n->job.preserved_fds, e))
		return -1;
	if (!words[1] && !n->options->process.process)
		return err_set(e, "say what to run: box exec [OPTION...] ID PROGRAM "
				  "[ARGUMENT...], or --process=FILE");
	if (target_open(&n->target, call, words[0], CONTAINER_LOCK_NONE, e) || check_status(n, e))
		return -1;
	n->spec = target_spec(&n->target, call->arena, e);
	if (!n->spec)
		return -1;
	n->job.pid = n->target.process.pid;
	n->job.spec = n->spec;
	process = newcomer_make(&n->options->process, n->spec,
				       (const char *const *)words + 1, call->arena, e);
	if (process && process->terminal && !n->options->console_socket)
		terminal_give_size(process);
	n->job.process = process;
	if (!process || open_console(n, e) || open_pidfd_socket(n, e) || open_cgroup(n, e))
		return -1;
	n->state = (struct oci_state){
		.id = n->target.dir.id,
		.status = "running",
		.pid = n->job.pid,
		.bundle = n->target.facts.bundle,
		.annotations = n->spec->annotations,
		.annotation_count = n->spec->annotation_count,
	};
	n->job.state = &n->state;
	n->job.on_pid = on_pid;
	n->job.ctx = n;
	return seccomp_store_open_for(n->target.dir.root_fd, n->spec, &n->job.seccomp_fd, e);
}

static int run(const struct command_call *call, struct err *e)
{
	struct entry n = {
		.options = call->options,
		.target = { .pidfd = -1 },
		.job = { .cgroup_fd = -1,
			 .seccomp_fd = -1,
			 .stdio_fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
			 .console_fd = -1,
			 .pidfd = -1 },
		.result = { .pid = -1, .pidfd = -1, .console_fd = -1, .link_fd = -1 },
		.pidfd_socket_fd = -1,
	};
	int status = 0;

	if (prepare(&n, call, e))
		status = -1;
	else if (enter_run(&n.job, &n.result, e))
		status = -255;	/* as with crun and runc */
	if (status == -255 && n.options->pid_file)
		unlink(n.options->pid_file);
	if (status == 0 && !n.options->detach)
		status = foreground_wait(n.result.pid, n.result.pidfd, n.result.console_fd, e);
	if (status < 0) {
		err_add(e, "box exec");
		stage_abandon(&n.result);
	}
	stage_finish(&n.result);
	fd_close(&n.job.cgroup_fd);
	fd_close(&n.job.seccomp_fd);
	fd_close(&n.job.console_fd);
	fd_close(&n.pidfd_socket_fd);
	target_close(&n.target);
	return status;
}

const struct command command_exec = {
	.name = "exec",
	.arguments = "ID PROGRAM [ARGUMENT...]",
	.summary = "runs one more program in a container",
	.options = options,
	.options_bytes = sizeof(struct exec_options),
	.arguments_min = 1,
	.arguments_max = -1,
	.run = run,
};
