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

#include "lib/kernels/lanes.h"
#include "lib/kernels/loss_rows.h"
#endif
