/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>

/* Given by the Makefile to this file alone. */
#ifndef BUILD_FLAGS
#define BUILD_FLAGS "unknown"
#endif
#ifndef BUILD_LIBURING
#define BUILD_LIBURING ""
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

void version_print(void)
{
	printf("brood " BROOD_VERSION "\n");
	printf("liburing %s, %s, %s\n", BUILD_LIBURING[0] ? BUILD_LIBURING : "of unknown version",
	       COMPILER, BUILD_FLAGS);
}
