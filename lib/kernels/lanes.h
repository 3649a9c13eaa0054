/*
 * lanes.h - OV__LANES numbers at a time as vectors of WIDTH bytes, included after these are
 * defined:
 *
 * * TARGET, the attribute of the functions
 * * WIDTH, the bytes of a vector
 *
 * Each operation rounds as IEEE 754 says, whatever the width, and nothing is contracted: so all
 * instruction sets give the same bits.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

/* Vectors never pass between functions that are called: all of these are inlined. */
#pragma GCC diagnostic ignored "-Wpsabi"

/* The parts of a row of lanes, unrolled: else they would live in memory and not in registers. */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE static inline TARGET __attribute__((always_inline))

typedef float vf __attribute__((vector_size(WIDTH)));
typedef uint32_t vu __attribute__((vector_size(WIDTH)));
typedef int32_t vi __attribute__((vector_size(WIDTH)));
typedef double vd __attribute__((vector_size(WIDTH)));
typedef uint64_t vl __attribute__((vector_size(WIDTH)));
typedef float vh __attribute__((vector_size(WIDTH / 2))); /* as many as vd has */

enum { N_F = WIDTH / 4, N_D = WIDTH / 8, F_PARTS = OV__LANES / N_F, D_PARTS = OV__LANES / N_D };

/* Vectors that are worked on side by side, where each step waits for the one before. */
enum { N_ABREAST = 4 };

INLINE vf load_f(const float *from)
{
    vf v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store_f(float *to, vf v)
{
    memcpy(to, &v, sizeof v);
}

INLINE vd load_d(const double *from)
{
    vd v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store_d(double *to, vd v)
{
    memcpy(to, &v, sizeof v);
}

#ifndef HAS_OWN_WIDENING
INLINE vd load_f_as_d(const float *from)
{
    vh v;
    memcpy(&v, from, sizeof v);
    return __builtin_convertvector(v, vd);
}
#endif

INLINE vf splat_f(float x)
{
    return x - (vf){0};
}

INLINE vd splat_d(double x)
{
    return x - (vd){0};
}

INLINE vf select_f(vu mask, vf a, vf b)
{
    return (vf)((mask & (vu)a) | (~mask & (vu)b));
}

INLINE vd select_d(vl mask, vd a, vd b)
{
    return (vd)((mask & (vl)a) | (~mask & (vl)b));
}

#ifndef HAS_OWN_BLEND
INLINE vf blend_f(vu mask, vf a, vf b)
{
    return select_f(mask, a, b);
}

INLINE vd widen_low(vf x)
{
    vh v;
    memcpy(&v, &x, sizeof v);
    return __builtin_convertvector(v, vd);
}

INLINE vd widen_high(vf x)
{
    vh v;
    memcpy(&v, (const char *)&x + sizeof v, sizeof v);
    return __builtin_convertvector(v, vd);
}
#endif

#ifndef HAS_OWN_MAXIMUM
INLINE vf maximum_f(vf a, vf b)
{
    return select_f((vu)(a > b), a, b);
}

INLINE vd maximum_d(vd a, vd b)
{
    return select_d((vl)(a > b), a, b);
}
#endif

#ifndef HAS_OWN_BITS
/* All ones in the lanes whose bit, counted from `first`, is set. */
INLINE vu mask_f(unsigned bits, size_t first)
{
    vu lane;
    uint32_t own[N_F];
    UNROLL
    for (size_t i = 0; i < N_F; i++)
        own[i] = 1u << (first + i);
    memcpy(&lane, own, sizeof lane);
    return (vu)(((bits - (vu){0}) & lane) != 0);
}

INLINE vl mask_d(unsigned bits, size_t first)
{
    vl lane;
    uint64_t own[N_D];
    UNROLL
    for (size_t i = 0; i < N_D; i++)
        own[i] = (uint64_t)1 << (first + i);
    memcpy(&lane, own, sizeof lane);
    return (vl)((((uint64_t)bits - (vl){0}) & lane) != 0);
}

INLINE vd add_where_d(vd sum, vd x, unsigned bits, size_t first)
{
    return sum + (vd)((vl)x & mask_d(bits, first));
}

INLINE vf choose_f(unsigned bits, size_t first, vf on, vf off)
{
    return select_f(mask_f(bits, first), on, off);
}
#endif

#ifndef HAS_OWN_STREAM
INLINE void stream_f(float *to, vf v)
{
    store_f(to, v);
}

INLINE void stream_fence(void)
{
}
#endif

/* Lane j and lane j + 8, then j + 4, j + 2, j + 1. */
INLINE double total_d(const vd *parts)
{
    double lanes[OV__LANES];
    memcpy(lanes, parts, sizeof lanes);
    for (int half = OV__LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

INLINE vf absolute_f(vf x)
{
    return (vf)((vu)x & 0x7fffffffu);
}

INLINE vd absolute_d(vd x)
{
    return (vd)((vl)x & 0x7fffffffffffffffu);
}

/*
 * e^x for x <= 0, arguments below -87 taken as -87: x = k ln 2 + r. Adding 1.5 * 2^23 leaves k in
 * the lowest bits. The polynomial is the best of its degree for the relative error on half a ln 2,
 * found by weighted least squares: 3e-9, and with its roundings 0.8 ulp. Of several vectors, a step
 * of all at a time: the processor would not see far enough ahead to do that itself.
 */
INLINE void exp_each(vf *x, size_t n)
{
    static const float factors[] = {0x1.123b02p-7f, 0x1.5558f8p-5f, 0x1.55549p-3f, 0x1.fffffcp-2f};
    vf shifted[N_ABREAST], r[N_ABREAST], sum[N_ABREAST];
    UNROLL
    for (size_t k = 0; k < n; k++)
        shifted[k] = maximum_f(x[k], splat_f(-87));
    UNROLL
    for (size_t k = 0; k < n; k++) {
        r[k] = shifted[k];
        shifted[k] = shifted[k] * 0x1.715476p+0f + 12582912.f;
    }
    UNROLL
    for (size_t k = 0; k < n; k++)
        r[k] = r[k] - (shifted[k] - 12582912.f) * 0x1.62e4p-1f;
    UNROLL
    for (size_t k = 0; k < n; k++)
        r[k] = r[k] - (shifted[k] - 12582912.f) * 0x1.7f7d1cp-20f;
    UNROLL
    for (size_t k = 0; k < n; k++)
        sum[k] = r[k] * 0x1.6a2256p-10f + factors[0];
    UNROLL
    for (size_t i = 1; i < 4; i++) {
        UNROLL
        for (size_t k = 0; k < n; k++)
            sum[k] = sum[k] * r[k] + factors[i];
    }
    UNROLL
    for (size_t k = 0; k < n; k++)
        sum[k] = r[k] * r[k] * sum[k];
    UNROLL
    for (size_t k = 0; k < n; k++)
        sum[k] = sum[k] + r[k] + 1;
    UNROLL
    for (size_t k = 0; k < n; k++)
        x[k] = (vf)((vu)sum[k] + ((vu)shifted[k] << 23)); /* times 2^k */
}

/* The same in double to the thirteenth power, from -700. */
INLINE vd exp_d(vd x)
{
    static const double inverse_factorials[] = {
        1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040,
        1. / 720,       1. / 120,      1. / 24,      1. / 6,      1. / 2};
    x = maximum_d(x, splat_d(-700));
    vd shifted = x * 0x1.71547652b82fep+0 + 6755399441055744.;
    vd k = shifted - 6755399441055744.;
    vd r = x - k * 0x1.62e42feep-1 - k * 0x1.a39ef35793c76p-33;
    vd sum = splat_d(1. / 6227020800);
    UNROLL
    for (int i = 0; i < 11; i++)
        sum = sum * r + inverse_factorials[i];
    vd power = (vd)(((vl)shifted + 1023) << 52);
    return (r * r * sum + r + 1) * power;
}
