/* SPDX-License-Identifier: MIT */
/* ring - getting one from the kernel */
#pragma once

struct io_uring;

/*
 * Smaller rings when there is no memory, and once more after a moment: a predecessor of the same user
 * may just have died, and its rings are uncharged asynchronously.
 * Return: 0 or -errno; -EOPNOTSUPP: a kernel before 6.0, whose receives are not multishot.
 */
int ring_setup(struct io_uring *ring);
