/* overlap_overlay.h - liboverlap: where two masks differ, and the worst slice as a picture. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OVERLAP_OVERLAY_H
#define OVERLAP_OVERLAY_H

#include "overlap.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/*
 * Two masks are compared voxel by voxel, in the order in which they come, by the classes that each
 * voxel carries. Of a slice there are three sums over the classes; the worst slice is the one with
 * most false voxels (fp + fn), of equals that with most true ones, of these the first. Its picture
 * has one code per pixel; where it would be too large, a pixel stands for scale x scale voxels and
 * has the greatest code among them, so that an error of one voxel still shows.
 */
enum ov_overlay_code {
    OV_OVERLAY_NONE,    /* no class in either mask */
    OV_OVERLAY_IGNORED, /* the reference has an ignored label */
    OV_OVERLAY_TP,      /* the same classes in both */
    OV_OVERLAY_FP,      /* in the prediction alone */
    OV_OVERLAY_FN,      /* in the reference alone */
    OV_OVERLAY_WRONG,   /* in both, but not the same */
    OV_OVERLAY_N_CODES
};

/* How many scored classes a voxel has in each mask, and how many of them in both. */
struct ov_overlay_classes {
    size_t prediction;
    size_t reference;
    size_t both;
};

struct ov_overlay_options {
    uint64_t n_fast;   /* voxels of a row: the axis along which elements follow each other */
    uint64_t n_slow;   /* rows of a slice */
    uint64_t n_slices; /* 1 for an image */
    bool transposed;   /* a row of voxels is a column of the picture */
    uint64_t max_pixels;
    struct ov_counter_options labels; /* ignore is borrowed; max_labels and pairs play no role */
    /* What two labels stand for: the same each time. */
    struct ov_overlay_classes (*classes)(const void *user, int64_t prediction, int64_t reference);
    const void *user;
};

struct ov_overlay_size {
    uint64_t width; /* of the picture */
    uint64_t height;
    uint64_t scale;
    uint64_t n_bytes; /* what an overlay allocates beside a constant */
};

/* Errors: OV_EINVAL for a count of 0; OV_ESIZE beyond 2^63-1 voxels. */
OV_MUST_USE enum ov_status ov_overlay_measure(const struct ov_overlay_options *options,
                                              struct ov_overlay_size *ret_size);

struct ov_overlay_slice {
    uint64_t tp;
    uint64_t fp;
    uint64_t fn;
};

struct ov_overlay; /* opaque */

/* Options are copied. Errors: as ov_overlay_measure; OV_EINVAL for a NaN threshold; OV_ENOMEM. */
OV_MUST_USE enum ov_status ov_overlay_new(const struct ov_overlay_options *options,
                                          struct ov_overlay **ret_overlay);
void ov_overlay_free(struct ov_overlay *overlay);

/*
 * The next voxels of both masks, as ov_counter_add takes them. Errors: as there; OV_ESIZE for more
 * voxels than the slices have. An overlay that once returned one is only good for _free.
 */
OV_MUST_USE enum ov_status ov_overlay_add(struct ov_overlay *overlay,
                                          const struct ov_piece *prediction,
                                          const struct ov_piece *reference);

/*
 * All voxels of two masks of one shape and any strides.
 *
 *   axes   [ndim], each axis of the masks once: as their elements follow each other, fastest first
 *
 * Errors: as ov_overlay_add; OV_EINVAL for axes that are not, or no data.
 */
OV_MUST_USE enum ov_status ov_overlay_add_masks(struct ov_overlay *overlay,
                                                const struct ov_mask *prediction,
                                                const struct ov_mask *reference, const int *axes);

/* ---- once all voxels are in ------------------------------------------------------------------ */

const struct ov_overlay_slice *ov_overlay_slices(const struct ov_overlay *overlay);
uint64_t ov_overlay_worst(const struct ov_overlay *overlay);

/* [height * width] of enum ov_overlay_code, the overlay's. */
const uint8_t *ov_overlay_pixels(const struct ov_overlay *overlay);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
