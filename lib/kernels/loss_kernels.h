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

/* The rows of all classes of a tile: row c begins at rows + c * stride. */
struct ov__float_rows {
    float *rows;
    size_t n_rows;
    size_t stride;
    size_t n; /* elements of a row in use, a multiple of OV__LANES */

    /* What memory will be read next, row by row as these; NULL for nothing. */
    const float *ahead;
    int64_t ahead_stride_bytes;
};

/* Where a gradient goes, row by row; aligned to 64 bytes, and past the cache, or not. */
struct ov__float_sink {
    float *rows;
    int64_t stride_bytes;
    bool is_aligned;
};

struct ov__double_rows {
    double *rows;
    size_t n_rows;
    size_t stride;
    size_t n;
};

/* What a gradient holds where a bit is set, and where it is not. */
struct ov__two {
    float on;
    float off;
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

    /* Copy, and say whether no element is infinite or NaN. */
    bool (*copy_finite)(float *to, const float *from, size_t n);

    /* Logits to probabilities, in place; sigmoid also gives p (1 - p). */
    void (*softmax)(const struct ov__float_rows *z);
    void (*sigmoid)(float *z, size_t n, float *ret_slope);

    /*
     * p (h - sum over rows of p h), where h of a row is its two values by its bits.
     *
     *   bits   [n_rows, stride / OV__LANES]
     *   two    [n_rows]
     */
    void (*softmax_gradient)(const struct ov__float_rows *p, const uint16_t *bits,
                             const uint16_t *valid, const struct ov__two *two,
                             const struct ov__float_sink *gradient);

    /* slope times two values by bits, in place; 0 where not valid. */
    void (*sigmoid_gradient)(float *slope, size_t n, const uint16_t *bits, const uint16_t *valid,
                             struct ov__two two);

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
