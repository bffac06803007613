/* SPDX-License-Identifier: MIT */
#include "bridge/parcel.h"

#include "base/auto.h"
#include "bridge/rights.h"
#include "bridge/sealed.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct label {
	uint32_t	kind;
	uint32_t	apart;	/* 1 = the data is in a descriptor */
	uint64_t	len;
};

static int send_message(int fd, const struct label *label, const void *data, size_t len, int apart_fd)
{
	struct iovec parts[2] = { { (void *)label, sizeof(*label) }, { (void *)data, len } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = len > 0 ? 2 : 1 };
	union rights_buffer rights;

	if (apart_fd >= 0)
		rights_attach(&header, &rights, &apart_fd, 1);
	if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

static int send_apart(int fd, struct label *label, const void *data)
{
	autoclose int apart_fd = sealed_create("brood-task", data, label->len);

	label->apart = 1;
	return apart_fd < 0 ? apart_fd : send_message(fd, label, NULL, 0, apart_fd);
}

/* What is of no use if it comes late leaves room for what must come. */
static bool is_behind(int fd)
{
	int bytes = 0, room = 0;
	socklen_t size = sizeof(room);

	return ioctl(fd, SIOCOUTQ, &bytes) == 0 && getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &size) == 0 &&
	       bytes > room / 4;
}

int parcel_send(int fd, enum parcel_kind kind, const void *data, size_t len)
{
	struct label label = { .kind = kind, .len = len };
	int r = -EMSGSIZE;

	if (len > PARCEL_MOST)
		return -EMSGSIZE;
	if (kind == PARCEL_PROGRESS && is_behind(fd))
		return -EAGAIN;
	if (len <= PARCEL_COPY_MOST)
		r = send_message(fd, &label, data, len, -1);
	/* the machine's buffers are small */
	if (r == -EMSGSIZE || (r == -EAGAIN && kind != PARCEL_PROGRESS))
		r = send_apart(fd, &label, data);
	return r;
}

/* Takes @fd. */
static int open_apart(int fd, const struct label *label, struct parcel *ret_parcel)
{
	autoclose int apart_fd = fd;
	void *map;
	int r = label->len > PARCEL_MOST ? -EPROTO : sealed_map(apart_fd, label->len, &map);

	if (r < 0)
		return r;
	*ret_parcel = (struct parcel){ (enum parcel_kind)label->kind, map, label->len, map };
	return 1;
}

static int take_apart(const struct label *label, size_t n, const char *data, const int fds[], unsigned n_fds,
		      struct parcel *ret_parcel)
{
	bool known = n >= sizeof(*label) && label->kind >= PARCEL_INPUT && label->kind <= PARCEL_FAILURE;

	if (known && label->apart == 1 && n_fds == 1)
		return open_apart(fds[0], label, ret_parcel);
	rights_discard_all(fds, n_fds);
	if (!known || n_fds > 0 || label->apart || label->len != n - sizeof(*label))
		return -EPROTO;
	*ret_parcel = (struct parcel){ (enum parcel_kind)label->kind, data, label->len, NULL };
	return 1;
}

int parcel_receive(int fd, struct parcel *ret_parcel)
{
	static char data[PARCEL_COPY_MOST];
	struct label label = { 0 };
	struct iovec parts[2] = { { &label, sizeof(label) }, { data, sizeof(data) } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
	union rights_buffer rights;
	int fds[RIGHTS_MOST];
	unsigned n_fds;
	ssize_t n;

	rights_expect(&header, &rights);
	n = rights_receive(fd, &header);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : errno == EINTR ? -EAGAIN : -errno;
	n_fds = rights_take(&header, fds);
	if (n == 0 && n_fds == 0)
		return -EPIPE;
	return take_apart(&label, (size_t)n, data, fds, n_fds, ret_parcel);
}

void parcel_release(struct parcel *parcel)
{
	if (parcel->map)
		munmap(parcel->map, parcel->len);
	*parcel = (struct parcel){ 0 };
}

bool parcel_is_over(int fd)
{
	struct pollfd end = { .fd = fd };

	return poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLERR));
}
