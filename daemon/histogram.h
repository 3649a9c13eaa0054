/* histogram.h - how often a value lay below each of some bounds. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HISTOGRAM_H
#define DAEMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_MAX_BOUNDS 20

/* Ascending; a value that equals a bound is counted under it. */
struct bounds {
    double list[HISTOGRAM_MAX_BOUNDS];
    size_t n;
};

extern const struct bounds histogram_seconds;
extern const struct bounds histogram_bytes;

/* A zeroed one is empty. One thread's: that of who observes is that of who prints. */
struct histogram {
    uint64_t counts[HISTOGRAM_MAX_BOUNDS + 1]; /* the last: above all bounds */
    double sum;
};

void histogram_observe(struct histogram *histogram, const struct bounds *bounds, double value);
uint64_t histogram_count(const struct histogram *histogram);

/* As samples of Prometheus; labels: `stage="queue"`, or "" for none. */
void histogram_print(FILE *out, const char *name, const char *labels,
                     const struct histogram *histogram, const struct bounds *bounds);

#endif
