/* SPDX-License-Identifier: MIT */
/*
 * task - what a task process might say to the worker that waits for it, and what it might find in the queue
 *
 * The input is a list of steps: a task is asked for, its ticket is taken, run or answered with any bytes, with
 * descriptors; somebody puts any bytes into the queue; time goes by. What must hold: no crash, no descriptor or memory
 * lost, each task ends once, what is told of it lies within its bounds.
 */
#include "fuzz/wire.h"

#include "base/clock.h"
#include "bridge/board.h"
#include "bridge/heritage.h"
#include "bridge/parcel.h"
#include "bridge/ticket.h"
#include "reactor/reactor.h"
#include "task/task.h"

#include <stdlib.h>
#include <sys/syscall.h>

#define N_HELD 4
#define N_QUEUE 16
#define LARGE_BYTES (PARCEL_COPY_MOST + 1)

enum step { ASK, TAKE, SAY, ANSWER, RUN, HANG_UP, LATER, QUEUE, TURN, N_STEPS };

static int memory[2] = { -1, -1 };	/* sealed, not sealed */
static int tickets[2];
static int held[N_HELD];		/* -1 = none */
static struct reactor reactor;
static struct config config;
static struct board *board;
static struct heritage heritage = { .config = &config };
static unsigned n_asked, n_ended;
static time_t ahead_s;			/* of the kernel's clock */

int clock_gettime(clockid_t id, struct timespec *ret_now)
{
	int r = (int)syscall(SYS_clock_gettime, id, ret_now);

	if (id == CLOCK_MONOTONIC)
		ret_now->tv_sec += ahead_s;
	return r;
}

static void read_through(const void *data, size_t len)
{
	volatile char sum = 0;

	for (size_t i = 0; i < len; i += 1 + i / 64)
		sum = (char)(sum + ((const char *)data)[i]);
	if (len > 0)
		sum = (char)(sum + ((const char *)data)[len - 1]);
}

/* ---- the task ---- */

static int work(struct brood_task *task, const void *in, size_t len, void *arg)
{
	read_through(in, len);
	(void)brood_task_progress(task, in, len < 100 ? len : 100);
	(void)brood_task_output(task, in, len);
	return len & 1;
}

/* ---- the worker ---- */

static void on_done(struct brood_request *request, enum brood_task_status status, const void *data, size_t len,
		    void *arg)
{
	bool *open = arg;

	must(*open && status <= BROOD_TASK_CANCELLED && len <= PARCEL_MOST);
	*open = false;
	n_ended++;
	read_through(data, len);
	free(open);
}

static void on_progress(struct brood_request *request, const void *data, size_t len, void *arg)
{
	const bool *open = arg;

	must(*open);
	read_through(data, len);
}

static void ask(struct steps *s, uint8_t how)
{
	static const char large[LARGE_BYTES];
	struct brood_task_options options = BROOD_TASK_OPTIONS_INIT;
	bool *open = malloc(sizeof(*open));
	const uint8_t *bytes;
	size_t n = step_packet(s, &bytes);
	int r;

	must(open);
	*open = true;
	options.timeout_ms = 1000;
	options.on_progress = how & 1 ? on_progress : NULL;
	r = how & 2 ? brood_task(NULL, "work", large, sizeof(large), &options, on_done, open)
		    : brood_task(NULL, "work", bytes, n, &options, on_done, open);
	if (r == 0)
		n_asked++;
	else
		free(open);
}

static void turn(void)
{
	struct completion c;

	must(engine_turn(reactor.engine, 0) == 0);
	while (engine_next(reactor.engine, &c))
		if (c.op != OP_IGNORE)
			reactor_on_completion(&reactor, &c);
	reactor_expire(&reactor);
}

/* ---- the task process, or who passes for one ---- */

static void hang_up(unsigned i)
{
	if (held[i] >= 0)
		close(held[i]);
	held[i] = -1;
}

/* What it was asked with is there before the ticket is, or run_ticket() would wait for it. */
static void take(unsigned i, bool runs)
{
	struct ticket ticket;
	int fd;

	if (ticket_take(tickets[1], &ticket, &fd) < 0)
		return;
	must(memchr(ticket.name, '\0', sizeof(ticket.name)));
	if (runs) {
		run_ticket(&ticket, fd);
		return;
	}
	hang_up(i);
	held[i] = fd;
}

static void say(struct steps *s, unsigned i, uint8_t how)
{
	const int fds[4] = { memory[how & 1], memory[how >> 1 & 1], memory[0], memory[1] };
	const uint8_t *bytes;
	size_t n = step_packet(s, &bytes);

	wire_send(held[i], bytes, n, how >> 2 & 3, fds);
}

static void answer(struct steps *s, unsigned i, uint8_t how)
{
	static const char large[LARGE_BYTES];
	const uint8_t *bytes;
	size_t n = step_packet(s, &bytes);

	if (how & 4)
		(void)parcel_send(held[i], PARCEL_INPUT + how % 4, large, sizeof(large));
	else
		(void)parcel_send(held[i], PARCEL_INPUT + how % 4, bytes, n);
}

/* A ticket of any bytes, with memory or one end of a pair in which any bytes wait. */
static void queue(struct steps *s, uint8_t how)
{
	const uint8_t *bytes, *input;
	size_t n = step_packet(s, &bytes), n_input = step_packet(s, &input);
	int ends[2], fds[3] = { memory[0], memory[1], memory[0] };

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	if (how & 4)
		fds[0] = ends[1];
	wire_send(ends[0], input, n_input, how >> 3 & 1, &memory[how >> 4 & 1]);
	wire_send(tickets[0], bytes, n, how & 3, fds);
	if (how & 0x20)
		hang_up(0);
	if (how & 0x20)
		held[0] = ends[0];
	else
		close(ends[0]);
	close(ends[1]);
}

static void take_step(struct steps *s)
{
	uint8_t code = step_byte(s), how = step_byte(s);
	unsigned who = code / N_STEPS % N_HELD;
	enum step step = code % N_STEPS;

	if (held[who] < 0 && (step == SAY || step == ANSWER))
		return;
	switch (step) {
	case ASK:	ask(s, how); break;
	case TAKE:	take(who, false); break;
	case SAY:	say(s, who, how); break;
	case ANSWER:	answer(s, who, how); break;
	case RUN:	take(who, true); break;
	case HANG_UP:	hang_up(who); break;
	case LATER:	ahead_s += how & 1; break;
	case QUEUE:	queue(s, how); break;
	case TURN:	turn(); break;
	case N_STEPS:	break;
	}
	if (how & 0x80)
		turn();
}

static void begin(void)
{
	struct engine *engine;
	char why[200];

	must(engine_create(ENGINE_EPOLL, &engine, why, sizeof(why)) == 0);
	reactor_init(&reactor, engine);
	must(ticket_queue(N_QUEUE, tickets) > 0);
	heritage.ticket_fd = tickets[0];
	must(tasks_open(&heritage, &reactor, why, sizeof(why)) == 0);
	for (unsigned i = 0; i < N_HELD; i++)
		held[i] = -1;
	n_asked = n_ended = 0;
}

/* Nobody waits for longer than a second. */
static void end(void)
{
	struct engine *engine = reactor.engine;

	turn();
	for (unsigned i = 0; i < N_HELD; i++)
		hang_up(i);
	ahead_s += 2;
	turn();
	turn();
	must(n_asked == n_ended && !tasks_pending());
	reactor_finish(&reactor);
	engine_destroy(engine);
	close(tickets[0]);
	close(tickets[1]);
}

static void prepare(void)
{
	memory[0] = wire_memory(LARGE_BYTES, true);
	memory[1] = wire_memory(LARGE_BYTES, false);
	config.options.task_queue = N_QUEUE;
	config.task_definitions[0] = (struct task_definition){ .name = "work", .fn = work };
	config.n_task_definitions = 1;
	must(board_create(2, &board) == 0);
	board->task_slots = 1;
	heritage.board = board;
	must(run_init(&heritage, &board->rows[1]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steps s = { data, size };
	unsigned n_before;

	if (memory[0] < 0)
		prepare();
	n_before = n_open_fds();
	begin();
	while (s.left > 0)
		take_step(&s);
	end();
	must(n_open_fds() == n_before);
	return 0;
}
