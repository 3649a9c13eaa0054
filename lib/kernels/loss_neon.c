/* loss_neon.c - the inner loops of losses, 16 bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/loss_kernels.h"
#include "lib/loss_math.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET
#define WIDTH 16
#define TABLE ov__loss_kernels_neon
#define NAME  "neon"

/* NEON has no movemask: each byte keeps a bit of its own, and pairwise sums join them. */
#define HAS_OWN_COMPARE
enum { N_COMPARED = 16 };
typedef uint16_t compared_word;

static inline uint16_t compare(const uint8_t *labels, uint8_t class)
{
    static const uint8_t own_bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t equal = vandq_u8(vceqq_u8(vld1q_u8(labels), vdupq_n_u8(class)), vld1q_u8(own_bit));
    uint8x16_t sum = vpaddq_u8(equal, equal);
    sum = vpaddq_u8(sum, sum);
    sum = vpaddq_u8(sum, sum);
    return vgetq_lane_u16(vreinterpretq_u16_u8(sum), 0);
}

#include "lib/kernels/lanes.h"
#include "lib/kernels/loss_rows.h"
#endif
