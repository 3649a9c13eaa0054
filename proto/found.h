/* found.h - the labels that two masks hold, with their counts, whatever the masks are made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FOUND_H
#define PROTO_FOUND_H

#include "lib/overlap.h"
#include "proto/layers.h"
#include "proto/request.h"

struct found_label {
    int64_t label;
    struct ov_counts counts;
};

/*
 * What was counted. Where labels overlap, the counter has counted pairs of sets of labels, and what
 * a label has follows from the sets that it is in.
 */
struct found {
    const struct ov_counter *counter;
    const struct layers *prediction; /* whose set numbers the counter has; NULL: it has labels */
    const struct layers *reference;
    bool has_background; /* where labels overlap: voxels without one carry this */
    int64_t background;
    struct found_label *list; /* ascending */
    size_t n;
    struct ov_pair *pairs; /* where labels overlap */
    size_t n_pairs;
};

/*
 * Fill in the list and pairs from the members above them. Labels that a mask has a layer of count
 * as found, with no voxels. false where memory is out; found_done frees either way.
 */
bool found_make(struct found *found, const struct layers *const *declared);
void found_done(struct found *found);

/* The counts of a label; zeros beside `voxels` for one that was not found. */
struct ov_counts found_label(const struct found *found, int64_t label);

/* The counts of a union of labels. false where memory is out. */
bool found_union(const struct found *found, const int64_t *labels, size_t n_labels,
                 struct ov_counts *ret_counts);

/* Whether labels overlap, or may: then there is no confusion matrix. */
bool found_has_sets(const struct found *found);

#endif
