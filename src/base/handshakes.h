/* SPDX-License-Identifier: MIT */
/*
 * handshakes - ending a listening socket without resetting anyone
 *
 * close(2) resets what waits in its queue and what is still on its way there. So new handshakes are refused
 * first, with a socket filter that drops bare SYNs (the client's kernel tries again), those begun are
 * waited for, and only an empty queue is closed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The listening socket takes no new handshake; those begun may finish. */
void handshakes_refuse(int listen_fd);

/* How many handshakes on @port are begun and not finished; -1 = cannot be seen. */
int handshakes_pending(uint16_t port);

/* Waiting for those begun; bounded. */
struct handshakes {
	uint64_t	look_ms;	/* when to look next; 0 = nothing is waited for */
	uint64_t	most_ms;
};

/* They have just been refused. */
void handshakes_begin(struct handshakes *wait, uint64_t now_ms);

/* Looks, from look_ms on. Return: whether all on @ports are over, or the wait is; else look_ms was moved. */
bool handshakes_over(struct handshakes *wait, const uint16_t ports[], unsigned n_ports, uint64_t now_ms);
