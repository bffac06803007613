/* SPDX-License-Identifier: MIT */
/*
 * sockets - what the program is to accept from, inherited or our own
 *
 * What we bind the parent listens on, and says ACCEPT. A new socket is made blocking, as systemd passes them; one
 * that was somebody's before stays as that one has it, who may still accept from it. With --non-blocking none waits:
 * a program that only asks where it was told of a connection, and finds that another one has it, would wait in accept(2)
 * for the next, deaf to all else.
 */
#include "guest/room.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static bool listens(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value;
}

int sockets_open(struct keeper *k, char *why, size_t size)
{
	for (unsigned i = 0; i < k->config->n_listeners; i++) {
		struct listener_msg message = { .index = i };
		char text[ADDRESS_TEXT_BYTES];

		k->listen_fd[i] = k->heritage->listen_fd[i];
		if (k->listen_fd[i] >= 0) {
			if (k->config->options.non_blocking)
				(void)fcntl(k->listen_fd[i], F_SETFL, O_NONBLOCK);
			continue;
		}
		k->listen_fd[i] = address_bind(&k->config->listen[i], true);
		if (k->listen_fd[i] < 0) {
			address_format(&k->config->listen[i], text);
			snprintf(why, size, "cannot listen on %s: %s", text, strerror(-k->listen_fd[i]));
			return -1;
		}
		(void)fcntl(k->listen_fd[i], F_SETFL, k->config->options.non_blocking ? O_NONBLOCK : 0);
		keeper_tell(k, CHANNEL_LISTENER, &message, k->listen_fd[i]);
	}
	return 0;
}

bool sockets_listen(const struct keeper *k)
{
	for (unsigned i = 0; i < k->config->n_listeners; i++)
		if (!listens(k->listen_fd[i]))
			return false;
	return true;
}
