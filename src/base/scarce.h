/* SPDX-License-Identifier: MIT */
/* scarce - errors that say "not now": descriptors or memory are short, and waiting helps */
#pragma once

#include <errno.h>
#include <stdbool.h>

static inline bool is_scarce(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}
