/* SPDX-License-Identifier: MIT */
/* Whoever may not attach a socket filter still refuses new handshakes, and loses nothing of one begun. */
#include "check.h"

#include "base/address.h"
#include "base/handshakes.h"

#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOBODY 65534

static int make_client(const struct address *address)
{
	return socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static void set_deaf(int fd, bool deaf)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &drop };

	check_equal(setsockopt(fd, SOL_SOCKET, deaf ? SO_ATTACH_FILTER : SO_DETACH_FILTER, &program, sizeof(program)), 0);
}

static bool becomes(int fd, short events, int ms)
{
	struct pollfd p = { fd, events, 0 };

	return poll(&p, 1, ms) == 1 && (p.revents & events);
}

static int accept_one(int listen_fd)
{
	int fd;

	check(becomes(listen_fd, POLLIN, 5000));
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	check(fd >= 0);
	handshakes_admit(fd);
	return fd;
}

static void play(const char *where)
{
	struct address address;
	char byte;
	int listen_fd, queued, begun, late, fd;

	check_equal(address_parse(where, &address), 0);
	listen_fd = address_bind(&address, false);
	if (listen_fd < 0)
		return;		/* no IPv6 here */
	check_equal(listen(listen_fd, 16), 0);
	check_equal(getsockname(listen_fd, &address.any, &address.len), 0);
	queued = make_client(&address);
	begun = make_client(&address);
	late = make_client(&address);
	set_deaf(begun, true);
	(void)connect(queued, &address.any, address.len);
	(void)connect(begun, &address.any, address.len);
	usleep(20000);

	check_equal(seteuid(NOBODY), 0);
	handshakes_refuse(listen_fd);
	check_equal(seteuid(0), 0);
	set_deaf(begun, false);
	(void)connect(late, &address.any, address.len);
	check(!becomes(late, POLLOUT, 300));

	check(becomes(begun, POLLOUT, 5000));	/* what it was deaf to comes again */
	check_equal(write(queued, "q", 1), 1);
	check_equal(write(begun, "b", 1), 1);
	for (const char *expected = "qb"; *expected; expected++) {
		fd = accept_one(listen_fd);
		check(becomes(fd, POLLIN, 5000));
		check_equal(read(fd, &byte, 1), 1);
		check_equal(byte, *expected);
		close(fd);
	}
	check(!becomes(late, POLLOUT, 0) && !becomes(listen_fd, POLLIN, 0));
	close(queued);
	close(begun);
	close(late);
	close(listen_fd);
}

int main(void)
{
	if (geteuid() != 0)
		skip("needs root, to be somebody else");
	play("127.0.0.1:0");
	play("[::1]:0");
	return 0;
}
