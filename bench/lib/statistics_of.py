# SPDX-License-Identifier: MIT
"""Numbers of several slices: median, quartiles, and the interval a median of ratios lies in.

The interval is a percentile bootstrap: so many samples with replacement, the median of each, the middle
95 % of those medians. Its seed is fixed, so that the same slices give the same interval.
"""
import random
import statistics

RESAMPLES = 2000
SEED = 1
COVERAGE = 0.95


def median(values):
    return statistics.median(values)


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0]
    q = statistics.quantiles(values, n=4, method="inclusive")
    return q[0], q[2]


def confidence(values):
    """The interval of the median; of a single value, that value."""
    rng = random.Random(SEED)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(RESAMPLES))
    edge = (1 - COVERAGE) / 2
    return medians[int(edge * RESAMPLES)], medians[min(RESAMPLES - 1, int((1 - edge) * RESAMPLES))]


def max_over_mean(counts):
    return max(counts) * len(counts) / sum(counts) if sum(counts) else None


def variation(counts):
    """The coefficient of variation: the standard deviation of all of them over their mean."""
    return statistics.pstdev(counts) * len(counts) / sum(counts) if sum(counts) else None
