/* loss_select.c - the inner loops of losses for the instruction set in use. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/kernels/loss_kernels.h"
#include "lib/overlap.h"

const struct ov__loss_kernels *ov__loss_kernels_selected(void)
{
    static const struct ov__loss_kernels *const tables[] = {
#if defined(__x86_64__)
        &ov__loss_kernels_avx512,
        &ov__loss_kernels_avx2,
#endif
#if defined(__aarch64__)
        &ov__loss_kernels_neon,
#endif
        &ov__loss_kernels_scalar,
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strcmp(tables[i]->name, ov_isa()) == 0)
            return tables[i];
    }
    return &ov__loss_kernels_scalar;
}
