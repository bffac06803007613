/* SPDX-License-Identifier: MIT */
/*
 * takeover - the new parent's side of an upgrade: ask the old one, serve beside it, be told that it leaves
 *
 * The old one has started us, with one end of a socket named in our environment. brood_create() asks what there
 * is, brood_listen() takes an address over instead of binding it, and the slots begin with the listeners of
 * the old one's. An address that nobody asks for stays with the old one, which drains it as its last holder.
 *
 * At the start, before there are workers, we wait for answers, briefly; afterwards never.
 *
 * Fails by: an old one that does not answer, or leaves us what we cannot use: one line, and we do not start. An
 * old one that dies meanwhile has left us all it has given.
 */
#include "parent/takeover.h"

#include "base/address.h"
#include "base/log.h"
#include "bridge/rights.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/inplace.h"
#include "parent/intake.h"
#include "parent/loop.h"
#include "parent/parent.h"
#include "parent/program.h"
#include "parent/rollout.h"
#include "parent/scale.h"
#include "parent/stop.h"
#include "parent/tally.h"
#include "parent/testament.h"
#include "parent/transfer.h"
#include "parent/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ANSWER_MS 5000

struct takeover {
	int			fd;		/* -1 = it is over */
	pid_t			old_pid;	/* 0 = not known yet: we are back, and it is our child */
	bool			back;		/* we were process 1 before, and have started the old one */
	struct testament_pool	pool;
	int			socket_fd[LISTENERS_MAX];	/* of the pool's addresses;
								 * -1 = given to brood_listen() */
	int			claim_fd[LISTENERS_MAX];	/* likewise */
	int			control_fd;			/* -1 = there was none, or it is taken */
	int			index[LISTENERS_MAX];		/* of ours, for each of the pool's;
								 * -1 = not taken */
};

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

static void discard(const struct testament_message *m)
{
	rights_discard_all(m->fds, m->n_fds);
}

/* @fd goes with the question; -1 = none does. Return: 0 and the old one's answer of @type, or -errno. */
static int ask(struct takeover *t, enum testament_type question, const void *payload, int fd,
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
	discard(ret_answer);
	return -EPROTO;
}

static int ask_for_pool(struct takeover *t)
{
	const struct testament_hello hello = { .least = TESTAMENT_OLDEST, .most = TESTAMENT_VERSION };
	struct testament_message m;
	int r = ask(t, TESTAMENT_HELLO, &hello, -1, TESTAMENT_POOL, &m);

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

static void close_sockets(struct takeover *t)
{
	close_each(t->socket_fd, LISTENERS_MAX);
	close_each(t->claim_fd, LISTENERS_MAX);
	close_each(&t->control_fd, 1);
}

void takeover_destroy(struct takeover *t)
{
	if (!t)
		return;
	close_sockets(t);
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
	r = ask(t, TESTAMENT_STATE, &question, -1, TESTAMENT_MEMORY, &m);
	if (r < 0 || m.n_fds == 0)
		return r < 0 ? r : -ENOENT;
	ret_fds[0] = m.fds[0];
	ret_fds[1] = m.fds[1];
	return 0;
}

int takeover_control(struct crew *crew)
{
	struct takeover *t = crew->takeover;
	int fd = t ? t->control_fd : -1;

	if (t)
		t->control_fd = -1;
	return fd;
}

/* The listeners of a slot; those of addresses we do not serve are closed. */
static int inherit_listeners(struct crew *crew, struct slot *slot, const struct testament_message *m)
{
	const struct takeover *t = crew->takeover;
	unsigned next = 0;
	int r = 0;

	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		int fd = m->slot.listeners >> i & 1 ? m->fds[next++] : -1;
		int taken = fd >= 0 && t->index[i] >= 0 && r == 0;

		if (taken)
			r = custody_inherit(crew, slot, (uint32_t)t->index[i], fd, m->slot.places[i]);
		if (fd >= 0 && (!taken || r < 0))
			close(fd);
	}
	return r;
}

static int inherit_slot(struct crew *crew, struct slot *slot)
{
	const struct testament_take take = { .slot = slot->index };
	struct testament_message m;
	int r = crew->config->guest ? 0 : transfer_open(slot);

	if (r < 0)
		return r;
	r = ask(crew->takeover, TESTAMENT_TAKE, &take, slot->give_fd, TESTAMENT_SLOT, &m);
	if (r < 0)
		return r;
	if (m.slot.slot != slot->index) {
		discard(&m);
		return -EPROTO;
	}
	slot->n_born = m.slot.n_born;
	return inherit_listeners(crew, slot, &m);
}

/* As many as it was told, but where that is nothing new, as many as the old one had been scaled to. */
static unsigned n_workers(const struct crew *crew)
{
	const struct testament_pool *pool = &crew->takeover->pool;
	unsigned n_told = crew->config->options.workers;

	return pool->n_told == n_told ? pool->n_slots : n_told;
}

/* At first one for each of the old one's, so that every queue has a reader. */
static int make_slots(struct crew *crew)
{
	unsigned n = crew->takeover->pool.n_slots;

	crew->n_wanted = n_workers(crew) > n ? n_workers(crew) : n;
	crew_resize(crew, crew->n_wanted);
	return intake_resize(crew);
}

void takeover_scale(struct crew *crew)
{
	if (crew->takeover)
		(void)scale_to(crew, n_workers(crew));	/* refused only to a pool that stops */
}

static uint32_t our_addresses(const struct takeover *t)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		mask |= t->index[i] >= 0 ? 1u << t->index[i] : 0;
	return mask;
}

static uint32_t their_addresses(const struct takeover *t)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		mask |= t->index[i] >= 0 ? 1u << i : 0;
	return mask;
}

int takeover_begin(struct crew *crew)
{
	struct takeover *t = crew->takeover;
	unsigned n = 0;
	int r = 0;

	if (!t)
		return 0;
	close_sockets(t);	/* those nobody has asked for: the old one is to be their last holder */
	r = make_slots(crew);
	for (; n < t->pool.n_slots && r == 0; n += r == 0)
		r = inherit_slot(crew, &crew->slots[n]);
	crew->steer_blind = r == -EPIPE;	/* one that has died leaves what it has given until now */
	if (r == 0 && !custody_has_whole_groups(crew))
		r = -EPROTO;
	if (r < 0 && !crew->steer_blind)
		return r;
	intake_share(crew, our_addresses(t), n);
	if (t->back)
		inplace_resume(crew, t->old_pid, t->fd);
	return loop_watch(crew, t->fd, EPOLLIN, tag_make(SOURCE_TAKEOVER, 0, 0));
}

/* ---- the end ---- */

bool takeover_under_way(const struct crew *crew)
{
	return crew->takeover && crew->takeover->fd >= 0;
}

pid_t takeover_from(const struct crew *crew)
{
	return crew->takeover ? crew->takeover->old_pid : 0;
}

static void finish(struct crew *crew, const char *how, bool comes_back)
{
	struct takeover *t = crew->takeover;
	int fd = t->fd;

	loop_unwatch(crew, fd);
	t->fd = -1;
	inplace_end(crew);
	if (comes_back)
		upgrade_await(crew, t->old_pid, fd);
	else
		close(fd);
	intake_share(crew, 0, 0);
	intake_release(crew);
	for (unsigned i = 0; i < crew->config->n_listeners; i++)
		if (crew->claim_fd[i] >= 0)
			claim_adopt(crew->claim_fd[i]);
	if (control_is_lent(crew))
		control_own(crew);
	tally_come(crew);
	crew->steer_due = true;		/* what the old one had attached is still there */
	log_info("taken over from pid %d%s", (int)t->old_pid, how);
	if (crew->was_ready && !crew->stopping)
		rollout_announce(crew);
}

void takeover_ready(struct crew *crew)
{
	const struct takeover *t = crew->takeover;
	const struct testament_ready ready = { .addresses = their_addresses(t), .control = control_is_lent(crew) };

	if (testament_send(t->fd, TESTAMENT_READY, &ready, NULL, 0) < 0)
		finish(crew, ", which has died", false);
}

void on_takeover(struct crew *crew)
{
	struct testament_message m;
	int r = takeover_under_way(crew) ? testament_receive(crew->takeover->fd, FROM_OLD, &m) : 0;

	if (r == 0)
		return;
	if (r > 0 && m.type == TESTAMENT_GO && m.pid == crew->takeover->old_pid && crew->was_ready) {
		finish(crew, "", m.go.comes_back);
	} else if (r == -EPIPE) {
		finish(crew, ", which has died", false);
	} else {
		log_error("cannot take over: pid %d sent what it may not", (int)crew->takeover->old_pid);
		stop_begin(crew, BROOD_EXIT_NOT_STARTED, 0);
		if (r > 0)
			discard(&m);
	}
}
