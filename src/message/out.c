/* SPDX-License-Identifier: MIT */
/* out - letters gather in packets, and go */
#include "base/auto.h"
#include "base/must.h"
#include "bridge/rights.h"
#include "bridge/sealed.h"
#include "message/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SOCKET_BYTES 212992	/* what is on its way, the kernel's own reckoning; the usual limit */

int mailbox_pair(int ret_ends[2])
{
	const int bytes = SOCKET_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_ends) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ret_ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}

void mailbox_init(struct mailbox *box, int fd, const struct mailbox_ops *ops, void *arg)
{
	*box = (struct mailbox){ .fd = fd, .ops = ops, .arg = arg };
}

void mailbox_finish(struct mailbox *box)
{
	free(box->out);
	free(box->in);
	box->out = box->in = NULL;
	box->fd = -1;
}

/* Return: 0, -EAGAIN and the socket is full, -EPIPE and it is closed to us, or another -errno. */
static int post(struct mailbox *box, const struct iovec *parts, int n_parts, const int fds[], unsigned n_fds)
{
	struct msghdr header = { .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n_parts };
	union rights_buffer rights;

	if (n_fds > 0)
		rights_attach(&header, &rights, fds, n_fds);
	if (sendmsg(box->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN || errno == ENOBUFS)
		box->full = true;
	if (errno == ENOBUFS)
		return -EAGAIN;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

bool mailbox_flush(struct mailbox *box)
{
	struct iovec part = { box->out, box->n_out };

	if (box->n_out > 0 && box->fd >= 0 && !box->full && post(box, &part, 1, NULL, 0) != -EAGAIN)
		box->n_out = 0;		/* what cannot be sent for another reason never will be */
	return box->full && box->fd >= 0;
}

void mailbox_room(struct mailbox *box)
{
	box->full = false;
	(void)mailbox_flush(box);
	if (box->full || !box->owes_room)
		return;
	box->owes_room = false;
	if (box->ops->room)
		box->ops->room(box->arg);
}

void mailbox_flush_last(struct mailbox *box, int ms)
{
	struct pollfd room = { .fd = box->fd, .events = POLLOUT };

	box->full = false;
	if (box->n_out > 0 && mailbox_flush(box) && poll(&room, 1, ms) > 0) {
		box->full = false;
		(void)mailbox_flush(box);
	}
}

static int refuse(struct mailbox *box)
{
	box->owes_room = true;
	return -EAGAIN;
}

static struct envelope envelope_to(struct mailbox *box, enum brood_to to, uint32_t which)
{
	return (struct envelope){
		.kind = PACKET_LETTERS, .n = 1, .to = to, .which = which, .first = box->last + 1,
	};
}

/* ---- a packet of its own ---- */

static int post_alone(struct mailbox *box, struct envelope *e, const void *data, size_t len, int fd)
{
	static const char zeros[8];
	struct letter letter = { len };
	bool large = len > PACKET_LETTER_MAX;
	autoclose int text_fd = large ? sealed_create("brood-message", data, len) : -1;
	struct iovec parts[] = {
		{ e, sizeof(*e) }, { &letter, sizeof(letter) }, { (void *)data, len },
		{ (void *)zeros, letter_span(len) - sizeof(letter) - len },
	};
	int fds[PACKET_FDS_MOST];
	unsigned n_fds = 0;

	if (large && text_fd < 0)
		return text_fd;
	if (large)
		fds[n_fds++] = text_fd;
	if (fd >= 0)
		fds[n_fds++] = fd;
	e->flags = (large ? ENVELOPE_LARGE : 0) | (fd >= 0 ? ENVELOPE_HANDLE : 0);
	return post(box, parts, large ? 2 : 4, fds, n_fds);
}

static int send_alone(struct mailbox *box, enum brood_to to, uint32_t which, const void *data, size_t len, int fd)
{
	struct envelope e = envelope_to(box, to, which);
	int r;

	if (mailbox_flush(box))
		return refuse(box);
	r = post_alone(box, &e, data, len, fd);
	return r == -EAGAIN ? refuse(box) : r;
}

/* ---- one of several ---- */

static struct envelope *gathering(struct mailbox *box)
{
	return (struct envelope *)box->out;
}

static bool fits(struct mailbox *box, enum brood_to to, uint32_t which, size_t len)
{
	const struct envelope *e = gathering(box);

	return e->to == to && e->which == which && box->n_out + letter_span(len) <= PACKET_BATCH_BYTES;
}

static int gather(struct mailbox *box, enum brood_to to, uint32_t which, const void *data, size_t len)
{
	struct letter letter = { len };

	if (!box->out) {
		must(box->n_out == 0);
		box->out = malloc(PACKET_BYTES_MAX);
	}
	if (!box->out)
		return -ENOMEM;
	if (box->n_out > 0 && !fits(box, to, which, len) && mailbox_flush(box))
		return refuse(box);
	if (box->n_out == 0) {
		*gathering(box) = envelope_to(box, to, which);
		gathering(box)->n = 0;
		box->n_out = sizeof(struct envelope);
	}
	gathering(box)->n++;
	memcpy(box->out + box->n_out, &letter, sizeof(letter));
	if (len > 0)
		memcpy(box->out + box->n_out + sizeof(letter), data, len);
	memset(box->out + box->n_out + sizeof(letter) + len, 0, letter_span(len) - sizeof(letter) - len);
	box->n_out += letter_span(len);
	return 0;
}

int64_t mailbox_send(struct mailbox *box, enum brood_to to, uint32_t which, const void *data, size_t len, int fd)
{
	int r;

	if (len > BROOD_MESSAGE_MAX)
		return -EMSGSIZE;
	if ((unsigned)to > BROOD_TO_OTHERS || fd < -1 || (len > 0 && !data))
		return -EINVAL;
	if (box->fd < 0)
		return -EPIPE;
	if (fd >= 0 || len > PACKET_LETTER_MAX)
		r = send_alone(box, to, which, data, len, fd);
	else
		r = gather(box, to, which, data, len);
	if (r < 0)
		return r;
	box->n_sent++;
	return (int64_t)++box->last;
}
