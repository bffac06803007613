/* SPDX-License-Identifier: MIT */
/*
 * table - all connections of a worker
 *
 * They lie in slabs that are made as they are needed and stay; an index and a generation name one, so a
 * completion that comes after its connection was closed is recognised and dropped.
 */
#include "conn/conn.h"

#include "base/must.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SPARE_BLOCKS	256
#define SPARE_REQUESTS	64
#define SPARE_STREAMS	64
#define ADMIN_MOST	32	/* open connections of the admin address */

int conn_table_init(struct conn_table *table, struct engine *engine, const struct conn_limits *limits,
		    struct service service)
{
	*table = (struct conn_table){ .engine = engine, .limits = *limits, .service = service };
	http_scan_init();
	table->slabs = calloc((limits->n_conns + ADMIN_MOST + CONNS_A_SLAB - 1) / CONNS_A_SLAB,
			      sizeof(*table->slabs));
	if (!table->slabs)
		return -ENOMEM;
	wheel_init(&table->deadlines, engine->now_ms);
	wheel_init(&table->timers, engine->now_ms);
	wheel_init(&table->stream_timers, engine->now_ms);
	pool_init(&table->blocks, BLOCK_BYTES, SPARE_BLOCKS);
	pool_init(&table->requests, sizeof(struct brood_request), SPARE_REQUESTS);
	pool_init(&table->streams, sizeof(struct brood_stream), SPARE_STREAMS);
	return 0;
}

void conn_table_finish(struct conn_table *table)
{
	must(table->n_open == 0);
	pool_finish(&table->streams);
	pool_finish(&table->requests);
	pool_finish(&table->blocks);
	for (unsigned i = 0; i < table->n_slabs; i++)
		free(table->slabs[i]);
	free(table->slabs);
}

bool conn_table_full(const struct conn_table *table)
{
	return table->n_open - table->n_admin >= table->limits.n_conns;
}

static int add_slab(struct conn_table *table)
{
	struct conn *slab = calloc(CONNS_A_SLAB, sizeof(*slab));
	uint32_t base = table->n_slabs * CONNS_A_SLAB;

	if (!slab)
		return -ENOMEM;
	table->slabs[table->n_slabs++] = slab;
	for (uint32_t i = CONNS_A_SLAB; i-- > 0;) {
		slab[i].fd = -1;
		slab[i].index = base + i;
		slab[i].next = table->free;
		table->free = &slab[i];
	}
	return 0;
}

struct conn *conn_table_take(struct conn_table *table)
{
	struct conn *c;

	if (!table->free && add_slab(table) < 0)
		return NULL;
	c = table->free;
	table->free = c->next;
	table->n_open++;
	*c = (struct conn){ .fd = -1, .index = c->index, .generation = (uint16_t)(c->generation + 1) };
	return c;
}

void conn_table_give(struct conn_table *table, struct conn *c)
{
	must(!c->dirty && !c->busy && !c->request && !c->stream && !list_linked(&c->timer.link));
	c->fd = -1;
	c->next = table->free;
	table->free = c;
	table->n_open--;
	table->n_admin -= c->admin;
}

/* Those accepted together get different ages, by the golden ratio: the whole down to a tenth less. */
static uint64_t old_at(const struct conn_table *table)
{
	uint64_t age_ms = table->limits.conn_age_ms;
	uint32_t part = (uint32_t)(table->counters.accepted + table->counters.taken) * 2654435769u;

	if (age_ms == 0)
		return ENGINE_NEVER;
	return table->engine->now_ms + age_ms - (uint64_t)((double)age_ms / 10 * part / UINT32_MAX);
}

static void begin(struct conn_table *table, struct conn *c, int fd, bool served)
{
	c->fd = fd;
	c->heard_ms = table->engine->now_ms;
	c->old_ms = c->admin ? ENGINE_NEVER : old_at(table);
	c->served = served;
	conn_enter(table, c, CONN_IDLE);
	conn_settle(table, c);
}

static int take(struct conn_table *table, int fd, bool full, struct conn **ret_conn)
{
	*ret_conn = full ? NULL : conn_table_take(table);
	if (*ret_conn)
		return 0;
	close(fd);
	return full ? -EMFILE : -ENOMEM;
}

int conn_open(struct conn_table *table, int fd)
{
	struct conn *c;
	int r = take(table, fd, conn_table_full(table), &c);

	if (r < 0)
		return r;
	begin(table, c, fd, false);
	table->counters.accepted++;
	return 0;
}

static bool has_asked(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return errno == EOPNOTSUPP;	/* a UNIX socket does not know; it was idle: most likely it has */
	return info.tcpi_bytes_received > 0;
}

int conn_adopt(struct conn_table *table, int fd)
{
	struct conn *c;
	int r = take(table, fd, conn_table_full(table), &c);

	if (r < 0)
		return r;
	begin(table, c, fd, has_asked(fd));
	table->counters.taken++;
	return 0;
}

int conn_open_admin(struct conn_table *table, int fd, bool adopted)
{
	struct conn *c;
	int r = take(table, fd, table->n_admin >= ADMIN_MOST, &c);

	if (r < 0)
		return r;
	c->admin = true;
	table->n_admin++;
	begin(table, c, fd, adopted && has_asked(fd));
	return 0;
}

int conn_open_stream(struct conn_table *table, int fd, const struct stream_service *service, unsigned listener)
{
	struct conn *c;
	int r = take(table, fd, conn_table_full(table), &c);

	if (r < 0)
		return r;
	c->fd = fd;
	if (!stream_open(table, c, service, listener)) {
		conn_close(table, c);
		return -ENOMEM;
	}
	table->counters.accepted++;
	table->counters.streams++;
	return 0;
}

void conn_on_completion(struct conn_table *table, const struct completion *completion)
{
	struct conn *c = conn_at(table, completion->tag.index);

	if (c->fd < 0 || c->generation != completion->tag.generation)
		return;		/* late: its connection is gone */
	if (completion->op == OP_RECV)
		conn_on_received(table, c, completion);
	else
		conn_on_send(table, c, completion);
	if (c->state == CONN_CLOSING && c->fd >= 0)
		conn_try_free(table, c);
	else
		conn_settle(table, c);
}

/* ---- the turn ---- */

bool conn_table_flush(struct conn_table *table)
{
	uint64_t n_before = table->engine->counters.submitted;
	struct conn *c = table->dirty;
	bool any = c != NULL;

	table->dirty = NULL;
	while (c) {
		struct conn *next = c->next;

		c->dirty = false;
		if (c->state == CONN_CLOSING) {
			conn_try_free(table, c);
		} else {
			conn_resume(table, c);
			if (c->request)
				request_follow_up(c->request);
			else if (c->stream)
				stream_follow_up(table, c);
			if (c->state != CONN_CLOSING)
				conn_send(table, c);
			if (c->unsettled)	/* by a callback, or a file that went out */
				conn_settle(table, c);
		}
		c = next;
	}
	if (any && table->engine->kind == ENGINE_EPOLL)	/* what was sent was sent now, not in the next turn */
		measure_clock(table);
	return table->engine->counters.submitted != n_before;
}

uint64_t conn_table_next_ms(const struct conn_table *table)
{
	uint64_t deadline = wheel_next_ms(&table->deadlines);
	uint64_t timer = wheel_next_ms(&table->timers);
	uint64_t stream_timer = wheel_next_ms(&table->stream_timers);

	if (table->dirty)
		return 0;
	if (stream_timer < timer)
		timer = stream_timer;
	return deadline < timer ? deadline : timer;
}

void conn_table_expire(struct conn_table *table)
{
	uint64_t now_ms = table->engine->now_ms;
	struct timer *timer;

	while ((timer = wheel_expire(&table->timers, now_ms))) {
		struct brood_request *r = container_of(timer, struct brood_request, timer);

		request_call(r, r->on_timer, r->on_timer_arg);
	}
	while ((timer = wheel_expire(&table->stream_timers, now_ms)))
		stream_on_timer(container_of(timer, struct brood_stream, timer));
	while ((timer = wheel_expire(&table->deadlines, now_ms)))
		conn_on_timeout(table, container_of(timer, struct conn, timer));
}

const char *conn_table_date(struct conn_table *table)
{
	struct timespec now;

	if (table->date_ms == table->engine->now_ms)
		return table->date;
	table->date_ms = table->engine->now_ms;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec != table->date_s) {
		table->date_s = now.tv_sec;
		http_date_format(now.tv_sec, table->date);
	}
	return table->date;
}

/* ---- leaving ---- */

static void settle_all(struct conn_table *table)
{
	for (uint32_t i = 0; i < table->n_slabs * CONNS_A_SLAB; i++) {
		struct conn *c = conn_at(table, i);

		if (c->fd >= 0 && c->stream)
			stream_on_drain(table, c);
		if (c->fd >= 0)
			conn_settle(table, c);
	}
}

void conn_table_drain(struct conn_table *table)
{
	table->draining = true;
	settle_all(table);
}

void conn_table_leave(struct conn_table *table)
{
	table->leaving = true;
	settle_all(table);	/* those that linger need not linger for long */
}

unsigned conn_table_cut(struct conn_table *table)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < table->n_slabs * CONNS_A_SLAB; i++) {
		struct conn *c = conn_at(table, i);

		if (c->fd < 0 || c->state == CONN_CLOSING)
			continue;
		n += c->busy || c->stream || (c->state == CONN_HEAD && !c->admin);
		if (c->stream)
			c->stream->why = -ECANCELED;
		conn_close(table, c);
	}
	table->counters.cut += n;
	return n;
}
