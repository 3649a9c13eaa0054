/* loss_kernels.h - the inner loops of losses, one table per instruction set, all with equal bits.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_LOSS_KERNELS_H
#define OV_LOSS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Element i of a row is added to lane i mod OV__LANES, and the lanes are added pairwise at the end:
 * lane j and lane j + 8, then j + 4, j + 2, j + 1. Every instruction set does exactly this.
 */
#define OV__LANES 16

/* Of scratch rows, in bytes. */
#define OV__ALIGNMENT 64

/* A bit per element, a word per OV__LANES of them; bits beyond a row's end are 0. */
#define OV__WORDS(n) (((n) + OV__LANES - 1) / OV__LANES)

/* What a gradient holds where a bit is set, and where it is not. */
struct ov__two {
    float on;
    float off;
};

/* A tile of logits of all classes, n voxels of them: a multiple of OV__LANES. */
struct ov__softmax {
    const float *logits; /* row c begins at c * logits_stride_bytes */
    int64_t logits_stride_bytes;
    size_t n_rows;
    size_t n;
    const float *ahead; /* what will be read next, with the same stride; NULL for nothing */

    /* Filled in: e^(z - highest), row c at c * stride, may be where the logits are; 1 / their sum.
     */
    float *exps;
    size_t stride;
    float *inverse;

    /* For a gradient, else NULL: h of row c is its two values, as its voxels are of class c or not.
     */
    const struct ov__two *two;
    const uint32_t *classes; /* per voxel; -1 where it is left out */
    float *dot;              /* filled in: the sum over rows of p h */
};

/* What a row of a gradient is made against. */
struct ov__target {
    const uint32_t *classes; /* as above */
    uint32_t class;          /* of this row */
    bool has_left_out;
};

struct ov__double_rows {
    double *rows;
    size_t n_rows;
    size_t stride;
    size_t n;
};

struct ov__loss_kernels {
    const char *name;

    /* The bits of elements that equal `class`. */
    void (*bits)(const uint8_t *labels, size_t n, uint8_t class, uint16_t *ret_bits);

    /* Whether all are below n_classes. */
    bool (*are_below)(const uint8_t *labels, size_t n, uint8_t n_classes);

    /*
     * The sum of p where `valid` (NULL for everywhere), and where `bits`. Returns false where an
     * element may be outside 0..1, or is -0. `next` is the row that will be wanted then, or NULL.
     */
    bool (*sums)(const float *p, size_t n, const uint16_t *bits, const uint16_t *valid,
                 const float *next, double ret_sums[2]);

    /* Two values by bits, 0 where not valid; past the cache where `gradient` is aligned to 64. */
    void (*gradient)(float *gradient, size_t n, const uint16_t *bits, const uint16_t *valid,
                     struct ov__two values);

    void (*widen)(const uint8_t *labels, size_t n, uint32_t *ret_classes);

    /*
     * Logits in float. Rows can be read up to a multiple of OV__LANES. Those that read logits first
     * return whether all are finite. Sums are added to lanes[2][OV__LANES], of p where `valid` and
     * of p where `bits`. A gradient goes past the cache where it is aligned to 64 bytes: fence()
     * comes after the last.
     */
    bool (*softmax)(const struct ov__softmax *z);
    void (*softmax_sums)(const float *exps, const float *inverse, size_t n, const uint16_t *bits,
                         const uint16_t *valid, double *lanes);
    void (*softmax_gradient)(const struct ov__softmax *z, size_t row, bool has_left_out,
                             float *ret_gradient); /* p (h - dot) */
    bool (*sigmoid_sums)(const float *z, size_t n, const uint16_t *bits, const uint16_t *valid,
                         double *lanes);
    void (*sigmoid_gradient)(const float *z, size_t n, const struct ov__target *target,
                             struct ov__two two, float *ret_gradient); /* p (1 - p) h */
    void (*fence)(void);

    /* In double, n a multiple of OV__LANES: sums of p g, p, g; of p g, p^2, g^2; of |p - g|, p, g
     */
    void (*sums_product)(const double *p, const double *g, size_t n, double ret_sums[3]);
    void (*sums_squared)(const double *p, const double *g, size_t n, double ret_sums[3]);
    void (*sums_absolute)(const double *p, const double *g, size_t n, double ret_sums[3]);

    /* As above; softmax also gives ln sum e^z per element. */
    void (*softmax64)(const struct ov__double_rows *z, double *ret_log_sum);
    void (*sigmoid64)(double *z, size_t n, double *ret_slope);

    /* q - p (sum over rows of q), into q. */
    void (*softmax_chain64)(const struct ov__double_rows *q, const struct ov__double_rows *p);
};

extern const struct ov__loss_kernels ov__loss_kernels_scalar;
#if defined(__x86_64__)
extern const struct ov__loss_kernels ov__loss_kernels_avx2;
extern const struct ov__loss_kernels ov__loss_kernels_avx512;
#endif
#if defined(__aarch64__)
extern const struct ov__loss_kernels ov__loss_kernels_neon;
#endif

/* The table of the instruction set in use: ov_isa(). */
const struct ov__loss_kernels *ov__loss_kernels_selected(void);

#endif
