/* SPDX-License-Identifier: MIT */
/*
 * admin.h - what the admin address answers: is it alive, is it ready, how does it go
 *
 *   admin.c     which request gets what; /live, /ready, /status.json
 *   metrics.c   /metrics
 *   page.c      the page that shows it, and what that needs
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct board;
struct bulletin_copy;
struct config;

/* metrics.c */

/*
 * All of it as Prometheus reads it; @whole: only if it can be of one moment.
 * Return: to be freed; NULL = it cannot now, or there is no memory.
 */
char *metrics_tell(const struct board *board, const struct config *config, uint64_t now_ms, bool whole,
		   size_t *ret_bytes);

/* page.c */

struct page {
	const char	*path;
	const char	*type;
	struct span	 content;
};

/* NULL = there is none of that path. */
const struct page *page_find(struct span path);
