/* SPDX-License-Identifier: MIT */
/* stream - the functions of brood.h that concern a stream */
#include "conn/conn.h"

#include "base/address.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

_Static_assert(BROOD_PEER_BYTES >= ADDRESS_TEXT_BYTES, "any address fits");

int brood_stream_write(struct brood_stream *stream, const void *data, size_t len)
{
	return stream_write(stream, (struct span){ data, len });
}

int brood_stream_end(struct brood_stream *stream)
{
	return stream_end(stream);
}

void brood_stream_close(struct brood_stream *stream)
{
	stream_close(stream);
}

void brood_stream_pause(struct brood_stream *stream)
{
	stream_pause(stream, true);
}

void brood_stream_resume(struct brood_stream *stream)
{
	stream_pause(stream, false);
}

void brood_stream_timeouts(struct brood_stream *stream, uint32_t idle_ms, uint32_t write_ms)
{
	stream->idle_ms = idle_ms;
	stream->write_ms = write_ms;
	if (!stream->closing)
		conn_mark_dirty(stream->table, stream->conn);
}

void brood_stream_timer(struct brood_stream *stream, uint32_t ms)
{
	stream_set_timer(stream, ms);
}

void brood_stream_set_user(struct brood_stream *stream, void *user)
{
	stream->user = user;
}

void *brood_stream_user(const struct brood_stream *stream)
{
	return stream->user;
}

unsigned brood_stream_listener(const struct brood_stream *stream)
{
	return stream->listener;
}

size_t brood_stream_unsent(const struct brood_stream *stream)
{
	return stream->conn->output.n_bytes;
}

int brood_stream_peer(const struct brood_stream *stream, char ret_peer[BROOD_PEER_BYTES])
{
	struct address peer = { .len = sizeof(peer.v6) };

	if (getpeername(stream->conn->fd, &peer.any, &peer.len) < 0)
		return -errno;
	address_unmap(&peer);
	address_format(&peer, ret_peer);
	return 0;
}
