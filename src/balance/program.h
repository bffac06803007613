/* SPDX-License-Identifier: MIT */
/*
 * program - weights as a classic BPF program, which returns the place of the member that gets a connection
 *
 * Member i is picked at random, weights[i] times of the sum of all. Pure; balance/attach.h puts it on a group.
 */
#pragma once

#include "balance/group.h"

#include <linux/filter.h>
#include <stdint.h>

#define PROGRAM_MOST (2 * GROUP_MOST + 1)

/* @weights: of @n <= GROUP_MOST members, not all 0; their sum fits in 32 bits. Return: its instructions. */
unsigned program_write(const uint32_t weights[], unsigned n, struct sock_filter ret_code[PROGRAM_MOST]);
