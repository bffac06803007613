/* SPDX-License-Identifier: MIT */
/*
 * parcel - what goes between a worker and the task process that works for it, over a socket pair of their own
 *
 * One message each (SOCK_SEQPACKET): copied up to PARCEL_COPY_MOST, above that in a sealed memfd, which the
 * receiver maps. Nobody blocks. The end of either is the end of the pair: without a result it was a crash, without
 * anybody who wants one the task is cancelled.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARCEL_COPY_MOST (64u * 1024)
#define PARCEL_MOST (1024u * 1024 * 1024)

enum parcel_kind { PARCEL_INPUT = 1, PARCEL_PROGRESS, PARCEL_RESULT, PARCEL_FAILURE };

struct parcel {
	enum parcel_kind kind;
	const void	*data;
	size_t		 len;
	void		*map;	/* NULL = it is not mapped */
};

/*
 * @data: @len <= PARCEL_MOST bytes, copied. Return: 0, -EMSGSIZE, -EPIPE (nobody is there any more), -EAGAIN (@kind
 * is PROGRESS, and what was sent before is not read yet), or another -errno.
 */
int parcel_send(int fd, enum parcel_kind kind, const void *data, size_t len);
/*
 * Data that is not mapped lies in memory of this function's, until its next call.
 * Return: 1 and *ret_parcel; -EAGAIN: nothing is there yet; -EPIPE: nothing will be; -EPROTO: it was no parcel;
 * -errno.
 */
int parcel_receive(int fd, struct parcel *ret_parcel);
void parcel_release(struct parcel *parcel);
/* Whether the other end is gone. Async-signal-safe. */
bool parcel_is_over(int fd);
