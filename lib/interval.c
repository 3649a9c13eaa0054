/* interval.c - binary masks as intervals: what two of them share. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/overlap.h"

/* The first interval that ends after a position; n where none does. */
static size_t first_after(const struct ov_interval *intervals, size_t n, uint32_t position)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (intervals[middle].end <= position)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

/*
 * Structures of one image seldom lie at the same place: what comes before the other's first
 * interval is left out at once. From there on, which list is behind is as good as random, and both
 * may move on.
 */
uint64_t ov_intervals_overlap(const struct ov_interval *a, size_t n_a, const struct ov_interval *b,
                              size_t n_b)
{
    uint64_t shared = 0;
    size_t i = n_b > 0 ? first_after(a, n_a, b[0].start) : n_a;
    size_t j = n_a > 0 ? first_after(b, n_b, a[0].start) : n_b;

    while (i < n_a && j < n_b) {
        const struct ov_interval x = a[i];
        const struct ov_interval y = b[j];
        uint32_t start = x.start > y.start ? x.start : y.start;
        uint32_t end = x.end < y.end ? x.end : y.end;
        shared += end > start ? end - start : 0;
        i += x.end <= y.end;
        j += y.end <= x.end;
    }
    return shared;
}
