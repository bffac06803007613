/* SPDX-License-Identifier: MIT */
/*
 * receive - what came on one connection, answer by answer
 *
 * An answer is complete when the kernel took its last byte in from the network, however late we read it; of
 * several read at once on one connection that is the time of the last. What is left of a head or line is
 * held by the connection and put in front of the next receive.
 */
#include "openloop.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define IN_BYTES (256u << 10)

static char in[HELD_BYTES + IN_BYTES];

static void count_worker(struct client *client, struct conn *conn)
{
	struct workers *workers = &client->record->workers;
	struct worker *worker;

	if (conn->response.pid == 0) {
		workers->unnamed++;
		return;
	}
	worker = workers_find(workers, conn->response.pid);
	worker->requests++;
	worker->connections += !conn->counted;
	conn->counted = true;
}

static void record_answer(struct client *client, struct conn *conn, uint64_t at_ns)
{
	const struct request *request = &client->schedule.requests[conn->first];
	struct record *record = client->record;
	uint64_t began_ns = request->intended_ns < request->sent_ns ? request->intended_ns : request->sent_ns;
	uint64_t latency_ns = at_ns - began_ns;

	record->answered++;
	record->statuses[conn->response.status]++;
	histogram_record(&record->latency, latency_ns);
	histogram_record(&record->paths[request->path], latency_ns);
	histogram_record(&record->service, at_ns - request->sent_ns);
	if (client->options->by_worker)
		count_worker(client, conn);
}

/* The server read none of what came behind: it is sent again, on the next connection. */
static void requeue(struct client *client, struct conn *conn)
{
	for (uint64_t i = conn->first; i < conn->next; i += client->stride) {
		client->record->sent -= client_records(client, i);
		client->record->requeued += client_records(client, i);
	}
	conn->next = conn->first;
}

static void on_answer(struct client *client, struct conn *conn, uint64_t arrived_ns)
{
	uint64_t sent_ns = client->schedule.requests[conn->first].sent_ns;
	uint64_t at_ns = arrived_ns > sent_ns ? arrived_ns : sent_ns;
	bool close = conn->response.close || client->options->close;

	if (conn_outstanding(client, conn) >= client->options->pipeline)
		conn->freed_ns = at_ns;
	if (client_records(client, conn->first))
		record_answer(client, conn, at_ns);
	client->resolved++;
	conn->first += client->stride;
	conn->response = (struct response){ .wants_pid = client->options->by_worker };
	if (close) {
		requeue(client, conn);
		conn_close(client, conn);
	} else if (conn_has_due(client, conn)) {
		conn_list(client, conn);
	}
}

static void on_broken(struct client *client, struct conn *conn)
{
	if (conn->first < conn->next) {
		conn_count_failed(client, conn->first, &client->record->broken);
		conn->first += client->stride;
	} else {
		client->record->stray++;
	}
	conn_lose(client, conn);
}

/* Return: whether the connection is still there. */
static bool read_answers(struct client *client, struct conn *conn, size_t n, uint64_t at_ns)
{
	size_t at = 0, taken;
	enum verdict verdict;

	while (at < n) {
		if (conn->first == conn->next) {
			on_broken(client, conn);
			return false;
		}
		verdict = response_feed(&conn->response, in + at, n - at, &taken);
		at += taken;
		if (verdict == RESPONSE_MORE)
			break;
		if (verdict == RESPONSE_DONE)
			on_answer(client, conn, at_ns);
		else
			on_broken(client, conn);
		if (conn->state == CONN_CLOSED)
			return false;
	}
	if (n - at > HELD_BYTES) {
		on_broken(client, conn);
		return false;
	}
	conn->n_held = (uint32_t)(n - at);
	memcpy(conn->held, in + at, conn->n_held);
	return true;
}

static void on_end(struct client *client, struct conn *conn, ssize_t r)
{
	if (r == 0 && conn->first < conn->next && response_ends_with_stream(&conn->response)) {
		on_answer(client, conn, client->now_ns);
		return;
	}
	client->record->closed_idle += conn->first == conn->next;
	conn_lose(client, conn);
}

/* When the last byte came in; the present when the kernel did not note it, or its clock was set. */
static uint64_t find_arrival_ns(const struct client *client, struct msghdr *message)
{
	uint64_t at_ns = client->now_ns;
	struct timespec t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		at_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec - client->epoch_ns;
	}
	return at_ns < client->now_ns ? at_ns : client->now_ns;
}

void receive_answers(struct client *client, struct conn *conn, size_t most, bool to_end)
{
	_Alignas(struct cmsghdr) char control[128];
	struct iovec piece = { .iov_len = most && most < IN_BYTES ? most : IN_BYTES };
	struct msghdr message;
	ssize_t r;

	do {
		message = (struct msghdr){ .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
					   .msg_controllen = sizeof(control) };
		memcpy(in, conn->held, conn->n_held);
		piece.iov_base = in + conn->n_held;
		r = recvmsg(conn->fd, &message, 0);
		if (r < 0 && errno == EAGAIN)
			return;
		client->now_ns = client_clock(client);
		if (r <= 0) {
			on_end(client, conn, r);
			return;
		}
		if (!read_answers(client, conn, conn->n_held + (size_t)r, find_arrival_ns(client, &message)))
			return;
	} while (to_end || (!most && (size_t)r == piece.iov_len));
}
