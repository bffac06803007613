/* SPDX-License-Identifier: MIT */
/*
 * shared_listener_methods - the ways to wait for and accept from a listener that others wait on too
 *
 * A worker accepts, sends one byte, closes; and spins when poked, as a handler would. What differs between
 * two methods is then what waiting and accepting cost. Every ring is SINGLE_ISSUER and DEFER_TASKRUN, with
 * one enter a turn that arms and waits. What is armed in a ring stays armed while its worker is busy, and a
 * wake-up that it takes is gone; "withdrawn" cancels the poll before other work and arms it again after.
 *
 * Fails by: the kernel refusing what a method needs; the worker says so and ends.
 */
#include "shared_listener.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum tag { TAG_LISTENER, TAG_POKE, TAG_REMOVAL };

struct ring_worker {
	struct io_uring		 ring;
	const struct seat	*seat;
	unsigned		 batch;			/* connections a wake-up may take */
	bool			 withdraws;
	bool			 armed;
	void			(*arm)(struct ring_worker *w);
	void			(*on_completion)(struct ring_worker *w, int res);
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void on_poke(const struct seat *seat)
{
	uint64_t value;
	uint64_t end_ns = now_ns();
	uint64_t one = 1;

	if (read(seat->poke_fd, &value, sizeof(value)) != sizeof(value))
		err(1, "poke");
	end_ns += (value - 1) * 1000;
	while (now_ns() < end_ns)
		;
	if (write(seat->answer_fd, &one, sizeof(one)) != sizeof(one))
		err(1, "answer");
}

static void serve(struct tally *tally, int fd)
{
	tally->connections++;
	if (send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		err(1, "send");
	close(fd);
}

/* Return: whether a connection was there. */
static bool accept_one(const struct seat *seat)
{
	int fd = accept4(seat->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
		err(1, "accept4");
	if (fd >= 0)
		serve(seat->tally, fd);
	return fd >= 0;
}

static struct io_uring_sqe *sqe_take(struct ring_worker *w, enum tag tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&w->ring);

	if (!sqe)
		errx(1, "the submission queue is full");
	sqe->user_data = tag;			/* which no prep of liburing 2.2 or later touches */
	return sqe;
}

static void arm_accept(struct ring_worker *w)
{
	io_uring_prep_accept(sqe_take(w, TAG_LISTENER), w->seat->listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

static void arm_multishot_accept(struct ring_worker *w)
{
	struct io_uring_sqe *sqe = sqe_take(w, TAG_LISTENER);

	io_uring_prep_multishot_accept(sqe, w->seat->listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

static void arm_exclusive_poll(struct ring_worker *w)
{
	io_uring_prep_poll_add(sqe_take(w, TAG_LISTENER), w->seat->listen_fd, POLLIN | EPOLLEXCLUSIVE);
}

static void arm_multishot_poll(struct ring_worker *w)
{
	io_uring_prep_poll_multishot(sqe_take(w, TAG_LISTENER), w->seat->listen_fd, POLLIN);
}

static void arm_poke(struct ring_worker *w)
{
	io_uring_prep_poll_multishot(sqe_take(w, TAG_POKE), w->seat->poke_fd, POLLIN);
}

static void withdraw(struct ring_worker *w)
{
	int r;

	io_uring_prep_poll_remove(sqe_take(w, TAG_REMOVAL), TAG_LISTENER);
	r = io_uring_submit_and_get_events(&w->ring);
	if (r < 0)
		errx(1, "enter: %s", strerror(-r));
}

static void on_accepted(struct ring_worker *w, int res)
{
	if (res < 0 && res != -EAGAIN && res != -ECONNABORTED)
		errx(1, "accept: %s", strerror(-res));
	if (res >= 0)
		serve(w->seat->tally, res);
}

static void on_readable(struct ring_worker *w, int res)
{
	if (res == -ECANCELED)
		return;
	if (res < 0)
		errx(1, "poll: %s", strerror(-res));
	for (unsigned i = 0; i < w->batch && accept_one(w->seat); i++)
		;
}

/* Return: whether there is other work. */
static bool reap(struct ring_worker *w)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned n = 0;
	bool poked = false;

	io_uring_for_each_cqe(&w->ring, head, cqe) {
		n++;
		if (cqe->user_data == TAG_POKE)
			poked = true;
		if (cqe->user_data != TAG_LISTENER)
			continue;
		w->armed = cqe->flags & IORING_CQE_F_MORE;
		w->on_completion(w, cqe->res);
	}
	io_uring_cq_advance(&w->ring, n);
	return poked;
}

static void ring_turn(struct ring_worker *w)
{
	int r = io_uring_submit_and_wait(&w->ring, 1);
	bool poked;

	if (r < 0 && r != -EINTR)
		errx(1, "enter: %s", strerror(-r));
	w->seat->tally->wakeups++;
	poked = reap(w);
	if (poked && w->withdraws && w->armed) {
		withdraw(w);
		reap(w);
	}
	if (poked)
		on_poke(w->seat);
	if (!w->armed)
		w->arm(w);
	w->armed = true;
}

static void ring_run(struct ring_worker w)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };
	int r = io_uring_queue_init_params(64, &w.ring, &params);

	if (r < 0)
		errx(1, "ring: %s", strerror(-r));
	arm_poke(&w);
	w.arm(&w);
	w.armed = true;
	for (;;)
		ring_turn(&w);
}

static void run_ring_accept(const struct seat *seat)
{
	ring_run((struct ring_worker){ .seat = seat, .arm = arm_accept, .on_completion = on_accepted });
}

static void run_ring_multishot_accept(const struct seat *seat)
{
	ring_run((struct ring_worker){ .seat = seat, .arm = arm_multishot_accept,
				       .on_completion = on_accepted });
}

static void run_ring_exclusive_poll_one(const struct seat *seat)
{
	ring_run((struct ring_worker){ .seat = seat, .batch = 1, .arm = arm_exclusive_poll,
				       .on_completion = on_readable });
}

static void run_ring_exclusive_poll_all(const struct seat *seat)
{
	ring_run((struct ring_worker){ .seat = seat, .batch = UINT_MAX, .arm = arm_exclusive_poll,
				       .on_completion = on_readable });
}

static void run_ring_withdrawn_poll_one(const struct seat *seat)
{
	ring_run((struct ring_worker){ .seat = seat, .batch = 1, .arm = arm_exclusive_poll,
				       .on_completion = on_readable, .withdraws = true });
}

static void run_ring_multishot_poll(const struct seat *seat)
{
	ring_run((struct ring_worker){ .seat = seat, .batch = UINT_MAX, .arm = arm_multishot_poll,
				       .on_completion = on_readable });
}

static void epoll_add(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		err(1, "epoll_ctl");
}

static void epoll_run(const struct seat *seat, uint32_t events)
{
	struct epoll_event event;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_fd < 0)
		err(1, "epoll");
	epoll_add(epoll_fd, seat->listen_fd, events);
	epoll_add(epoll_fd, seat->poke_fd, EPOLLIN);
	for (;;) {
		int n = epoll_wait(epoll_fd, &event, 1, -1);

		if (n < 0 && errno != EINTR)
			err(1, "epoll_wait");
		seat->tally->wakeups++;
		if (n == 1 && event.data.fd == seat->poke_fd)
			on_poke(seat);
		else if (n == 1)
			accept_one(seat);
	}
}

static void run_epoll_exclusive(const struct seat *seat)
{
	epoll_run(seat, EPOLLIN | EPOLLEXCLUSIVE);
}

static void run_epoll_herd(const struct seat *seat)
{
	epoll_run(seat, EPOLLIN);
}

static void run_blocking(const struct seat *seat)
{
	for (;;) {
		accept_one(seat);
		seat->tally->wakeups++;
	}
}

const struct method shared_methods[] = {
	{ "io_uring accept, re-armed",			run_ring_accept, 0 },
	{ "io_uring multishot accept",			run_ring_multishot_accept, 0 },
	{ "io_uring exclusive poll, 1 accept4",		run_ring_exclusive_poll_one, 0 },
	{ "  the same, withdrawn while busy",		run_ring_withdrawn_poll_one, 0 },
	{ "io_uring exclusive poll, all accept4",	run_ring_exclusive_poll_all, 0 },
	{ "io_uring multishot poll, all accept4",	run_ring_multishot_poll, 0 },
	{ "epoll EXCLUSIVE, 1 accept4",			run_epoll_exclusive, 0 },
	{ "epoll, 1 accept4",				run_epoll_herd, 0 },
	{ "blocking accept4",				run_blocking, 1 },
};
const unsigned shared_n_methods = sizeof(shared_methods) / sizeof(shared_methods[0]);
