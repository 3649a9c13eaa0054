/* loss_scalar.c - the inner loops of losses for every machine: vectors as the compiler lowers them.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/loss_kernels.h"
#include "lib/loss_math.h"

#define TARGET
#define WIDTH 16
#define TABLE ov__loss_kernels_scalar
#define NAME  "scalar"

#include "lib/kernels/lanes.h"
#include "lib/kernels/loss_rows.h"
