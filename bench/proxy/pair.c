/* SPDX-License-Identifier: MIT */
/*
 * proxy_pair - a client, the worker it was given to, and the two flows between them
 *
 * Nothing is read from the client before the worker answered the handshake, so a worker that refuses costs
 * nothing: the next one is asked. An error on one side becomes a reset of the other, after what had
 * arrived before it.
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned n_pairs;
static unsigned next_worker;
static struct pair *pending;		/* have more to do without an event */
static struct pair *graves;		/* dead, but an event of this turn may still name them */

static void side_close(struct side *side, bool reset)
{
	struct linger at_once = { 1, 0 };

	if (side->fd < 0)
		return;
	if (reset)
		setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(side->fd);
	side->fd = -1;
}

static void pair_end(struct pair *pair, bool reset)
{
	pair->dead = true;
	for (int i = 0; i < 2; i++) {
		side_close(&pair->side[i], reset);
		free(pair->flow[i].held);
		pair->flow[i].held = NULL;
	}
	n_pairs--;
	if (!pair->listed) {
		pair->next = graves;
		graves = pair;
	}
}

/* Begins a connection to the next worker. Return: 0, or -errno when it cannot even begin. */
static int worker_connect(struct pair *pair)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(worker_ports[pair->worker]),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	pair->side[WORKER] = (struct side){ .fd = fd };
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EINPROGRESS)
		return -errno;
	side_watch(pair, WORKER);
	return 0;
}

/* Nothing was read from the client yet, so another worker does as well. */
static void on_refused(struct pair *pair)
{
	do {
		side_close(&pair->side[WORKER], false);
		if (++pair->refusals >= n_workers) {
			pair_end(pair, true);
			return;
		}
		pair->worker = (pair->worker + 1) % n_workers;
	} while (worker_connect(pair) < 0);
}

void pair_begin(int client_fd)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		err(1, "a connection");
	n_pairs++;
	pair->side[CLIENT].fd = client_fd;
	pair->side[WORKER].fd = -1;
	pair->worker = next_worker = (next_worker + 1) % n_workers;
	side_watch(pair, CLIENT);
	if (worker_connect(pair) < 0)
		on_refused(pair);
}

static void pair_list(struct pair *pair)
{
	if (pair->listed)
		return;
	pair->listed = true;
	pair->next = pending;
	pending = pair;
}

/* The worker's flow first: its last words are worth more than a request it will not read. */
static void pair_run(struct pair *pair)
{
	enum verdict down = flow_run(pair, WORKER);
	enum verdict up = flow_run(pair, CLIENT);
	bool goes_on = down == FLOW_GOES_ON || up == FLOW_GOES_ON;

	if (up == FLOW_BROKEN && down != FLOW_BROKEN && !pair->flow[WORKER].ended) {
		pair->side[WORKER].readable = true;
		while (flow_run(pair, WORKER) == FLOW_GOES_ON)
			;
	}
	if (up == FLOW_BROKEN || down == FLOW_BROKEN)
		pair_end(pair, true);
	else if (pair->flow[CLIENT].shut && pair->flow[WORKER].shut)
		pair_end(pair, false);
	else if (goes_on)
		pair_list(pair);
	else if (pair->side[CLIENT].failed)
		pair_end(pair, true);		/* what waits to be passed on waits for nobody */
}

void on_event(struct pair *pair, int i, uint32_t events)
{
	struct side *side = &pair->side[i];

	if (pair->dead)
		return;
	side->readable |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	side->writable |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
	side->ending |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	side->failed |= (events & EPOLLERR) != 0;
	if (pair->connected)
		pair_run(pair);
	else if (i == CLIENT && side->failed)
		pair_end(pair, true);
	else if (i == WORKER && side->failed)
		on_refused(pair);
	else if (i == WORKER && side->writable) {
		pair->connected = true;
		pair_run(pair);
	}
}

bool pairs_pending(void)
{
	return pending != NULL;
}

void pairs_run_pending(void)
{
	struct pair *pair = pending;

	pending = NULL;
	while (pair) {
		struct pair *next = pair->next;

		pair->listed = false;
		if (pair->dead) {
			pair->next = graves;
			graves = pair;
		} else {
			pair_run(pair);
		}
		pair = next;
	}
}

void pairs_bury(void)
{
	while (graves) {
		struct pair *pair = graves;

		graves = pair->next;
		free(pair);
	}
}
