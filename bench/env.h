/* env.h - what benchmarks put in the daemon's place: a clock, wide limits, memory without end. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ENV_H
#define BENCH_ENV_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/proto.h"

static inline void *must(void *block)
{
    if (block == NULL) {
        fprintf(stderr, "bench: out of memory\n");
        exit(1);
    }
    return block;
}

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline bool memory_take(uint64_t n_bytes)
{
    (void)n_bytes;
    return true;
}

static inline void memory_give(uint64_t n_bytes)
{
    (void)n_bytes;
}

/* A struct env; clock is its now_ns. */
#define BENCH_ENV(clock)                                                                        \
    {                                                                                           \
        .limits = {.body_bytes = 1 << 30,                                                       \
                   .decoded_bytes = 1 << 30,                                                    \
                   .voxels = 1 << 30,                                                           \
                   .labels = 1024,                                                              \
                   .request_bytes = 1 << 16,                                                    \
                   .json_depth = 32,                                                            \
                   .json_values = 1 << 22,                                                      \
                   .parts = 8,                                                                  \
                   .part_header_bytes = 1 << 13},                                               \
        .budget_bytes = 1 << 30, .hash_seed = 1, .now_ns = (clock), .memory_take = memory_take, \
        .memory_give = memory_give                                                              \
    }

#endif
