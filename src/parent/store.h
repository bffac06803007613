/* SPDX-License-Identifier: MIT */
/* store - descriptors that programs have left with us, for those who come after them in their slot */
#pragma once

#include <stdbool.h>

struct slot;

/* Return: whether it is kept, and owned. @name: of STORED_NAME_BYTES. */
bool store_add(struct slot *slot, const char *name, int fd);
void store_forget(struct slot *slot, const char *name);
void store_clear(struct slot *slot);
