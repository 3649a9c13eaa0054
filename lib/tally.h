/* tally.h - counts of elements below 256, on their way to the table of labels. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_TALLY_H
#define OV_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/overlap.h"

struct ov_counter;

enum { OV__N_TALLY = 256 };

/* Small enough to stay in the nearest cache; a run takes two additions, and no look-up. */
struct ov__tally {
    uint64_t prediction[OV__N_TALLY]; /* the upper half counts where the reference agrees */
    uint32_t reference[OV__N_TALLY];
    uint32_t n_voxels;
    bool is_used;
};

/* Whether equal elements are equal labels, each voxel counts, and pairs are not asked for. */
bool ov__tally_suffices(const struct ov_counter *counter);

/* Add voxels of one pair; the caller adds them to n_voxels. */
static inline void ov__tally_add(struct ov__tally *tally, uint64_t prediction, uint64_t reference,
                                 uint64_t n_voxels)
{
    tally->prediction[prediction] += n_voxels | (prediction == reference ? n_voxels << 32 : 0);
    tally->reference[reference] += (uint32_t)n_voxels;
}

/* Add to a label's counts. Errors: as ov__stream_slot. */
enum ov_status ov__tally_label(struct ov_counter *counter, size_t label, uint64_t prediction,
                               uint64_t reference, uint64_t tp);

/* Add all tally to their labels' counts: before there are 2^32 voxels. Errors: the same. */
enum ov_status ov__tally_flush(struct ov_counter *counter);

#endif
