/* SPDX-License-Identifier: MIT */
/* stdio - the three standard descriptors */
#pragma once

/* Opens /dev/null for each standard descriptor that is closed, so that nothing else becomes one. */
void stdio_complete(void);
