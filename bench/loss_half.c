/* loss_half.c - Dice of 512^3 float16 next to that of the doubles it was rounded from. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/half.h"
#include "lib/overlap_loss.h"

enum { SIDE = 512 };

static void check(enum ov_status status)
{
    if (status == OV_OK)
        return;
    fprintf(stderr, "loss_half: %s\n", ov_status_text(status));
    exit(1);
}

static void *room(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    if (memory == NULL)
        check(OV_ENOMEM);
    return memory;
}

int main(void)
{
    const size_t n = (size_t)SIDE * SIDE * SIDE;
    const uint64_t shape[] = {1, 1, SIDE, SIDE, SIDE};
    double *exact = room(n, sizeof *exact);
    uint16_t *half = room(n, sizeof *half);
    uint16_t *by = room(n, sizeof *by);
    uint8_t *labels = room(n, 1);
    struct ov_tensor p, p_half, t, gradient;
    struct ov_loss_options options = ov_loss_options_default();
    double value, value_half, upstream = (double)n;
    uint64_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        labels[i] = state >> 60 != 0; /* 15 of 16 */
        exact[i] = (double)(state << 8 >> 11) * 0x1p-53 * .3 + (labels[i] ? .7 : 0);
        half[i] = ov__half_of(exact[i]);
    }
    check(ov_tensor_view(exact, OV_TENSOR_F64, 5, shape, &p));
    check(ov_tensor_view(half, OV_TENSOR_F16, 5, shape, &p_half));
    check(ov_tensor_view(labels, OV_TENSOR_U8, 5, shape, &t));
    check(ov_tensor_view(by, OV_TENSOR_F16, 5, shape, &gradient));
    check(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL}, &options, NULL, NULL,
                                   &value, NULL));
    check(ov_loss_forward_backward(&(struct ov_loss_inputs){&p_half, &t, NULL}, &options, &upstream,
                                   &gradient, &value_half, NULL));
    bool is_finite = true;
    for (size_t i = 0; i < n; i++)
        is_finite = is_finite && isfinite(ov__float_of_half(by[i]));
    printf("float64 %.12f, float16 %.12f, difference %.3g, gradient %s\n", value, value_half,
           fabs(value - value_half), is_finite ? "finite" : "not finite");
    free(exact);
    free(half);
    free(by);
    free(labels);
    return fabs(value - value_half) <= 1e-5 && is_finite ? 0 : 1;
}
