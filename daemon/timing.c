/* timing.c - what requests take, stage by stage, and histograms of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/timing.h"

#include <stdio.h>

#include "daemon/clock.h"
#include "daemon/histogram.h"
#include "daemon/route.h"

/* "1xx" to "5xx" */
#define N_CLASSES 5

enum stage { STAGE_RECEIVE, STAGE_QUEUE, STAGE_DECODE, STAGE_COUNT, STAGE_TOTAL, N_STAGES };

static const char *const stage_names[N_STAGES] = {"receive", "queue", "decode", "count", "total"};

/* All of it the loop thread's, who observes and who prints. */
static struct histogram requests[ROUTE_MAX + 1][N_CLASSES];
static struct histogram stages[N_STAGES];
static struct histogram bodies;
static struct histogram decoded;

static void observe_stage(enum stage stage, bool was_there, uint64_t ns)
{
    if (was_there)
        histogram_observe(&stages[stage], &histogram_seconds, clock_seconds(ns));
}

void timing_observe(const struct route *route, unsigned status, const struct timing *timing,
                    double seconds)
{
    if (status < 100 || status / 100 > N_CLASSES)
        return;
    histogram_observe(&requests[route_index(route)][status / 100 - 1], &histogram_seconds, seconds);
    observe_stage(STAGE_RECEIVE, timing->has_body, timing->receive_ns);
    observe_stage(STAGE_QUEUE, timing->was_queued || timing->was_computed, timing->queue_ns);
    observe_stage(STAGE_DECODE, timing->was_computed, timing->decode_ns);
    observe_stage(STAGE_COUNT, timing->was_computed, timing->count_ns);
    observe_stage(STAGE_TOTAL, timing->was_computed, timing->total_ns);
    if (timing->has_body)
        histogram_observe(&bodies, &histogram_bytes, (double)timing->body_bytes);
    if (timing->decoded_bytes > 0)
        histogram_observe(&decoded, &histogram_bytes, (double)timing->decoded_bytes);
}

static void print_route(FILE *out, const char *name, const struct route *route)
{
    char labels[256];

    for (int i = 0; i < N_CLASSES; i++) {
        const struct histogram *histogram = &requests[route_index(route)][i];

        if (histogram_count(histogram) == 0)
            continue;
        snprintf(labels, sizeof(labels), "method=\"%s\",route=\"%s\",code=\"%dxx\"",
                 route != NULL ? route->method : "_other", route != NULL ? route->path : "_other",
                 i + 1);
        histogram_print(out, name, labels, histogram, &histogram_seconds);
    }
}

void timing_print_requests(FILE *out, const char *name)
{
    size_t n;
    const struct route *routes = route_list(&n);

    for (size_t i = 0; i < n; i++)
        print_route(out, name, &routes[i]);
    print_route(out, name, NULL);
}

void timing_print_stages(FILE *out, const char *name)
{
    char labels[64];

    for (int i = 0; i < N_STAGES; i++) {
        snprintf(labels, sizeof(labels), "stage=\"%s\"", stage_names[i]);
        histogram_print(out, name, labels, &stages[i], &histogram_seconds);
    }
}

void timing_print_bodies(FILE *out, const char *name)
{
    histogram_print(out, name, "", &bodies, &histogram_bytes);
}

void timing_print_decoded(FILE *out, const char *name)
{
    histogram_print(out, name, "", &decoded, &histogram_bytes);
}
