/*
 * scan.h - the scan for run ends. Included once per instruction set, after that defined
 *
 *   TARGET                     the attribute of its functions
 *   LANE_BITS(width)           bits that an element has in a mask
 *   changes(bytes, width)      a mask of those elements of 64 bytes that differ from the next one
 *   is_uniform(bytes, width)   whether each byte of 256 equals the one `width` further on
 *   TABLE, NAME                the table's identifier and name
 *
 * Both functions read `width` bytes more than their 64 or 256.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#define INLINE static inline TARGET __attribute__((always_inline))

INLINE uint16_t *list(uint64_t mask, size_t first, size_t lane_bits, uint16_t *ends)
{
    for (; mask != 0; mask &= mask - 1)
        *ends++ = (uint16_t)(first + (size_t)__builtin_ctzll(mask) / lane_bits);
    return ends;
}

/* The elements from i on, fewer than a block. A last block that overlaps the one before it. */
INLINE uint16_t *scan_rest(const unsigned char *bytes, size_t i, size_t n, size_t width,
                           uint16_t *ends)
{
    const size_t step = 64 / width;
    if (n > step && i + 1 < n) {
        size_t back = n - 1 - step;
        uint64_t mask = changes(bytes + back * width, width) >> (i - back) * LANE_BITS(width);
        return list(mask, i, LANE_BITS(width), ends);
    }
    for (; i + 1 < n; i++) {
        if (memcmp(bytes + i * width, bytes + (i + 1) * width, width) != 0)
            *ends++ = (uint16_t)i;
    }
    return ends;
}

INLINE size_t scan(const unsigned char *bytes, size_t n, size_t width, uint16_t *ret_ends)
{
    const size_t step = 64 / width;
    uint16_t *ends = ret_ends;
    size_t i = 0;
    for (; i + 4 * step < n; i += 4 * step) {
        if (is_uniform(bytes + i * width, width))
            continue;
        for (size_t k = i; k < i + 4 * step; k += step)
            ends = list(changes(bytes + k * width, width), k, LANE_BITS(width), ends);
    }
    for (; i + step < n; i += step)
        ends = list(changes(bytes + i * width, width), i, LANE_BITS(width), ends);
    ends = scan_rest(bytes, i, n, width, ends);
    *ends++ = (uint16_t)(n - 1);
    return (size_t)(ends - ret_ends);
}

static TARGET size_t ends8(const void *elements, size_t n, uint16_t *ret_ends)
{
    return scan(elements, n, 1, ret_ends);
}

static TARGET size_t ends16(const void *elements, size_t n, uint16_t *ret_ends)
{
    return scan(elements, n, 2, ret_ends);
}

static TARGET size_t ends32(const void *elements, size_t n, uint16_t *ret_ends)
{
    return scan(elements, n, 4, ret_ends);
}

static TARGET size_t ends64(const void *elements, size_t n, uint16_t *ret_ends)
{
    return scan(elements, n, 8, ret_ends);
}

const struct ov__kernels TABLE = {NAME, ends8, ends16, ends32, ends64};
