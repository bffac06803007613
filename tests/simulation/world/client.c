/* SPDX-License-Identifier: MIT */
/*
 * client - who connects, asks, hears, and goes, each in its way
 *
 * Whom the pool owes its answers must get the first one whole, whatever is done to the pool, unless the kernel
 * failed its connection or the worker that had it was killed. Between two requests a connection may end.
 */
#include "world/client.h"

#include "world/cover.h"

#include "parent/crew.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define CLIENTS_MOST 24
#define PORT 8080
#define QUEUED_MS 250
#define PATIENCE_MS 2500	/* of one that is owed, while nothing happens to the pool */

static struct client clients[CLIENTS_MOST];
static unsigned last_number;

#define client_each(it) for (struct client *it = clients; it < clients + CLIENTS_MOST; it++) if (it->number != 0)

static void sleep_for(struct client *c, uint64_t ms)
{
	c->wake_ms = world.now_ms + ms;
}

static void come(struct client *c, uint64_t at_ms)
{
	memset(c, 0, offsetof(struct client, text));
	memset(&c->answer, 0, sizeof(c->answer));
	c->number = ++last_number;
	c->habit = (enum habit)chance_below(N_HABITS);
	c->wake_ms = at_ms;
	c->dies_ms = at_ms + chance_below(400);
	cover_count(&cover->habits[c->habit]);
	client_think(c);
}

void clients_begin(void)
{
	/* with few, nobody comes and makes up for what is overlooked */
	unsigned n = 2 + (unsigned)chance_below(chance_one_in(4) ? 3 : CLIENTS_MOST - 2);

	last_number = 0;
	questions_begin();
	memset(clients, 0, sizeof(clients));
	for (unsigned i = 0; i < n; i++)
		come(&clients[i], world.now_ms + chance_below(world.life_ms));
}

static void leave(struct client *c, bool hard)
{
	struct connection *gone = c->connection;

	trace("client goes", c->number, c->n_answered, hard);
	c->connection = NULL;
	c->number = 0;
	if (!gone)
		return;
	gone->client = NULL;
	if (gone->halves[THEIRS].closed)
		world_free(gone);
	else
		tcp_close(gone, THEIRS, hard);
}

void clients_end(void)
{
	client_each(c)
		leave(c, true);
}

bool clients_gone(void)
{
	client_each(c)
		return false;
	return true;
}

uint64_t clients_next_ms(void)
{
	uint64_t next_ms = UINT64_MAX;

	client_each(c)
		next_ms = c->wake_ms < next_ms ? c->wake_ms : next_ms;
	return next_ms;
}

/* Some fall asleep together, and wake in another order. */
void clients_swizzle(void)
{
	client_each(c) {
		if (!c->connection || chance_one_in(2))
			continue;
		c->slept = true;
		sleep_for(c, chance_below(1000));
	}
}

const char *habit_name(enum habit habit)
{
	static const char *const names[] = {
#define NAME(name, owed, meaning) [HABIT_##name] = #name,
		HABITS(NAME)
#undef NAME
	};

	return names[habit];
}

/* ---- the end of a connection ---- */

/* What the pool cannot be blamed for. */
static bool is_excused(const struct client *c)
{
	return !is_owed(c) || c->slept || world.harsh || world.treacherous || world.exit_code == -2 ||
	       world.short_timeouts || (c->connection && c->connection->spoiled) || chance_possible(FAULT_NO_MEMORY);
}

/* Its answer never ends, or its worker does. */
static bool asks_for_trouble(const struct client *c)
{
	const struct question *q = &c->questions[c->n_answered];

	return q->ask == ASK_NEVER || q->ask == ASK_SHORT || q->ask == ASK_CRASH || q->ask == ASK_HANG;
}

static void ended(struct client *c, bool reset)
{
	bool within = c->answer.reading != READING_HEAD || c->answer.n_line > 0;

	bool unheard = c->n_answered == 0 && c->sent > 0;
	bool lost = c->n_answered < c->n_questions && !c->answer.closes && (within || unheard) && !is_excused(c) &&
		    !asks_for_trouble(c);

	trace("client hears the end", c->number, c->n_answered, reset);
	if (lost && c->connection->cut)
		world.lost_to_cut |= c->connection->cut_by_stop;
	else if (lost)
		broken("client %u (%s) lost its answer %u of %u, %s", c->number, habit_name(c->habit),
		       c->n_answered + 1, c->n_questions, reset ? "by a reset" : "by the end");
	leave(c, false);
}

/* ---- living ---- */

static bool pool_serves(void)
{
	return world.crew && world.crew->was_ready && !world.crew->stopping;
}

static void connect_or_wait(struct client *c)
{
	bool narrow = c->habit == HABIT_READS_SLOWLY || chance_one_in(3);
	unsigned room = narrow ? 64 + (unsigned)chance_below(400) : ROOM_MOST;
	int r = tcp_connect(c, PORT, room, &c->connection);

	holds(r != -ECONNREFUSED || !pool_serves() || chance_possible(FAULT_LISTEN_FAILED),
	      "nobody listens, though the pool serves");
	if (r == 0) {
		c->moved_ms = world.now_ms;
		cover_count(&cover->connections);
		sleep_for(c, chance_below(5));
	} else if (r == -EAGAIN || (world.exit_code == -1 && (!world.crew || !world.crew->stopping))) {
		sleep_for(c, 20 + chance_below(100));
	} else {
		leave(c, false);
	}
}

/* How far it may send before it hears more. */
static unsigned limit_of(const struct client *c)
{
	if (c->habit != HABIT_KEEPS_ALIVE || c->n_answered >= c->n_questions)
		return c->len;
	return c->questions[c->n_answered].end;
}

static void speak(struct client *c)
{
	unsigned n = limit_of(c) - c->sent;
	ssize_t r;

	if (c->half_closed || (n == 0 && c->habit != HABIT_HALF_CLOSES))
		return;
	if (n > 0) {
		unsigned piece = 1 + (unsigned)chance_below(c->habit == HABIT_SPLITS ? 40 : 2000);

		r = tcp_send(c->connection, THEIRS, c->text + c->sent, piece < n ? piece : n);
		c->sent += r > 0 ? (unsigned)r : 0;
	} else {
		tcp_shutdown(c->connection, THEIRS, false, true);
		c->half_closed = true;
	}
}

/* Return: false = it is over. */
static bool listen_up(struct client *c)
{
	unsigned most = c->habit == HABIT_READS_SLOWLY ? 20 : 2000;
	char bytes[2000];
	ssize_t n = tcp_receive(c->connection, THEIRS, bytes, 1 + chance_below(most));

	if (n > 0) {
		trace("client hears", c->number, (uint64_t)n, 0);
		c->moved_ms = world.now_ms;
		client_hear(c, bytes, (size_t)n);
	} else if (n != -EAGAIN) {
		ended(c, n < 0);
		return false;
	}
	return true;
}

static bool is_content(const struct client *c)
{
	return c->n_answered >= c->n_questions && c->n_questions > 0 && c->habit != HABIT_BABBLES &&
	       c->habit != HABIT_TALKS_ON && c->habit != HABIT_HALF_CLOSES;
}

static uint64_t pause_of(const struct client *c)
{
	if (c->habit == HABIT_READS_SLOWLY)
		return chance_below(60);
	return c->habit == HABIT_STALLS || c->habit == HABIT_SAYS_NOTHING ? chance_below(200) : chance_below(12);
}

/* It is in a queue, and who could take it from there sleeps. */
static bool is_overlooked(const struct client *c)
{
	const struct socket *listener = c->connection->listener;

	return listener && listener->waiters && world.now_ms > c->moved_ms + QUEUED_MS;
}

static void check_patience(const struct client *c)
{
	if (world.troubled || is_excused(c))
		return;
	holds(!is_overlooked(c), "client %u waits in a queue, and all who wait for it sleep", c->number);
	if (world.now_ms < c->moved_ms + PATIENCE_MS || asks_for_trouble(c))
		return;
	broken("client %u (%s) waits for its answer %u of %u", c->number, habit_name(c->habit), c->n_answered + 1,
	       c->n_questions);
}

static void live(struct client *c)
{
	bool may_go = c->habit == HABIT_RESETS || c->habit == HABIT_LEAVES || !pool_serves() || c->n_questions == 0;

	if (!c->connection) {
		connect_or_wait(c);
		return;
	}
	if (chance_one_in(2))
		speak(c);
	else if (!listen_up(c))
		return;
	check_patience(c);
	if (is_content(c) || (may_go && !is_owed(c) && world.now_ms > c->dies_ms + 100) ||
	    world.now_ms > c->moved_ms + PATIENCE_MS)
		leave(c, c->habit == HABIT_RESETS || chance_one_in(8));
	else
		sleep_for(c, pause_of(c));
}

bool clients_step(void)
{
	struct client *chosen = NULL;
	unsigned n = 0;

	client_each(c)
		if (c->wake_ms <= world.now_ms && chance_one_in(++n))
			chosen = c;
	if (chosen)
		live(chosen);
	return chosen != NULL;
}
