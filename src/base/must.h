/* SPDX-License-Identifier: MIT */
/* must - our own invariants, checked in every build; what others tell us is never asserted */
#pragma once

#define must(invariant) \
	(__builtin_expect(!!(invariant), 1) ? (void)0 : must_fail(#invariant, __FILE__, __LINE__))

/* Prints one line to stderr and aborts. */
_Noreturn void must_fail(const char *invariant, const char *file, int line);
