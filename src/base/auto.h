/* SPDX-License-Identifier: MIT */
/* auto - variables that clean up when they go out of scope; give away by writing -1 or NULL */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#define autoclose __attribute__((cleanup(auto_close)))
#define autofree __attribute__((cleanup(auto_free)))

static inline void auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void auto_free(void *pointer)
{
	free(*(void **)pointer);
}
