/* SPDX-License-Identifier: MIT */
/*
 * probe - is io_uring to be had, and does all work that a worker asks of it?
 *
 * Asked of the engine itself, on sockets of its own, so that nothing is tried that is not used, and nothing used
 * that is not tried. For `brood doctor`; takes milliseconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct engine_feature {
	const char	*name;
	int		 error;		/* 0 = it works, or -errno; -ETIMEDOUT = it was taken,
					 * and nothing came of it */
	bool		 optional;	/* without it io_uring is used all the same */
};

#define ENGINE_FEATURES_MOST 16

struct engine_report {
	int			error;		/* 0 = it can be had; or -errno, ... */
	char			why[160];	/* ...why it cannot, and the remedy in short */
	unsigned		n_features;	/* tried; 0 when it cannot be had */
	struct engine_feature	features[ENGINE_FEATURES_MOST];
};

void engine_probe(struct engine_report *ret_report);

/* What the rings of one worker are charged for to RLIMIT_MEMLOCK, where they are charged. */
#define ENGINE_LOCKED_BYTES (160 * 1024)

/*
 * Whether @uid, whom this process can become or is, would be refused a ring without locked memory: it is charged.
 */
bool engine_is_charged(uid_t uid);
