/* SPDX-License-Identifier: MIT */
/*
 * worker - the process that serves
 *
 * Born by fork with a heritage; opens its listeners or inherits those of the one before it, gives the
 * parent duplicates, says READY, and turns its loop until it has drained. The loop's phases:
 *
 *   turn       submit, wait, one system call
 *   dispatch   completions to connections, listeners, the channel
 *   expire     timers
 *   flush      what the turn produced is sent
 *   accept     a bounded batch from each listener
 *   drain      when leaving: is it over?
 *   recycle    is it time to ask for a replacement?
 *   access     lines of the access log are written
 *   mail       messages to others go
 *   publish    the numbers, on the board
 *
 * Fails by: FAILED on the channel with the reason and exit code 1 before it is ready; afterwards only by
 * a fault that is not contained, which is reported on the channel before the core is written.
 */
#include "worker/worker.h"

#include "async/async.h"
#include "base/log.h"
#include "base/metrics.h"
#include "bridge/board.h"
#include "bridge/pin.h"
#include "bridge/privilege.h"
#include "service/service.h"
#include "state/state.h"
#include "task/task.h"
#include "worker/room.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

_Static_assert((int)BROOD_ENGINE_AUTO == ENGINE_AUTO && (int)BROOD_ENGINE_URING == ENGINE_URING &&
	       (int)BROOD_ENGINE_EPOLL == ENGINE_EPOLL, "one numbering of the engines");

#define DISPATCH_ROUNDS 8
#define DESCRIPTORS_RESERVED 128	/* for listeners, ring, channel, files held open */

static void on_signal(struct worker *w)
{
	struct signalfd_siginfo info;

	while (read(w->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (getppid() != w->heritage->parent_pid)
			drain_orphaned(w);
		else
			brood_retire("SIGTERM");
	}
}

/* Both again whenever the kernel ends them, as it does when completions overflow. */
static void poll_channel(struct worker *w)
{
	engine_poll(w->engine, w->heritage->channel_fd, (struct tag){ OWNER_CHANNEL, 0, 0 });
}

static void poll_signals(struct worker *w)
{
	engine_poll(w->engine, w->signal_fd, (struct tag){ OWNER_SIGNAL, 0, 0 });
}

static void dispatch(struct worker *w, const struct completion *completion)
{
	switch (completion->tag.owner) {
	case OWNER_CONN:
		conn_on_completion(&w->conns, completion);
		break;
	case OWNER_LISTENER:
		listener_on_poll(w, completion);
		break;
	case OWNER_CHANNEL:
		messages_on_readable(w);
		if (!completion->more)
			poll_channel(w);
		break;
	case OWNER_REACTOR:
		reactor_on_completion(&w->reactor, completion);
		break;
	case OWNER_SIGNAL:
		on_signal(w);
		if (!completion->more)
			poll_signals(w);
		break;
	default:
		break;
	}
}

/*
 * Some operations complete at once when they are flushed, so flushing may bring more to dispatch; bounded,
 * because a fast reader of a long answer would keep it up for ever.
 */
static void dispatch_all(struct worker *w)
{
	struct completion completion;

	for (int round = 0; round < DISPATCH_ROUNDS; round++) {
		while (engine_next(w->engine, &completion))
			if (completion.op != OP_IGNORE)
				dispatch(w, &completion);
		if (!conn_table_flush(&w->conns))
			break;
	}
}

static uint64_t next_ms(const struct worker *w)
{
	uint64_t next = conn_table_next_ms(&w->conns);
	uint64_t accept = accept_next_ms(w);
	uint64_t drain = drain_next_ms(w);
	uint64_t recycle = recycle_next_ms(w);
	uint64_t shed = shed_next_ms(w);
	uint64_t access = access_next_ms(w);
	uint64_t reactor = reactor_next_ms(&w->reactor);

	if (reactor < next)
		next = reactor;
	if (accept < next)
		next = accept;
	if (recycle < next)
		next = recycle;
	if (shed < next)
		next = shed;
	if (access < next)
		next = access;
	return drain < next ? drain : next;
}

/* What only who looks on wants to know. */
static void publish_counters(struct worker *w)
{
	struct board_row *row = w->row;
	const struct conn_counters *c = &w->conns.counters;
	const struct engine_counters *e = &w->engine->counters;
	const struct state_counters *s = state_counters();

	board_set(&row->requests, c->requests);
	board_set(&row->refused, c->refused);
	board_set(&row->responses_2xx, c->responses[2]);
	board_set(&row->responses_3xx, c->responses[3]);
	board_set(&row->responses_4xx, c->responses[4]);
	board_set(&row->responses_5xx, c->responses[5]);
	board_set(&row->received, c->received);
	board_set(&row->sent, c->sent);
	board_set(&row->admin, w->conns.n_admin);
	board_set(&row->admin_requests, w->conns.admin_counters.requests);
	board_set(&row->quarantined, w->n_quarantined);
	board_set(&row->timeouts, c->timeouts);
	board_set(&row->cut, c->cut);
	board_set(&row->given, c->given);
	board_set(&row->taken, c->taken);
	board_set(&row->streams, c->streams);
	board_set(&row->datagrams, w->n_datagrams);
	board_set(&row->datagrams_sent, w->n_datagrams_sent);
	board_set(&row->datagrams_dropped, w->n_datagrams_dropped);
	board_set(&row->datagrams_lost, w->n_datagrams_lost);
	board_set(&row->log_dropped, access_n_dropped(w));
	board_set(&row->faults, c->faults);
	board_set(&row->state_reads, s->reads);
	board_set(&row->state_writes, s->writes);
	board_set(&row->state_evictions, s->evictions);
	board_set(&row->state_refusals, s->refusals);
	board_set(&row->state_timeouts, s->timeouts);
	board_set(&row->state_repairs, s->repairs);
	board_set(&row->accept_paused, w->n_accept_paused);
	board_set(&row->messages_sent, w->mail.n_sent);
	board_set(&row->messages_received, w->mail.n_received);
	board_set(&row->messages_returned, w->mail.n_returned);
	board_set(&row->turns, e->turns);
	board_set(&row->enters, e->enters);
	board_set(&row->submitted, e->submitted);
	board_set(&row->completed, e->completed);
	board_set(&row->starved, e->starved);
	board_set(&row->overflows, e->overflows);
}

static void publish(struct worker *w)
{
	struct board_row *row = w->row;
	uint64_t n_open = w->conns.n_open - w->conns.n_admin, n_accepted = w->conns.counters.accepted;

	board_set(&row->connections, n_open);
	board_set(&row->in_flight, w->conns.n_busy);
	board_set(&row->accepted, n_accepted);
	if (w->heritage->settled)
		board_set(w->heritage->settled, n_accepted - n_open - w->n_borrowed);
	if (METRICS)
		publish_counters(w);
}

/* Tells the board around it: who waits is idle, who neither waits nor comes back to waiting hangs. */
static int turn(struct worker *w)
{
	int r;

	board_set(&w->row->waiting, 1);
	r = engine_turn(w->engine, next_ms(w));
	board_set(&w->row->heartbeat_ms, w->engine->now_ms);
	atomic_store_explicit(&w->row->waiting, 0, memory_order_release);
	return r;
}

static int run(struct worker *w)
{
	while (!drain_complete(w)) {
		int r = turn(w);

		if (r < 0) {
			log_error("worker %u (pid %d): the %s engine failed: %s; leaving",
				  w->heritage->slot, (int)getpid(), engine_name(w->engine->kind), strerror(-r));
			return 1;
		}
		dispatch_all(w);
		conn_table_expire(&w->conns);
		reactor_expire(&w->reactor);
		conn_table_flush(&w->conns);
		accept_step(w);
		shed_step(w);
		drain_step(w);
		recycle_step(w);
		access_step(w);
		mail_flush(w);
		state_flush();
		publish(w);
	}
	return 0;
}

/* ---- birth ---- */

static struct conn_limits limits_of(const struct brood_options *o, unsigned n_descriptors)
{
	unsigned most = n_descriptors > 2 * DESCRIPTORS_RESERVED ? n_descriptors - DESCRIPTORS_RESERVED
								 : n_descriptors / 2;

	return (struct conn_limits){
		.http = { o->max_head_bytes, o->max_target_bytes, o->max_fields, o->max_body_bytes },
		.header_timeout_ms = o->header_timeout_ms,
		.body_timeout_ms = o->body_timeout_ms,
		.idle_timeout_ms = o->idle_timeout_ms,
		.write_timeout_ms = o->write_timeout_ms,
		.linger_timeout_ms = o->linger_timeout_ms,
		.n_conns = o->max_connections ? o->max_connections : most,
		.conn_requests = o->max_conn_requests,
		.conn_age_ms = o->max_conn_age_ms,
	};
}

static int open_signals(struct worker *w)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE };
	sigset_t term;

	/* A terminal sends its signals to the whole process group, and the parent answers for us. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	w->signal_fd = signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC);
	return w->signal_fd;
}

/* Birth in order. Return: 0, or -1 and the reason in one line. */
static int set_up(struct worker *w, char *why, size_t size)
{
	struct conn_limits limits = limits_of(&w->config->options, w->n_descriptors);

	if (open_signals(w) < 0) {
		snprintf(why, size, "signalfd: %m");
		return -1;
	}
	if (listeners_open(w, why, size) < 0 || privilege_drop(w->config, why, size) < 0)
		return -1;
	/* a handler may send when it starts */
	mailbox_init(&w->mail, w->heritage->mail_fd, &public_ops, NULL);
	public_set_mailbox(&w->mail);
	if (service_create(w->config, &w->service, why, size) < 0)
		return -1;
	if (service_streams(w->config, &w->service, w->streams, why, size) < 0 ||
	    service_datagrams(w->config, &w->service, w->datagram_services, why, size) < 0)
		return -1;
	if (datagrams_create(w) < 0) {
		snprintf(why, size, "no memory for datagrams");
		return -1;
	}
	if (w->config->admins != 0 && admin_create(w->heritage, &w->admin, why, size) < 0)
		return -1;
	if (engine_create(w->heritage->engine, &w->engine, w->why_not_uring, sizeof(w->why_not_uring)) < 0) {
		snprintf(why, size, "%s", w->why_not_uring);
		return -1;
	}
	reactor_init(&w->reactor, w->engine);
	async_open(&w->reactor);
	if (state_get())
		state_serve(state_get(), &w->reactor);
	if (mail_open(w) < 0) {
		snprintf(why, size, "no memory for messages");
		return -1;
	}
	if (tasks_open(w->heritage, &w->reactor, why, size) < 0)
		return -1;
	if (conn_table_init(&w->conns, w->engine, &limits, quarantine_before(w)) < 0) {
		snprintf(why, size, "no memory for %u connections", limits.n_conns);
		return -1;
	}
	w->conns.admin_service = w->admin;
	w->conns.latency = &w->row->latency;
	w->conns.contain = crash_contains(w->config);
	if (access_create(w) < 0) {
		snprintf(why, size, "no memory for the access log");
		return -1;
	}
	recycle_init(w);
	return 0;
}

static void say_ready(struct worker *w)
{
	struct ready_msg ready = { .engine = w->engine->kind };

	listeners_offer(w);
	poll_channel(w);
	poll_signals(w);
	memcpy(ready.why, w->why_not_uring, sizeof(ready.why));
	message_send(w, CHANNEL_READY, &ready, -1);
}

static void say_failed(struct worker *w, const char *why)
{
	struct failed_msg failed = { .reason = "" };

	snprintf(failed.reason, sizeof(failed.reason), "%s", why);
	message_send(w, CHANNEL_FAILED, &failed, -1);
}

static void name_process(const struct heritage *h)
{
	char name[16];

	snprintf(name, sizeof(name), "brood:%u", h->slot);
	prctl(PR_SET_NAME, name);
}

int worker_main(const struct heritage *heritage)
{
	struct worker worker;
	struct worker *w = &worker;
	char why[256] = "";
	int r;

	*w = (struct worker){
		.heritage = heritage,
		.config = heritage->config,
		.pid = getpid(),
		.row = &heritage->board->rows[heritage->row],
		.n_descriptors = privilege_raise_nofile(),
		.signal_fd = -1,
		.shed.fd = -1,
		.shared = heritage->shared,
	};
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		w->listeners[i].fd = -1;
	name_process(heritage);
	self_set(w);
	crash_report_on();
	pin_to_cpu(heritage);		/* before there is memory, which is to be near that CPU */
	if (set_up(w, why, sizeof(why)) < 0) {
		say_failed(w, why);
		return BROOD_EXIT_NOT_STARTED;
	}
	say_ready(w);
	r = run(w);
	board_set(&w->row->waiting, 1);		/* the loop is over: only the drain's deadline counts from here on */
	mail_close(w);
	access_flush(w);
	publish(w);		/* what could not be written any more */
	if (r == 0) {
		struct drained_msg drained = { .cut = w->drain.n_cut };

		message_send(w, CHANNEL_DRAINED, &drained, -1);
		service_destroy(&w->service);
		admin_destroy(&w->admin);
	}
	return r;
}
