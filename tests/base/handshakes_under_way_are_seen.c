/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "base/address.h"
#include "base/handshakes.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_on(struct address *address)
{
	int fd = address_bind(address, false);

	check(fd >= 0);
	check_equal(listen(fd, 16), 0);
	check_equal(getsockname(fd, &address->any, &address->len), 0);
	return fd;
}

static int listen_somewhere(struct address *ret_address)
{
	check_equal(address_parse("127.0.0.1:0", ret_address), 0);
	return listen_on(ret_address);
}

static int pending(uint16_t port)
{
	struct handshake_list list = { .n = 0 };

	check_equal(handshakes_list(port, &list), 0);
	return (int)list.n;
}

/* Deaf to what the listener answers, so that the handshake stays under way. */
static int begin_to_connect(const struct address *address)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &drop };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	check(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
	(void)connect(fd, &address->any, address->len);
	return fd;
}

int main(void)
{
	struct handshakes wait = { 0 };
	struct address address;
	int listen_fd = listen_somewhere(&address);
	uint16_t port = address_port(&address);
	int clients[4], later;

	check_equal(pending(port), 0);
	for (int i = 0; i < 4; i++)
		clients[i] = begin_to_connect(&address);
	usleep(50000);
	check_equal(pending(port), 4);
	check_equal(pending((uint16_t)(port ^ 1)), 0);

	handshakes_begin(&wait, 1000, 2000);
	check_equal(wait.look_ms, 1020);
	check(!handshakes_over(&wait, &port, 1, 1020));
	check_equal(wait.look_ms, 1040);
	later = begin_to_connect(&address);
	check(!handshakes_over(&wait, &port, 1, 1040));
	check(handshakes_over(&wait, &port, 1, 2000));	/* bounded */

	handshakes_begin(&wait, 1000, 1000000);
	check(!handshakes_over(&wait, &port, 1, 1020));
	for (int i = 0; i < 4; i++)
		close(clients[i]);
	close(later);
	close(listen_fd);		/* ends those, when the kernel next looks at them */
	listen_fd = listen_on(&address);
	while (pending(port) > 0)
		usleep(50000);
	later = begin_to_connect(&address);
	usleep(50000);
	check_equal(pending(port), 1);
	check(handshakes_over(&wait, &port, 1, 1040));	/* that one is not ours to wait for */
	close(later);
	close(listen_fd);
	return 0;
}
