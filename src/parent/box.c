/* SPDX-License-Identifier: MIT */
/* box - both ends of a mail socket, and what waits in it */
#include "parent/post.h"

#include "bridge/rights.h"
#include "parent/crew.h"
#include "parent/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct box *find_unused(struct post_office *post)
{
	for (unsigned i = 0; i < post->n_boxes; i++)
		if (!post->boxes[i].used)
			return &post->boxes[i];
	return post->n_boxes < BOXES_MOST ? &post->boxes[post->n_boxes++] : NULL;
}

void box_watch(struct crew *crew, struct box *box)
{
	uint32_t wanted = (box->open && !box->sent ? EPOLLIN : 0) | (box->open && box->wanted ? EPOLLOUT : 0);
	unsigned row = (unsigned)(box - crew->post->boxes);
	struct epoll_event event = { .events = wanted, .data.u64 = tag_make(SOURCE_POST, box->id, row) };
	int operation = !wanted ? EPOLL_CTL_DEL : box->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (box->events == wanted || box->fd < 0)
		return;
	if (epoll_ctl(crew->epoll_fd, operation, box->fd, &event) == 0)
		box->events = wanted;
}

struct box *box_open(struct crew *crew, const int ends[2], uint32_t id, unsigned slot,
		     const _Atomic uint64_t *progress)
{
	struct box *box = find_unused(crew->post);

	if (!box)
		return NULL;
	*box = (struct box){
		.used = true,
		.open = true,
		.fd = ends[0],
		.far_fd = ends[1],
		.id = id,
		.slot = slot,
		.progress = progress,
	};
	box_watch(crew, box);
	if (box->events)
		return box;
	box->used = false;
	return NULL;
}

void box_free(struct crew *crew, struct box *box)
{
	box->open = false;
	box_watch(crew, box);
	if (box->fd >= 0)
		close(box->fd);
	if (box->far_fd >= 0)
		close(box->far_fd);
	relayed_free(crew, &box->sent);
	relayed_free(crew, &box->unread);
	*box = (struct box){ .fd = -1, .far_fd = -1 };
}

struct box *box_find(const struct crew *crew, uint32_t id)
{
	struct post_office *post = crew->post;

	if (id == 0)
		return post->helper;
	for (unsigned i = 0; i < post->n_boxes; i++)
		if (post->boxes[i].open && post->boxes[i].id == id)
			return &post->boxes[i];
	return NULL;
}

int box_put(struct box *to, const void *bytes, size_t size, const int fds[], unsigned n_fds)
{
	struct iovec part = { (void *)bytes, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights_buffer rights;

	if (n_fds > 0)
		rights_attach(&header, &rights, fds, n_fds);
	if (sendmsg(to->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == ENOBUFS || errno == ENOMEM)
		return -EAGAIN;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

void box_await_room(struct crew *crew, struct box *box)
{
	box->wanted = true;
	box_watch(crew, box);
}
