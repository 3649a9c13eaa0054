/* neon.c - run ends, 16 bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <stdbool.h>
#include <string.h>

#define TARGET
#define TABLE ov__kernels_neon
#define NAME  "neon"

#define INLINE static inline TARGET __attribute__((always_inline))

/* 0xff in each byte of a lane that differs between a and b. */
INLINE uint8x16_t differing_lanes(const unsigned char *a, const unsigned char *b, size_t width)
{
    uint8x16_t x = vld1q_u8(a);
    uint8x16_t y = vld1q_u8(b);
    switch (width) {
    case 1:
        return vmvnq_u8(vceqq_u8(x, y));
    case 2:
        return vmvnq_u8(
            vreinterpretq_u8_u16(vceqq_u16(vreinterpretq_u16_u8(x), vreinterpretq_u16_u8(y))));
    case 4:
        return vmvnq_u8(
            vreinterpretq_u8_u32(vceqq_u32(vreinterpretq_u32_u8(x), vreinterpretq_u32_u8(y))));
    default:
        return vmvnq_u8(
            vreinterpretq_u8_u64(vceqq_u64(vreinterpretq_u64_u8(x), vreinterpretq_u64_u8(y))));
    }
}

/* NEON has no movemask: each byte keeps a bit of its own, and three pairwise sums join them. */
INLINE uint64_t changes(const unsigned char *bytes, size_t width)
{
    static const uint8_t own_bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bits = vld1q_u8(own_bit);
    uint8x16_t part[4];
    UNROLL
    for (size_t i = 0; i < 4; i++)
        part[i] = vandq_u8(differing_lanes(bytes + 16 * i, bytes + 16 * i + width, width), bits);
    uint8x16_t sum = vpaddq_u8(vpaddq_u8(part[0], part[1]), vpaddq_u8(part[2], part[3]));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

INLINE bool is_uniform(const unsigned char *bytes, size_t width)
{
    uint8x16_t differing = vdupq_n_u8(0);
    UNROLL
    for (size_t i = 0; i < 256; i += 16)
        differing = vorrq_u8(differing, veorq_u8(vld1q_u8(bytes + i), vld1q_u8(bytes + i + width)));
    return vmaxvq_u8(differing) == 0;
}

INLINE bool is_filled(const unsigned char *bytes, size_t width)
{
    unsigned char element[16];
    UNROLL
    for (size_t i = 0; i < 16; i += width)
        memcpy(element + i, bytes, width);
    uint8x16_t first = vld1q_u8(element), differing = vdupq_n_u8(0);
    UNROLL
    for (size_t i = 0; i < 256; i += 16)
        differing = vorrq_u8(differing, veorq_u8(vld1q_u8(bytes + i), first));
    return (vmaxvq_u8(differing) == 0) & (memcmp(bytes, bytes + 256, width) == 0);
}

#define HAS_LOOKUP
#define WIDTH   16
#define MAX_FEW 4

typedef uint64_t words_v __attribute__((vector_size(WIDTH)));

INLINE words_v one_hot(words_v v, uint8_t first)
{
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128};
    return (words_v)vqtbl1q_u8(vld1q_u8(bits), vsubq_u8((uint8x16_t)v, vdupq_n_u8(first)));
}

INLINE words_v majority(words_v a, words_v b, words_v c)
{
    return (words_v)vbslq_u64((uint64x2_t)(a ^ b), (uint64x2_t)c, (uint64x2_t)a);
}

#include "lib/kernels/scan.h"
#endif
