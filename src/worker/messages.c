/* SPDX-License-Identifier: MIT */
/* messages - our end of the channel; its end is the parent's death, upon which we drain and go */
#include "worker/room.h"

#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define FULL_MS 1000	/* the parent reads all the time; one that does not for this long is no parent */

void message_send(struct worker *w, enum channel_type type, const void *payload, int fd)
{
	struct pollfd room = { .fd = w->heritage->channel_fd, .events = POLLOUT };
	int r = channel_send(w->heritage->channel_fd, type, payload, fd);

	if (r == -EAGAIN && poll(&room, 1, FULL_MS) > 0)
		r = channel_send(w->heritage->channel_fd, type, payload, fd);
	if (r < 0 && r != -EPIPE)	/* a parent that is gone is noticed by reading */
		log_warn("worker %u (pid %d): cannot tell the parent %s: %s", w->heritage->slot,
			 (int)getpid(), channel_type_name(type), strerror(-r));
}

static void take_log(struct worker *w, const struct message *message)
{
	if (message->log.access)
		access_replace(w, message->fd);
	else
		(void)log_replace(message->fd);
	close(message->fd);
	if (message->log.last)
		message_send(w, CHANNEL_REOPENED, NULL, -1);
}

static void on_message(struct worker *w, const struct message *message)
{
	switch (message->type) {
	case CHANNEL_ACCEPT:
		listeners_poll(w);
		break;
	case CHANNEL_DRAIN:
		drain_begin(w, message->drain.timeout_ms, message->drain.last);
		break;
	case CHANNEL_SHARED:
		w->shared = message->shared.addresses;
		break;
	case CHANNEL_LOOK:
		listeners_wake(w);
		break;
	case CHANNEL_LEND:
		listener_borrow(w, message->fd, message->lend.slot, message->lend.index);
		break;
	case CHANNEL_RETURN:
		listener_return(w, message->lend.slot, message->lend.index);
		break;
	case CHANNEL_SHED:
		shed_some(w, message->fd, message->shed.n);
		break;
	case CHANNEL_HEIR:
		shed_name_heir(w, message->fd);
		break;
	case CHANNEL_LOG:
		take_log(w, message);
		break;
	default:	/* ACK: the replacement is on its way; we go on until DRAIN */
		break;
	}
}

void messages_on_readable(struct worker *w)
{
	struct message message;
	int r;

	while ((r = channel_receive(w->heritage->channel_fd, FROM_PARENT, &message)) > 0 || r == -EMFILE)
		if (r > 0)
			on_message(w, &message);
		else
			log_warn("worker %u (pid %d): no descriptor for a listener lent to it", w->heritage->slot,
				 (int)getpid());
	if (r < 0 && !w->drain.on) {
		log_warn("worker %u (pid %d): the parent is gone (%s); draining, then leaving",
			 w->heritage->slot, (int)getpid(), strerror(-r));
		drain_orphaned(w);
	}
}
