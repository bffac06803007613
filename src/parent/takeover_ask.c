/* SPDX-License-Identifier: MIT */
/*
 * takeover_ask - the new parent's first words: what is there, and what of it is for us?
 *
 * The old one has started us, with one end of a socket named in our environment. brood_create() asks what there
 * is, brood_listen() takes an address over instead of binding it. We wait for the answers, briefly, because there
 * are no workers yet.
 *
 * Fails by: an old one that does not answer, or leaves us what we cannot use: one line, and we do not start.
 */
#include "parent/takeover.h"

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "bridge/rights.h"
#include "parent/parent.h"
#include "parent/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 5000
/* Between two looks whether everybody has left. */
#define LOOK_MS 50

/* ---- who has started us ---- */

/* The variable is ours alone: nobody we start is to find it. Return: 1, 0 (there is none), or -EPROTO. */
static int read_variable(int *ret_fd)
{
	const char *value = getenv(TAKEOVER_VARIABLE);
	char *end = NULL;
	long number;

	if (!value)
		return 0;
	number = strtol(value, &end, 10);
	if (end == value || *end || number <= STDERR_FILENO || number > INT_MAX) {
		log_error("cannot take over: " TAKEOVER_VARIABLE " is \"%s\", which is no descriptor", value);
		return -EPROTO;
	}
	unsetenv(TAKEOVER_VARIABLE);
	*ret_fd = (int)number;
	return 1;
}

static int check_peer(int fd, pid_t *ret_pid)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	if ((peer.pid != getppid() && peer.pid != getpid()) || peer.uid != geteuid())
		return -EPERM;
	*ret_pid = peer.pid == getpid() ? 0 : peer.pid;
	return 0;
}

/* ---- questions ---- */

void takeover_discard(const struct testament_message *m)
{
	rights_discard_all(m->fds, m->n_fds);
}

int takeover_ask(struct takeover *t, enum testament_type question, const void *payload, int fd,
		 enum testament_type type, struct testament_message *ret_answer)
{
	struct pollfd at = { .fd = t->fd, .events = POLLIN };
	int r = testament_send(t->fd, question, payload, &fd, fd >= 0);

	if (r < 0)
		return r;
	if (poll(&at, 1, ANSWER_MS) < 1)
		return -ETIMEDOUT;
	r = testament_receive(t->fd, FROM_OLD, ret_answer);
	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	if (t->old_pid == 0)
		t->old_pid = ret_answer->pid;
	if (ret_answer->type == type && ret_answer->pid == t->old_pid && ret_answer->uid == geteuid())
		return 0;
	takeover_discard(ret_answer);
	return -EPROTO;
}

static int ask_for_pool(struct takeover *t)
{
	const struct testament_hello hello = { .least = TESTAMENT_OLDEST, .most = TESTAMENT_VERSION };
	struct testament_message m;
	int r = takeover_ask(t, TESTAMENT_HELLO, &hello, -1, TESTAMENT_POOL, &m);

	if (r < 0)
		return r;
	t->pool = m.pool;
	memcpy(t->socket_fd, m.fds, m.pool.n_addresses * sizeof(int));
	for (unsigned i = 0, next = m.pool.n_addresses; i < m.pool.n_addresses; i++)
		if (m.pool.claims >> i & 1)
			t->claim_fd[i] = m.fds[next++];
	if (m.pool.control)
		t->control_fd = m.fds[m.n_fds - 1];
	return 0;
}

static int refuse(struct takeover *t, const char *reason)
{
	struct testament_failed failed = { .reason = "" };

	snprintf(failed.reason, sizeof(failed.reason), "%s", reason);
	(void)testament_send(t->fd, TESTAMENT_FAILED, &failed, NULL, 0);	/* our end will say as much */
	return -EPROTO;
}

static int check_model(struct takeover *t, const struct config *config)
{
	if (t->pool.model == config->options.model)
		return 0;
	log_error("cannot take over: the pool that runs has another model than %s", config_model_name(config));
	return refuse(t, "another model is asked for; stop the pool and start it anew");
}

/* ---- its life ---- */

/* Return: whether there is one, or one that nobody has waited for. */
static bool has_child(void)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0) {
		if (info.si_pid == 0)
			return true;
		info.si_pid = 0;
	}
	return false;
}

/* The workers of an interim pool that has died are ours, as process 1; they drain, and hold its addresses. */
static void await_orphans(const struct config *config)
{
	uint64_t until_ms = clock_ms() + config->options.drain_timeout_ms;

	while (has_child() && clock_ms() < until_ms)
		(void)poll(NULL, 0, LOOK_MS);
}

int takeover_create(const struct config *config, struct takeover **ret_takeover)
{
	struct takeover *t;
	int fd, r = read_variable(&fd);

	if (r <= 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->fd = fd;
	t->control_fd = -1;
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		t->socket_fd[i] = t->claim_fd[i] = t->index[i] = -1;
	r = check_peer(fd, &t->old_pid);
	t->back = r == 0 && t->old_pid == 0;
	if (r == 0)
		r = ask_for_pool(t);
	if (r == -EPIPE && t->back) {
		log_warn("upgrade: the interim pool has died; starting anew");
		takeover_destroy(t);
		await_orphans(config);
		return 0;
	}
	if (r < 0)
		log_error("cannot take over by descriptor %d of " TAKEOVER_VARIABLE ": %s", fd, strerror(-r));
	else
		r = check_model(t, config);
	if (r < 0) {
		takeover_destroy(t);
		return -EPROTO;
	}
	*ret_takeover = t;
	return 0;
}

static void close_each(int fds[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void takeover_close_sockets(struct takeover *t)
{
	close_each(t->socket_fd, LISTENERS_MAX);
	close_each(t->claim_fd, LISTENERS_MAX);
	close_each(&t->control_fd, 1);
}

void takeover_destroy(struct takeover *t)
{
	if (!t)
		return;
	takeover_close_sockets(t);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

/* ---- what it leaves ---- */

/* As it was asked for, or, when that was left to the kernel, as it has become. */
static bool is_same(const struct testament_address *theirs, const struct testament_address *ours)
{
	return theirs->family == ours->family && (theirs->lent & 2) == (ours->lent & 2) &&
	       memcmp(theirs->ip, ours->ip, sizeof(ours->ip)) == 0 &&
	       (theirs->asked_port == ours->asked_port || theirs->port == ours->asked_port);
}

/* Of a UNIX socket the testament has a hash alone. */
static bool is_at(int fd, const struct address *wanted)
{
	struct address bound = { .len = sizeof(bound.un) };

	return !address_is_unix(wanted) ||
	       (getsockname(fd, &bound.any, &bound.len) == 0 && address_overlaps(&bound, wanted));
}

bool takeover_address(struct takeover *t, struct config *config, unsigned index,
		      struct reservation *ret_reservation)
{
	const struct testament_address ours = testament_address(config, index);

	for (unsigned i = 0; i < t->pool.n_addresses; i++) {
		if (t->socket_fd[i] < 0 || !is_same(&t->pool.addresses[i], &ours) ||
		    !is_at(t->socket_fd[i], &config->listen[index]))
			continue;
		address_set_port(&config->listen[index], t->pool.addresses[i].port);
		config->lent |= t->pool.addresses[i].lent & 1 ? 1u << index : 0;
		*ret_reservation = (struct reservation){ .fd = t->socket_fd[i], .claim_fd = t->claim_fd[i] };
		t->socket_fd[i] = t->claim_fd[i] = -1;
		t->index[i] = (int)index;
		return true;
	}
	return false;
}

int takeover_state(struct takeover *t, int ret_fds[2])
{
	const struct testament_state question = { .n_fds = 0 };
	struct testament_message m;
	int r;

	if (t->pool.version < 2)
		return -ENOENT;
	r = takeover_ask(t, TESTAMENT_STATE, &question, -1, TESTAMENT_MEMORY, &m);
	if (r < 0 || m.n_fds == 0)
		return r < 0 ? r : -ENOENT;
	ret_fds[0] = m.fds[0];
	ret_fds[1] = m.fds[1];
	return 0;
}
