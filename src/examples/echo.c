/* SPDX-License-Identifier: MIT */
/*
 * echo - a stream that gives back what it gets: brood serve --listen stream::7000 --handler ./echo.so
 *
 * No bound of its own is needed: data is not delivered while much is unsent, and a client that does not read is
 * held back. Without an end event our side ends behind the last byte when the client's has.
 */
#include <brood.h>

static size_t echo(struct brood_stream *stream, const void *data, size_t len, void *arg)
{
	(void)brood_stream_write(stream, data, len);	/* fails only if the stream is about to end, and we are told */
	return len;
}

const struct brood_stream_events brood_stream_handler = {
	.size = sizeof(struct brood_stream_events),
	.data = echo,
};
