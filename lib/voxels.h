/* voxels.h - two tiles counted voxel by voxel, for where runs are short. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_VOXELS_H
#define OV_VOXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/overlap.h"

struct ov_counter;

/* As much of two tiles as is counted at a time: elements of one width, in step. */
struct ov__chunk {
    const unsigned char *prediction;
    const unsigned char *reference;
    size_t n;
    size_t width;
};

struct ov__voxels {
    uint16_t *cells;      /* [256 * 256], prediction first; made when first needed */
    unsigned char *bytes; /* [2 * OV__FEW], both masks' elements as bytes */
    uint32_t n_in_cells;  /* voxels there that are not in the labels' counts yet */
    uint32_t groups;      /* bit g: labels 8 g .. 8 g + 7 are known to occur */
    bool is_noisy;        /* runs were short when last looked at */
};

void ov__voxels_done(struct ov__voxels *voxels);

/* Choose how to count next, by how many runs n voxels were found to hold. */
void ov__voxels_choose(struct ov_counter *counter, size_t n, size_t n_runs);

/*
 * Count a chunk of at most OV__FEW voxels; false in *ret_is_done where it has elements that are
 * not bytes in all but name. Flush before counts are read. Errors: as ov__stream_slot, OV_EPAIRS.
 */
enum ov_status ov__voxels_add(struct ov_counter *counter, const struct ov__chunk *chunk,
                              bool *ret_is_done);
enum ov_status ov__voxels_flush(struct ov_counter *counter);

#endif
