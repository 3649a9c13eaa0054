/* kernels.h - the inner loops: where runs end, per element width, one table per instruction set. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_KERNELS_H
#define OV_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Loops over vectors, unrolled: else these would live in memory and not in registers. */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Elements per call: the positions fit 16 bits, and what a call reads and writes stays in cache. */
#define OV__CHUNK 4096

/*
 * Write the positions of the elements that differ from the next one, ascending, and that of the
 * last element; return how many. Nothing beyond the n elements is read, nothing beyond the result
 * is written.
 *
 *   elements   n of them, n in 1..OV__CHUNK; need not be aligned
 *   ret_ends   room for n
 */
typedef size_t ov__ends(const void *elements, size_t n, uint16_t *ret_ends);

/*
 * The same of two masks: the positions where either differs. Ends are written in groups:
 *
 *   ret_ends   room for n + OV__SLACK
 */
typedef size_t ov__joint_ends(const void *prediction, const void *reference, size_t n,
                              uint16_t *ret_ends);

#define OV__SLACK 4

/* Voxels per call of the kernels below: what they read stays in cache, sums of 16 bits suffice. */
#define OV__FEW 32768

struct ov__few {
    uint64_t prediction[8];
    uint64_t reference[8];
    uint64_t tp[8];
};

/* Count the labels first..first + 7 of n bytes each, n in 1..OV__FEW. Any data costs the same. */
typedef void ov__few_labels(const uint8_t *prediction, const uint8_t *reference, size_t n,
                            uint8_t first, struct ov__few *ret_counts);

struct ov__kernels {
    const char *name;
    ov__ends *ends8;
    ov__ends *ends16;
    ov__ends *ends32;
    ov__ends *ends64;
    ov__joint_ends *joint8;
    ov__joint_ends *joint16;
    ov__joint_ends *joint32;
    ov__joint_ends *joint64;
    ov__few_labels *few; /* NULL where bytes cannot be looked up by vector */
    size_t max_few;      /* calls of `few` that are as fast as a table of pairs */
};

extern const struct ov__kernels ov__kernels_scalar;
#if defined(__x86_64__)
extern const struct ov__kernels ov__kernels_avx2;
extern const struct ov__kernels ov__kernels_avx512;
#endif
#if defined(__aarch64__)
extern const struct ov__kernels ov__kernels_neon;
#endif

/* The tables that this machine can run, the best first; NULL beyond the last. */
const struct ov__kernels *ov__kernels_available(size_t i);

/* The table in use, and what it finds ends with, of elements of 1, 2, 4 or 8 bytes. */
const struct ov__kernels *ov__kernels_selected(void);
ov__ends *ov__ends_of_width(size_t width);

#endif
