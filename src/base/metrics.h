/* SPDX-License-Identifier: MIT */
/*
 * metrics - whether anything is counted or timed that nothing but the metrics and the access log want to know
 *
 * Always, but in the program that bench/metrics.py compares with, to see what it costs.
 */
#pragma once

#ifdef WITHOUT_METRICS
#define METRICS 0
#else
#define METRICS 1
#endif
