/* SPDX-License-Identifier: MIT */
/* event - epoll, timers, signals and deaths as descriptors */
#include "world/kernel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

/* ---- epoll ---- */

struct watch {
	struct file	*file;		/* NULL = this place is free */
	int		 fd;
	unsigned	 number;	/* of the file */
	struct epoll_event event;
	uint64_t	 n_edges;	/* it was told of; 0 = of none */
};

struct epoll_set {
	struct file	 file;
	unsigned	 n_watches;	/* places in use, holes among them */
	struct watch	 watches[FDS_MOST];
};

static const struct file_ops epoll_ops = { NULL, NULL, NULL, NULL };

CALL(int, epoll_create1, int flags)
{
	struct epoll_set *set = file_create(sizeof(*set), FILE_EPOLL, &epoll_ops);

	return file_install(world.current, &set->file);
}

/* A descriptor that was closed is watched no more; the number may be another's by then. */
static bool is_current(const struct watch *w)
{
	return w->file && world.current->fds[w->fd] == w->file && w->file->number == w->number;
}

static struct watch *find_watch(struct epoll_set *set, int fd)
{
	for (unsigned i = 0; i < set->n_watches; i++)
		if (set->watches[i].fd == fd && is_current(&set->watches[i]))
			return &set->watches[i];
	return NULL;
}

static struct watch *free_watch(struct epoll_set *set)
{
	for (unsigned i = 0; i < set->n_watches; i++)
		if (!is_current(&set->watches[i]))
			return &set->watches[i];
	holds(set->n_watches < FDS_MOST, "an epoll set is full");
	return &set->watches[set->n_watches++];
}

static bool is_refused(const struct file *f)
{
	if (f->kind == FILE_SOCKET && world.current->engine)
		return chance_of(FAULT_POLL_REFUSED);
	return f->kind == FILE_PID && chance_of(FAULT_NO_PIDFD);
}

CALL(int, epoll_ctl, int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	struct epoll_set *set = file_get(epoll_fd, FILE_EPOLL);
	struct file *f = file_at(world.current, fd);
	struct watch *w = find_watch(set, fd);

	if (operation == EPOLL_CTL_DEL && !w) {
		errno = ENOENT;
		return -1;
	}
	holds((operation == EPOLL_CTL_ADD) == !w, "epoll_ctl %d of descriptor %d", operation, fd);
	if (operation == EPOLL_CTL_ADD && is_refused(f)) {
		errno = ENOMEM;
		return -1;
	}
	if (!w)
		w = free_watch(set);
	*w = (struct watch){ .fd = fd };
	if (operation != EPOLL_CTL_DEL) {
		w->file = f;
		w->number = f->number;
		w->event = *event;
	}
	return 0;
}

static bool is_news(const struct watch *w)
{
	return !(w->event.events & EPOLLET) || !w->file->ops->edges || w->file->ops->edges(w->file) + 1 != w->n_edges;
}

/* An end is told as what can be read; EPOLLRDHUP besides, because it is so on sockets. */
static uint32_t events_of(const struct watch *w)
{
	uint32_t events = 0;

	if (!is_current(w) || !is_news(w))
		return 0;
	if (file_readable(w->file))
		events |= EPOLLIN;
	if (file_writable(w->file))
		events |= EPOLLOUT;
	events &= w->event.events;
	if ((w->event.events & EPOLLRDHUP) && w->file->kind == FILE_STREAM) {
		const struct half *s = &((const struct stream *)w->file)->connection->halves[OURS];

		events |= s->ended ? EPOLLRDHUP : 0;
		events |= s->reset ? EPOLLHUP | EPOLLERR : 0;
	}
	return events;
}

static bool set_is_ready(struct process *p)
{
	const struct epoll_set *set = p->waits_for;
	struct process *before = world.current;
	bool ready = false;

	world.current = p;
	for (unsigned i = 0; i < set->n_watches && !ready; i++)
		ready = events_of(&set->watches[i]) != 0;
	world.current = before;
	return ready;
}

/* From a random place on, so that no order is relied on. */
static int collect(struct epoll_set *set, struct epoll_event *events, int most)
{
	unsigned from = set->n_watches ? (unsigned)chance_below(set->n_watches) : 0;
	int n = 0;

	for (unsigned i = 0; i < set->n_watches && n < most; i++) {
		struct watch *w = &set->watches[(from + i) % set->n_watches];
		uint32_t ready = events_of(w);

		if (ready == 0)
			continue;
		events[n++] = (struct epoll_event){ .events = ready, .data = w->event.data };
		if (w->file->ops->edges)
			w->n_edges = w->file->ops->edges(w->file) + 1;
		if (w->event.events & EPOLLONESHOT)
			w->event.events = 0;
	}
	return n;
}

CALL(int, epoll_wait, int epoll_fd, struct epoll_event *events, int most, int timeout)
{
	struct epoll_set *set = file_get(epoll_fd, FILE_EPOLL);

	if (world.current->pid == world.parent_pid)
		check_parent();
	else
		check_worker(world.current);
	process_wait(set_is_ready, set, timeout < 0 ? UINT64_MAX : world.now_ms + (unsigned)timeout);
	return chance_of(FAULT_TURN_EMPTY) ? 0 : collect(set, events, (int)chance_below((unsigned)most) + 1);
}

/* ---- counters ---- */

struct counter {
	struct file	 file;
	uint64_t	 n;
};

static bool counter_readable(const struct file *f)
{
	return ((const struct counter *)f)->n > 0;
}

static const struct file_ops counter_ops = { counter_readable, NULL, NULL, NULL };

CALL(int, eventfd, unsigned n, int flags)
{
	struct counter *c = file_create(sizeof(*c), FILE_COUNTER, &counter_ops);

	c->n = n;
	return file_install(world.current, &c->file);
}

CALL(ssize_t, write, int fd, const void *from, size_t n)
{
	struct counter *c = file_get(fd, FILE_COUNTER);

	holds(c && n == sizeof(uint64_t), "a write to descriptor %d", fd);
	c->n += *(const uint64_t *)from;
	return (ssize_t)n;
}

static ssize_t read_counter(struct counter *c, uint64_t *to)
{
	if (c->n == 0) {
		errno = EAGAIN;
		return -1;
	}
	*to = c->n;
	c->n = 0;
	return sizeof(*to);
}

/* ---- timers ---- */

struct alarm_clock {
	struct file	 file;
	uint64_t	 at_ms;		/* 0 = off */
};

static bool timer_readable(const struct file *f)
{
	uint64_t at_ms = ((const struct alarm_clock *)f)->at_ms;

	return at_ms != 0 && world.now_ms >= at_ms;
}

static const struct file_ops timer_ops = { timer_readable, NULL, NULL, NULL };

CALL(int, timerfd_create, int clock, int flags)
{
	struct alarm_clock *t = file_create(sizeof(*t), FILE_TIMER, &timer_ops);

	return file_install(world.current, &t->file);
}

CALL(int, timerfd_settime, int fd, int flags, const struct itimerspec *at, struct itimerspec *before)
{
	struct alarm_clock *t = file_get(fd, FILE_TIMER);

	t->at_ms = (uint64_t)at->it_value.tv_sec * 1000 + (uint64_t)at->it_value.tv_nsec / 1000000;
	return 0;
}

uint64_t timers_next_ms(void)
{
	uint64_t next_ms = UINT64_MAX;

	list_each(link, tmp, &world.files) {
		struct file *f = container_of(link, struct file, link);
		uint64_t at_ms = f->kind == FILE_TIMER ? ((struct alarm_clock *)f)->at_ms : 0;

		if (at_ms > world.now_ms && at_ms < next_ms)
			next_ms = at_ms;
	}
	return next_ms;
}

/* ---- signals ---- */

struct signals {
	struct file	 file;
	pid_t		 pid;		/* whose */
	uint64_t	 mask;
};

static uint64_t pending_of(const struct signals *s)
{
	const struct process *p = process_find(s->pid);

	return p ? p->pending & s->mask : 0;
}

static bool signals_readable(const struct file *f)
{
	return pending_of((const struct signals *)f) != 0;
}

static uint64_t signals_edges(const struct file *f)
{
	const struct process *p = process_find(((const struct signals *)f)->pid);

	return p ? p->n_signals : 0;
}

static const struct file_ops signals_ops = { signals_readable, NULL, NULL, signals_edges };

CALL(int, signalfd, int fd, const sigset_t *mask, int flags)
{
	struct signals *s = file_create(sizeof(*s), FILE_SIGNALS, &signals_ops);

	s->pid = world.current->pid;
	for (int number = 1; number < 64; number++)
		if (sigismember(mask, number) == 1)
			s->mask |= UINT64_C(1) << number;
	return file_install(world.current, &s->file);
}

static ssize_t read_signal(struct signals *s, struct signalfd_siginfo *info)
{
	uint64_t pending = pending_of(s);

	if (pending == 0) {
		errno = EAGAIN;
		return -1;
	}
	memset(info, 0, sizeof(*info));
	info->ssi_signo = (uint32_t)__builtin_ctzll(pending);
	process_find(s->pid)->pending &= ~(UINT64_C(1) << info->ssi_signo);
	return sizeof(*info);
}

CALL(ssize_t, read, int fd, void *to, size_t n)
{
	struct file *f = file_at(world.current, fd);

	if (f->kind == FILE_SIGNALS)
		return read_signal((struct signals *)f, to);
	if (f->kind == FILE_COUNTER)
		return read_counter((struct counter *)f, to);
	if (f->kind != FILE_TIMER || !timer_readable(f)) {
		errno = EAGAIN;
		return -1;
	}
	((struct alarm_clock *)f)->at_ms = 0;
	*(uint64_t *)to = 1;
	return sizeof(uint64_t);
}

/* ---- deaths ---- */

struct pid_file {
	struct file	 file;
	pid_t		 pid;
};

static bool pid_readable(const struct file *f)
{
	const struct process *p = process_find(((const struct pid_file *)f)->pid);

	return !p || p->dead;
}

static const struct file_ops pid_ops = { pid_readable, NULL, NULL, NULL };

CALL(int, pidfd_open, pid_t pid, unsigned flags)
{
	struct pid_file *f;

	if (chance_of(FAULT_NO_PIDFD)) {
		errno = EMFILE;
		return -1;
	}
	if (chance_of(FAULT_PIDFD_REFUSED)) {
		errno = ENOSYS;
		return -1;
	}
	f = file_create(sizeof(*f), FILE_PID, &pid_ops);
	f->pid = pid;
	return file_install(world.current, &f->file);
}

CALL(int, pidfd_send_signal, int fd, int number, siginfo_t *info, unsigned flags)
{
	struct process *p = process_find(((struct pid_file *)file_get(fd, FILE_PID))->pid);

	if (!p || p->dead) {
		errno = ESRCH;
		return -1;
	}
	process_signal(p, number);
	return 0;
}

CALL(int, kill, pid_t pid, int number)
{
	struct process *p = process_find(pid);

	holds(p, "kill of %d, who is not there", (int)pid);
	if (!p->dead)
		process_signal(p, number);
	return 0;
}

static void tell_death(const struct process *p, siginfo_t *info)
{
	info->si_pid = p->pid;
	info->si_code = p->signal ? CLD_KILLED : CLD_EXITED;
	info->si_status = p->signal ? p->signal : p->code;
}

CALL(int, waitid, idtype_t type, id_t id, siginfo_t *info, int options)
{
	struct process *p = process_find(type == P_PID ? (pid_t)id : ((struct pid_file *)file_get((int)id, FILE_PID))->pid);

	if (!p) {
		errno = ECHILD;
		return -1;
	}
	if ((options & WEXITED) && p->dead) {
		tell_death(p, info);
		trace("reaped", (uint64_t)p->pid, 0, options & WNOWAIT);
		if (!(options & WNOWAIT))
			process_forget(p);
	} else if ((options & WSTOPPED) && p->stop_changed && !p->dead) {
		p->stop_changed = false;
		info->si_pid = p->pid;
		info->si_code = p->stopped ? CLD_STOPPED : CLD_CONTINUED;
	}
	return 0;
}

CALL(pid_t, waitpid, pid_t pid, int *status, int options)
{
	struct process *p = process_find(pid);

	holds(p && (p->dead || p->doomed), "the parent would wait for %d", (int)pid);
	if (!p->dead)
		process_end(p, 0, SIGKILL);
	process_forget(p);
	return pid;
}
