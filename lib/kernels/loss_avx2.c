/* loss_avx2.c - the inner loops of losses, 32 bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/loss_kernels.h"
#include "lib/loss_math.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define WIDTH  32
#define TABLE  ov__loss_kernels_avx2
#define NAME   "avx2"

#define OWN static inline TARGET __attribute__((always_inline))

#define HAS_OWN_MAXIMUM
OWN __m256 maximum_f(__m256 a, __m256 b)
{
    return _mm256_max_ps(a, b);
}

OWN __m256d maximum_d(__m256d a, __m256d b)
{
    return _mm256_max_pd(a, b);
}

#define HAS_OWN_WIDENING
OWN __m256d load_f_as_d(const float *from)
{
    return _mm256_cvtps_pd(_mm_loadu_ps(from));
}

#define HAS_OWN_BLEND
typedef uint32_t mask_words __attribute__((vector_size(32)));

OWN __m256 blend_f(mask_words mask, __m256 a, __m256 b)
{
    return _mm256_blendv_ps(b, a, (__m256)mask);
}

OWN __m256d widen_low(__m256 x)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}

OWN __m256d widen_high(__m256 x)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}

/* A bit of one's own in each lane, brought from all bits. */
#define HAS_OWN_BITS
OWN __m256i own_bits32(unsigned bits, size_t first)
{
    const __m256i own = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)(bits >> first)), own), own);
}

OWN __m256d add_where_d(__m256d sum, __m256d x, unsigned bits, size_t first)
{
    const __m256i own = _mm256_setr_epi64x(1, 2, 4, 8);
    __m256i all = _mm256_set1_epi64x((long long)(bits >> first));
    __m256i mask = _mm256_cmpeq_epi64(_mm256_and_si256(all, own), own);
    return _mm256_add_pd(sum, _mm256_and_pd(x, _mm256_castsi256_pd(mask)));
}

OWN __m256 choose_f(unsigned bits, size_t first, __m256 on, __m256 off)
{
    return _mm256_blendv_ps(off, on, _mm256_castsi256_ps(own_bits32(bits, first)));
}

#define HAS_OWN_STREAM
OWN void stream_f(float *to, __m256 v)
{
    _mm256_stream_ps(to, v);
}

OWN void stream_fence(void)
{
    _mm_sfence();
}

#define HAS_OWN_COMPARE
enum { N_COMPARED = 32 };
typedef uint32_t compared_word;

OWN uint32_t compare(const uint8_t *labels, uint8_t class)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)labels);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)class)));
}

#include "lib/kernels/lanes.h"
#include "lib/kernels/loss_rows.h"
#endif
