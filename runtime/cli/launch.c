/* launch.c - see launch.h */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/cgroup_owner.h"
#include "box/cgroup_path.h"
#include "box/console.h"
#include "box/device_filter.h"
#include "box/gate.h"
#include "box/hooks.h"
#include "box/idmap.h"
#include "box/seccomp_store.h"
#include "cli/command.h"
#include "cli/foreground.h"
#include "cli/globals.h"
#include "cli/pid_file.h"
#include "cli/roster.h"
#include "cli/target.h"
#include "cli/target_end.h"
#include "cli/terminal.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/time.h"
#include "oci/spec.h"
#include "oci/state.h"

enum { PRESERVED_MAX = 65536 };

int launch_preserved_fds(uint64_t given, unsigned *count, struct err *e)
{
	const char *listen_fds = getenv("LISTEN_FDS");
	uint64_t listening = 0;

	if (listen_fds && !str_to_u64(listen_fds, &listening))
		return err_set(e, "LISTEN_FDS is \"%.32s\" and no number", listen_fds);
	if (given > PRESERVED_MAX || listening > PRESERVED_MAX)
		return err_set(e, "--preserve-fds: at most %d", PRESERVED_MAX);
	*count = (unsigned)(given + listening);
	for (unsigned i = 0; i < *count; i++)
		if (fcntl(3 + (int)i, F_GETFD) < 0)
			return err_set(e, "--preserve-fds=%u: descriptor %u is not open", *count,
				       3 + i);
	return 0;
}

static int refuse_options(const struct launch_options *o, struct err *e)
{
	if (o->no_pivot)
		return err_set(e, "--no-pivot: box enters a root by pivot_root alone, since chroot "
				  "holds nobody: run it with a root that is a mount");
	return 0;
}

/* The terminal's master goes to the caller's socket, or to us when we stay in front of it. */
static int prepare_console(struct launch *l, struct err *e)
{
	const struct launch_options *o = l->options;
	bool terminal = l->bundle.spec->process.terminal;

	if (!terminal && o->console_socket)
		return err_set(e, "--console-socket: the container has no terminal: set "
				  ".process.terminal in config.json");
	if (terminal && !o->console_socket && o->detach)
		return err_set(e, "a container in the background needs --console-socket for its "
				  "terminal (.process.terminal is true)");
	if (terminal && !o->console_socket)
		terminal_give_size(&l->bundle.spec->process);
	if (!o->console_socket)
		return 0;
	l->console_fd = console_connect(o->console_socket, e);
	return l->console_fd < 0 ? err_add(e, "--console-socket") : 0;
}

/* Where the container's cgroup will be, or that it has none. */
static int choose_cgroup(struct launch *l, const struct globals *g, struct err *e)
{
	bool limits = l->plan.cgroup.count > 0;
	char path[CGROUP_PATH_MAX];

	if (g->no_cgroup) {
		if (limits)
			return err_set(e,
				       "config.json: .linux.resources asks for limits: they need "
				       "a cgroup, and --cgroup-manager=disabled forbids it");
		return 0;
	}
	/* Where the unit's will be, systemd decides. */
	if (g->systemd) {
		l->mount_fd = cgroup_open_mount(e);
		return l->mount_fd < 0 ? -1 : 0;
	}
	/* An ordinary user has a cgroup only where somebody gave one away. */
	if (getauxval(AT_EUID) != 0 && !l->bundle.spec->cgroups_path && !limits)
		return 0;
	l->mount_fd = cgroup_open_mount(e);
	if (l->mount_fd < 0)
		return e->number == ENOENT && !limits ? 0 : -1;
	/* Root of a user namespace may have no cgroup that is its own; who asks for one hears so.
	 */
	if (!limits && !l->bundle.spec->cgroups_path &&
	    faccessat(l->mount_fd, ".", W_OK, AT_EACCESS) < 0)
		return 0;
	if (cgroup_path_make(path, l->bundle.spec->cgroups_path, l->id, e))
		return -1;
	l->cgroup = arena_str(l->arena, path);
	return 0;
}

static int record(struct launch *l, struct err *e)
{
	char created[TIME_RFC3339_BYTES];
	struct container_facts facts = {
		.bundle = l->bundle.path,
		.rootfs = l->bundle.rootfs,
		.owner = getauxval(AT_EUID) == 0 ? "root" :
						   arena_format(l->arena, "%lu",
								getauxval(AT_EUID)),
		.cgroup = l->cgroup,
		.scope = l->plan.scope.unit,
		.scope_user = l->plan.scope.unit && l->plan.scope.user,
		.own_pids = l->bundle.spec->namespaces & (1u << OCI_NS_PID),
	};

	time_rfc3339_once(created);
	l->created = facts.created = arena_str(l->arena, created);
	return container_dir_save_facts(&l->dir, &facts, e);
}

/* Where no program of the kernel filters devices, nodev does it on every mount. */
static int filter_devices(struct launch *l, struct err *e)
{
	const struct oci_resources *r = &l->bundle.spec->resources;
	struct device_filter filter;
	int attached = 0;

	if (!device_filter_needed(r->devices, r->device_count))
		return 0;
	if (l->cgroup_fd >= 0) {
		if (device_filter_make(&filter, l->arena, r->devices, r->device_count, e))
			return -1;
		attached = device_filter_attach(&filter, l->cgroup_fd, l->cgroup_is_new, e);
	}
	if (attached != 0 || l->plan.policy.always_nodev)
		return attached < 0 ? -1 : 0;
	return bundle_plan(&l->bundle, l->id, l->globals, true, &l->plan, l->arena, e);
}

/* A unit of systemd's, and the container's own cgroup below it. */
static int make_scope(struct launch *l, struct err *e)
{
	const struct systemd_scope *scope = &l->plan.scope;
	struct scope_record record;

	scope_record_make(&record, scope->unit, scope->user, l->id, l->created);
	if (scope_begin(&l->seat, l->mount_fd, scope, &record, e))
		return -1;
	l->scope = record;
	l->cgroup = arena_format(l->arena, "%s/%s", l->seat.cgroup, scope->subgroup);
	if (container_dir_save_cgroup(&l->dir, l->cgroup, e))
		return -1;
	l->cgroup_fd = cgroup_create(l->seat.cgroup_fd, scope->subgroup, &l->plan.cgroup,
				     &l->cgroup_is_new, e);
	return l->cgroup_fd < 0 ? err_add(e, "unit %s", scope->unit) : 0;
}

/* An empty cgroup that was there may be that of a container that has ended or is being made:
 * whoever deletes it ends all that lives there. Ours is on record by now, so of two at once one
 * sees the other. */
static int check_owner(const struct launch *l, struct err *e)
{
	const char *owner;

	if (l->cgroup_is_new)
		return 0;
	owner = roster_cgroup_owner(l->root_fd, l->cgroup, l->id, l->arena);
	if (!owner)
		return 0;
	return err_set(e,
		       "config.json: .linux.cgroupsPath: the cgroup %s is that of the container "
		       "%s: delete that before, or choose another path",
		       l->cgroup, owner);
}

static int make_by_hand(struct launch *l, struct err *e)
{
	l->cgroup_fd = cgroup_create(l->mount_fd, l->cgroup, &l->plan.cgroup, &l->cgroup_is_new, e);
	if (l->cgroup_fd >= 0 && check_owner(l, e) == 0)
		return 0;
	l->cgroup = NULL;	/* nothing of it is ours to remove */
	return -1;
}

static int make_cgroup(struct launch *l, struct err *e)
{
	const struct oci_spec *spec = l->bundle.spec;
	uint32_t owner;

	if (!l->cgroup && !l->plan.scope.unit)
		return 0;
	if (l->plan.scope.unit ? make_scope(l, e) : make_by_hand(l, e))
		return -1;
	if (!cgroup_owner_wanted(spec))
		return 0;
	owner = spec->process.user.uid;
	if (spec->uid_maps.count > 0 && !idmap_outside(&spec->uid_maps, owner, &owner))
		return 0;
	return cgroup_give(l->cgroup_fd, owner, e);
}

static int on_pid(void *ctx, pid_t pid, pid_t pid_here, struct err *e)
{
	struct launch *l = ctx;

	return container_dir_save_process(&l->dir, pid, pid_here, e);
}

static int make_inner(struct launch *l, unsigned preserved_fds, struct err *e)
{
	const struct stage_job job = {
		.plan = &l->plan,
		.bundle_fd = l->bundle.fd,
		.cgroup_fd = l->cgroup_fd,
		.seccomp_fd = l->seccomp_fd,
		.stdio_fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
		.console_fd = l->console_fd,
		.gate_fd = l->gate_fd,
		.preserved_fds = preserved_fds,
		.at_once = l->gate_fd < 0,
		.keep_keyring = l->options->no_new_keyring,
		/* Where the file cannot be written, the program does not run. */
		.beside = !l->options->pid_file,
		.on_pid = on_pid,
		.ctx = l,
	};

	return stage_make(&job, &l->stage, e);
}

static void fill_state(const struct launch *l, const char *status, struct oci_state *s)
{
	*s = (struct oci_state){
		.id = l->id,
		.status = status,
		.pid = l->stage.pid,
		.bundle = l->bundle.path,
		.annotations = l->bundle.spec->annotations,
		.annotation_count = l->bundle.spec->annotation_count,
	};
}

/* After a failed step: as if it had never been. The error stays the step's. */
static void undo(struct launch *l)
{
	struct err e;

	stage_abandon(&l->stage);
	scope_unseat(&l->seat);
	if (launch_clear(l, &e))
		log_warn("%s; box delete --force %s clears it away", e.text, l->id);
	launch_close(l);
}

static int make_all(struct launch *l, bool with_gate, unsigned preserved_fds, struct err *e)
{
	if (record(l, e) || make_cgroup(l, e) || filter_devices(l, e) ||
	    seccomp_store_open_for(l->root_fd, l->bundle.spec, &l->seccomp_fd, e) ||
	    container_dir_begin_process(&l->dir, e))
		return -1;
	if (with_gate) {
		l->gate_fd = gate_listen(l->dir.fd, e);
		if (l->gate_fd < 0)
			return -1;
	}
	if (!with_gate && !l->options->detach)
		foreground_begin();
	if (make_inner(l, preserved_fds, e) ||
	    (with_gate && container_dir_save_at_gate(&l->dir, e)))
		return -1;
	scope_unseat(&l->seat);	/* its place is taken */
	return l->options->pid_file ? pid_file_write(l->options->pid_file, l->stage.pid, e) : 0;
}

static void tell(const char *const *sentences)
{
	for (; sentences && *sentences; sentences++)
		log_info("%s", *sentences);
}

/* Everything that can be known to be wrong before anything is made. */
static int prepare(struct launch *l, const struct command_call *call, unsigned *preserved_fds,
		   struct err *e)
{
	const struct launch_options *o = l->options;
	const char *word = getenv("LISTEN_FDS");
	const struct oci_resources *r;
	bool nodev;

	if (launch_preserved_fds(o->preserve_fds, preserved_fds, e) || refuse_options(o, e) ||
	    bundle_open(&l->bundle, o->bundle, o->config, l->arena, e))
		return -1;
	r = &l->bundle.spec->resources;
	tell(l->bundle.spec->warnings);
	if (!l->bundle.spec->has_process)
		return err_set(e, "config.json: .process: must be there: it says what to run");
	if (word && *word) {
		struct oci_process *p = &l->bundle.spec->process;

		p->env = oci_strings_add(l->arena, p->env,
					 arena_format(l->arena, "LISTEN_FDS=%s", word));
		p->env = oci_strings_add(l->arena, p->env, "LISTEN_PID=1");
	}
	/* Where no filter can come, the plan holds device nodes back from the start. */
	nodev = call->globals->no_cgroup && device_filter_needed(r->devices, r->device_count);
	if (bundle_plan(&l->bundle, l->id, l->globals, nodev, &l->plan, l->arena, e) ||
	    prepare_console(l, e) || choose_cgroup(l, call->globals, e))
		return -1;
	l->root_fd = target_root_open(call, e);
	return l->root_fd < 0 ? -1 : 0;
}

int launch_make(struct launch *l, const struct command_call *call, bool with_gate, struct err *e)
{
	unsigned preserved_fds;

	*l = (struct launch){
		.options = call->options,
		.globals = call->globals,
		.id = call->arguments[0],
		.arena = call->arena,
		.bundle = { .fd = -1 },
		.dir = { .fd = -1 },
		.root_fd = -1,
		.mount_fd = -1,
		.cgroup_fd = -1,
		.seccomp_fd = -1,
		.console_fd = -1,
		.gate_fd = -1,
		.seat = { .cgroup_fd = -1 },
		.stage = { .pidfd = -1, .console_fd = -1, .link_fd = -1 },
	};
	if (prepare(l, call, &preserved_fds, e) ||
	    container_dir_create(&l->dir, l->root_fd, l->id, l->bundle.text,
				 l->bundle.text_bytes, e)) {
		launch_close(l);
		return err_add(e, "box %s", with_gate ? "create" : "run");
	}
	if (make_all(l, with_gate, preserved_fds, e)) {
		undo(l);
		return -1;
	}
	/* What only inner needs from here on: its end must show to whoever waits for it. */
	fd_close(&l->gate_fd);
	fd_close(&l->console_fd);
	fd_close(&l->seccomp_fd);
	/* With run the lock stays ours as long as we shall clear away what is left. */
	if (l->options->detach)
		container_dir_unlock(&l->dir);
	return 0;
}

int launch_release(struct launch *l, struct err *e)
{
	const struct oci_spec *spec = l->bundle.spec;
	struct oci_state state;

	if (stage_release(&l->stage, e) || container_dir_save_at_gate(&l->dir, e)) {
		undo(l);
		return -1;
	}
	if (spec->hooks[OCI_HOOK_POSTSTART].count == 0)
		return 0;
	fill_state(l, "running", &state);
	if (hooks_run(spec, OCI_HOOK_POSTSTART, &state, l->bundle.fd, e)) {
		undo(l);
		return -1;
	}
	return 0;
}

int launch_clear(struct launch *l, struct err *e)
{
	struct target t = {
		.dir = l->dir,
		.has_facts = true,
		.has_process = true,	/* a cgroup that is on record here is ours */
		.facts = { .bundle = l->bundle.path,
			   .created = l->created,
			   .cgroup = l->cgroup,
			   .scope = l->scope.unit,
			   .scope_user = l->scope.user },
		.status = TARGET_STOPPED,
		.pidfd = -1,
	};
	int failed;

	/* Mostly its last process is gone by now. */
	if (l->cgroup && !l->scope.unit && l->mount_fd >= 0 &&
	    cgroup_remove_unused(l->mount_fd, l->cgroup))
		t.facts.cgroup = NULL;
	failed = target_kill(&t, e) || target_clear(&t, l->bundle.spec, l->arena, e) ? -1 : 0;

	l->dir = t.dir;
	return failed;
}

void launch_close(struct launch *l)
{
	fd_close(&l->mount_fd);
	fd_close(&l->cgroup_fd);
	fd_close(&l->seccomp_fd);
	fd_close(&l->console_fd);
	fd_close(&l->gate_fd);
	stage_finish(&l->stage);
	container_dir_close(&l->dir);
	bundle_close(&l->bundle);
	fd_close(&l->root_fd);
}
