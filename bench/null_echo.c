/* SPDX-License-Identifier: MIT */
/*
 * null_echo - the practical limit of an echo on an io_uring loop
 *
 * As null_uring, but what comes goes back: from the very buffer it was received into, which is given back to the ring
 * when the send has completed, so nothing is copied. At most one send in flight a connection.
 *
 * Fails by: a client that does not read holds buffers; with all of them held nothing is received any more.
 */
#define _GNU_SOURCE
#include "null.h"

#include <errno.h>
#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef IORING_ENTER_NO_IOWAIT
#define IORING_ENTER_NO_IOWAIT (1u << 7)
#endif
#ifndef IORING_FEAT_NO_IOWAIT
#define IORING_FEAT_NO_IOWAIT (1u << 17)
#endif

#define SQ_ENTRIES 1024
#define CQ_ENTRIES 8192
#define BUFFER_GROUP 0

#define N_BUFFERS 256
#define BUFFER_BYTES 4096

enum op { OP_ACCEPT = 1, OP_RECV, OP_SEND };

struct conn {
	int		first, last;	/* buffers to send, by number; -1 = none */
	bool		receiving;	/* a receive is armed */
	bool		sending;	/* a send is in flight */
	bool		listed;		/* in dirty[] */
	bool		ended;		/* nothing more to read, or dead */
};

static struct null_options options;
static int next_buffer[N_BUFFERS];
static uint32_t buffer_len[N_BUFFERS];
static struct conn conns[NULL_CONNS_MAX];
static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static char *buffer_memory;
static int n_returned;			/* buffers given back in this turn, not yet published */
static int dirty[NULL_CONNS_MAX];	/* connections with something to send after this turn */
static unsigned n_dirty;
static unsigned enter_flags = IORING_ENTER_GETEVENTS;
static int listen_fd;

/* io_uring_submit_and_wait() of liburing 2.3 cannot pass NO_IOWAIT. */
static void ring_enter(unsigned wait_nr)
{
	struct io_uring_sq *sq = &ring.sq;
	unsigned n = sq->sqe_tail - sq->sqe_head;
	int r;

	sq->sqe_head = sq->sqe_tail;
	io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
	r = io_uring_enter2((unsigned)ring.ring_fd, n, wait_nr, enter_flags, NULL, 0);
	if (r < 0 && r != -EINTR && r != -EBUSY && r != -EAGAIN)
		errx(1, "enter: %s", strerror(-r));
}

static struct io_uring_sqe *sqe_take(enum op op, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		ring_enter(0);
		sqe = io_uring_get_sqe(&ring);
		if (!sqe)
			errx(1, "the submission queue stays full");
	}
	sqe->user_data = (uint64_t)op << 32 | (uint32_t)fd;
	return sqe;
}

static void buffer_return(unsigned id)
{
	io_uring_buf_ring_add(buffers, buffer_memory + (size_t)id * BUFFER_BYTES, BUFFER_BYTES,
			      (unsigned short)id, N_BUFFERS - 1, n_returned++);
}

static void buffers_init(void)
{
	struct io_uring_buf_reg reg = { .ring_entries = N_BUFFERS, .bgid = BUFFER_GROUP };
	int r;

	buffers = mmap(NULL, N_BUFFERS * sizeof(struct io_uring_buf) + N_BUFFERS * BUFFER_BYTES,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffers == MAP_FAILED)
		err(1, "buffers");
	buffer_memory = (char *)buffers + N_BUFFERS * sizeof(struct io_uring_buf);
	reg.ring_addr = (uintptr_t)buffers;
	r = io_uring_register_buf_ring(&ring, &reg, 0);
	if (r < 0)
		errx(1, "buffer ring: %s", strerror(-r));
	for (unsigned id = 0; id < N_BUFFERS; id++)
		buffer_return(id);
}

static void ring_init(void)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
		.cq_entries = CQ_ENTRIES,
	};
	int r = io_uring_queue_init_params(SQ_ENTRIES, &ring, &params);

	if (r < 0)
		errx(1, "ring: %s", strerror(-r));
	if (params.features & IORING_FEAT_NO_IOWAIT)
		enter_flags |= IORING_ENTER_NO_IOWAIT;
}

static void arm_accept(void)
{
	struct io_uring_sqe *sqe = sqe_take(OP_ACCEPT, listen_fd);

	io_uring_prep_multishot_accept(sqe, listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void arm_receive(int fd)
{
	struct io_uring_sqe *sqe = sqe_take(OP_RECV, fd);

	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
	conns[fd].receiving = true;
}

static void send_owed(int fd)
{
	struct conn *c = &conns[fd];
	struct io_uring_sqe *sqe = sqe_take(OP_SEND, fd);

	io_uring_prep_send(sqe, fd, buffer_memory + (size_t)c->first * BUFFER_BYTES, buffer_len[c->first],
			   MSG_NOSIGNAL | MSG_WAITALL);
	c->sending = true;
}

static void drop_first(struct conn *c)
{
	int id = c->first;

	c->first = next_buffer[id];
	buffer_return((unsigned)id);
}

static void list_dirty(int fd)
{
	if (conns[fd].listed)
		return;
	conns[fd].listed = true;
	dirty[n_dirty++] = fd;
}

static void on_accept(int fd, unsigned flags)
{
	if (fd >= NULL_CONNS_MAX)
		errx(1, "more than %d descriptors", NULL_CONNS_MAX);
	if (fd < 0 && fd != -ECONNABORTED)
		errx(1, "accept: %s", strerror(-fd));
	if (fd >= 0) {
		conns[fd] = (struct conn){ .first = -1 };
		arm_receive(fd);
	}
	if (!(flags & IORING_CQE_F_MORE))
		arm_accept();
}

static void keep(struct conn *c, int id, int len)
{
	buffer_len[id] = (uint32_t)len;
	next_buffer[id] = -1;
	if (c->first < 0)
		c->first = id;
	else
		next_buffer[c->last] = id;
	c->last = id;
}

static void on_recv(int fd, int res, unsigned flags)
{
	struct conn *c = &conns[fd];

	if (res > 0)
		keep(c, (int)(flags >> IORING_CQE_BUFFER_SHIFT), res);
	else if (flags & IORING_CQE_F_BUFFER)
		buffer_return(flags >> IORING_CQE_BUFFER_SHIFT);
	if (!(flags & IORING_CQE_F_MORE)) {
		c->receiving = false;
		c->ended |= res <= 0 && res != -ENOBUFS;
	}
	list_dirty(fd);
}

static void on_send(int fd, int res)
{
	struct conn *c = &conns[fd];

	c->sending = false;
	drop_first(c);
	if (res < 0) {
		c->ended = true;
		while (c->first >= 0)
			drop_first(c);
		if (c->receiving)
			shutdown(fd, SHUT_RDWR);
	}
	if (c->first >= 0 || !c->receiving)
		list_dirty(fd);
}

static void on_turn_end(int fd)
{
	struct conn *c = &conns[fd];

	c->listed = false;
	if (c->sending)
		return;
	if (c->first >= 0)
		send_owed(fd);
	else if (!c->receiving && c->ended)
		close(fd);
	else if (!c->receiving)
		arm_receive(fd);
}

static void on_completion(const struct io_uring_cqe *cqe)
{
	int fd = (int)(uint32_t)cqe->user_data;

	switch ((enum op)(cqe->user_data >> 32)) {
	case OP_ACCEPT:
		on_accept(cqe->res, cqe->flags);
		break;
	case OP_RECV:
		on_recv(fd, cqe->res, cqe->flags);
		break;
	case OP_SEND:
		on_send(fd, cqe->res);
		break;
	}
}

static void run_turn(void)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned n = 0;

	io_uring_for_each_cqe(&ring, head, cqe) {
		on_completion(cqe);
		n++;
	}
	io_uring_cq_advance(&ring, n);
	for (unsigned i = 0; i < n_dirty; i++)
		on_turn_end(dirty[i]);
	n_dirty = 0;
	io_uring_buf_ring_advance(buffers, n_returned);
	n_returned = 0;
	ring_enter(1);
}

int main(int argc, char **argv)
{
	null_options_parse(argc, argv, &options);
	ring_init();
	buffers_init();
	listen_fd = null_listen(&options);
	arm_accept();
	for (;;)
		run_turn();
}
