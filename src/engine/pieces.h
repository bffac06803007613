/* SPDX-License-Identifier: MIT */
/* pieces - sending several, as far as the socket takes them now */
#pragma once

#include "engine/engine.h"

/*
 * Sends until all is sent, nothing more fits, or an error. *iov is advanced, *sent counts the bytes.
 * Return: 0, how many pieces are left, or -errno.
 */
int pieces_send(int fd, struct iovec **iov, int n_iov, enum send_then then, uint32_t *sent);
