/* SPDX-License-Identifier: MIT */
/*
 * run - one task: its input, its function, its result
 *
 * While it runs, the kernel watches the other end of its socket pair for us (SIGIO): when that is shut nobody waits
 * any more, the task may see it, and a timer runs; upon its end (TIME_OVER) the parent is told and the process
 * exits, because what does not return cannot be ended in another way. Both handlers do only what is
 * async-signal-safe.
 */
#include "task/task.h"

#include "base/clock.h"
#include "bridge/board.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"
#include "bridge/parcel.h"
#include "bridge/ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 1000		/* for a task nobody waits for */
#define TIME_OVER (SIGRTMAX - 1)	/* because valgrind keeps the last for itself */
#define INPUT_MS 1000		/* what was sent before the ticket is there at once */

struct brood_task {
	int			 fd;
	volatile sig_atomic_t	 is_cancelled;
	char			*out;
	size_t			 len;
	size_t			 size;
};

static struct {
	const struct heritage	*heritage;
	struct board_row	*row;
	timer_t			 grace;
	char			 name[TASK_NAME_BYTES];
	struct brood_task *volatile task;	/* NULL = none runs */
} self;

const char *run_name(void)
{
	return self.task ? self.name : NULL;
}

static void set_grace(uint32_t ms)
{
	const struct itimerspec at = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 },
	};

	(void)timer_settime(self.grace, 0, &at, NULL);
}

static void on_shut(int number)
{
	struct brood_task *task = self.task;
	int error = errno;

	if (task && !task->is_cancelled && parcel_is_over(task->fd)) {
		task->is_cancelled = 1;
		set_grace(GRACE_MS);
	}
	errno = error;
}

static void on_overrun(int number)
{
	static const struct overrun_msg overrun = { "nobody waits for what it ran" };

	if (!self.task)
		return;
	(void)channel_send(self.heritage->channel_fd, CHANNEL_OVERRUN, &overrun, -1);
	_exit(0);
}

static int catch(int number, void (*handler)(int number), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigemptyset(&action.sa_mask);
	return sigaction(number, &action, NULL) < 0 ? -errno : 0;
}

int run_init(const struct heritage *heritage, struct board_row *row)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = TIME_OVER };
	int r;

	self.heritage = heritage;
	self.row = row;
	r = catch(SIGIO, on_shut, SA_RESTART);
	if (r == 0)
		r = catch(TIME_OVER, on_overrun, SA_ONSTACK);
	if (r == 0 && timer_create(CLOCK_MONOTONIC, &event, &self.grace) < 0)
		r = -errno;
	return r;
}

/* ---- what a task calls ---- */

static int grow(struct brood_task *task, size_t len)
{
	size_t size = task->size ? task->size : 4096;
	char *out;

	while (size < len)
		size *= 2;
	if (size == task->size)
		return 0;
	out = realloc(task->out, size);
	if (!out)
		return -ENOMEM;
	task->out = out;
	task->size = size;
	return 0;
}

int brood_task_output(struct brood_task *task, const void *data, size_t len)
{
	int r = len > PARCEL_MOST - task->len ? -EMSGSIZE : grow(task, task->len + len);

	if (r < 0 || len == 0)
		return r;
	memcpy(task->out + task->len, data, len);
	task->len += len;
	return 0;
}

int brood_task_progress(struct brood_task *task, const void *data, size_t len)
{
	return len > PARCEL_COPY_MOST ? -EMSGSIZE : parcel_send(task->fd, PARCEL_PROGRESS, data, len);
}

int brood_task_cancelled(const struct brood_task *task)
{
	return task->is_cancelled;
}

/* ---- one task ---- */

/* Return: 1 and the input, or what parcel_receive() says. */
static int take_input(int fd, struct parcel *ret_input)
{
	struct pollfd there = { .fd = fd, .events = POLLIN };

	if (poll(&there, 1, INPUT_MS) <= 0)
		return -EPIPE;
	return parcel_receive(fd, ret_input);
}

static void begin(struct brood_task *task, const struct ticket *ticket)
{
	memcpy(self.name, ticket->name, sizeof(self.name));
	board_set(&self.row->in_flight, 1);
	board_set(&self.row->task_until_ms, ticket->deadline_ms);
	self.task = task;
	(void)fcntl(task->fd, F_SETOWN, getpid());
	(void)fcntl(task->fd, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC);
	on_shut(SIGIO);		/* it may have been shut before it was watched */
}

static void end(void)
{
	self.task = NULL;
	set_grace(0);
	board_set(&self.row->task_until_ms, 0);
	board_set(&self.row->in_flight, 0);
	board_set(&self.row->tasks_run, board_get(&self.row->tasks_run) + 1);
}

static void run(struct brood_task *task, const struct ticket *ticket, const struct parcel *input)
{
	const struct task_definition *definition = names_find(ticket->name);
	int code;

	if (!definition) {	/* of a worker with other code */
		(void)parcel_send(task->fd, PARCEL_FAILURE, "no task of that name\n", 21);
		return;
	}
	begin(task, ticket);
	code = definition->fn(task, input->data, input->len, definition->arg);
	end();
	if (!task->is_cancelled)
		(void)parcel_send(task->fd, code == 0 ? PARCEL_RESULT : PARCEL_FAILURE, task->out, task->len);
}

static bool is_wanted(const struct ticket *ticket, int fd)
{
	return (ticket->deadline_ms == 0 || clock_ms() < ticket->deadline_ms) && !parcel_is_over(fd);
}

void run_ticket(const struct ticket *ticket, int fd)
{
	struct brood_task task = { .fd = fd };
	struct parcel input = { 0 };

	if (is_wanted(ticket, fd) && take_input(fd, &input) > 0 && input.kind == PARCEL_INPUT)
		run(&task, ticket, &input);
	parcel_release(&input);
	free(task.out);
	close(fd);
}
