/* half.h - float16 and bfloat16 as numbers, in plain integer arithmetic. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_HALF_H
#define OV_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float ov__float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t ov__bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float ov__float_of_bfloat16(uint16_t bits)
{
    return ov__float_of_bits((uint32_t)bits << 16);
}

/* The product brings the exponent's bias from 15 to 127, and normalises what is subnormal. */
static inline float ov__float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t rest = (uint32_t)(half & 0x7fff) << 13;
    if (rest >= 0x0f800000) /* infinite or not a number */
        return ov__float_of_bits(sign | 0x7f800000 | (rest & 0x007fffff));
    return ov__float_of_bits(sign | ov__bits_of_float(ov__float_of_bits(rest) * 0x1p112f));
}

/*
 * Round to n_bits of fraction, ties to even, and no finer than 2^lowest. Adding a number that holds
 * no finer bits than wanted makes the processor round.
 */
static inline double ov__rounded(double value, int n_bits, int lowest)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int unit = (int)(bits >> 52 & 0x7ff) - 1023 - n_bits;
    if (unit < lowest)
        unit = lowest;
    if (!(fabs(value) < 1e300))
        return value;
    uint64_t magic_bits = (uint64_t)(unit + 52 + 1023) << 52 | (uint64_t)1 << 51;
    double magic;
    memcpy(&magic, &magic_bits, sizeof magic);
    return copysign(value + magic - magic, value);
}

static inline uint16_t ov__bfloat16_of(double value)
{
    uint32_t bits = ov__bits_of_float((float)ov__rounded(value, 7, -133));
    if (isnan(value))
        bits |= 0x00400000;
    return (uint16_t)(bits >> 16);
}

static inline uint16_t ov__half_of(double value)
{
    double rounded = ov__rounded(value, 10, -24);
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value))
        return (uint16_t)(sign | 0x7e00);
    if (fabs(rounded) > 65504)
        return (uint16_t)(sign | 0x7c00);
    return (uint16_t)(sign | ov__bits_of_float((float)fabs(rounded) * 0x1p-112f) >> 13);
}

#endif
