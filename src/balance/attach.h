/* SPDX-License-Identifier: MIT */
/* attach - programs on and off a reuseport group, through any of its members; no privilege is needed */
#pragma once

#include <linux/filter.h>

/* In place of what was there, for the whole group at once. Return: 0 or -errno. */
int attach_program(int listen_fd, const struct sock_filter code[], unsigned len);
/* The kernel's hash decides again. Return: 0 or -errno; none to take off is fine. */
int attach_nothing(int listen_fd);
