/* SPDX-License-Identifier: MIT */
/*
 * output - the queue of pieces a connection has to send
 *
 * Small things are copied into blocks, one behind the other, so that the responses of a turn leave in
 * one send. Larger things are borrowed from whoever owns them, and files stay files. Bytes that a send
 * under way reads are never moved: appending only writes behind them.
 */
#include "conn/conn.h"

#include "base/must.h"

#include <errno.h>

#define ROOM (BLOCK_BYTES - offsetof(struct piece, room))

static struct piece *push_piece(struct conn_table *table, struct output *out)
{
	struct piece *piece = pool_take(&table->blocks);

	if (!piece)
		return NULL;
	*piece = (struct piece){ .data = piece->room, .file_fd = -1 };
	if (out->last)
		out->last->next = piece;
	else
		out->first = piece;
	out->last = piece;
	return piece;
}

char *output_reserve(struct conn_table *table, struct output *out, size_t n)
{
	struct piece *last = out->last;

	must(n <= ROOM);
	if (!last || last->data != last->room || ROOM - last->end < n)
		last = push_piece(table, out);
	return last ? last->data + last->end : NULL;
}

void output_commit(struct output *out, size_t n)
{
	out->last->end += (uint32_t)n;
	out->n_bytes += n;
}

int output_append(struct conn_table *table, struct output *out, const char *data, size_t n)
{
	while (n > 0) {
		struct piece *last = out->last;
		size_t room = last && last->data == last->room ? ROOM - last->end : 0;
		size_t part;
		char *to;

		if (room == 0)
			room = ROOM;
		part = n < room ? n : room;
		to = output_reserve(table, out, part);
		if (!to)
			return -ENOMEM;
		memcpy(to, data, part);
		output_commit(out, part);
		data += part;
		n -= part;
	}
	return 0;
}

int output_append_borrowed(struct conn_table *table, struct output *out, const char *data, size_t n,
			   void (*release)(void *arg), void *arg)
{
	struct piece *piece = n > 0 && n <= UINT32_MAX ? push_piece(table, out) : NULL;

	if (!piece) {
		if (release)
			release(arg);
		return n == 0 ? 0 : -ENOMEM;
	}
	piece->data = (char *)data;	/* only ever read */
	piece->end = (uint32_t)n;
	piece->release = release;
	piece->release_arg = arg;
	out->n_bytes += n;
	return 0;
}

int output_append_file(struct conn_table *table, struct output *out, int file_fd, uint64_t offset,
		       uint64_t n, void (*release)(void *arg), void *arg)
{
	struct piece *piece = n > 0 ? push_piece(table, out) : NULL;

	if (!piece) {
		if (release)
			release(arg);
		return n == 0 ? 0 : -ENOMEM;
	}
	piece->data = NULL;
	piece->file_fd = file_fd;
	piece->offset = offset;
	piece->left = n;
	piece->release = release;
	piece->release_arg = arg;
	out->n_bytes += n;
	return 0;
}

static void drop_first(struct conn_table *table, struct output *out)
{
	struct piece *piece = out->first;

	out->first = piece->next;
	if (!out->first)
		out->last = NULL;
	if (piece->release)
		piece->release(piece->release_arg);
	pool_give(&table->blocks, piece);
}

void output_consume(struct conn_table *table, struct output *out, uint64_t n)
{
	must(n <= out->n_bytes);
	out->n_bytes -= n;
	while (n > 0) {
		struct piece *piece = out->first;
		uint64_t unsent = piece->data ? piece->end - piece->begin : piece->left;

		if (n < unsent) {
			if (piece->data)
				piece->begin += (uint32_t)n;
			else
				piece->left -= n;
			return;
		}
		n -= unsent;
		drop_first(table, out);
	}
}

void output_clear(struct conn_table *table, struct output *out)
{
	while (out->first)
		drop_first(table, out);
	out->n_bytes = 0;
}
