/* test_nets.c - which networks netd refuses by itself, whatever engined asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/msg.h"
#include "net/nets.h"
#include "wire/wire.h"

static const struct {
	const char *subnet4, *gateway4, *subnet6, *gateway6, *why;
} refused[] = {
	{ "", "", "", "", "it has no subnet" },
	{ "10.0.0.1/8", "10.0.0.1", "", "", "10.0.0.1/8 is no IPv4 subnet" },
	{ "0.0.0.0/0", "10.0.0.1", "", "", "0.0.0.0/0 lies where no network can be" },
	{ "0.1.0.0/16", "0.1.0.1", "", "", "0.1.0.0/16 lies where no network can be" },
	{ "127.0.0.0/8", "127.0.0.1", "", "", "127.0.0.0/8 lies where no network can be" },
	{ "127.9.0.0/24", "127.9.0.1", "", "", "127.9.0.0/24 lies where no network can be" },
	{ "126.0.0.0/7", "126.0.0.1", "", "", "126.0.0.0/7 lies where no network can be" },
	{ "169.254.0.0/16", "169.254.0.1", "", "", "169.254.0.0/16 lies where no network can be" },
	{ "224.1.0.0/16", "224.1.0.1", "", "", "224.1.0.0/16 lies where no network can be" },
	{ "255.0.0.0/8", "255.0.0.1", "", "", "255.0.0.0/8 lies where no network can be" },
	{ "", "", "::/64", "::1", "::/64 lies where no network can be" },
	{ "", "", "fe80::/64", "fe80::1", "fe80::/64 lies where no network can be" },
	{ "10.0.0.0/8", "10.0.0.1", "ff05::/64", "ff05::1",
	  "ff05::/64 lies where no network can be" },
	{ "10.0.0.0/8", "10.0.0.0", "", "",
	  "gateway 10.0.0.0 is no address of a machine in 10.0.0.0/8" },
	{ "10.0.0.0/8", "10.255.255.255", "", "",
	  "gateway 10.255.255.255 is no address of a machine in 10.0.0.0/8" },
	{ "10.0.0.0/8", "11.0.0.1", "", "",
	  "gateway 11.0.0.1 is no address of a machine in 10.0.0.0/8" },
	{ "10.0.0.0/31", "10.0.0.1", "", "",
	  "gateway 10.0.0.1 is no address of a machine in 10.0.0.0/31" },
	{ "", "", "fd00::/64", "fd00::", "gateway fd00:: is no address of a machine in fd00::/64" },
};

static void networks_that_cannot_be_are_refused(void **state)
{
	struct nets nets = { .own_ns_fd = -1 };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	nets.peer_fd = fds[0];
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct err e = { .text = "" };
		struct msg m;

		msg_init(&m, WIRE_NET_CREATE);
		msg_put_str(&m, "lab");
		msg_put_u64(&m, 0);
		msg_put_str(&m, refused[i].subnet4);
		msg_put_str(&m, refused[i].gateway4);
		msg_put_str(&m, refused[i].subnet6);
		msg_put_str(&m, refused[i].gateway6);
		msg_put_str(&m, "");
		msg_put_u64(&m, 0);
		m.at = 0;
		if (nets_request(&nets, &m, &e) || msg_receive(fds[1], &m, &e) != 1)
			fail_msg("%s", e.text);
		assert_int_equal(m.type, WIRE_NET_FAILED);
		assert_string_equal(msg_get_str(&m), "lab");
		assert_string_equal(msg_get_str(&m), refused[i].why);
		msg_finish(&m);
	}
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_that_cannot_be_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("nets", tests, NULL, NULL);
}
