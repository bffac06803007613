/* SPDX-License-Identifier: MIT */
#include "parent/testament.h"

#include "base/must.h"
#include "bridge/rights.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct rule {
	enum testament_side	sender;
	size_t			size;
};

static const struct rule rules[] = {
#define RULE(name, sender, payload, meaning) [TESTAMENT_##name] = { sender, sizeof(payload) },
	TESTAMENT_MESSAGES(RULE)
#undef RULE
};

#define FITS(name, sender, payload, meaning) \
	_Static_assert(sizeof(payload) <= TESTAMENT_PAYLOAD_MAX, #name " is too large");
TESTAMENT_MESSAGES(FITS)
#undef FITS

/* The kernel adds the sender's credentials, and room for them is needed beside the descriptors'. */
union control {
	char		bytes[sizeof(union rights_buffer) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr	align;
};

static int ask_for_senders(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}

int testament_pair(int ret_ends[2])
{
	int ends[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	r = ask_for_senders(ends[0]);
	if (r == 0)
		r = ask_for_senders(ends[1]);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	ret_ends[0] = ends[0];
	ret_ends[1] = ends[1];
	return 0;
}

int testament_send(int fd, enum testament_type type, const void *payload, const int fds[], unsigned n_fds)
{
	uint32_t wire_type = type;
	struct iovec parts[2] = {
		{ &wire_type, sizeof(wire_type) }, { (void *)payload, rules[type].size },
	};
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
	union rights_buffer rights;

	must(n_fds <= TESTAMENT_FDS_MAX);
	if (n_fds > 0)
		rights_attach(&header, &rights, fds, n_fds);
	if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

/* ---- what is received ---- */

static bool is_address(const struct testament_address *a)
{
	if (a->family == AF_UNIX)
		return a->port == 0 && a->asked_port == 0;
	return (a->family == AF_INET || a->family == AF_INET6) && a->port != 0;
}

static bool is_mask(uint32_t mask)
{
	return (mask & ~ALL_LISTENERS) == 0;
}

static bool is_pool(const struct testament_pool *pool, unsigned n_fds)
{
	if (pool->model > BROOD_ROUND_ROBIN || pool->n_slots < 1 || pool->n_slots > WORKERS_MAX ||
	    pool->n_addresses < 1 || pool->n_addresses > LISTENERS_MAX || pool->control > 1 ||
	    pool->claims >> pool->n_addresses ||
	    pool->n_addresses + (unsigned)__builtin_popcount(pool->claims) + pool->control != n_fds)
		return false;
	for (unsigned i = 0; i < pool->n_addresses; i++)
		if (!is_address(&pool->addresses[i]))
			return false;
	return true;
}

static bool is_slot(const struct testament_slot *slot, unsigned n_fds)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		if (slot->places[i] >= WORKERS_MAX)
			return false;
	return slot->slot < WORKERS_MAX && is_mask(slot->listeners) &&
	       (unsigned)__builtin_popcount(slot->listeners) == n_fds;
}

static bool is_held(const struct testament_held *held, unsigned n_fds)
{
	return held->slot < WORKERS_MAX && held->index < STORED_MOST && n_fds <= 1 &&
	       (n_fds == 0 || stored_is_name(held->name, strnlen(held->name, sizeof(held->name))));
}

static bool is_sound(const struct testament_message *m)
{
	switch ((enum testament_type)m->type) {
	case TESTAMENT_POOL:
		return is_pool(&m->pool, m->n_fds);
	case TESTAMENT_SLOT: case TESTAMENT_SPARES:
		return is_slot(&m->slot, m->n_fds);
	case TESTAMENT_TAKE:
		return m->take.slot < WORKERS_MAX && m->n_fds <= 1;
	case TESTAMENT_SPARE:
		return m->take.slot < WORKERS_MAX && m->n_fds == 0;
	case TESTAMENT_HOLD:
		return m->hold.slot < WORKERS_MAX && m->hold.index < STORED_MOST && m->n_fds == 0;
	case TESTAMENT_HELD:
		return is_held(&m->held, m->n_fds);
	case TESTAMENT_READY:
		return is_mask(m->ready.addresses) && m->ready.control <= 1 && m->n_fds == 0;
	case TESTAMENT_STATE:
		return m->state.n_fds == 0 && m->n_fds == 0;
	case TESTAMENT_MEMORY:
		return m->state.n_fds == m->n_fds && (m->n_fds == 0 || m->n_fds == 2);
	case TESTAMENT_HELLO: case TESTAMENT_GO: case TESTAMENT_FAILED:
		return m->n_fds == 0;
	case TESTAMENT_N_TYPES:
		break;
	}
	return false;
}

static bool is_in_grammar(const struct testament_message *m, size_t n_bytes, enum testament_side from)
{
	return n_bytes >= sizeof(m->type) && m->type < TESTAMENT_N_TYPES && rules[m->type].sender == from &&
	       rules[m->type].size == n_bytes - sizeof(m->type) && is_sound(m);
}

static int judge(const struct msghdr *header, ssize_t n_bytes, struct testament_message *m,
		 enum testament_side from)
{
	if (header->msg_flags & MSG_CTRUNC)
		return -EMFILE;
	if (header->msg_flags & MSG_TRUNC)
		return -EPROTO;
	if (n_bytes == 0 && m->n_fds == 0)
		return -EPIPE;
	return is_in_grammar(m, (size_t)n_bytes, from) ? 1 : -EPROTO;
}

static void read_sender(struct msghdr *header, struct testament_message *m)
{
	struct ucred sender = { .pid = 0, .uid = (uid_t)-1 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(sender)))
			memcpy(&sender, CMSG_DATA(c), sizeof(sender));
	m->pid = sender.pid;
	m->uid = sender.uid;
}

/* More descriptors than any message has are closed, and make it none. */
static void read_descriptors(struct msghdr *header, struct testament_message *m)
{
	int fds[RIGHTS_MOST];
	unsigned n = rights_take(header, fds);

	for (unsigned i = 0; i < n; i++)
		if (n <= TESTAMENT_FDS_MAX)
			m->fds[i] = fds[i];
		else
			rights_discard(fds[i]);
	m->n_fds = n <= TESTAMENT_FDS_MAX ? n : 0;
	if (n > TESTAMENT_FDS_MAX)
		m->type = TESTAMENT_N_TYPES;
}

int testament_receive(int fd, enum testament_side from, struct testament_message *ret_message)
{
	struct testament_message m = { .type = TESTAMENT_N_TYPES };
	struct iovec parts[2] = { { &m.type, sizeof(m.type) }, { m.bytes, sizeof(m.bytes) } };
	union control control;
	struct msghdr header = {
		.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n = rights_receive(fd, &header);
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
	read_sender(&header, &m);
	read_descriptors(&header, &m);
	r = judge(&header, n, &m, from);
	if (r < 0) {
		rights_discard_all(m.fds, m.n_fds);
		return r;
	}
	if (m.type == TESTAMENT_FAILED)
		m.failed.reason[sizeof(m.failed.reason) - 1] = '\0';
	*ret_message = m;
	return 1;
}

/* Twice FNV-1a; who takes the socket looks at its name as well. */
static void hash_path(const char *path, uint8_t out[16])
{
	for (unsigned half = 0; half < 2; half++) {
		uint64_t hash = 14695981039346656037u + half;

		for (const char *at = path; *at; at++)
			hash = (hash ^ (uint8_t)*at) * 1099511628211u;
		memcpy(out + 8 * half, &hash, sizeof(hash));
	}
}

struct testament_address testament_address(const struct config *config, unsigned index)
{
	const struct address *address = &config->listen[index];
	struct testament_address a = {
		.family = address->any.sa_family, .asked_port = config->asked_port[index],
		.port = address_port(address),
		.lent = (uint16_t)((config->lent >> index & 1) | (config_is_datagram(config, index) ? 2 : 0)),
	};

	if (a.family == AF_UNIX)
		hash_path(address->un.sun_path, a.ip);
	else if (a.family == AF_INET)
		memcpy(a.ip, &address->v4.sin_addr, sizeof(address->v4.sin_addr));
	else
		memcpy(a.ip, &address->v6.sin6_addr, sizeof(address->v6.sin6_addr));
	return a;
}
