/* SPDX-License-Identifier: MIT */
/*
 * send - what is due on one connection, as far as the pipeline and the socket allow, in one call
 *
 * Whether we were late is asked of us alone: the time from the intended send, or from the moment the
 * connection became free when that is later.
 */
#include "openloop.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define OUT_BYTES 65536
#define LATE_NS 1000000

static char out[OUT_BYTES];

static void note_sent(struct client *client, struct conn *conn, uint64_t at_ns)
{
	struct request *request = &client->schedule.requests[conn->next];
	struct record *record = client->record;
	uint64_t free_ns = request->intended_ns > conn->freed_ns ? request->intended_ns : conn->freed_ns;
	uint64_t off_ns = at_ns > free_ns ? at_ns - free_ns : free_ns - at_ns;

	request->sent_ns = at_ns;
	if (!client_records(client, conn->next))
		return;
	record->sent++;
	record->last_sent_ns = at_ns;
	record->late += at_ns > free_ns + LATE_NS;
	histogram_record(&record->lateness, off_ns);
}

/* Copies requests from the next one on, without what is already sent of it. */
static size_t gather(const struct client *client, const struct conn *conn)
{
	uint64_t end = conn->end < client->due ? conn->end : client->due;
	uint64_t full = conn->first + (uint64_t)client->options->pipeline * client->stride;
	size_t n = 0, skip = conn->out_bytes;

	end = full < end ? full : end;
	for (uint64_t i = conn->next; i < end; i += client->stride) {
		uint32_t path = client->schedule.requests[i].path;

		if (client->texts[path].n > sizeof(out) - n)
			break;
		memcpy(out + n, client->texts[path].bytes + skip, client->texts[path].n - skip);
		n += client->texts[path].n - skip;
		skip = 0;
	}
	return n;
}

static void take_sent(struct client *client, struct conn *conn, size_t n, uint64_t at_ns)
{
	n += conn->out_bytes;
	conn->out_bytes = 0;
	while (n > 0) {
		uint32_t bytes = client->texts[client->schedule.requests[conn->next].path].n;

		if (n < bytes) {
			conn->out_bytes = (uint32_t)n;
			return;
		}
		n -= bytes;
		note_sent(client, conn, at_ns);
		conn->next += client->stride;
	}
}

/* A first send finds out what became of the connect, mostly before epoll could tell. */
static void on_error(struct client *client, struct conn *conn, int error)
{
	if (error == EAGAIN)
		conn->full = true;
	else if (conn->state == CONN_CONNECTING)
		conn_refuse(client, conn);
	else
		conn_lose(client, conn);
}

static void send_gathered(struct client *client, struct conn *conn, size_t n)
{
	uint64_t at_ns = client_clock(client);
	ssize_t r = send(conn->fd, out, n, MSG_NOSIGNAL);

	if (r < 0) {
		on_error(client, conn, errno);
		return;
	}
	conn->state = CONN_OPEN;
	take_sent(client, conn, (size_t)r, at_ns);
	conn->full = (size_t)r < n;
}

void send_due(struct client *client, struct conn *conn)
{
	size_t n;

	if (conn->state == CONN_CLOSED && conn_has_due(client, conn))
		conn_open(client, conn);
	while (conn->state != CONN_CLOSED && !conn->full && (n = gather(client, conn)) > 0)
		send_gathered(client, conn, n);
	conn_note_waiting(client, conn);
}
