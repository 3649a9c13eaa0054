/* count.c - the Dice of two masks in memory: cc count.c $(pkg-config --cflags --libs liboverlap) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <overlap.h>
#include <stdio.h>

int main(void)
{
    const uint8_t prediction[2][3] = {{0, 1, 1}, {0, 1, 0}};
    const float reference[2][3] = {{0, 1, 1}, {0, 1, 1}}; /* element types may differ */
    const uint64_t shape[] = {2, 3};
    const int64_t label = 1;
    struct ov_mask p, r;
    struct ov_counts counts;

    if (ov_mask_view(prediction, OV_U8, 2, shape, OV_ORDER_C, &p) != OV_OK ||
        ov_mask_view(reference, OV_F32, 2, shape, OV_ORDER_C, &r) != OV_OK ||
        ov_count(&p, &r, &label, 1, &counts) != OV_OK)
        return 1;
    printf("Dice %.6f\n", ov_metric_value(OV_DICE, &counts, NULL, 1));
    return 0;
}
