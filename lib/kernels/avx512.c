/* avx512.c - run ends, 64 bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>

#define TARGET           __attribute__((target("avx512f,avx512bw,bmi")))
#define LANE_BITS(width) ((size_t)1)
#define TABLE            ov__kernels_avx512
#define NAME             "avx512"

static inline TARGET uint64_t changes(const unsigned char *bytes, size_t width)
{
    __m512i here = _mm512_loadu_si512(bytes);
    __m512i next = _mm512_loadu_si512(bytes + width);
    switch (width) {
    case 1:
        return _mm512_cmpneq_epi8_mask(here, next);
    case 2:
        return _mm512_cmpneq_epi16_mask(here, next);
    case 4:
        return _mm512_cmpneq_epi32_mask(here, next);
    default:
        return _mm512_cmpneq_epi64_mask(here, next);
    }
}

static inline TARGET bool is_uniform(const unsigned char *bytes, size_t width)
{
    __m512i differing = _mm512_setzero_si512();
    for (size_t i = 0; i < 256; i += 64) {
        __m512i here = _mm512_loadu_si512(bytes + i);
        __m512i next = _mm512_loadu_si512(bytes + i + width);
        differing = _mm512_or_si512(differing, _mm512_xor_si512(here, next));
    }
    return _mm512_test_epi64_mask(differing, differing) == 0;
}

#include "lib/kernels/scan.h"
#endif
