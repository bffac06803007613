/* SPDX-License-Identifier: MIT */
#include "bridge/channel.h"

#include "base/auto.h"
#include "base/must.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The most a packet can carry (SCM_MAX_FD): with room for all of them none stays behind unclosed. */
#define FDS_MAX 253

struct rule {
	const char	*name;
	enum side	 sender;
	uint32_t	 size;
	unsigned	 n_fds;
};

static const struct rule rules[] = {
#define RULE(name, sender, bytes, n_fds, meaning) [CHANNEL_##name] = { #name, sender, bytes, n_fds },
	CHANNEL_MESSAGES(RULE)
#undef RULE
};

#define FITS(name, sender, bytes, n_fds, meaning)						\
	_Static_assert((bytes) <= CHANNEL_PAYLOAD_MAX && (n_fds) <= 1, #name " is too large");
CHANNEL_MESSAGES(FITS)
#undef FITS

union control {
	char		bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	struct cmsghdr	align;
};

struct parcel {
	int		fds[FDS_MAX];
	unsigned	n_fds;
};

int channel_pair(int ret_ends[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_ends) < 0)
		return -errno;
	return 0;
}

static void attach_fd(struct msghdr *header, union control *control, int fd)
{
	struct cmsghdr *c;

	header->msg_control = control->bytes;
	header->msg_controllen = CMSG_SPACE(sizeof(int));
	c = CMSG_FIRSTHDR(header);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

int channel_send(int channel_fd, enum channel_type type, const void *payload, int fd)
{
	uint32_t wire_type = type;
	union control control = { .bytes = { 0 } };
	struct iovec parts[2];
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 1 };

	must(type < CHANNEL_N_TYPES);
	must((fd >= 0) == (rules[type].n_fds == 1));

	parts[0] = (struct iovec){ &wire_type, sizeof(wire_type) };
	if (rules[type].size > 0) {
		must(payload);
		parts[1] = (struct iovec){ (void *)payload, rules[type].size };
		header.msg_iovlen = 2;
	}
	if (fd >= 0)
		attach_fd(&header, &control, fd);

	if (sendmsg(channel_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

static void unpack_fds(struct msghdr *header, struct parcel *ret_parcel)
{
	ret_parcel->n_fds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		unsigned n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		must(ret_parcel->n_fds + n <= FDS_MAX);
		memcpy(ret_parcel->fds + ret_parcel->n_fds, CMSG_DATA(c), n * sizeof(int));
		ret_parcel->n_fds += n;
	}
}

/* Lingering is switched off first because close() of a socket that lingers waits for its far end. */
static void close_fds(const struct parcel *parcel)
{
	const struct linger none = { 0, 0 };

	for (unsigned i = 0; i < parcel->n_fds; i++) {
		(void)setsockopt(parcel->fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		close(parcel->fds[i]);
	}
}

static int check_message(const struct message *m, size_t n_bytes, unsigned n_fds, enum side from)
{
	const struct rule *rule;

	if (n_bytes < sizeof(m->type) || m->type >= CHANNEL_N_TYPES)
		return -EPROTO;
	rule = &rules[m->type];
	if (rule->sender != from || rule->size != n_bytes - sizeof(m->type) || rule->n_fds != n_fds)
		return -EPROTO;
	return 1;
}

#define TERMINATE(array) ((array)[sizeof(array) - 1] = '\0')

static void terminate_strings(struct message *m)
{
	if (m->type == CHANNEL_READY)
		TERMINATE(m->ready.why);
	else if (m->type == CHANNEL_FAILED)
		TERMINATE(m->failed.reason);
	else if (m->type == CHANNEL_SUICIDE)
		TERMINATE(m->suicide.reason);
	else if (m->type == CHANNEL_CRASH)
		TERMINATE(m->crash.request);
}

static int judge_packet(const struct msghdr *header, size_t n_bytes, unsigned n_fds, enum side from,
			const struct message *m)
{
	if (header->msg_flags & MSG_CTRUNC)
		return -EMFILE;		/* ours: a descriptor was sent and we had no number for it */
	if (header->msg_flags & MSG_TRUNC)
		return -EPROTO;
	if (n_bytes == 0 && n_fds == 0)
		return -EPIPE;
	return check_message(m, n_bytes, n_fds, from);
}

int channel_receive(int channel_fd, enum side from, struct message *ret_message)
{
	union control control;
	struct parcel parcel;
	struct message m = { .fd = -1 };
	struct iovec parts[2] = { { &m.type, sizeof(m.type) }, { m.bytes, sizeof(m.bytes) } };
	struct msghdr header = {
		.msg_iov = parts, .msg_iovlen = 2,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(channel_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
	unpack_fds(&header, &parcel);
	r = judge_packet(&header, (size_t)n, parcel.n_fds, from, &m);
	if (r < 0) {
		close_fds(&parcel);
		return r;
	}
	m.size = (uint32_t)((size_t)n - sizeof(m.type));
	if (parcel.n_fds == 1)
		m.fd = parcel.fds[0];
	terminate_strings(&m);
	*ret_message = m;
	return 1;
}

const char *channel_type_name(enum channel_type type)
{
	return (unsigned)type < CHANNEL_N_TYPES ? rules[type].name : "unknown";
}
