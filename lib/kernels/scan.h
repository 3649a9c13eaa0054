/*
 * scan.h - the scan for run ends, included once per instruction set, after these are defined:
 *
 * * TARGET, the attribute of its functions; INLINE, that of those inside others: the width must be
 *   known to the compiler there
 * * TABLE and NAME, the table's identifier and its name
 * * changes(bytes, width), a mask of 64 bytes: bit i * width says whether element i differs from
 *   the next one; the other bits may be anything
 * * is_uniform(bytes, width), whether each byte of 256 equals the one `width` further on
 * * is_filled(bytes, width), the same, found with half the loads
 *
 * Both functions read `width` bytes more than their 64 or 256.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

/*
 * Where the bits of a mask are, as elements. The first four are written whether they are there or
 * not: how many there are is not foreseeable.
 */
INLINE uint16_t *spell(uint64_t mask, size_t first, size_t width, uint16_t *ends)
{
#ifdef HAS_FAST_BITS
    size_t n = (size_t)__builtin_popcountll(mask);
    UNROLL
    for (size_t i = 0; i < 4; i++, mask &= mask - 1)
        ends[i] = (uint16_t)(first + (size_t)_tzcnt_u64(mask) / width);
    for (size_t i = 4; i < n; i++, mask &= mask - 1)
        ends[i] = (uint16_t)(first + (size_t)_tzcnt_u64(mask) / width);
    return ends + n;
#else
    for (; mask != 0; mask &= mask - 1)
        *ends++ = (uint16_t)(first + (size_t)__builtin_ctzll(mask) / width);
    return ends;
#endif
}

/* List the elements of 64 bytes that differ from the next one, but for the first `skipped`. */
INLINE uint16_t *list(const unsigned char *bytes, size_t first, size_t skipped, size_t width,
                      uint16_t *ends)
{
    const uint64_t lane_starts = UINT64_MAX / ((1u << width) - 1);
    uint64_t mask = changes(bytes + first * width, width) & lane_starts;
    for (mask &= UINT64_MAX << skipped * width; mask != 0; mask &= mask - 1)
        *ends++ = (uint16_t)(first + (size_t)__builtin_ctzll(mask) / width);
    return ends;
}

/* The elements from i on, fewer than a block: by a last block that overlaps the one before it. */
INLINE uint16_t *scan_rest(const unsigned char *bytes, size_t i, size_t n, size_t width,
                           uint16_t *ends)
{
    const size_t step = 64 / width;
    if (n > step && i + 1 < n)
        return list(bytes, n - 1 - step, i - (n - 1 - step), width, ends);
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
            ends = list(bytes, k, 0, width, ends);
    }
    for (; i + step < n; i += step)
        ends = list(bytes, i, 0, width, ends);
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

#include "lib/kernels/joint.h"

#ifdef HAS_LOOKUP
#include "lib/kernels/few.h"
#else
#define few     NULL
#define MAX_FEW 0
#endif

const struct ov__kernels TABLE = {NAME,    ends8,   ends16,  ends32, ends64, joint8,
                                  joint16, joint32, joint64, few,    MAX_FEW};
