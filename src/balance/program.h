/* SPDX-License-Identifier: MIT */
/*
 * program - weights as a classic BPF program, which returns the place of the member that gets a connection
 *
 * A client's kernel takes source ports in rising order, two to sixteen further each time. So a connection's place
 * on a circle, on which every member has an arc as long as its weight, is its port, at a scale that brings two
 * connections to an arc, plus something of the client's address. The connections of one client go round the members
 * unevenly, and still more evenly than by chance: of 64 over 8 the busiest member has 1.35 times the mean, by a
 * hash 1.5. A finer scale loses that to the unevenness of the steps. Those of many clients fall as by a hash.
 *
 * Pure; balance/attach.h puts it on a group.
 */
#pragma once

#include "balance/group.h"

#include <linux/filter.h>
#include <stdint.h>

#define PROGRAM_MOST (2 * GROUP_MOST + 32)

/* @weights: of @n <= GROUP_MOST members, not all 0; their sum fits in 32 bits. Return: its instructions. */
unsigned program_write(const uint32_t weights[], unsigned n, struct sock_filter ret_code[PROGRAM_MOST]);
