/* avx512.c - run ends, 64 bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,bmi,popcnt")))
#define TABLE  ov__kernels_avx512
#define NAME   "avx512"

#define INLINE static inline TARGET __attribute__((always_inline))

#define HAS_FAST_BITS

/*
 * Bytes are compared whatever the width, and the bits of a lane brought together afterwards: gcc 12
 * spills the narrower masks of wider compares as 32 bits and reloads them as 64.
 */
INLINE uint64_t changes(const unsigned char *bytes, size_t width)
{
    __m512i here = _mm512_loadu_si512(bytes);
    __m512i next = _mm512_loadu_si512(bytes + width);
    uint64_t mask = _mm512_cmpneq_epi8_mask(here, next);
    for (size_t n = 1; n < width; n *= 2)
        mask |= mask >> n;
    return mask;
}

INLINE bool is_uniform(const unsigned char *bytes, size_t width)
{
    __m512i differing = _mm512_setzero_si512();
    UNROLL
    for (size_t i = 0; i < 256; i += 64) {
        __m512i here = _mm512_loadu_si512(bytes + i);
        __m512i next = _mm512_loadu_si512(bytes + i + width);
        differing = _mm512_or_si512(differing, _mm512_xor_si512(here, next));
    }
    return _mm512_test_epi8_mask(differing, differing) == 0;
}

/* The first element, everywhere. */
INLINE __m512i first_of(const unsigned char *bytes, size_t width)
{
    int64_t element = 0;
    memcpy(&element, bytes, width);
    switch (width) {
    case 1:
        return _mm512_set1_epi8((char)element);
    case 2:
        return _mm512_set1_epi16((short)element);
    case 4:
        return _mm512_set1_epi32((int)element);
    default:
        return _mm512_set1_epi64(element);
    }
}

INLINE bool is_filled(const unsigned char *bytes, size_t width)
{
    const __m512i first = first_of(bytes, width);
    __m512i differing = _mm512_setzero_si512();
    UNROLL
    for (size_t i = 0; i < 256; i += 64) {
        __m512i here = _mm512_loadu_si512(bytes + i);
        differing = _mm512_or_si512(differing, _mm512_xor_si512(here, first));
    }
    return (_mm512_test_epi8_mask(differing, differing) == 0) &
           (memcmp(bytes, bytes + 256, width) == 0);
}

#define HAS_LOOKUP
#define WIDTH   64
#define MAX_FEW 13

typedef uint64_t words_v __attribute__((vector_size(WIDTH)));

INLINE words_v one_hot(words_v v, uint8_t first)
{
    const __m512i bits = _mm512_broadcast_i32x4(_mm_set_epi64x(0, (int64_t)0x8040201008040201u));
    __m512i place = _mm512_sub_epi8((__m512i)v, _mm512_set1_epi8((char)first));
    /* 16 and more become 128 and more, which give 0. */
    return (words_v)_mm512_shuffle_epi8(bits, _mm512_adds_epu8(place, _mm512_set1_epi8(0x70)));
}

INLINE words_v majority(words_v a, words_v b, words_v c)
{
    return (words_v)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0xe8);
}

#include "lib/kernels/scan.h"
#endif
