/* layers.h - labels that may overlap: intervals per label, merged to runs of label sets. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_LAYERS_H
#define PROTO_LAYERS_H

#include "lib/overlap.h"
#include "proto/env.h"
#include "proto/problem.h"

/*
 * A mask whose voxels may carry several labels, or none: instances, segments, channels. A format
 * says, in any order, which voxels (numbered in the mask's own order) a label covers; voxels that a
 * label is given twice count once. layers_merge then makes one list of runs of it, each of one set
 * of labels. Memory is in proportion to the intervals and comes from the budget.
 */
struct layers;

/* The intervals that a mask can be held in are numbered by 32 bits. */
#define LAYERS_MAX_VOXELS UINT32_MAX

/*
 *   pointer   names the source in problems; borrowed
 *
 * Problems: more than LAYERS_MAX_VOXELS voxels, no memory. NULL, with reterr set, then.
 */
struct layers *layers_new(const struct env *env, const char *pointer, uint64_t n_voxels,
                          struct problem *reterr);
void layers_free(struct layers *layers);

/*
 * `length` voxels from `start` on carry `label`; length may be 0. Cheapest in ascending order.
 * Problems: an interval beyond the mask's voxels (PROBLEM_BAD_MASK), a label outside
 * OV_LABEL_MIN..OV_LABEL_MAX, no memory.
 */
bool layers_add(struct layers *layers, int64_t label, uint64_t start, uint64_t length,
                struct problem *reterr);

/* There is a layer of this label, even if no voxel carries it. */
bool layers_declare(struct layers *layers, int64_t label, struct problem *reterr);

/*
 * After the last layers_add, once: O(n log n) of the intervals, O(n) where they came ascending.
 * Problems: more than OV_MAX_LABELS distinct sets of labels, no memory.
 */
bool layers_merge(struct layers *layers, struct problem *reterr);

/*
 * After layers_merge, before the first layers_next: so many voxels more in front and behind, none
 * of which carries a label. Problems: as layers_new; the layers are as they were then.
 */
bool layers_pad(struct layers *layers, uint64_t before, uint64_t after, struct problem *reterr);

/* ---- after layers_merge ---------------------------------------------------------------------- */

/* Some voxel carries two labels. */
bool layers_overlap(const struct layers *layers);

/* None does, and no layer has label 0: a label map says the same. */
bool layers_is_disjoint(const struct layers *layers);

/*
 * What layers_next gives as label: without this, the number of a set; with it, which only a
 * disjoint mask can, the label itself, and 0 where there is none.
 */
void layers_hand_out_labels(struct layers *layers);

/* The largest label that layers_next can give. */
int64_t layers_largest(const struct layers *layers);

/* Up to cap runs that go on where the last call ended; *ret_n is 0 at the end alone. */
void layers_next(struct layers *layers, struct ov_run *room, size_t cap, size_t *ret_n);

/* How many runs layers_next gives in all, or one or two more. */
size_t layers_n_runs(const struct layers *layers);

/* Set 0 is the empty one. Labels are ascending. */
size_t layers_n_sets(const struct layers *layers);
const int64_t *layers_set(const struct layers *layers, size_t set, size_t *ret_n);

/* The labels added or declared, ascending. */
size_t layers_n_labels(const struct layers *layers);
const int64_t *layers_labels(const struct layers *layers);

/*
 * Where there is one label alone: its intervals, ascending and apart. NULL where there are more
 * labels.
 */
const struct ov_interval *layers_intervals(const struct layers *layers, size_t *ret_n);

#endif
