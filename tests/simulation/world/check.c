/* SPDX-License-Identifier: MIT */
/*
 * check - what must hold after each step, and when all is over
 */
#include "world/cover.h"
#include "world/kernel.h"

#include "base/must.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "worker/room.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW_MS		50
#define TURNS_A_WINDOW		500	/* of one worker: it has a small part of the steps */
#define ACCEPT_WITHIN_MS	300	/* of being ready */
#define LOOK_WITHIN_MS		200

void broken(const char *format, ...)
{
	va_list arguments;

	printf("seed %" PRIu64 ": ", world.seed);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("; at step %" PRIu64 ", %" PRIu64 " ms\nreplay: make simulate SEED=%" PRIu64 "\n", world.n_steps,
	       world.now_ms - WORLD_BEGINS_MS, world.seed);
	fflush(stdout);
	_exit(1);
}

/* Instead of base/must: the pool's own invariants count as ours. */
void must_fail(const char *invariant, const char *file, int line)
{
	broken("%s must hold (%s:%d)", invariant, file, line);
}

/* ---- a worker ---- */

static bool is_block(const struct piece *piece)
{
	return piece->data != NULL || piece->file_fd >= 0;
}

static unsigned count_blocks(const struct conn *c)
{
	unsigned n = 0;

	for (const struct piece *piece = c->output.first; piece; piece = piece->next)
		n += is_block(piece);
	return n + (c->request && c->request->fields);
}

static uint64_t count_bytes(const struct output *out)
{
	uint64_t n = 0;

	for (const struct piece *piece = out->first; piece; piece = piece->next)
		n += piece->data ? piece->end - piece->begin : piece->left;
	return n;
}

/* A receive that nothing would complete: its connection would never end. */
static bool waits_for_client(const struct process *p, const struct conn *c)
{
	return c->receiving && !((const struct stream *)file_at(p, c->fd))->connection->halves[OURS].shut_in;
}

static void check_conn(const struct process *p, const struct conn *c)
{
	const struct conn_table *table = &p->worker->conns;

	engine_check(table->engine, c);
	holds(count_bytes(&c->output) == c->output.n_bytes, "connection %u: miscounts its output", c->index);
	holds(c->state == CONN_CLOSING || c->busy == (c->request || c->output.n_bytes > 0),
	      "connection %u: is %sbusy, and thinks otherwise", c->index, c->busy ? "not " : "");
	holds(c->state != CONN_CLOSING || c->receiving || c->sending || c->awaits_room || c->dirty,
	      "connection %u: waits for nothing to be closed", c->index);
	holds(c->state != CONN_CLOSING || !waits_for_client(p, c), "connection %u: is closed when its client likes",
	      c->index);
	holds(c->state != CONN_HANDLING || c->request, "connection %u: handles no request", c->index);
	holds(c->state == CONN_CLOSING || c->output.n_bytes == 0 || c->sending || c->awaits_room || c->dirty,
	      "connection %u: has output that nobody sends", c->index);
}

static void check_table(const struct process *p, const struct conn_table *table)
{
	unsigned n_open = 0, n_busy = 0, n_requests = 0, n_blocks = 0;

	for (unsigned slab = 0; slab < table->n_slabs; slab++) {
		for (unsigned i = 0; i < 64; i++) {
			const struct conn *c = &table->slabs[slab][i];

			if (c->fd < 0)
				continue;
			check_conn(p, c);
			n_open++;
			n_busy += c->busy;
			n_requests += c->request != NULL;
			n_blocks += count_blocks(c);
		}
	}
	holds(n_open == table->n_open, "%u connections are open, not %u", n_open, table->n_open);
	holds(n_busy == table->n_busy, "%u connections are busy, not %u", n_busy, table->n_busy);
	holds(n_requests == table->requests.n_used, "%u requests are there, not %u", n_requests,
	      table->requests.n_used);
	holds(n_blocks <= table->blocks.n_used && table->blocks.n_used <= n_blocks + n_open,
	      "%u blocks are in use by %u pieces and fields of %u connections", table->blocks.n_used, n_blocks,
	      n_open);
}

static void check_spin(struct process *p)
{
	if (world.now_ms >= p->window_ms + WINDOW_MS) {
		p->window_ms = world.now_ms;
		p->n_turns = 0;
	}
	holds(++p->n_turns <= TURNS_A_WINDOW, "%s turns its loop %d times in %d ms", process_name(p), TURNS_A_WINDOW,
	      WINDOW_MS);
}

void check_worker(struct process *p)
{
	const struct worker *w = self_get();

	p->worker = self_get();
	check_spin(p);
	check_table(p, &w->conns);
	if (w->drain.on && !w->drain.last)
		for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
			holds(w->listeners[i].fd < 0 || w->listeners[i].closing,
			      "a worker that leaves keeps a listener");
}

/* ---- the parent ---- */

static void check_slot(struct crew *crew, const struct slot *slot)
{
	const struct child *one = slot->incumbent, *two = slot->successor;
	const char *name = slot_state_name(slot->state);
	bool has_one = slot->state == SLOT_STARTING || slot_is_served(slot->state) || slot->state == SLOT_DYING;

	if (slot->state != SLOT_DRAINING)
		holds((one != NULL) == has_one, "slot %u: %s with%s an incumbent", slot->index, name,
		      one ? "" : "out");
	holds(!two || slot->state == SLOT_RETIRING, "slot %u: %s with a successor", slot->index, name);
	holds(!one || (one->serial != 0 && one->slot == slot->index), "slot %u: its incumbent is another's",
	      slot->index);
	holds(slot->state != SLOT_BACKOFF || slot->turn_ms > 0, "slot %u: waits for ever", slot->index);
	holds(slot->state != SLOT_RETIRING || two || slot->turn_ms > 0, "slot %u: retires without a replacement",
	      slot->index);
	holds(slot->state != SLOT_READY || one->ever_ready, "slot %u: READY, and its worker was not", slot->index);
	holds(!two || two->phase == CHILD_STARTING || two->phase == CHILD_DYING, "slot %u: its successor serves",
	      slot->index);
}

static bool anyone_could_borrow(struct crew *crew, const struct slot *but)
{
	slot_each(crew, slot)
		if (slot != but && child_serves(slot->incumbent) && slot->state != SLOT_LEAVING)
			return true;
	return false;
}

/* Somebody reads each listener in custody, or soon will. */
static void check_listeners(struct crew *crew, const struct slot *slot)
{
	bool served = slot_is_served(slot->state) && child_serves(slot->incumbent);

	if (slot->listen_fd[0] < 0 || served || slot->borrower || !slot->was_ready)
		return;
	holds(slot->orphaned_ms != 0 || !slot_is_served(slot->state) || slot->incumbent->phase != CHILD_SERVING ||
	      !slot->incumbent->silent, "slot %u: its worker is silent, and nobody is to read its listener",
	      slot->index);
	holds(slot->orphaned_ms != 0 || slot_is_served(slot->state), "slot %u: %s, its listener is orphaned",
	      slot->index,
	      slot_state_name(slot->state));
	holds(slot->orphaned_ms == 0 || slot->orphaned_ms > crew->now_ms || !anyone_could_borrow(crew, slot) ||
	      chance_possible(FAULT_CHANNEL_FULL) || world.treacherous || world.troubled,
	      "slot %u: its listener is orphaned, and lent to nobody", slot->index);
}

static unsigned count_running(void)
{
	unsigned n = 0;

	process_each(p)
		n += p->pid != world.parent_pid;
	return n;
}

static bool accepts(const struct worker *w)
{
	const struct listener *l = &w->listeners[0];

	return l->fd < 0 || l->polling || l->readable || w->drain.on;
}

/* Whom the parent counts on, and who has read what it was told. */
static void check_child(const struct crew *crew, const struct child *child)
{
	const struct process *p = process_find(child->pid);

	holds(p, "the parent believes in process %d", (int)child->pid);
	if (child->phase != CHILD_SERVING || child->ready_ms + ACCEPT_WITHIN_MS > crew->now_ms || p->dead ||
	    !p->worker ||
	    file_readable(file_at(p, p->heritage.channel_fd)))
		return;
	holds(accepts(p->worker), "%s serves, and accepts nothing", process_name(p));
}

static void check_group(const struct crew *crew)
{
	for (unsigned i = 0; i < world.group.n; i++)
		holds(crew->stopping || !world.group.members[i]->refuses,
		      "a listener refuses handshakes, and the pool goes on");
}

void check_parent(void)
{
	struct crew *crew = world.crew;

	if (!crew)
		return;
	check_group(crew);
	holds(count_running() == crew->n_children, "%u workers are there, not %u", count_running(), crew->n_children);
	slot_each(crew, slot) {
		check_slot(crew, slot);
		if (!crew->stopping)
			check_listeners(crew, slot);
	}
	child_each(crew, child)
		check_child(crew, child);
}

/* ---- a socket that all wait for ---- */

static bool sleeps(const struct crew *crew, const struct child *child)
{
	const struct process *p = process_find(child->pid);
	const struct worker *w = p ? p->worker : NULL;

	return child_serves(child) && w && !p->dead && !p->stopped && !process_is_ready(p) &&
	       child_row(crew, child)->waiting && !w->drain.on && !w->accept_paused && !conn_table_full(&w->conns);
}

static bool anyone_sleeps(struct crew *crew)
{
	child_each(crew, child)
		if (sleeps(crew, child))
			return true;
	return false;
}

/* The first in the queue of the socket that all wait for; NULL = there is no such socket, or nobody waits. */
static const struct connection *first_waiting(const struct crew *crew)
{
	if (crew->config->options.model != BROOD_PREEMPTIVE || crew->stopping || !crew->was_ready ||
	    crew->config->options.hang_timeout_ms == BROOD_OFF)
		return NULL;
	return ((const struct socket *)file_at(process_find(world.parent_pid), crew->reserved_fd[0]))->first;
}

/* Within the hang timeout it is known that somebody hangs, sooner that somebody has died, and then others look. */
static void check_shared(struct crew *crew)
{
	const struct connection *first = first_waiting(crew);

	if (first != world.beside || !first || !anyone_sleeps(crew)) {
		world.beside = first;
		world.beside_ms = world.now_ms;
	}
	holds(world.now_ms <= world.beside_ms + crew->config->options.hang_timeout_ms + LOOK_WITHIN_MS,
	      "a worker sleeps, and a connection waits beside it for %" PRIu64 " ms", world.now_ms - world.beside_ms);
}

void check_time(void)
{
	if (world.crew)
		check_shared(world.crew);
	holds(world.stop_by_ms == 0 || world.now_ms <= world.stop_by_ms || world.exit_code >= 0 ||
	      world.exit_code == -2,
	      "the pool does not end");
}

void check_end(void)
{
	list_each(link, tmp, &world.files)
		broken("a file of kind %d is left open", container_of(link, struct file, link)->kind);
	holds(world.exit_code != BROOD_EXIT_DRAINED || !world.lost_to_cut, "exit code 0, and connections were cut");
}
