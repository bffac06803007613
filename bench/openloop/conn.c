/* SPDX-License-Identifier: MIT */
/*
 * conn - from connect() to close(), and what becomes of its requests when it goes away
 *
 * A connection is opened by the first request that needs it, and again by the next one after it ended.
 * A failed connect costs the one request that asked for it; an end out of turn costs all that were
 * outstanding.
 */
#include "openloop.h"

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOW_RECEIVE_BYTES 4096		/* so that a slow reader is felt at the other end */

void conn_list(struct client *client, struct conn *conn)
{
	if (conn->listed)
		return;
	conn->listed = true;
	client->listed[client->n_listed++] = conn;
}

void conn_count_failed(struct client *client, uint64_t i, uint64_t *counter)
{
	client->resolved++;
	if (client_records(client, i))
		++*counter;
	else
		client->record->warm_up_failed++;
}

void conn_note_waiting(struct client *client, struct conn *conn)
{
	bool waiting = conn_has_due(client, conn);

	client->n_waiting += waiting;
	client->n_waiting -= conn->waiting;
	conn->waiting = waiting;
}

static void set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		err(1, "socket option %d", option);
}

int conn_socket(const struct options *o)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);	/* bbr would pace every small request */
	if (o->pipeline > 1)
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (o->slow_read)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, SLOW_RECEIVE_BYTES);
	return fd;
}

void conn_open(struct client *client, struct conn *conn)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(client->options->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = conn };

	conn->fd = conn_socket(client->options);
	conn->state = CONN_CONNECTING;
	conn->full = false;
	conn->counted = false;
	client->record->opened++;
	if (connect(conn->fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EINPROGRESS)
		conn_refuse(client, conn);
	else if (epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) < 0)
		err(1, "epoll_ctl");
}

void conn_close(struct client *client, struct conn *conn)
{
	close(conn->fd);
	conn->fd = -1;
	conn->state = CONN_CLOSED;
	conn->out_bytes = 0;
	conn->n_held = 0;
	conn->response = (struct response){ .wants_pid = client->options->by_worker };
	conn->freed_ns = client->now_ns;
	conn_note_waiting(client, conn);
	if (client->options->close)
		client->free[client->n_free++] = conn;
	else if (conn_has_due(client, conn))
		conn_list(client, conn);
}

/* A request of which a part was sent counts as sent. */
static void take_begun(struct client *client, struct conn *conn)
{
	if (conn->out_bytes == 0)
		return;
	client->schedule.requests[conn->next].sent_ns = client->now_ns;
	client->record->sent += client_records(client, conn->next);
	conn->next += client->stride;
}

/* The stream ended, or has to: what was outstanding gets no answer. */
void conn_lose(struct client *client, struct conn *conn)
{
	take_begun(client, conn);
	if (client->options->close)
		conn->next = conn->end;		/* it may have ended before its request could leave */
	for (; conn->first < conn->next; conn->first += client->stride)
		conn_count_failed(client, conn->first, &client->record->reset);
	conn_close(client, conn);
}

/* It never came to be. */
void conn_refuse(struct client *client, struct conn *conn)
{
	if (conn_has_due(client, conn)) {
		conn_count_failed(client, conn->next, &client->record->refused);
		conn->next += client->stride;
		conn->first = conn->next;
	}
	conn_close(client, conn);
}
