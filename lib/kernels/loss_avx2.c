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

#include "lib/kernels/lanes.h"
#include "lib/kernels/loss_rows.h"
#endif
