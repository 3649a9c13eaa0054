/* rule.c - element bits -> number -> label, once per run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rule.h"

#include <math.h>
#include <string.h>

#include "lib/half.h"

/* Of larger steps most lie within half a one of an integer, whatever they were. */
#define LARGEST_SQUEEZE  .5
#define FLOAT32_ROUNDING 0x1p-24

/* A NaN is unlike itself, which costs what was remembered and nothing else. */
bool ov__rule_equal(const struct ov__rule *a, const struct ov__rule *b)
{
    return a->encoding.dtype == b->encoding.dtype && a->encoding.swapped == b->encoding.swapped &&
           a->encoding.slope == b->encoding.slope &&
           a->encoding.intercept == b->encoding.intercept && a->has_threshold == b->has_threshold &&
           a->threshold == b->threshold;
}

static uint64_t native_bits(const struct ov_encoding *encoding, uint64_t bits)
{
    if (!encoding->swapped)
        return bits;
    return __builtin_bswap64(bits) >> (64 - 8 * ov_dtype_bytes(encoding->dtype));
}

static double float32_value(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

static double float64_value(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The integer types but for OV_U64, whose bits are returned as they are. */
static int64_t integer_value(enum ov_dtype dtype, uint64_t bits)
{
    switch (dtype) {
    case OV_I8:
        return (int8_t)bits;
    case OV_I16:
        return (int16_t)bits;
    case OV_I32:
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}

static double real_value(enum ov_dtype dtype, uint64_t bits)
{
    switch (dtype) {
    case OV_F32:
        return float32_value(bits);
    case OV_F64:
        return float64_value(bits);
    case OV_F16:
        return (double)ov__float_of_half((uint16_t)bits);
    case OV_BF16:
        return (double)ov__float_of_bfloat16((uint16_t)bits);
    case OV_U64:
        return (double)bits;
    default:
        return (double)integer_value(dtype, bits);
    }
}

static bool is_real(enum ov_dtype dtype)
{
    return dtype >= OV_F32;
}

/* Exact for all 64 bits: an integer exceeds t where it exceeds t rounded down. */
static bool integer_exceeds(int64_t value, double t)
{
    if (t >= 0x1p63)
        return false;
    return t < -0x1p63 || value > (int64_t)floor(t);
}

static bool unsigned_exceeds(uint64_t value, double t)
{
    if (t >= 0x1p64)
        return false;
    return t < 0 || value > (uint64_t)floor(t);
}

static enum ov_status integer_label(const struct ov__rule *rule, uint64_t bits, int64_t *ret_label)
{
    int64_t value = integer_value(rule->encoding.dtype, bits);
    bool is_u64 = rule->encoding.dtype == OV_U64;
    if (rule->has_threshold) {
        *ret_label = is_u64 ? unsigned_exceeds(bits, rule->threshold)
                            : integer_exceeds(value, rule->threshold);
        return OV_OK;
    }
    if (value < OV_LABEL_MIN || value > OV_LABEL_MAX || (is_u64 && value < 0))
        return OV_ELABEL;
    *ret_label = value;
    return OV_OK;
}

static enum ov_status real_label(const struct ov__rule *rule, double value, int64_t *ret_label)
{
    if (isnan(value))
        return OV_ENAN;
    if (rule->has_threshold) {
        *ret_label = value > rule->threshold;
        return OV_OK;
    }
    if (value != floor(value))
        return OV_EFRACTION;
    if (value < (double)OV_LABEL_MIN || value > (double)OV_LABEL_MAX)
        return OV_ELABEL;
    *ret_label = (int64_t)value;
    return OV_OK;
}

/* Of bits in this machine's order. */
static double scaled_value(const struct ov_encoding *encoding, uint64_t bits)
{
    double value = real_value(encoding->dtype, bits);
    return encoding->slope != 0 ? value * encoding->slope + encoding->intercept : value;
}

/*
 * Writers spread floats over all integers that there are, and the nearest one is kept: a label
 * comes back up to half a step off, and by what float32 took from slope and intercept.
 */
static double unsqueezed(const struct ov_encoding *encoding, double value)
{
    double slope = fabs(encoding->slope);
    if (is_real(encoding->dtype) || !(slope > 0 && slope < LARGEST_SQUEEZE))
        return value;
    double rounding = FLOAT32_ROUNDING * (fabs(value) + 2 * fabs(encoding->intercept));
    double tolerance = fmin(slope / 2 + rounding, LARGEST_SQUEEZE / 2);
    return fabs(value - rint(value)) <= tolerance ? rint(value) : value;
}

double ov_element_value(const struct ov_encoding *encoding, const void *element)
{
    unsigned char bytes[8] = {0};
    uint64_t bits = 0;
    size_t n = ov_dtype_bytes(encoding->dtype);
    memcpy(bytes, element, n);
    for (size_t i = 0; i < n; i++) {
        size_t at = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? i : n - 1 - i;
        bits = bits << 8 | bytes[at];
    }
    return scaled_value(encoding, native_bits(encoding, bits));
}

enum ov_status ov__rule_label(const struct ov__rule *rule, uint64_t bits, int64_t *ret_label)
{
    const struct ov_encoding *encoding = &rule->encoding;
    bool is_scaled = encoding->slope != 0;
    bits = native_bits(encoding, bits);
    if (!is_scaled && !is_real(encoding->dtype))
        return integer_label(rule, bits, ret_label);
    double value = scaled_value(encoding, bits);
    return real_label(rule, rule->has_threshold ? value : unsqueezed(encoding, value), ret_label);
}
