/* SPDX-License-Identifier: MIT */
/* suggest - the word that was probably meant */
#pragma once

#include <stddef.h>

/* The nearest of @names, or NULL when none is near enough to be worth a question. */
const char *suggest_nearest(const char *word, const char *const names[], size_t n_names);
