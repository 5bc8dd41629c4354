/* names.c - see names.h */
#include "box/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/host.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/str.h"

enum { TEXT_MAX = NAMES_HOSTS_MAX + 512 };

/* The folder is root's; the file in it was made by init and is the DHCP client's to fill. */
static int open_resolver(struct err *e)
{
	AUTO_FD int fd = openat(AT_FDCWD, BOX_RESOLVER, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_sys(e, "open " BOX_RESOLVER);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, BOX_RESOLVER " is no file");
	return take_fd(&fd);
}

static int write_file(int state_fd, const char *file, const char *text, struct err *e)
{
	AUTO_FD int fd = -1;

	/* A new one each time: the old may still be mounted in a container that is about to end. */
	if (unlinkat(state_fd, file, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove the old %s", file);
	fd = openat(state_fd, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "make %s", file);
	return fd_write_all(fd, text, strlen(text), e);
}

static void hosts_text(char text[TEXT_MAX], const struct names_text *own)
{
	int used = snprintf(text, TEXT_MAX,
			    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%s",
			    own->hosts);

	/* Its own name leads to itself without asking anybody, as Debian has it. */
	if (!own->hosts[0] && own->hostname)
		snprintf(text + used, TEXT_MAX - (size_t)used, "127.0.1.1\t%.64s\n",
			 own->hostname);
}

int names_open(const char *file, int state_fd, const struct names_text *own, struct err *e)
{
	char text[TEXT_MAX];
	int fd;

	if (strlen(own->hosts) > NAMES_HOSTS_MAX || strlen(own->resolver) > NAMES_HOSTS_MAX)
		return err_set(e, "%s: more than %d bytes", file, NAMES_HOSTS_MAX);
	if (str_equal(file, "resolv.conf") && !own->resolver[0])
		return open_resolver(e);
	if (str_equal(file, "resolv.conf"))
		str_copy(text, sizeof(text), own->resolver);
	else if (str_equal(file, "hosts"))
		hosts_text(text, own);
	else if (str_equal(file, "hostname"))
		snprintf(text, sizeof(text), "%.64s\n",
			 own->hostname ? own->hostname : "localhost");
	else
		return err_set(e, "\"%.64s\" is none of resolv.conf, hosts, hostname", file);
	if (write_file(state_fd, file, text, e) < 0)
		return -1;
	fd = openat(state_fd, file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", file) : fd;
}
