/* counter.h - what a counter holds. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_COUNTER_H
#define OV_COUNTER_H

#include "lib/labels.h"
#include "lib/overlap.h"
#include "lib/pairs.h"
#include "lib/stream.h"
#include "lib/tally.h"
#include "lib/voxels.h"

struct ov_counter {
    struct ov_counter_options options; /* with defaults filled in */
    int64_t *ignore;                   /* options.ignore: our copy, ascending, no duplicates */
    struct ov__labels labels;
    struct ov__pairs pairs; /* only where options.pairs */
    uint64_t n_voxels;      /* ignored ones too */
    unsigned char *scratch; /* walk.c's, made when first needed */
    struct ov__tally tally;
    struct ov__voxels voxels;
    struct ov__stream prediction;
    struct ov__stream reference;
    uint16_t ends[OV__CHUNK + OV__SLACK]; /* of joint runs */
};

/* Whether two pieces are sound and of one length. Errors: as ov_counter_add. */
enum ov_status ov__pieces_check(const struct ov_piece *prediction,
                                const struct ov_piece *reference);

/* As ov_counter_add, for pieces that are known to be sound. */
enum ov_status ov__counter_add_sound(struct ov_counter *counter, const struct ov_piece *prediction,
                                     const struct ov_piece *reference);

#endif
