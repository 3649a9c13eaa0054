/* overlay.h - the overlay of a case that is kept: made while it is counted, printed, drawn. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_OVERLAY_H
#define PROTO_OVERLAY_H

#include "lib/overlap_overlay.h"
#include "proto/score.h"

/*
 * Slices lie along the slowest of the three axes that are longer than one voxel, as the reference's
 * elements follow each other: that of acquisition where scanners and their software write. Where
 * there are fewer such axes, the mask is one image.
 */
struct overlay {
    const struct score *score;
    struct ov_overlay_options options;
    struct ov_overlay_size size;
    int order[OV_MAX_NDIM]; /* the pair's axes, fastest first */
    int axis;               /* of the slices, in the pair's shape; -1 for an image */
    struct ov_overlay *made;
};

/* Once the pair is known. Problems: more than three axes, too many slices. */
struct overlay *overlay_new(const struct score *score, struct problem *reterr);
void overlay_free(struct overlay *overlay);

/* Before the first voxel: take its memory from the budget. */
bool overlay_begin(struct overlay *overlay, struct growth *growth, struct problem *reterr);

/* As the counter is given them. */
enum ov_status overlay_add(struct overlay *overlay, const struct ov_piece *pieces);
enum ov_status overlay_add_masks(struct overlay *overlay, const struct ov_mask *masks);

/* Once all voxels are in: what is said of it, as JSON, and the PNG; both to be freed. */
bool overlay_print(const struct overlay *overlay, char **ret_text, uint8_t **ret_png,
                   size_t *ret_n_png, struct problem *reterr);

#endif
