/* timing.h - what requests take, stage by stage, and histograms of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_TIMING_H
#define DAEMON_TIMING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct route;

/* Of one request. A worker fills it in while the request is its own. */
struct timing {
    uint64_t receive_ns; /* from the first byte until the body was there */
    uint64_t queue_ns;   /* until a thread had time */
    uint64_t decode_ns;
    uint64_t count_ns;
    uint64_t total_ns;      /* from the first byte until the answer was made */
    uint64_t decoded_bytes; /* of both masks */
    uint64_t body_bytes;
    bool has_body;
    bool was_queued;
    bool was_computed; /* a score or a loss came of it */
};

/* The loop's, once a request is complete; status 0 where nobody was answered. NULL: of no route. */
void timing_observe(const struct route *route, unsigned status, const struct timing *timing,
                    double seconds);

/* As samples of Prometheus. */
void timing_print_requests(FILE *out, const char *name);
void timing_print_stages(FILE *out, const char *name);
void timing_print_bodies(FILE *out, const char *name);
void timing_print_decoded(FILE *out, const char *name);

#endif
