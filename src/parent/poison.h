/* SPDX-License-Identifier: MIT */
/* poison - requests that kill whoever handles them */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct crash_msg;
struct crew;

/* A request that has made workers fault. */
struct suspect {
	uint64_t	fingerprint;	/* 0 = none */
	uint64_t	first_ms;
	uint32_t	n_faults;
	char		request[160];	/* the last of its like; as a worker told it */
};

/* One that has too often. */
struct quarantine {
	struct suspect	culprit;
	uint64_t	until_ms;	/* 0 = this place is free */
};

#define SUSPECTS_MOST 64

/* A worker faulted in what it was handling, and died or not. */
void poison_note(struct crew *crew, const struct crash_msg *crash);
/* When poison_expire() has work; 0 = never. */
uint64_t poison_next_ms(const struct crew *crew);
void poison_expire(struct crew *crew);
/* For how long @suspect is still one; 0 = it is none. */
uint64_t poison_suspected_ms(const struct crew *crew, const struct suspect *suspect);
/* Such requests are answered again. Return: false when place @i is free. */
bool poison_clear(struct crew *crew, unsigned i);
/* Forgets the suspects as well. Return: how many were in quarantine. */
unsigned poison_clear_all(struct crew *crew);
