/* command_spec.c - box spec: a config.json to start from, as crun and runc write it: a shell on a
 * terminal in ./rootfs, with few capabilities. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/indent.h"
#include "cli/option.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"

enum { SPEC_BYTES_MAX = 32768 };

struct spec_options {
	const char *bundle, *file;
	bool rootless;
};

static const struct option options[] = {
	{ "bundle", 'b', OPTION_TEXT, offsetof(struct spec_options, bundle), "DIR",
	  "where config.json goes; default: here" },
	{ "config", 0, OPTION_TEXT, offsetof(struct spec_options, file), "FILE", NULL },
	{ "file", 'f', OPTION_TEXT, offsetof(struct spec_options, file), "FILE",
	  "another file in place of config.json" },
	{ "rootless", 0, OPTION_FLAG, offsetof(struct spec_options, rootless), NULL,
	  "for an ordinary user: with a user namespace" },
	{ 0 },
};

#define CAPS "[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"]"

static const char process_part[] =
	"{\"ociVersion\":\"1.3.0\",\"process\":{\"terminal\":true,\"user\":{\"uid\":0,\"gid\":0},"
	"\"args\":[\"sh\"],\"env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
	"/bin\",\"TERM=xterm\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":" CAPS
	",\"effective\":" CAPS ",\"permitted\":" CAPS "},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\","
	"\"hard\":1024,\"soft\":1024}],\"noNewPrivileges\":true},"
	"\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"box\",\"mounts\":["
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"nosuid\","
	"\"strictatime\",\"mode=755\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\",\"options\":["
	"\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\",\"options\":["
	"\"nosuid\",\"noexec\",\"nodev\"]},";

/* Group 5 does not exist in a user namespace of one id; a sysfs of one's own needs a network
 * namespace of one's own, and an ordinary user has no limits. */
static const char root_part[] =
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\",\"options\":["
	"\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]},"
	"{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\",\"options\":[\"nosuid\","
	"\"noexec\",\"nodev\",\"ro\"]},"
	"{\"destination\":\"/sys/fs/"
	"cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":["
	"\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]}],"
	"\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},"
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
	"{\"type\":\"uts\"},{\"type\":\"cgroup\"},{\"type\":\"mount\"}],";

static const char user_part[] =
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\",\"options\":["
	"\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]},"
	"{\"destination\":\"/sys\",\"type\":\"none\",\"source\":\"/sys\",\"options\":[\"rbind\","
	"\"nosuid\",\"noexec\",\"nodev\",\"ro\"]}],"
	"\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":%u,\"size\":1}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":%u,\"size\":1}],"
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},"
	"{\"type\":\"cgroup\"},{\"type\":\"mount\"},{\"type\":\"user\"}],";

static const char paths_part[] =
	"\"maskedPaths\":[\"/proc/acpi\",\"/proc/asound\",\"/proc/interrupts\",\"/proc/kcore\","
	"\"/proc/keys\",\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\","
	"\"/proc/sched_debug\",\"/proc/scsi\",\"/sys/devices/virtual/powercap\",\"/sys/firmware\"],"
	"\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\","
	"\"/proc/sysrq-trigger\"]}}";

static int write_new(int dir_fd, const char *name, const struct buf *text, struct err *e)
{
	AUTO_FD int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST)
		return err_set(e, "box spec: %s exists already: move it away before", name);
	if (fd < 0)
		return err_sys(e, "box spec: make %s", name);
	return fd_write_all(fd, text->data, text->size_bytes, e);
}

static int run(const struct command_call *call, struct err *e)
{
	const struct spec_options *o = call->options;
	const char *bundle = o->bundle ? o->bundle : ".";
	AUTO_FD int dir_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct buf json, out;
	int failed;

	if (dir_fd < 0)
		return err_sys(e, "box spec: open %s", bundle);
	buf_init(&json, SPEC_BYTES_MAX);
	buf_init(&out, SPEC_BYTES_MAX);
	buf_add_str(&json, process_part);
	if (o->rootless)
		buf_add_format(&json, user_part, geteuid(), getegid());
	else
		buf_add_str(&json, root_part);
	buf_add_str(&json, paths_part);
	indent_json(json.data, &out);
	failed = write_new(dir_fd, o->file ? o->file : "config.json", &out, e);
	buf_finish(&json);
	buf_finish(&out);
	return failed;
}

const struct command command_spec = {
	.name = "spec",
	.arguments = "",
	.summary = "writes a config.json to start from",
	.options = options,
	.options_bytes = sizeof(struct spec_options),
	.run = run,
};
