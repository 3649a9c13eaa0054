/* avx2.c - run ends, 32 bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>

#define TARGET __attribute__((target("avx2,bmi,popcnt")))
#define TABLE  ov__kernels_avx2
#define NAME   "avx2"

#define HAS_FAST_BITS

static inline TARGET __m256i load(const unsigned char *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

static inline TARGET __m256i equal(__m256i a, __m256i b, size_t width)
{
    switch (width) {
    case 1:
        return _mm256_cmpeq_epi8(a, b);
    case 2:
        return _mm256_cmpeq_epi16(a, b);
    case 4:
        return _mm256_cmpeq_epi32(a, b);
    default:
        return _mm256_cmpeq_epi64(a, b);
    }
}

static inline TARGET uint64_t changes(const unsigned char *bytes, size_t width)
{
    __m256i low = equal(load(bytes), load(bytes + width), width);
    __m256i high = equal(load(bytes + 32), load(bytes + 32 + width), width);
    uint64_t same =
        (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
    return ~same;
}

static inline TARGET bool is_uniform(const unsigned char *bytes, size_t width)
{
    __m256i differing = _mm256_setzero_si256();
    for (size_t i = 0; i < 256; i += 32) {
        __m256i change = _mm256_xor_si256(load(bytes + i), load(bytes + i + width));
        differing = _mm256_or_si256(differing, change);
    }
    return _mm256_testz_si256(differing, differing);
}

#include "lib/kernels/scan.h"
#endif
