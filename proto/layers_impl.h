/* layers_impl.h - what layers.c and layers_merge.c share; for these two alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_LAYERS_IMPL_H
#define PROTO_LAYERS_IMPL_H

#include "proto/label_sets.h"
#include "proto/layers.h"

/* Voxels start .. end-1 of one layer. */
struct span {
    uint32_t start;
    uint32_t end;
    uint32_t layer;
};

/* Voxels up to end-1 of one set. */
struct set_run {
    uint32_t end;
    uint32_t set;
};

struct layers {
    struct growth growth;
    uint64_t n_voxels;
    int64_t *labels; /* by layer */
    size_t n_labels;
    size_t cap_labels;
    uint32_t *buckets;
    size_t n_buckets;
    uint32_t last; /* the layer asked for last */
    struct span *spans;
    size_t n_spans;
    size_t cap_spans;
    /* Made by layers_merge: */
    int64_t *sorted; /* labels, ascending */
    struct label_sets sets;
    struct set_run *runs;
    size_t n_runs;
    size_t cap_runs;
    struct ov_interval *intervals; /* of a single layer, in place of runs; NULL for more layers */
    size_t n_intervals;
    uint32_t only; /* the set of a single layer's label */
    bool overlap;
    bool is_disjoint;
    /* Where layers_next stands: */
    bool hands_out_labels;
    size_t i_next; /* run or interval */
    uint32_t position;
};

#endif
