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

#include "lib/kernels/lanes.h"
#include "lib/kernels/loss_rows.h"
#endif
