/* launch.h - what create and run share: from the bundle to a container that stands at its gate.
 *
 *   lock ROOT/ID -> config.json, state.json -> cgroup -> stage_make -> process -> pid file
 *
 * With run the first process begins only at launch_release, and goes on to its program by itself.
 *
 * Each thing is on record before it is made. When a step fails, what was made is cleared away again
 * and the hooks poststop run; when box is killed, `delete --force` finds it by the same records. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "box/container_dir.h"
#include "box/plan.h"
#include "box/scope.h"
#include "box/stage.h"
#include "cli/bundle.h"

struct command_call;
struct err;
struct globals;
struct option;

struct launch_options {
	const char *bundle, *config, *console_socket, *pid_file;
	uint64_t preserve_fds;
	bool no_pivot, no_new_keyring, no_subreaper;
	bool detach, keep;	/* run alone */
};

/* Rows of both verbs' tables. */
#define LAUNCH_AT(member) offsetof(struct launch_options, member)
#define LAUNCH_OPTIONS                                                                            \
	{ "bundle", 'b', OPTION_TEXT, LAUNCH_AT(bundle), "DIR", "the bundle; default: here" },    \
	{ "config", 'f', OPTION_TEXT, LAUNCH_AT(config), "FILE",                                  \
	  "in place of the bundle's config.json" },                                               \
	{ "console-socket", 0, OPTION_TEXT, LAUNCH_AT(console_socket), "SOCKET",                  \
	  "gets the terminal's master" },                                                         \
	{ "no-new-keyring", 0, OPTION_FLAG, LAUNCH_AT(no_new_keyring), NULL,                      \
	  "the caller's session keyring is the container's too" },                                \
	{ "no-pivot", 0, OPTION_FLAG, LAUNCH_AT(no_pivot), NULL,                                  \
	  "refused: chroot holds nobody" },                                                       \
	{ "no-subreaper", 0, OPTION_FLAG, LAUNCH_AT(no_subreaper), NULL,                          \
	  "taken: box is none" },                                                                 \
	{ "pid-file", 0, OPTION_TEXT, LAUNCH_AT(pid_file), "FILE",                                \
	  "gets the number of the first process" },                                               \
	{ "preserve-fds", 0, OPTION_COUNT, LAUNCH_AT(preserve_fds), "N",                          \
	  "the first N descriptors behind standard error go in" }

struct launch {
	const struct launch_options *options;
	const struct globals *globals;
	const char *id;
	struct arena *arena;
	struct bundle bundle;
	struct box_plan plan;
	struct container_dir dir;	/* locked */
	int root_fd, cgroup_fd, seccomp_fd, console_fd, gate_fd;
	int mount_fd;			/* cgroup2's */
	const char *cgroup;		/* path below the mount, NULL = none */
	bool cgroup_is_new;
	struct scope_record scope;	/* unit NULL = none, or none yet that is ours */
	struct scope_seat seat;
	const char *created;
	struct stage_result stage;
};

/* At the gate with a socket in the container's folder (create), or held until launch_release (run).
 */
int launch_make(struct launch *l, const struct command_call *call, bool with_gate, struct err *e);

/* Lets the program run, then the hooks poststart. A program that does not run,
 * or a hook that fails: cleared away. */
int launch_release(struct launch *l, struct err *e);

/* The program has ended: cgroup, hooks poststop, folder. */
int launch_clear(struct launch *l, struct err *e);

void launch_close(struct launch *l);	/* the container goes on */

/* Descriptors that go in: --preserve-fds and LISTEN_FDS (sd_listen_fds(3)) together. */
int launch_preserved_fds(uint64_t given, unsigned *count, struct err *e);
