/* rule.c - element bits -> number -> label, once per run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rule.h"

#include <math.h>
#include <string.h>

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
    case OV_U64:
        return (double)bits;
    default:
        return (double)integer_value(dtype, bits);
    }
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

enum ov_status ov__rule_label(const struct ov__rule *rule, uint64_t bits, int64_t *ret_label)
{
    const struct ov_encoding *encoding = &rule->encoding;
    bool is_scaled = encoding->slope != 0;
    bits = native_bits(encoding, bits);
    if (!is_scaled && encoding->dtype != OV_F32 && encoding->dtype != OV_F64)
        return integer_label(rule, bits, ret_label);
    double value = real_value(encoding->dtype, bits);
    if (is_scaled)
        value = value * encoding->slope + encoding->intercept;
    return real_label(rule, value, ret_label);
}
