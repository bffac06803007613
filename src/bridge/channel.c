/* SPDX-License-Identifier: MIT */
#include "bridge/channel.h"

#include "base/must.h"
#include "bridge/rights.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

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

int channel_pair(int ret_ends[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_ends) < 0)
		return -errno;
	return 0;
}

int channel_send(int channel_fd, enum channel_type type, const void *payload, int fd)
{
	uint32_t wire_type = type;
	union rights_buffer rights;
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
		rights_attach(&header, &rights, &fd, 1);

	if (sendmsg(channel_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
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
	else if (m->type == CHANNEL_OVERRUN)
		TERMINATE(m->overrun.reason);
	else if (m->type == CHANNEL_SUICIDE)
		TERMINATE(m->suicide.reason);
	else if (m->type == CHANNEL_STORE || m->type == CHANNEL_FORGET)
		TERMINATE(m->store.name);
	else if (m->type == CHANNEL_CRASH || m->type == CHANNEL_FAULT)
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
	union rights_buffer rights;
	int fds[RIGHTS_MOST];
	unsigned n_fds;
	struct message m = { .fd = -1 };
	struct iovec parts[2] = { { &m.type, sizeof(m.type) }, { m.bytes, sizeof(m.bytes) } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;
	int r;

	rights_expect(&header, &rights);
	n = rights_receive(channel_fd, &header);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
	n_fds = rights_take(&header, fds);
	r = judge_packet(&header, (size_t)n, n_fds, from, &m);
	if (r < 0) {
		rights_discard_all(fds, n_fds);
		return r;
	}
	m.size = (uint32_t)((size_t)n - sizeof(m.type));
	if (n_fds == 1)
		m.fd = fds[0];
	terminate_strings(&m);
	*ret_message = m;
	return 1;
}

const char *channel_type_name(enum channel_type type)
{
	return (unsigned)type < CHANNEL_N_TYPES ? rules[type].name : "unknown";
}
