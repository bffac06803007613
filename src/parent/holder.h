/* SPDX-License-Identifier: MIT */
/* holder - who has what we cannot have */
#pragma once

#include "parent/parent.h"

#include <sys/types.h>

struct address;

/* Who is where @address wants to be: "nginx (pid 812)"; empty = nobody could be found. Reads all of /proc. */
void holder_find(const struct address *address, char out[HOLDER_TEXT_BYTES]);
/* The process that has the socket open; 0 = none that we may look into. Reads all of /proc. */
pid_t holder_of_socket(unsigned long inode);
/* "nginx (pid 812)" */
void holder_name(pid_t pid, char out[HOLDER_TEXT_BYTES]);
