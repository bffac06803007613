/* SPDX-License-Identifier: MIT */
/*
 * board - the scoreboard that parent and workers share: one padded row per worker process
 *
 * A worker writes its own row once a loop turn; anyone may read. The parent trusts none of it: it only
 * prints and compares these numbers. A row belongs to a process, not to a slot, since a slot's old worker
 * drains while its new one already serves.
 */
#pragma once

#include "base/histogram.h"
#include "bridge/poison.h"

#include <stdatomic.h>
#include <stdint.h>

/* name: what it counts. A gauge can fall, a counter cannot. */
#define BOARD_FIELDS(X)								\
	X(connections,	"open connections (gauge)")				\
	X(in_flight,	"requests begun and not answered in full (gauge)")	\
	X(accepted,	"connections accepted")					\
	X(requests,	"requests answered")					\
	X(refused,	"requests refused with 4xx or 5xx by the protocol")	\
	X(responses_2xx, "responses with such a status, refusals too")		\
	X(responses_3xx, "the same")						\
	X(responses_4xx, "the same")						\
	X(responses_5xx, "the same")						\
	X(received,	"bytes")						\
	X(sent,		"bytes")						\
	X(admin,	"open connections of the admin address, counted nowhere else (gauge)") \
	X(admin_requests, "requests answered there")				\
	X(quarantined,	"requests answered 503 because their like had made workers fault") \
	X(timeouts,	"connections ended by a timeout")			\
	X(cut,		"connections cut by the drain timeout")			\
	X(given,	"idle connections given to a sibling")			\
	X(taken,	"connections taken from a sibling")			\
	X(streams,	"connections accepted that are streams")		\
	X(tasks_asked,	"tasks given to the queue")				\
	X(tasks_refused, "tasks refused because the queue was full")		\
	X(tasks_waited_for, "tasks queued or running (gauge)")		\
	X(tasks_done,	"tasks that ended well")				\
	X(tasks_failed,	"tasks that said they failed")				\
	X(tasks_crashed, "tasks whose process died")				\
	X(tasks_timed_out, "tasks that took too long")			\
	X(tasks_cancelled, "tasks nobody waited for any more")		\
	X(tasks_run,	"of a task process: tasks begun")			\
	X(task_until_ms, "of a task process: when what it runs must be over; 0 = there is no such time (gauge)") \
	X(datagrams,	"datagrams received")					\
	X(datagrams_sent, "replies handed to the kernel")			\
	X(datagrams_dropped, "replies that the kernel did not take")		\
	X(datagrams_lost, "datagrams that the kernel dropped because a queue was full")	\
	X(log_dropped,	"lines of the access log that could not be written")	\
	X(faults,	"faults of the handler that were contained")		\
	X(state_reads,	"reads of the shared state")				\
	X(state_writes,	"writes and deletions in it, tried")			\
	X(state_evictions, "entries of it that made room for others")		\
	X(state_refusals, "writes that found no room")				\
	X(state_timeouts, "writes given up for somebody who holds a lock")	\
	X(state_repairs, "times a lock was taken over from a process that had died") \
	X(accept_paused, "times accepting stopped for want of descriptors")	\
	X(messages_sent, "messages sent to others")				\
	X(messages_received, "messages of others handled")			\
	X(messages_returned, "messages sent that came back")			\
	X(turns,	"loop turns")						\
	X(enters,	"system calls that waited: io_uring_enter or epoll_wait") \
	X(submitted,	"operations submitted")					\
	X(completed,	"completions seen")					\
	X(starved,	"times the receive buffers ran out")			\
	X(overflows,	"completion queue overflows")				\
	X(cpu,		"the CPU it is bound to, and one; 0 = to none (gauge)")	\
	X(waiting,	"1 while the loop waits for something to do (gauge)")	\
	X(heartbeat_ms,	"monotonic clock of the last time it had waited (gauge)")

struct board_row {
#define FIELD(name, meaning) _Atomic uint64_t name;
	BOARD_FIELDS(FIELD)
#undef FIELD
	_Atomic uint64_t mail;	/* how far it has come with its messages (message/mailbox.h) */
	struct histogram latency;	/* of requests: from a whole head to the last byte the kernel has taken */
} __attribute__((aligned(256)));

struct bulletin;

struct board {
	unsigned		n_rows;
	struct poison_list	poison;		/* of the parent */
	_Atomic uint32_t	task_slots;	/* of the parent: places for task processes that are not given up */
	_Atomic uint32_t	pin_told;	/* 1 = it was said that a worker could not be bound to a CPU */
	_Atomic uint32_t	watched;	/* 1 = the parent looks at loads; 0 = the next arrival is
						 * to wake it */
	struct board_row	rows[] __attribute__((aligned(256)));
};

/* Maps a board of @n_rows zeroed rows, shared with every process forked later. Return: 0 or -errno. */
int board_create(unsigned n_rows, struct board **ret_board);
void board_destroy(struct board *board);
/* What lies behind the rows, wherever a worker may have made the board say that they end. */
struct bulletin *board_bulletin(const struct board *board);
char *board_text(const struct board *board);
unsigned board_n_rows(const struct board *board);

/* Zeroes one row, for its next owner. */
void board_clear(struct board_row *row);

static inline void board_set(_Atomic uint64_t *field, uint64_t value)
{
	atomic_store_explicit(field, value, memory_order_relaxed);
}

static inline uint64_t board_get(const _Atomic uint64_t *field)
{
	return atomic_load_explicit(field, memory_order_relaxed);
}
