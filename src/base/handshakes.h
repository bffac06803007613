/* SPDX-License-Identifier: MIT */
/*
 * handshakes - ending a listening socket without resetting anyone
 *
 * close(2) resets what waits in its queue and what is still on its way there. So new handshakes are refused
 * first, with a socket filter that drops bare SYNs (the client's kernel tries again), those begun are
 * waited for, and only an empty queue is closed.
 *
 * Some kernels take a socket filter from root alone. Then the least TTL is set to the most there is: what has it
 * too low is dropped before the socket sees it, but not what belongs to a handshake begun. Its connection inherits
 * that, and has to be admitted once it is accepted; what it was sent before comes again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The listening socket takes no new handshake; those begun may finish. */
void handshakes_refuse(int listen_fd);

/* A connection that was accepted from a socket that may refuse handshakes, so that it hears its client. */
void handshakes_admit(int fd);

#define HANDSHAKES_MOST 256

/* Of handshakes begun and not finished: what the kernel calls each, for as long as it lives. */
struct handshake_list {
	unsigned	n;			/* may be over HANDSHAKES_MOST: the rest is not in .cookies */
	uint64_t	cookies[HANDSHAKES_MOST];
};

/* Those on @port, added to @list. Return: 0, or -1: they cannot be seen. */
int handshakes_list(uint16_t port, struct handshake_list *list);

/* Waiting for those begun; bounded. Later ones, which go to others, are not waited for. */
struct handshakes {
	uint64_t		look_ms;	/* when to look next; 0 = nothing is waited for */
	uint64_t		most_ms;
	bool			listed;		/* by the first look: a SYN may have been under way before */
	struct handshake_list	begun;
};

/* From now on no new ones begin where we wait; at most until @most_ms. */
void handshakes_begin(struct handshakes *wait, uint64_t now_ms, uint64_t most_ms);

/* Looks, from look_ms on, and moves it. Return: whether all on @ports are over, or the wait is. */
bool handshakes_over(struct handshakes *wait, const uint16_t ports[], unsigned n_ports, uint64_t now_ms);
