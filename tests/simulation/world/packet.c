/* SPDX-License-Identifier: MIT */
/*
 * packet - pairs of SOCK_SEQPACKET sockets, whose messages carry descriptors
 *
 * One that is closed with messages unread tells its other end ECONNRESET, once.
 */
#include "world/kernel.h"

#include "bridge/handoff.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define PACKET_BYTES 512
#define PACKETS_MOST 16		/* that wait */

struct packet {
	struct packet	*next;
	char		 bytes[PACKET_BYTES];
	size_t		 n_bytes;
	struct file	*files[HANDOFF_MOST];
	unsigned	 n_files;
};

struct packets {
	struct file	 file;
	struct packets	*peer;		/* NULL = closed */
	bool		 reset;
	bool		 shut;		/* nothing is sent any more */
	struct packet	*first, **last;
	unsigned	 n;
	uint64_t	 n_edges;
};

static bool has_ended(const struct packets *p)
{
	return !p->peer || p->peer->shut;
}

static bool packets_readable(const struct file *f)
{
	const struct packets *p = (const struct packets *)f;

	return p->n > 0 || has_ended(p) || p->reset;
}

static bool packets_writable(const struct file *f)
{
	const struct packets *p = (const struct packets *)f;

	return !p->peer || p->shut || p->peer->n < PACKETS_MOST;
}

static uint64_t packets_edges(const struct file *f)
{
	return ((const struct packets *)f)->n_edges;
}

static struct packet *take_packet(struct packets *p)
{
	struct packet *packet = p->first;

	p->first = packet->next;
	if (!p->first)
		p->last = &p->first;
	p->n--;
	if (p->peer)
		p->peer->n_edges++;
	return packet;
}

static void drop_files(struct packet *packet, unsigned n_lost)
{
	for (unsigned i = 0; i < packet->n_files; i++) {
		struct file *f = packet->files[i];

		f->owner = NULL;
		if (i >= packet->n_files - n_lost && f->kind == FILE_STREAM)
			((struct stream *)f)->connection->spoiled = true;
		world.lend_lost |= n_lost > 0 && f->kind == FILE_SOCKET;
		file_drop(f);
	}
	packet->n_files = 0;
}

static void packets_release(struct file *f)
{
	struct packets *p = (struct packets *)f;

	if (p->peer) {
		p->peer->peer = NULL;
		p->peer->reset = p->n > 0;
		p->peer->n_edges++;
		p->peer = NULL;
	}
	while (p->n > 0) {
		struct packet *packet = take_packet(p);

		drop_files(packet, 0);
		world_free(packet);
	}
}

static const struct file_ops packets_ops = { packets_readable, packets_writable, packets_release, packets_edges };

CALL(int, socketpair, int family, int type, int protocol, int ret_fds[2])
{
	struct packets *ends[2];

	for (int i = 0; i < 2; i++) {
		ends[i] = file_create(sizeof(*ends[i]), FILE_PACKETS, &packets_ops);
		ends[i]->last = &ends[i]->first;
		ret_fds[i] = file_install(world.current, &ends[i]->file);
		holds(ret_fds[i] >= 0, "no descriptor for a pair");
	}
	ends[0]->peer = ends[1];
	ends[1]->peer = ends[0];
	return 0;
}

void packets_shut(struct file *f)
{
	struct packets *p = (struct packets *)f;

	p->shut = true;
	if (p->peer)
		p->peer->n_edges++;
}

static void gather(struct packet *packet, const struct msghdr *header)
{
	for (size_t i = 0; i < header->msg_iovlen; i++) {
		const struct iovec *part = &header->msg_iov[i];

		holds(packet->n_bytes + part->iov_len <= PACKET_BYTES, "a message of over %d bytes", PACKET_BYTES);
		memcpy(packet->bytes + packet->n_bytes, part->iov_base, part->iov_len);
		packet->n_bytes += part->iov_len;
	}
}

static void attach_files(struct packet *packet, const struct msghdr *header)
{
	const struct cmsghdr *c = header->msg_control ? CMSG_FIRSTHDR(header) : NULL;

	packet->n_files = c ? (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
	for (unsigned i = 0; i < packet->n_files; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		packet->files[i] = file_at(world.current, fd);
		file_take(packet->files[i]);
	}
}

CALL(ssize_t, sendmsg, int fd, const struct msghdr *header, int flags)
{
	struct packets *p = (struct packets *)file_at(world.current, fd);
	struct packet *packet;

	if (p->file.kind == FILE_STREAM)
		return stream_sendmsg((struct stream *)p, header);
	holds(p->file.kind == FILE_PACKETS, "a message to descriptor %d", fd);
	if (!p->peer || p->shut || !packets_writable(&p->file) || chance_of(FAULT_CHANNEL_FULL)) {
		errno = p->peer && !p->shut ? EAGAIN : EPIPE;
		return -1;
	}
	packet = world_alloc(sizeof(*packet));
	gather(packet, header);
	attach_files(packet, header);
	*p->peer->last = packet;
	p->peer->last = &packet->next;
	p->peer->n++;
	p->peer->n_edges++;
	trace("tells", p->file.number, packet->n_bytes >= 4 ? *(const uint32_t *)packet->bytes : 0, packet->n_bytes);
	return (ssize_t)packet->n_bytes;
}

static void scatter(const struct packet *packet, struct msghdr *header)
{
	size_t at = 0;

	for (size_t i = 0; i < header->msg_iovlen; i++) {
		const struct iovec *part = &header->msg_iov[i];
		size_t n = packet->n_bytes - at < part->iov_len ? packet->n_bytes - at : part->iov_len;

		memcpy(part->iov_base, packet->bytes + at, n);
		at += n;
	}
	if (at < packet->n_bytes)
		header->msg_flags |= MSG_TRUNC;
}

/* As many as there are numbers for. */
static void detach_files(struct packet *packet, struct msghdr *header)
{
	struct cmsghdr *c = header->msg_control ? CMSG_FIRSTHDR(header) : NULL;
	unsigned n = 0;

	while (c && n < packet->n_files && !chance_of(FAULT_NO_DESCRIPTORS)) {
		int fd = file_install(world.current, packet->files[n]);

		if (fd < 0)
			break;
		memcpy(CMSG_DATA(c) + n++ * sizeof(int), &fd, sizeof(int));
	}
	if (n < packet->n_files)
		header->msg_flags |= MSG_CTRUNC;
	drop_files(packet, packet->n_files - n);
	header->msg_controllen = n > 0 ? CMSG_SPACE(n * sizeof(int)) : 0;
	if (n == 0)
		return;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
}

CALL(ssize_t, recvmsg, int fd, struct msghdr *header, int flags)
{
	struct packets *p = file_get(fd, FILE_PACKETS);
	struct packet *packet;
	ssize_t n;

	if (!p)
		return -1;
	header->msg_flags = 0;
	if (p->reset || (p->n == 0 && !has_ended(p))) {
		errno = p->reset ? ECONNRESET : EAGAIN;
		p->reset = false;
		return -1;
	}
	if (p->n == 0) {
		header->msg_controllen = 0;
		return 0;
	}
	packet = take_packet(p);
	n = (ssize_t)packet->n_bytes;
	scatter(packet, header);
	detach_files(packet, header);
	world_free(packet);
	return n;
}
