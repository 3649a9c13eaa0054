/* histogram.c - how often a value lay below each of some bounds. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/histogram.h"

#include <inttypes.h>

/* OpenTelemetry's bounds for the time of a request, and below them some for masks that are small.
 */
const struct bounds histogram_seconds = {{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                          0.025,  0.05,    0.075,  0.1,   0.25,   0.5,   0.75,
                                          1,      2.5,     5,      7.5,   10,     30},
                                         20};

/* 1 KiB to 4 GiB: each four times the last. */
const struct bounds histogram_bytes = {{1024, 4096, 16384, 65536, 262144, 1048576, 4194304,
                                        16777216, 67108864, 268435456, 1073741824, 4294967296},
                                       12};

void histogram_observe(struct histogram *histogram, const struct bounds *bounds, double value)
{
    size_t i = 0;

    while (i < bounds->n && value > bounds->list[i])
        i++;
    histogram->counts[i < bounds->n ? i : HISTOGRAM_MAX_BOUNDS]++;
    histogram->sum += value;
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= HISTOGRAM_MAX_BOUNDS; i++)
        n += histogram->counts[i];
    return n;
}

/* A bound is written the same way for ever, as it names a series; OpenMetrics wants a point. */
static void print_bound(FILE *out, double bound)
{
    if (bound >= 1 && bound == (double)(uint64_t)bound)
        fprintf(out, "le=\"%" PRIu64 ".0\"", (uint64_t)bound);
    else
        fprintf(out, "le=\"%g\"", bound);
}

void histogram_print(FILE *out, const char *name, const char *labels,
                     const struct histogram *histogram, const struct bounds *bounds)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    const char *open = labels[0] != '\0' ? "{" : "";
    const char *close = labels[0] != '\0' ? "}" : "";
    uint64_t n = 0;

    for (size_t i = 0; i < bounds->n; i++) {
        n += histogram->counts[i];
        fprintf(out, "%s_bucket{%s%s", name, labels, comma);
        print_bound(out, bounds->list[i]);
        fprintf(out, "} %" PRIu64 "\n", n);
    }
    n = histogram_count(histogram);
    fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, n);
    fprintf(out, "%s_sum%s%s%s %.9g\n", name, open, labels, close, histogram->sum);
    fprintf(out, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, n);
}
