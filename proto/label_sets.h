/* label_sets.h - sets of labels, each numbered once. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_LABEL_SETS_H
#define PROTO_LABEL_SETS_H

#include "lib/overlap.h"
#include "proto/growth.h"

/* Where the labels of a set lie in label_sets.labels. */
struct label_set {
    size_t first;
    size_t n;
};

/* One step from a set to another by a label more or less: made once, then looked up. */
struct label_step {
    uint32_t set; /* LABEL_SETS_FREE where the bucket is free */
    uint32_t layer;
    uint32_t next;
};

#define LABEL_SETS_MAX  OV_MAX_LABELS
#define LABEL_SETS_FREE UINT32_MAX

/* Set 0 is the empty one. */
struct label_sets {
    struct growth growth;
    uint64_t seed;
    int64_t *labels; /* of all sets, one after the other */
    size_t n_labels;
    size_t cap_labels;
    struct label_set *sets;
    size_t n_sets;
    size_t cap_sets;
    uint32_t *buckets; /* [n_buckets], a power of two: sets by what they hold, or LABEL_SETS_FREE */
    size_t n_buckets;
    struct label_step *steps; /* [n_step_buckets], a power of two */
    size_t n_steps;
    size_t n_step_buckets;
};

/* What is left behind on failure is freed by label_sets_done, as after success. */
bool label_sets_init(struct label_sets *sets, const struct env *env, const char *pointer,
                     struct problem *reterr);
void label_sets_done(struct label_sets *sets);

/*
 * The set that differs from `set` by the label of a layer, which joins or leaves.
 *   layer   the label's number, always the same for it
 * Cost: one look-up, but for the first time a step is taken.
 */
bool label_sets_toggle(struct label_sets *sets, uint32_t set, uint32_t layer, int64_t label,
                       uint32_t *ret_set, struct problem *reterr);

/* The labels of a set, ascending. */
const int64_t *label_sets_get(const struct label_sets *sets, size_t set, size_t *ret_n);

#endif
