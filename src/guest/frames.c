/* SPDX-License-Identifier: MIT */
/*
 * frames - what goes over BROOD_CHANNEL_FD: a length of four bytes, the highest first, and so many bytes of JSON
 *
 * A descriptor rides on the first byte of its frame, which says "handle": true; so they are told apart by their
 * order.
 *
 * Fails by: -EPIPE at its end, -EPROTO for what is no frame.
 */
#include "guest/room.h"

#include "bridge/rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECE_BYTES 65536

static int make_room(struct frames *f, size_t n)
{
	char *more;

	if (f->n_in + n <= f->in_room)
		return 0;
	more = realloc(f->in, f->n_in + n);
	if (!more)
		return -ENOMEM;
	f->in = more;
	f->in_room = f->n_in + n;
	return 0;
}

static void keep_fds(struct frames *f, const int fds[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (f->n_fds < FRAMES_FDS_MOST)
			f->fds[f->n_fds++] = fds[i];
		else
			rights_discard(fds[i]);
}

int frames_receive(struct frames *f)
{
	union rights_buffer rights;
	int fds[RIGHTS_MOST], r = make_room(f, PIECE_BYTES);
	struct iovec part = { f->in + f->n_in, PIECE_BYTES };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	if (r < 0)
		return r;
	rights_expect(&header, &rights);
	n = rights_receive(f->fd, &header);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	keep_fds(f, fds, rights_take(&header, fds));
	f->n_in += (size_t)n;
	return n == 0 ? -EPIPE : 1;
}

static size_t length_at(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

int frames_next(struct frames *f, const char **ret_text, size_t *ret_len)
{
	size_t len;

	if (f->n_in < 4)
		return 0;
	len = length_at(f->in);
	if (len == 0 || len > FRAME_MOST)
		return -EPROTO;
	if (f->n_in < 4 + len)
		return 0;
	*ret_text = f->in + 4;
	*ret_len = len;
	return 1;
}

void frames_done(struct frames *f)
{
	size_t whole = 4 + length_at(f->in);

	f->n_in -= whole;
	memmove(f->in, f->in + whole, f->n_in);
}

int frames_take_fd(struct frames *f)
{
	int fd = f->n_fds > 0 ? f->fds[0] : -1;

	if (f->n_fds > 0)
		memmove(f->fds, f->fds + 1, --f->n_fds * sizeof(int));
	return fd;
}

int frames_put(struct frames *f, const char *text, size_t len, int fd)
{
	const char head[4] = { (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len };
	char *more = realloc(f->out, f->n_out + 4 + len);

	if (!more)
		return -ENOMEM;
	f->out = more;
	memcpy(f->out + f->n_out, head, 4);
	memcpy(f->out + f->n_out + 4, text, len);
	if (fd >= 0) {
		f->out_fd = fd;
		f->out_fd_at = f->n_out;
	}
	f->n_out += 4 + len;
	return 0;
}

/* Up to where the next descriptor begins, and with it one byte, so that it is on that one. */
static ssize_t send_piece(struct frames *f)
{
	bool here = f->out_fd >= 0 && f->out_fd_at == f->n_sent;
	struct iovec part = { f->out + f->n_sent, f->n_out - f->n_sent };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights_buffer rights;

	if (here)
		rights_attach(&header, &rights, &f->out_fd, 1);
	else if (f->out_fd >= 0 && f->out_fd_at > f->n_sent)
		part.iov_len = f->out_fd_at - f->n_sent;
	return sendmsg(f->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int frames_flush(struct frames *f)
{
	while (f->n_sent < f->n_out) {
		ssize_t n = send_piece(f);

		if (n < 0)
			return errno == EAGAIN ? 0 : -EPIPE;
		if (f->out_fd >= 0 && f->out_fd_at == f->n_sent) {
			close(f->out_fd);
			f->out_fd = -1;
		}
		f->n_sent += (size_t)n;
	}
	f->n_out = f->n_sent = 0;
	return 1;
}

void frames_close(struct frames *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->out_fd >= 0)
		close(f->out_fd);
	while (f->n_fds > 0)
		rights_discard(frames_take_fd(f));
	free(f->in);
	free(f->out);
	*f = (struct frames){ .fd = -1, .out_fd = -1 };
}
