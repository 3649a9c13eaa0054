/* avx2.c - run ends, 32 bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,bmi,popcnt")))
#define TABLE  ov__kernels_avx2
#define NAME   "avx2"

#define INLINE static inline TARGET __attribute__((always_inline))

#define HAS_FAST_BITS

INLINE __m256i load(const unsigned char *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

INLINE __m256i equal(__m256i a, __m256i b, size_t width)
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

INLINE uint64_t changes(const unsigned char *bytes, size_t width)
{
    __m256i low = equal(load(bytes), load(bytes + width), width);
    __m256i high = equal(load(bytes + 32), load(bytes + 32 + width), width);
    uint64_t same =
        (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
    return ~same;
}

INLINE bool is_uniform(const unsigned char *bytes, size_t width)
{
    __m256i differing = _mm256_setzero_si256();
    UNROLL
    for (size_t i = 0; i < 256; i += 32) {
        __m256i change = _mm256_xor_si256(load(bytes + i), load(bytes + i + width));
        differing = _mm256_or_si256(differing, change);
    }
    return _mm256_testz_si256(differing, differing);
}

/* The first element, everywhere. */
INLINE __m256i first_of(const unsigned char *bytes, size_t width)
{
    int64_t element = 0;
    memcpy(&element, bytes, width);
    switch (width) {
    case 1:
        return _mm256_set1_epi8((char)element);
    case 2:
        return _mm256_set1_epi16((short)element);
    case 4:
        return _mm256_set1_epi32((int)element);
    default:
        return _mm256_set1_epi64x(element);
    }
}

INLINE bool is_filled(const unsigned char *bytes, size_t width)
{
    const __m256i first = first_of(bytes, width);
    __m256i differing = _mm256_setzero_si256();
    UNROLL
    for (size_t i = 0; i < 256; i += 32)
        differing = _mm256_or_si256(differing, _mm256_xor_si256(load(bytes + i), first));
    return _mm256_testz_si256(differing, differing) & (memcmp(bytes, bytes + 256, width) == 0);
}

#define HAS_LOOKUP
#define WIDTH   32
#define MAX_FEW 7

typedef uint64_t words_v __attribute__((vector_size(WIDTH)));

INLINE words_v one_hot(words_v v, uint8_t first)
{
    const __m256i bits =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0, (int64_t)0x8040201008040201u));
    __m256i place = _mm256_sub_epi8((__m256i)v, _mm256_set1_epi8((char)first));
    /* 16 and more become 128 and more, which give 0. */
    return (words_v)_mm256_shuffle_epi8(bits, _mm256_adds_epu8(place, _mm256_set1_epi8(0x70)));
}

INLINE words_v majority(words_v a, words_v b, words_v c)
{
    return (a & b) | ((a ^ b) & c);
}

#include "lib/kernels/scan.h"
#endif
