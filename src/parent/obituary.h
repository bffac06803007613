/* SPDX-License-Identifier: MIT */
/* obituary - a death in words: how, after how long, and what was lost with it */
#pragma once

#include "bridge/bulletin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child;
struct crash_msg;
struct crew;
struct log_subject;

/* What we know of a death, kept beyond the child. */
struct obituary {
	unsigned	 slot;
	uint32_t	 generation;
	pid_t		 pid;
	bool		 ever_ready;
	uint64_t	 lived_ms;
	uint64_t	 served_ms;	/* of it; 0 = it was never ready */
	uint64_t	 in_flight;
	bool		 has_in_flight;	/* a program does not tell */
	int		 exit_code;	/* -1 = ended by a signal */
	int		 signal;
	bool		 has_address;
	uint64_t	 address;
	char		 request[160];	/* empty = none known */
	char		 why[256];	/* its own reason, or ours to kill it; empty = none */
	bool		 overrun;	/* it went of its own accord, as a task process may */
	bool		 failed;	/* why is its own: it could not start */
	bool		 out_of_memory;	/* the kernel killed it; why is the limit */
};

void obituary_init(const struct crew *crew, const struct child *child, struct obituary *ret_obituary);
/* What the child said of its death. */
void obituary_add_crash(struct obituary *o, const struct crash_msg *crash);
/* It was killed by the kernel, for want of memory. */
void obituary_add_memory(struct obituary *o);
/* "died by SIGSEGV at 0x10 after 4.2 s, 17 requests in flight, serving "GET / HTTP/1.1"" */
void obituary_tell(const struct obituary *o, char *out, size_t size);
/* "by SIGSEGV serving "GET / HTTP/1.1"" */
void obituary_tell_briefly(const struct obituary *o, char *out, size_t size);
/* "SIGSEGV at 0x10 serving "GET / HTTP/1.1"" */
void obituary_tell_fault(const struct crash_msg *fault, char *out, size_t size);
/* Of @child, whose death it is. */
enum bulletin_death obituary_cause(const struct obituary *o, const struct child *child);
/* For log_about(): who it was, and why in a word or two, "SIGSEGV"; the cause is valid until the next call. */
struct log_subject obituary_subject(const struct obituary *o);
#define DURATION_TEXT_BYTES 32
/* "250 ms", "4.2 s" */
void duration_format(uint64_t ms, char out[DURATION_TEXT_BYTES]);
