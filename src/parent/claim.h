/* SPDX-License-Identifier: MIT */
/* claim - an address is one pool's, from before it binds until it stops */
#pragma once

#include "parent/parent.h"

struct address;

/*
 * Return: a descriptor that holds the claim on @address, -EADDRINUSE (@ret_holder has it), or -ENOTSUP (one log
 * line). Waits for others who start at the same moment, a second at most.
 */
int claim_create(const struct address *address, char ret_holder[HOLDER_TEXT_BYTES]);
/* Closes those that are not -1, and makes them -1. */
void claims_release(int fds[], unsigned n);
