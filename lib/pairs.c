/* pairs.c - pairs of slots by open addressing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pairs.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 256 };

static inline struct ov__pair *bucket_of(const struct ov__pairs *pairs, uint32_t prediction,
                                         uint32_t reference)
{
    size_t mask = pairs->n_buckets - 1;
    uint64_t key = (uint64_t)prediction << 32 | reference;
    size_t i = (size_t)ov__hash_key(&pairs->hash, key) & mask;
    for (;; i = (i + 1) & mask) {
        struct ov__pair *pair = &pairs->buckets[i];
        if (pair->n_voxels == 0 || (pair->prediction == prediction && pair->reference == reference))
            return pair;
    }
}

enum ov_status ov__pairs_init(struct ov__pairs *pairs, uint64_t seed)
{
    *pairs = (struct ov__pairs){.n_buckets = FIRST_BUCKETS, .hash = ov__hash_seeded(~seed)};
    pairs->buckets = calloc(FIRST_BUCKETS, sizeof *pairs->buckets);
    return pairs->buckets == NULL ? OV_ENOMEM : OV_OK;
}

void ov__pairs_done(struct ov__pairs *pairs)
{
    free(pairs->buckets);
}

static enum ov_status grow(struct ov__pairs *pairs)
{
    struct ov__pairs larger = *pairs;
    larger.n_buckets = 2 * pairs->n_buckets;
    larger.buckets = calloc(larger.n_buckets, sizeof *larger.buckets);
    if (larger.buckets == NULL)
        return OV_ENOMEM;
    for (size_t i = 0; i < pairs->n_buckets; i++) {
        const struct ov__pair *pair = &pairs->buckets[i];
        if (pair->n_voxels > 0)
            *bucket_of(&larger, pair->prediction, pair->reference) = *pair;
    }
    free(pairs->buckets);
    *pairs = larger;
    return OV_OK;
}

static enum ov_status insert(struct ov__pairs *pairs, struct ov__pair pair)
{
    if (pairs->n_pairs == OV_MAX_PAIRS)
        return OV_EPAIRS;
    if (2 * pairs->n_pairs == pairs->n_buckets && grow(pairs) != OV_OK)
        return OV_ENOMEM;
    *bucket_of(pairs, pair.prediction, pair.reference) = pair;
    pairs->n_pairs++;
    return OV_OK;
}

enum ov_status ov__pairs_add(struct ov__pairs *pairs, uint32_t prediction, uint32_t reference,
                             uint64_t n_voxels)
{
    struct ov__pair *pair = bucket_of(pairs, prediction, reference);
    if (pair->n_voxels == 0)
        return insert(pairs, (struct ov__pair){prediction, reference, n_voxels});
    pair->n_voxels += n_voxels;
    return OV_OK;
}
