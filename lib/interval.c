/* interval.c - binary masks as intervals: what two of them share. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/overlap.h"

/* Which list is behind is as good as random at the border of a structure: both may move on. */
uint64_t ov_intervals_overlap(const struct ov_interval *a, size_t n_a, const struct ov_interval *b,
                              size_t n_b)
{
    uint64_t shared = 0;
    size_t i = 0;
    size_t j = 0;
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
