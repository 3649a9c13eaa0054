/* loss_scalar.c - the inner loops of losses for every machine: vectors as the compiler lowers them.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/loss_kernels.h"
#include "lib/loss_math.h"

#define TARGET
#define WIDTH 16
#define TABLE ov__loss_kernels_scalar
#define NAME  "scalar"

/* Every x86-64 has this much. */
#if defined(__x86_64__)
#include <immintrin.h>

#define HAS_OWN_COMPARE
enum { N_COMPARED = 16 };
typedef uint16_t compared_word;

static inline uint16_t compare(const uint8_t *labels, uint8_t class)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)labels);
    return (uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)class)));
}

#define HAS_OWN_STREAM
static inline void stream_f(float *to, __m128 v)
{
    _mm_stream_ps(to, v);
}

static inline void stream_fence(void)
{
    _mm_sfence();
}
#endif

#include "lib/kernels/lanes.h"
#include "lib/kernels/loss_rows.h"
