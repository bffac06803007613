/* SPDX-License-Identifier: MIT */
/*
 * flow - a batch of datagrams on their way in or out
 *
 * In: what came together from one peer may be in one buffer, as pieces of one size but for the last (UDP_GRO). Out: those
 * that go the same way and are of one size are given to the kernel as one, which cuts them (UDP_SEGMENT): sixteen to one
 * peer cost two thirds of what they cost one by one, one to each of many what they cost before.
 *
 * Fails by: what the kernel refuses to send; that is dropped, and counted. What it refuses to cut goes one by one.
 */
#pragma once

#include "base/address.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define FLOW_MOST	32	/* datagrams a system call */
#define FLOW_BYTES	65536	/* for one */
/* The address that was asked or answers, and the size of a piece. */
#define FLOW_CONTROL	(CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)))

struct flow {
	unsigned	n;		/* that wait to be sent */
	size_t		cut_most;	/* the kernel cuts pieces of so many bytes, as far as we know */
	struct mmsghdr	headers[FLOW_MOST];
	struct iovec	iov[FLOW_MOST];
	struct address	peers[FLOW_MOST];
	char		control[FLOW_MOST][FLOW_CONTROL] __attribute__((aligned(8)));
	char		*bytes;		/* FLOW_BYTES each; taken as they are used */
};

/* Zeroed before. Return: false = no memory. */
bool flow_init(struct flow *flow);
/* Has the kernel put together what comes to @fd. */
void flow_gather(int fd);
/* Return: how many were received, or -1 and errno. */
int flow_receive(struct flow *in, int fd);
/* The size of the pieces in buffer @i; the last may be smaller. At least 1. */
size_t flow_piece(const struct flow *in, unsigned i);
/* Adds one, for the peer that buffer @i of @in is from, from the address that was asked; there must be room. */
void flow_reply(struct flow *out, const struct flow *in, unsigned i, const void *data, size_t len);
/* All that wait; adds to both counts. */
void flow_send(struct flow *out, int fd, uint64_t *n_sent, uint64_t *n_dropped);
