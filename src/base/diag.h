/* SPDX-License-Identifier: MIT */
/* diag - which TCP sockets there are on a port, asked of the kernel (inet_diag, sock_diag(7)) */
#pragma once

#include "base/address.h"

#include <stdbool.h>
#include <stdint.h>

struct diag_socket {
	struct address	address;	/* its own */
	bool		v6only;		/* of a listening one */
	uint32_t	n_queued;	/* of a listening one: connections that wait to be accepted */
	uint32_t	uid;
	uint32_t	inode;		/* 0 when no descriptor of it is open */
	uint64_t	cookie;		/* the kernel's name for it, for as long as it lives */
};

typedef void diag_visit_fn(const struct diag_socket *socket, void *arg);

/*
 * Visits the sockets on @port, of IPv4 and IPv6, that are in one of @states (bits 1 << TCP_LISTEN, ...). With many
 * in TIME_WAIT this is far quicker than /proc/net/tcp. Never waits.
 * Return: 0, or -errno where they cannot be seen.
 */
int diag_each(uint16_t port, uint32_t states, diag_visit_fn *visit, void *arg);
