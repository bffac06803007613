/* SPDX-License-Identifier: MIT */
/* box - both ends of a mail socket, and what waits in it */
#include "parent/post.h"

#include "bridge/rights.h"
#include "parent/crew.h"
#include "parent/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

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
		.used = true, .open = true, .fd = ends[0], .far_fd = ends[1], .id = id, .slot = slot, .progress = progress,
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

void relayed_close(struct relayed *relayed)
{
	for (unsigned i = 0; i < relayed->n_fds; i++)
		rights_discard(relayed->fds[i]);
	relayed->n_fds = 0;
}

struct relayed *relayed_keep(struct crew *crew, const struct relayed *relayed)
{
	struct relayed *kept = malloc(sizeof(*kept) + relayed->size);

	if (!kept) {
		struct relayed lost = *relayed;

		relayed_close(&lost);
		return NULL;
	}
	*kept = *relayed;
	kept->bytes = (char *)(kept + 1);
	memcpy(kept->bytes, relayed->bytes, relayed->size);
	kept->since_ms = crew->now_ms;
	crew->post->n_waiting++;
	return kept;
}

void relayed_free(struct crew *crew, struct relayed **relayed)
{
	if (!*relayed)
		return;
	crew->post->n_waiting--;
	relayed_close(*relayed);
	free(*relayed);
	*relayed = NULL;
}

/* A descriptor for which we had no number is for its recipient to miss: the packet says that there is one. */
static int judge(const struct msghdr *header, const struct relayed *p, unsigned n_fds, bool from_parent)
{
	if (p->size == 0 && n_fds == 0)
		return -EPIPE;
	if (header->msg_flags & MSG_CTRUNC)
		return -EMFILE;
	if (header->msg_flags & MSG_TRUNC || n_fds > PACKET_FDS_MOST)
		return -EPROTO;
	return packet_check(p->bytes, p->size, n_fds, from_parent) ? 1 : -EPROTO;
}

int relayed_receive(struct crew *crew, int fd, bool from_parent, struct relayed *ret_relayed)
{
	union rights_buffer rights;
	struct iovec part = { crew->post->buffer, PACKET_BYTES_MAX };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[RIGHTS_MOST], r;
	unsigned n_fds;
	ssize_t n;

	rights_expect(&header, &rights);
	n = rights_receive(fd, &header);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	n_fds = rights_take(&header, fds);
	*ret_relayed = (struct relayed){ .bytes = crew->post->buffer, .size = (size_t)n };
	r = judge(&header, ret_relayed, n_fds, from_parent);
	if (r == 1)
		memcpy(ret_relayed->fds, fds, n_fds * sizeof(int));
	else
		for (unsigned i = 0; i < n_fds; i++)
			rights_discard(fds[i]);
	if (r == 1)
		ret_relayed->n_fds = n_fds;
	return r;
}
