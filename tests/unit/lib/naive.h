/* naive.h - a counter of one line per count, to hold the real one against; and masks to count. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NAIVE_H
#define NAIVE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/overlap.h"

#define OK(call)           assert_int_equal((call), OV_OK)
#define FAILS(call, error) assert_int_equal((call), (error))
#define N_OF(array)        (sizeof(array) / sizeof *(array))

/* splitmix64: each test names its seed, so that a failure comes back. */
static inline uint64_t naive_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t naive_below(uint64_t *state, uint64_t n)
{
    return naive_random(state) % n;
}

/* Labels 0..n_labels-1 in runs whose mean length is mean_run. */
static inline void naive_fill(int64_t *labels, size_t n, uint64_t n_labels, uint64_t mean_run,
                              uint64_t *state)
{
    int64_t label = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || naive_below(state, mean_run) == 0)
            label = (int64_t)naive_below(state, n_labels);
        labels[i] = label;
    }
}

static inline bool naive_has(const int64_t *labels, size_t n, int64_t label)
{
    for (size_t i = 0; i < n; i++) {
        if (labels[i] == label)
            return true;
    }
    return false;
}

/* The counts of a class, which is a set of labels, where `ignore` is left out. */
static inline struct ov_counts naive_count(const int64_t *prediction, const int64_t *reference,
                                           size_t n, const int64_t *class, size_t n_class,
                                           const int64_t *ignore, size_t n_ignore)
{
    struct ov_counts counts = {0};
    for (size_t i = 0; i < n; i++) {
        bool in_prediction = naive_has(class, n_class, prediction[i]);
        bool in_reference = naive_has(class, n_class, reference[i]);
        if (naive_has(ignore, n_ignore, reference[i]))
            continue;
        counts.voxels++;
        counts.prediction += in_prediction;
        counts.reference += in_reference;
        counts.tp += in_prediction && in_reference;
    }
    return counts;
}

static inline void naive_assert_equal(struct ov_counts a, struct ov_counts b)
{
    assert_int_equal(a.voxels, b.voxels);
    assert_int_equal(a.prediction, b.prediction);
    assert_int_equal(a.reference, b.reference);
    assert_int_equal(a.tp, b.tp);
}

static inline void naive_reverse(unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        unsigned char byte = bytes[i];
        bytes[i] = bytes[n - 1 - i];
        bytes[n - 1 - i] = byte;
    }
}

#define NAIVE_STORE(type)                   \
    do {                                    \
        type element = (type)value;         \
        memcpy(to, &element, sizeof(type)); \
    } while (0)

/* Of a number that float16 holds, and that is not subnormal: sign, exponent + 15, fraction. */
static inline uint16_t naive_half(double value)
{
    int exponent;
    double fraction = frexp(fabs(value), &exponent);
    uint16_t sign = value < 0 ? 0x8000 : 0;
    if (fraction == 0)
        return sign;
    return (uint16_t)(sign | (exponent + 14) << 10 | (int)((fraction * 2 - 1) * 1024));
}

/* Write a number as one element. */
static inline void naive_store(void *to, enum ov_dtype dtype, bool swapped, double value)
{
    switch (dtype) {
    case OV_U8:
        NAIVE_STORE(uint8_t);
        break;
    case OV_I8:
        NAIVE_STORE(int8_t);
        break;
    case OV_U16:
        NAIVE_STORE(uint16_t);
        break;
    case OV_I16:
        NAIVE_STORE(int16_t);
        break;
    case OV_U32:
        NAIVE_STORE(uint32_t);
        break;
    case OV_I32:
        NAIVE_STORE(int32_t);
        break;
    case OV_U64:
        NAIVE_STORE(uint64_t);
        break;
    case OV_I64:
        NAIVE_STORE(int64_t);
        break;
    case OV_F32:
        NAIVE_STORE(float);
        break;
    case OV_F16: {
        uint16_t half = naive_half(value);
        memcpy(to, &half, sizeof half);
        break;
    }
    case OV_BF16: { /* the upper half of a float; labels here have few bits */
        float wide = (float)value;
        memcpy(to, (unsigned char *)&wide + 2, 2);
        break;
    }
    default:
        NAIVE_STORE(double);
        break;
    }
    if (swapped)
        naive_reverse(to, ov_dtype_bytes(dtype));
}

/* n labels as elements without gaps; the caller frees them. */
static inline void *naive_encode(const int64_t *labels, size_t n, struct ov_encoding encoding)
{
    size_t width = ov_dtype_bytes(encoding.dtype);
    unsigned char *bytes = malloc(n * width + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        double value = (double)labels[i];
        if (encoding.slope != 0)
            value = (value - encoding.intercept) / encoding.slope;
        naive_store(bytes + i * width, encoding.dtype, encoding.swapped, value);
    }
    return bytes;
}

static inline struct ov_counter *naive_counter(const struct ov_counter_options *options)
{
    struct ov_counter *counter = NULL;
    OK(ov_counter_new(options, &counter));
    return counter;
}

static inline struct ov_piece naive_tile(const void *tile, enum ov_dtype dtype, uint64_t n)
{
    return (struct ov_piece){.n_voxels = n, .tile = tile, .encoding = {.dtype = dtype}};
}

static inline struct ov_piece naive_runs(const struct ov_run *runs, size_t n_runs, uint64_t n)
{
    return (struct ov_piece){.n_voxels = n, .runs = runs, .n_runs = n_runs};
}

/* The runs of some labels; the caller frees them. */
static inline struct ov_run *naive_run_list(const int64_t *labels, size_t n, size_t *ret_n_runs)
{
    struct ov_run *runs = calloc(n, sizeof *runs);
    assert_non_null(runs);
    size_t n_runs = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || labels[i] != labels[i - 1])
            runs[n_runs++] = (struct ov_run){labels[i], 0};
        runs[n_runs - 1].length++;
    }
    *ret_n_runs = n_runs;
    return runs;
}

#endif
