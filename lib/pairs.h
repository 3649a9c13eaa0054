/* pairs.h - how many voxels each pair of slots (prediction, reference) has. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_PAIRS_H
#define OV_PAIRS_H

#include "lib/hash.h"
#include "lib/overlap.h"

struct ov__pair {
    uint32_t prediction;
    uint32_t reference;
    uint64_t n_voxels; /* 0 where the bucket is free */
};

struct ov__pairs {
    struct ov__pair *buckets; /* [n_buckets], a power of two */
    size_t n_buckets;
    size_t n_pairs;
    struct ov__hash hash;
};

/* Errors: OV_ENOMEM. */
enum ov_status ov__pairs_init(struct ov__pairs *pairs, uint64_t seed);
void ov__pairs_done(struct ov__pairs *pairs);

/* Add n_voxels > 0 to a pair. Errors: OV_EPAIRS beyond OV_MAX_PAIRS, OV_ENOMEM. */
enum ov_status ov__pairs_add(struct ov__pairs *pairs, uint32_t prediction, uint32_t reference,
                             uint64_t n_voxels);

#endif
