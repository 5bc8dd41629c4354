/* container_dir.c - see container_dir.h */
#include "box/container_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/proc.h"
#include "lib/str.h"
#include "oci/spec.h"

#define ROOT_OF_ROOT "/run/box-oci"

enum {
	FACTS_BYTES_MAX = 4 * PATH_MAX,
	PROCESS_BYTES_MAX = 64,
	LOCK_WAIT_MS = 10000,
	LOCK_PAUSE_MS = 5,
};

/* Root of a user namespace is an ordinary user to /run. */
static bool has_all_ids(void)
{
	AUTO_FREE char *text = NULL;
	char *words[4];
	size_t size_bytes;
	struct err e;

	text = fs_read_at(AT_FDCWD, "/proc/self/uid_map", PATH_MAX, &size_bytes, &e);
	if (!text)
		return true;
	text[strcspn(text, "\n")] = '\0';
	return str_split_words(text, words, 3) != 3 || str_equal(words[2], "4294967295");
}

const char *container_root_default(struct arena *a, struct err *e)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (getauxval(AT_EUID) == 0 && (!runtime_dir || has_all_ids()))
		return ROOT_OF_ROOT;
	if (runtime_dir && runtime_dir[0] == '/')
		return arena_format(a, "%s/box-oci", runtime_dir);
	err_set(e, "XDG_RUNTIME_DIR is not set: an ordinary user needs it, or --root DIR");
	return NULL;
}

/* Records that somebody else can write are no records: they name processes to kill. */
static int check_root(int fd, const char *root, struct err *e)
{
	struct stat st;
	AUTO_FD int checked_fd = fd;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", root);
	if (st.st_uid != getauxval(AT_EUID) || st.st_mode & 022)
		return err_set(e, "%s: others can write there: containers need a folder that "
			       "only its owner, who runs box, can write",
			       root);
	return take_fd(&checked_fd);
}

int container_root_open(const char *root, struct err *e)
{
	char prefix[PATH_MAX];
	char *at = prefix;
	int fd = openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return check_root(fd, root, e);
	if (errno != ENOENT)
		return err_sys(e, "open %s", root);
	if (!str_copy(prefix, sizeof(prefix), root) || !*root)
		return err_set(e, "--root: no folder has the name \"%.64s\"", root);
	while (at) {
		at = strchr(at + 1, '/');
		if (at)
			*at = '\0';
		if (mkdirat(AT_FDCWD, prefix, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make %s", prefix);
		if (at)
			*at = '/';
	}
	fd = openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", root) : fd;
}

bool container_id_is_valid(const char *id)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+.-";
	size_t size = strspn(id, letters);

	return size > 0 && size <= CONTAINER_ID_MAX && id[size] == '\0' && !str_equal(id, ".") &&
	       !str_equal(id, "..");
}

static int check_id(const char *id, struct err *e)
{
	if (container_id_is_valid(id))
		return 0;
	return err_set(e, "invalid container id \"%.64s\": letters, digits and _ + . - are allowed",
		       id);
}

static int open_dir(struct container_dir *d, int root_fd, const char *id, struct err *e)
{
	*d = (struct container_dir){ .id = id, .root_fd = root_fd };
	d->fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd >= 0)
		return 0;
	if (errno == ENOENT) {
		err_set(e, "container %s does not exist", id);
		if (e)
			e->number = ENOENT;
		return -1;
	}
	return err_sys(e, "container %s: open its folder", id);
}

/* A new file with this content. A reader sees it empty or whole: one write(2), below a page or not
 * read by anyone before the container is there. */
static int put(const struct container_dir *d, const char *name, const char *text, size_t size_bytes,
	       struct err *e)
{
	AUTO_FD int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, "container %s: make %s", d->id, name);
	if (fd_write_all(fd, text, size_bytes, e))
		return err_add(e, "container %s: %s", d->id, name);
	return 0;
}

static int taken(const char *id, struct err *e)
{
	err_set(e, "container with id %s exists already: delete it or take another id", id);
	if (e)
		e->number = EEXIST;
	return -1;
}

/* Between mkdir and lock a `delete` may take the folder away, and another `create` make it anew:
 * the file decides whose it is. */
static int claim(struct container_dir *d, const char *config, size_t config_bytes, struct err *e)
{
	struct err why;

	if (flock(d->fd, LOCK_EX) < 0) {
		err_sys(e, "container %s: lock its folder", d->id);
		unlinkat(d->root_fd, d->id, AT_REMOVEDIR);
		return -1;
	}
	if (put(d, "config.json", config, config_bytes, &why) == 0)
		return 0;
	if (why.number == EEXIST)
		return taken(d->id, e);
	if (why.number == ENOENT)
		return err_set(e, "container %s was deleted while it was made", d->id);
	if (e)
		*e = why;
	container_dir_remove(d, NULL);
	return -1;
}

int container_dir_create(struct container_dir *d, int root_fd, const char *id, const char *config,
			 size_t config_bytes, struct err *e)
{
	*d = (struct container_dir){ .fd = -1 };
	if (check_id(id, e))
		return -1;
	if (mkdirat(root_fd, id, 0700) < 0)
		return errno == EEXIST ? taken(id, e) :
					 err_sys(e, "container %s: make its folder", id);
	if (open_dir(d, root_fd, id, e)) {
		unlinkat(root_fd, id, AT_REMOVEDIR);	/* empty, or another's and not empty */
		return -1;
	}
	if (claim(d, config, config_bytes, e)) {
		container_dir_close(d);
		return -1;
	}
	return 0;
}

/* flock(2) knows no time limit, and whoever has the lock may hang in a hook. */
static int take_lock(int fd, int wait_ms)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000 };

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || wait_ms <= 0)
			return -1;
		nanosleep(&pause, NULL);
		wait_ms -= LOCK_PAUSE_MS;
		errno = EWOULDBLOCK;
	}
	return 0;
}

int container_dir_open(struct container_dir *d, int root_fd, const char *id,
		       enum container_lock lock, struct err *e)
{
	struct stat st;

	*d = (struct container_dir){ .fd = -1 };
	if (check_id(id, e) || open_dir(d, root_fd, id, e))
		return -1;
	if (lock == CONTAINER_LOCK_NONE)
		return 0;
	if (take_lock(d->fd, lock == CONTAINER_LOCK_WAIT ? LOCK_WAIT_MS : 0) < 0) {
		err_sys(e, "container %s: another box command is working on it: end that", id);
		container_dir_close(d);
		return -1;
	}
	/* Whoever had the lock before may have been its delete. */
	if (fstat(d->fd, &st) == 0 && st.st_nlink > 0)
		return 0;
	container_dir_close(d);
	err_set(e, "container %s does not exist", id);
	if (e)
		e->number = ENOENT;
	return -1;
}

void container_dir_unlock(struct container_dir *d)
{
	flock(d->fd, LOCK_UN);
}

void container_dir_close(struct container_dir *d)
{
	if (d->id)
		fd_close(&d->fd);
	if (d->process_fd > 0)
		fd_close(&d->process_fd);
	d->process_fd = 0;
	d->fd = -1;
}

int container_dir_remove(struct container_dir *d, struct err *e)
{
	/* What there is of every container first: without state.json nobody asks for the
	 * configuration any more. */
	unlinkat(d->fd, "state.json", 0);
	unlinkat(d->fd, "config.json", 0);
	unlinkat(d->fd, "process", 0);
	if (unlinkat(d->root_fd, d->id, AT_REMOVEDIR) == 0) {
		container_dir_close(d);
		return 0;
	}
	unlinkat(d->fd, "gate", 0);
	if (unlinkat(d->root_fd, d->id, AT_REMOVEDIR) < 0 &&
	    fs_remove_tree_at(d->root_fd, d->id, e))
		return err_add(e, "container %s", d->id);
	container_dir_close(d);
	return 0;
}

const char *container_dir_config(const struct container_dir *d, struct arena *a, size_t *size_bytes,
				 struct err *e)
{
	AUTO_FREE char *text = fs_read_at(d->fd, "config.json", OCI_SPEC_BYTES_MAX, size_bytes, e);

	if (!text) {
		err_add(e, "container %s", d->id);
		return NULL;
	}
	return arena_strn(a, text, *size_bytes);
}

int container_dir_save_facts(const struct container_dir *d, const struct container_facts *f,
			     struct err *e)
{
	struct json_writer w;
	struct buf out;
	int failed;

	buf_init(&out, FACTS_BYTES_MAX);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_key(&w, "bundle");
	json_put_str(&w, f->bundle);
	json_key(&w, "rootfs");
	json_put_str(&w, f->rootfs);
	json_key(&w, "created");
	json_put_str(&w, f->created);
	json_key(&w, "owner");
	json_put_str(&w, f->owner);
	json_key(&w, "cgroup");
	json_put_str(&w, f->cgroup);
	if (f->scope) {
		json_key(&w, "scope");
		json_put_str(&w, f->scope);
		json_key(&w, "scopeOfUser");
		json_put_bool(&w, f->scope_user);
	}
	json_key(&w, "ownPids");
	json_put_bool(&w, f->own_pids);
	json_end_object(&w);
	if (out.overflow)
		failed = err_set(e, "container %s: its paths are longer than %d bytes together",
				 d->id, FACTS_BYTES_MAX);
	else
		failed = put(d, "state.json", out.data, out.size_bytes, e);
	buf_finish(&out);
	return failed;
}

int container_dir_save_cgroup(const struct container_dir *d, const char *cgroup, struct err *e)
{
	return put(d, "cgroup", cgroup, strlen(cgroup), e);
}

static int read_facts(const struct json_doc *doc, struct arena *a, struct container_facts *f,
		      struct err *e)
{
	struct json root = json_root(doc);
	const char *cgroup = NULL, *scope = NULL;

	*f = (struct container_facts){ 0 };
	if (json_get_str(&root, "bundle", &f->bundle, e) ||
	    json_get_str(&root, "rootfs", &f->rootfs, e) ||
	    json_get_str(&root, "created", &f->created, e) ||
	    json_get_str(&root, "owner", &f->owner, e) ||
	    json_opt_str(&root, "cgroup", &cgroup, e) ||
	    json_opt_str(&root, "scope", &scope, e) ||
	    json_opt_bool(&root, "scopeOfUser", &f->scope_user, e) ||
	    json_opt_bool(&root, "ownPids", &f->own_pids, e))
		return -1;
	f->bundle = arena_str(a, f->bundle);
	f->rootfs = arena_str(a, f->rootfs);
	f->created = arena_str(a, f->created);
	f->owner = arena_str(a, f->owner);
	f->cgroup = arena_str(a, cgroup);
	f->scope = arena_str(a, scope);
	return 0;
}

/* Where its scope is, once systemd has said so. */
static int read_cgroup(const struct container_dir *d, struct arena *a, struct container_facts *f,
		       struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t size_bytes;
	struct err why;

	if (!f->scope)
		return 0;
	text = fs_read_at(d->fd, "cgroup", FACTS_BYTES_MAX, &size_bytes, &why);
	if (text && size_bytes > 0)
		f->cgroup = arena_strn(a, text, size_bytes);
	return text || why.number == ENOENT ? 0 : err_set(e, "%s", why.text);
}

int container_dir_facts(const struct container_dir *d, struct arena *a, struct container_facts *f,
			struct err *e)
{
	struct json_doc *doc;
	AUTO_FREE char *text = NULL;
	size_t size_bytes;
	struct err why;
	int failed;

	*f = (struct container_facts){ 0 };
	text = fs_read_at(d->fd, "state.json", FACTS_BYTES_MAX, &size_bytes, &why);
	if (!text && why.number == ENOENT)
		return 0;
	if (!text)
		return err_set(e, "container %s: %s", d->id, why.text);
	if (size_bytes == 0)
		return 0;
	doc = json_parse("state.json", text, size_bytes, e);
	failed = !doc || read_facts(doc, a, f, e) || read_cgroup(d, a, f, e);
	json_destroy(doc);
	return failed ? err_add(e, "container %s", d->id) : 1;
}

int container_dir_begin_process(struct container_dir *d, struct err *e)
{
	int fd = openat(d->fd, "process", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, "container %s: make process", d->id);
	d->process_fd = fd;
	return 0;
}

/* "- PID KIND NUMBER", where the first byte becomes + at the gate. */
int container_dir_save_process(const struct container_dir *d, pid_t pid, pid_t pid_here,
			       struct err *e)
{
	AUTO_FD int pidfd = (int)syscall(SYS_pidfd_open, pid_here, 0);
	char text[PROCESS_BYTES_MAX];
	bool has_inode;
	struct proc_stat st;
	uint64_t inode;
	int size;

	if (pidfd < 0)
		return err_sys(e, "container %s: pidfd_open", d->id);
	has_inode = proc_pidfd_inode(pidfd, &inode);
	if (!has_inode && proc_stat(pid, &st, e))
		return err_add(e, "container %s", d->id);
	size = snprintf(text, sizeof(text), "- %d %s %llu\n", pid, has_inode ? "pidfd" : "start",
			(unsigned long long)(has_inode ? inode : st.start));
	return fd_write_all(d->process_fd, text, (size_t)size, e) ?
		       err_add(e, "container %s: process", d->id) :
		       0;
}

int container_dir_save_at_gate(struct container_dir *d, struct err *e)
{
	ssize_t size = pwrite(d->process_fd, "+", 1, 0);

	if (size != 1)
		return err_sys(e, "container %s: write process", d->id);
	close(d->process_fd);
	d->process_fd = 0;
	return 0;
}

int container_dir_process(const struct container_dir *d, struct container_process *p, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char *words[5];
	size_t size_bytes;
	uint64_t pid, number;
	struct err why;

	*p = (struct container_process){ 0 };
	text = fs_read_at(d->fd, "process", PROCESS_BYTES_MAX, &size_bytes, &why);
	if (!text && why.number == ENOENT)
		return 0;
	if (!text)
		return err_set(e, "container %s: %s", d->id, why.text);
	if (size_bytes == 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	if (str_split_words(text, words, 4) != 4 || !str_to_u64(words[1], &pid) || pid == 0 ||
	    pid > INT_MAX || !str_to_u64(words[3], &number))
		return err_set(e, "container %s: its process file is damaged: delete --force",
			       d->id);
	p->pid = (pid_t)pid;
	p->at_gate = words[0][0] == '+';
	*(str_equal(words[2], "pidfd") ? &p->inode : &p->start) = number;
	return 1;
}

bool container_dir_gate_waits(const struct container_dir *d)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	/* The gate is SEQPACKET: a socket of another type is refused with EPROTOTYPE as long as the
	 * gate is open, with ECONNREFUSED afterwards, and nobody wakes up (unix(7)). */
	AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/gate", d->fd);
	return fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 &&
	       errno == EPROTOTYPE;
}
