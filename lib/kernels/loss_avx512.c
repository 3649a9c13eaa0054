/* loss_avx512.c - the inner loops of losses, 64 bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/loss_kernels.h"
#include "lib/loss_math.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))
#define WIDTH  64
#define TABLE  ov__loss_kernels_avx512
#define NAME   "avx512"

#define OWN static inline TARGET __attribute__((always_inline))

#define HAS_OWN_MAXIMUM
OWN __m512 maximum_f(__m512 a, __m512 b)
{
    return _mm512_max_ps(a, b);
}

OWN __m512d maximum_d(__m512d a, __m512d b)
{
    return _mm512_max_pd(a, b);
}

#define HAS_OWN_WIDENING
OWN __m512d load_f_as_d(const float *from)
{
    return _mm512_cvtps_pd(_mm256_loadu_ps(from));
}

#define HAS_OWN_BLEND
typedef uint32_t mask_words __attribute__((vector_size(64)));

OWN __m512 blend_f(mask_words mask, __m512 a, __m512 b)
{
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask((__m512i)mask, (__m512i)mask), b, a);
}

OWN __m512d widen_low(__m512 x)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(x));
}

OWN __m512d widen_high(__m512 x)
{
    return _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)));
}

/* Bits are masks here. */
#define HAS_OWN_BITS
OWN __m512d add_where_d(__m512d sum, __m512d x, unsigned bits, size_t first)
{
    return _mm512_mask_add_pd(sum, (__mmask8)(bits >> first), sum, x);
}

OWN __m512 choose_f(unsigned bits, size_t first, __m512 on, __m512 off)
{
    return _mm512_mask_blend_ps((__mmask16)(bits >> first), off, on);
}

#define HAS_OWN_STREAM
OWN void stream_f(float *to, __m512 v)
{
    _mm512_stream_ps(to, v);
}

OWN void stream_fence(void)
{
    _mm_sfence();
}

#define HAS_OWN_COMPARE
enum { N_COMPARED = 64 };
typedef uint64_t compared_word;

OWN uint64_t compare(const uint8_t *labels, uint8_t class)
{
    return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(labels), _mm512_set1_epi8((char)class));
}

#include "lib/kernels/lanes.h"
#include "lib/kernels/loss_rows.h"
#endif
