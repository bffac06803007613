/* SPDX-License-Identifier: MIT */
/*
 * hear - the socket that the program reports to (NOTIFY_SOCKET), and what its reports mean to us
 *
 * Its name is abstract and chosen by the kernel, so there is no file to be made, found or left behind; and because
 * anybody may send there, the kernel is asked who did. Believed is what the program has started, and any process of
 * its user, who could as well trace it.
 */
#include "guest/room.h"

#include "base/log.h"
#include "bridge/rights.h"
#include "guest/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NOTICES_A_TURN	16
#define STATUS_MS	1000	/* between two that are told */
#define STORE_MESSAGES	256	/* in the life of a program */

int hear_open(struct keeper *k)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(name);
	const int on = 1;

	k->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->notify_fd < 0 || setsockopt(k->notify_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(k->notify_fd, (const struct sockaddr *)&name, sizeof(sa_family_t)) < 0 ||
	    getsockname(k->notify_fd, (struct sockaddr *)&name, &len) < 0)
		return -errno;
	snprintf(k->notify_name, sizeof(k->notify_name), "@%.*s",
		 (int)(len - offsetof(struct sockaddr_un, sun_path) - 1), name.sun_path + 1);
	return 0;
}

static void refuse(struct keeper *k, const char *what)
{
	if (k->n_refused++ == 0)
		log_warn("worker %u (program %d): %s; this is said once", k->heritage->slot, (int)k->pid, what);
}

static void tell_status(struct keeper *k, const struct notice *notice)
{
	if (!notice->has_status || (k->status_ms && k->now_ms < k->status_ms + STATUS_MS))
		return;
	k->status_ms = k->now_ms;
	log_info("worker %u (program %d): status: %s", k->heritage->slot, (int)k->pid, notice->status);
}

static void set_main_pid(struct keeper *k, pid_t pid)
{
	if (pid == 0 || pid == k->pid)
		return;
	if (family_has(pid))
		k->pid = pid;
	else
		refuse(k, "its MAINPID is no process of the program");
}

/* The parent hears only so much of one worker. */
static bool may_store(struct keeper *k)
{
	if (k->n_store_messages < STORE_MESSAGES)
		k->n_store_messages++;
	else
		refuse(k, "stores descriptors without end");
	return k->n_store_messages < STORE_MESSAGES;
}

static void store(struct keeper *k, const struct notice *notice, const int fds[], unsigned n)
{
	struct store_msg message;

	memcpy(message.name, notice->name, sizeof(message.name));
	for (unsigned i = 0; notice->store && i < n; i++)
		if (may_store(k))
			keeper_tell(k, CHANNEL_STORE, &message, fds[i]);
	if (notice->forget && may_store(k))
		keeper_tell(k, CHANNEL_FORGET, &message, -1);
}

static void act_on(struct keeper *k, const struct notice *notice, const int fds[], unsigned n_fds)
{
	store(k, notice, fds, n_fds);
	set_main_pid(k, notice->main_pid);
	if (notice->ready)
		keeper_say_ready(k);
	if (notice->stopping)
		keeper_retire(k, "STOPPING=1");
	if (notice->watchdog)
		k->ping_ms = k->now_ms;
	if (notice->trigger)
		k->ping_ms = 1;
	if (notice->reloading)
		log_debug("worker %u (program %d): reloads by itself", k->heritage->slot, (int)k->pid);
	tell_status(k, notice);
}

static bool is_from_program(struct msghdr *header)
{
	bool is = false;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		struct ucred who;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&who, CMSG_DATA(c), sizeof(who));
		is = who.uid == geteuid() || who.uid == 0 || family_has(who.pid);
	}
	return is;
}

/* Return: whether there may be more. */
static bool hear_one(struct keeper *k)
{
	char text[NOTICE_MOST];
	char control[CMSG_SPACE(sizeof(int) * RIGHTS_MOST) + CMSG_SPACE(sizeof(struct ucred))]
		__attribute__((aligned(sizeof(struct cmsghdr))));
	struct iovec part = { text, sizeof(text) };
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(k->notify_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fds[RIGHTS_MOST];
	struct notice notice;
	unsigned n_fds;

	if (n < 0)
		return false;
	n_fds = rights_take(&header, fds);
	if (!is_from_program(&header))
		refuse(k, "somebody else reports to its NOTIFY_SOCKET");
	else if ((header.msg_flags & MSG_TRUNC) || !notify_parse(text, (size_t)n, &notice))
		refuse(k, "reports to its NOTIFY_SOCKET what sd_notify(3) does not know");
	else
		act_on(k, &notice, fds, n_fds);
	rights_discard_all(fds, n_fds);	/* of a barrier, for one, which waits for that */
	return true;
}

void hear(struct keeper *k)
{
	for (int i = 0; i < NOTICES_A_TURN; i++)
		if (!hear_one(k))
			break;
}
